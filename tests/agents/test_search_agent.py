"""Agents that search: their rules by spec, and trees kept from move to move."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gameil.agents.agent import Request
from gameil.agents.search import SearchAgent
from gameil.agents.spec import build_agent, parse_spec, search_options
from gameil.errors import AgentError, ConfigError
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.rules import RuleConfig, build_search
from gameil.seeding import generator
from tests.stages.toy_start import write_start

GAME = make_game("connect_four")


class Counting:
    """A uniform evaluator that counts its calls."""

    def __init__(self) -> None:
        self.positions = 0

    def __call__(self, states, legal) -> ArrayEvaluation:
        self.positions += len(states)
        return uniform_evaluator(states, legal)


def request(state, game: int = 0) -> Request:
    return Request(game, state.current_player(), state, np.random.default_rng(len(state.history)))


def agent(reuse: bool, evaluator=uniform_evaluator) -> SearchAgent:
    return SearchAgent("test", GAME, BatchedSearch(evaluator, SearchConfig(simulations=100)), reuse=reuse)


def test_a_kept_tree_saves_the_question_about_its_root() -> None:
    counts = {}
    for reuse in (False, True):
        evaluator = Counting()
        player = agent(reuse, evaluator)
        player.begin([0])
        state = GAME.initial_state()
        for reply in (3, 3):
            state.apply(int(player.act([request(state)]).actions[0]))
            before = evaluator.positions
            state.apply(reply)
        player.act([request(state)])
        counts[reuse] = evaluator.positions - before
    assert counts == {False: 101, True: 100}


def test_a_tree_of_another_line_is_not_used() -> None:
    """After a move is taken back, and in another game, the agent answers as if it had no memory."""
    player, fresh = agent(True), agent(False)
    state = GAME.initial_state()
    player.act([request(state)])
    other = GAME.initial_state()
    for action in (0, 6, 5):
        other.apply(action)
    for handle in (0, 1):
        again = player.act([request(other, handle)])
        anew = fresh.act([request(other)])
        np.testing.assert_array_equal(again.action_probs, anew.action_probs)
        np.testing.assert_array_equal(again.values, anew.values)
    player.end([0, 1])
    player.close()


@pytest.mark.parametrize(
    ("spec", "config"),
    [
        ("snapshot:a,search=64", RuleConfig(64)),
        ("snapshot:a,search=64,rule=gumbel", RuleConfig(64, rule="gumbel")),
        ("snapshot:a,search=8,rule=kl,eta=0.5,leaves=4", RuleConfig(8, rule="kl", eta=0.5, leaves=4)),
        ("snapshot:a,search=8,look_ahead=yes", RuleConfig(8, look_ahead=True)),
        ("snapshot:a", None),
        ("snapshot:a,search=0", None),
    ],
)
def test_specs(spec: str, config: RuleConfig | None) -> None:
    assert search_options(parse_spec(spec)) == config


@pytest.mark.parametrize("config", [RuleConfig(60), RuleConfig(60, rule="gumbel"), RuleConfig(60, rule="kl", eta=0.02)])
def test_every_rule_takes_a_win(config: RuleConfig) -> None:
    state = GAME.initial_state()
    for action in (0, 1, 0, 1, 0, 2):
        state.apply(action)
    player = SearchAgent("test", GAME, build_search(uniform_evaluator, config))
    assert player.act([request(state)]).actions.tolist() == [0]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("snapshot:a,rule=kl", "rule needs search=SIMULATIONS"),
        ("snapshot:a,search=8,rule=gumbel,leaves=2", "one leaf at a time"),
        ("snapshot:a,search=8,rule=kl,look_ahead=yes", "proves nothing, so it does not look ahead"),
    ],
)
def test_refusals(spec: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        search_options(parse_spec(spec))


def test_only_puct_goes_on_in_an_older_tree() -> None:
    search = build_search(uniform_evaluator, RuleConfig(8, rule="gumbel"))
    with pytest.raises(AgentError, match="only rule=puct"):
        SearchAgent("test", GAME, search, reuse=True)


def test_lanes_find_what_one_lane_finds(tmp_path: Path) -> None:
    game = make_game("tic_tac_toe")
    path = write_start(tmp_path / "start")
    requests = [Request(number, 0, game.initial_state(), generator(0, number)) for number in range(5)]
    one = build_agent(f"snapshot:{path},search=12", game)
    lanes = build_agent(f"snapshot:{path},search=12,lanes=2,cache=100", game)
    threads = torch.get_num_threads()
    found = [agent.act(requests).action_probs for agent in (one, lanes)]
    np.testing.assert_array_equal(*found)
    assert torch.get_num_threads() == threads
    with pytest.raises(ConfigError, match="lanes need a backend by name"):
        build_agent(f"snapshot:{path},search=12,lanes=2,backend=auto", game)
