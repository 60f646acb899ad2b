"""Watched searches: the same as unwatched ones, stopped at once, going on in older trees; options of a spec."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.agent import Request
from gameil.agents.spec import build_agent
from gameil.engines.thinker import Thinker
from gameil.engines.watched_search import WatchedSearch
from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, uniform_evaluator
from gameil.search.result import SearchResult
from gameil.search.rules import RuleConfig, build_search
from tests.engines.engine_lines import tiny_snapshot


def position(moves: Sequence[int] = (3, 3, 2)) -> State:
    state = make_game("connect_four").initial_state()
    for action in moves:
        state.apply(action)
    return state


def never() -> bool:
    return False


def ignore(result: SearchResult, done: int) -> None:
    pass


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(
    "rule",
    [
        RuleConfig(simulations=300),
        RuleConfig(simulations=300, look_ahead=True),
        RuleConfig(simulations=320, leaves=8),
        RuleConfig(simulations=300, rule="gumbel"),
        RuleConfig(simulations=300, rule="kl", eta=0.3),
    ],
    ids=str,
)
def test_being_watched_changes_nothing(rule: RuleConfig) -> None:
    expected = build_search(uniform_evaluator, rule).run([position()], [rng()])
    seen: list[int] = []
    result, done = WatchedSearch(uniform_evaluator, rule).run(
        position(), rng(), nodes=rule.simulations, stopped=never, watch=lambda found, count: seen.append(count)
    )
    np.testing.assert_array_equal(result.visit_counts, expected.visit_counts)
    np.testing.assert_array_equal(result.action_weights, expected.action_weights)
    assert done == rule.simulations == seen[-1]
    assert len(seen) >= 2
    assert result.principal_variation(0, int(result.chosen[0]), length=3)


@pytest.mark.parametrize("rule", ["puct", "gumbel", "kl"])
def test_a_search_without_end_is_stopped_soon(rule: str) -> None:
    def slow(states: Sequence[State], legal: Sequence[Sequence[int]]) -> ArrayEvaluation:
        time.sleep(0.002)
        return uniform_evaluator(states, legal)

    began = time.monotonic()
    result, done = WatchedSearch(slow, RuleConfig(simulations=1, rule=rule)).run(  # type: ignore[arg-type]
        position(), rng(), nodes=None, stopped=lambda: time.monotonic() > began + 0.4, watch=ignore
    )
    assert 0.4 < time.monotonic() - began < 1.5
    assert done >= 16
    assert result.action_weights.sum() == pytest.approx(1.0)


def test_an_older_tree_is_gone_on_with_only_where_asked_and_where_it_fits() -> None:
    def visits(search: WatchedSearch, state: State) -> int:
        return int(search.run(state, rng(), nodes=50, stopped=never, watch=ignore)[0].visit_counts.sum())

    fresh, reusing = (
        WatchedSearch(uniform_evaluator, RuleConfig(simulations=1), reuse=reuse) for reuse in (False, True)
    )
    for search in (fresh, reusing):
        assert visits(search, position()) == 50
    assert visits(fresh, position((3, 3, 2, 1))) == 50
    assert visits(reusing, position((3, 3, 2, 1))) > 50
    assert visits(reusing, position((0, 1, 2))) == 50, "another game"
    assert visits(reusing, position((0, 1, 2, 3))) > 50
    reusing.forget()
    assert visits(reusing, position((0, 1, 2, 3, 4))) == 50
    chess = make_game("chess")
    one, other = (chess.initial_state(f"4k3/8/8/8/8/8/{pawns}/4K3 w - - 0 1") for pawns in ("P7", "7P"))
    visits(reusing, one)
    assert visits(reusing, other) == 50, "equal moves from another start lead elsewhere"


def test_options_of_a_spec_are_obeyed(tmp_path: Path) -> None:
    spec = tiny_snapshot(tmp_path / "best", "connect_four").removesuffix(",search=8")
    state = position()

    def choice(text: str) -> int:
        thinker = Thinker(text)
        found = thinker.think(state, nodes=thinker.usual_nodes, stopped=never, report=lambda thought: None).choice
        thinker.close()
        return found

    for options in ("search=40", "search=40,rule=gumbel", "search=40,rule=kl,eta=1", "search=40,leaves=4,cache=100"):
        agent = build_agent(f"{spec},{options}", state.game)
        best = agent.act([Request(0, state.current_player(), state, rng())]).action_probs
        assert best is not None
        assert best[0, choice(f"{spec},{options}")] > 0, f"{options}: not among the best actions, equal ones included"
        agent.close()
    for options, message in (
        ("search=8,rule=gumbel,reuse=yes", "only rule=puct can go on in an older tree"),
        ("search=8,rule=gumbel,leaves=2", "takes one leaf at a time"),
        ("search=8,top_p=0.9", "top_p cuts the bare policy"),
    ):
        with pytest.raises(ConfigError, match=message):
            Thinker(f"{spec},{options}")


def test_options_change_whole_or_not_at_all(tmp_path: Path) -> None:
    thinker = Thinker(f"{tiny_snapshot(tmp_path / 'best', 'connect_four')},rule=gumbel,temperature=0.5")
    assert thinker.own_game == "connect_four"
    assert not thinker.knows_ratings
    thinker.change(search=0)
    assert not thinker.searches
    assert "rule" not in thinker.spec.options, "a rule without a search would be refused"
    thinker.change(search=16, temperature=None)
    assert dict(thinker.spec.options) == {"rule": "gumbel", "search": 16}
    with pytest.raises(ConfigError):
        thinker.change(search=-1)
    assert thinker.usual_nodes == 16
