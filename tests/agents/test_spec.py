"""Specs: what is allowed, what is refused and how the refusal reads."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.agents.spec import build_agent, builtin_levels, parse_spec
from gameil.errors import AgentError, CheckpointError, ConfigError
from gameil.games.registry import make_game


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("random", "random"),
        ("mcts:1000", "mcts:1000"),
        ("mcts:10,c=1.50", "mcts:10,c=1.5"),
        ("snapshot:runs/x/snapshots/best", "snapshot:runs/x/snapshots/best"),
        ("snapshot:a/b,temperature=0.50,search=064", "snapshot:a/b,search=64,temperature=0.5"),
        ("uci:stockfish,skill=3,nodes=1000", "uci:stockfish,nodes=1000,skill=3"),
        ("gtp:gnugo,level=5", "gtp:gnugo,level=5"),
        ("builtin:elite", "builtin:elite"),
    ],
)
def test_canonical_text_is_a_fixed_point(spec: str, canonical: str) -> None:
    parsed = parse_spec(spec)
    assert str(parsed) == canonical
    assert parse_spec(canonical) == parsed
    assert shlex.split(canonical) == [canonical]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "alphazero",
            "unknown kind 'alphazero'; there are random, mcts, ",
        ),
        ("", "a spec is one word"),
        ("random; rm", "a spec is one word"),
        ("snapshot:$(x)", "a spec is one word"),
        ("random:5", "random takes nothing after a colon"),
        ("mcts", "needs a number of simulations, as in mcts:1000"),
        ("mcts:", "needs a number of simulations"),
        ("snapshot:a,elo=1500", "unknown option 'elo=1500'; snapshot takes search=, rule=, leaves=, eta="),
        ("snapshot:a,rating=0", "rating='0': must be a whole number from 1 to 5000"),
        ("snapshot:a,top_p=0", "top_p='0': must be a number from 0.01 to 1"),
        ("snapshot:a,backend=tpu", "backend='tpu': must be one of eager, compiled, openvino, onnx, auto"),
        ("random,x=1", "unknown option 'x=1'; random takes none"),
        ("snapshot:a,search", "unknown option 'search'"),
        ("snapshot:a,search=1,search=2", "option 'search' is given twice"),
        ("snapshot:a,search=-1", "search='-1': must be a whole number from 0 to 10000"),
        ("snapshot:a,search=1.5", "must be a whole number"),
        ("snapshot:a,search=1000000", "must be a whole number from 0 to 10000"),
        ("snapshot:a,temperature=nan", "temperature='nan': must be a number from 0 to 100"),
        ("snapshot:a,device=tpu", "device='tpu': must be one of cpu, cuda"),
        ("uci:stockfish,skill=99", "skill='99': must be a whole number from -20 to 20"),
        ("gtp:gnugo,level=0", "level='0': must be a whole number from 1 to 10"),
    ],
)
def test_bad_specs_are_one_line_that_lists_what_is_allowed(spec: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_spec(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_spec_or_a_config_error(text: str) -> None:
    try:
        parsed = parse_spec(text)
    except ConfigError:
        return
    assert parse_spec(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("spec", "game_id", "error", "message"),
    [
        ("mcts:many", "tic_tac_toe", ConfigError, "simulations='many': must be a whole number"),
        ("mcts:0", "tic_tac_toe", ConfigError, "from 1 to 1e"),
        ("mcts:10", "hanabi", AgentError, "needs rewards at the end of the game only, which hanabi does not keep to"),
        ("builtin:godlike", "tic_tac_toe", ConfigError, "there are beginner, easy, medium, hard, elite"),
        ("snapshot:no/such/place", "tic_tac_toe", CheckpointError, "no/such/place: no snapshot directory there"),
    ],
)
def test_agents_that_cannot_be_built(spec: str, game_id: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        build_agent(spec, make_game(game_id))
    assert message in str(caught.value)


def test_levels_are_fixed_and_ordered() -> None:
    usual = {"beginner": "random", "easy": "mcts:10", "medium": "mcts:100", "hard": "mcts:1000", "elite": "mcts:10000"}
    assert builtin_levels(make_game("connect_four")) == usual
    for game_id in ("chess", "go", "go(board_size=13)", "go(board_size=9)", "othello", "backgammon"):
        found = builtin_levels(make_game(game_id))
        assert list(found)[:5] == list(usual)
        simulations = [int(found[name].removeprefix("mcts:")) for name in ("easy", "medium", "hard", "elite")]
        assert simulations == sorted(simulations)
        assert simulations[-1] < 10_000
        for spec in found.values():
            parse_spec(spec)


def test_a_level_is_the_agent_that_it_names() -> None:
    game = make_game("connect_four")
    agent = build_agent("builtin:hard", game)
    assert agent.name == "builtin:hard"
    assert agent.agent.name == "mcts:1000"  # type: ignore[attr-defined]
