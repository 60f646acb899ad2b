"""What every kind of agent promises, run over all of them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gameil.agents.agent import Agent, Request
from gameil.agents.spec import build_agent
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.games.game import CHANCE_PLAYER, State
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

GNU_GO = "go(board_size=5)"
KINDS = [
    ("random", "connect_four"),
    ("random", "leduc_poker(players=3)"),
    ("mcts:30", "connect_four"),
    ("mcts:30", "kuhn_poker"),
    ("mcts:10", "chess"),
    ("builtin:easy", "tic_tac_toe"),
    ("minimax:2", "connect_four"),
    ("minimax:2,rollouts=2", "tic_tac_toe"),
    ("openspiel:uniform_random", "connect_four"),
    ("openspiel:gin_rummy_simple", "gin_rummy"),
    ("snapshot:{snapshot}", "connect_four"),
    ("snapshot:{snapshot},temperature=1", "connect_four"),
    ("snapshot:{snapshot},search=8", "connect_four"),
    ("snapshot:{snapshot},search=8,temperature=0.5", "connect_four"),
    ("snapshot:{snapshot},search=8,rule=gumbel", "connect_four"),
    ("snapshot:{snapshot},search=8,rule=kl,eta=0.5,leaves=2,temperature=1", "connect_four"),
    ("snapshot:{snapshot},search=8,look_ahead=yes,cache=100", "connect_four"),
    ("snapshot:{snapshot},temperature=0.5", "kuhn_poker"),
    ("snapshot:{snapshot},temperature=1,top_p=0.8,rating=1500", "connect_four"),
    ("snapshot:{memory},temperature=1", "connect_four"),
    ("snapshot:{memory},temperature=1", "kuhn_poker"),
    ("uci:stockfish,nodes=50", "chess"),
    ("uci:fairy-stockfish,depth=1,processes=1", "chess"),
    ("uci:fairy-stockfish,depth=1,multipv=2", "shogi"),
    ("gtp:gnugo,level=1", GNU_GO),
    ("external:gnubg", "backgammon"),
    ("exact", "tic_tac_toe"),
    ("shortest_path", "pathfinding"),
]


def _engine_is_missing(spec: str) -> bool:
    kind, _, rest = spec.partition(":")
    name = rest.partition(",")[0]
    return kind in ("uci", "gtp", "external") and not (shutil.which(name) or shutil.which(name, path="/usr/games"))


@pytest.fixture(params=KINDS, ids=[f"{spec} {game}" for spec, game in KINDS])
def agent_and_game(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Agent, str]]:
    spec, game_id = request.param
    if _engine_is_missing(spec):
        pytest.skip(f"the engine of {spec} is not installed here")
    if spec.startswith("snapshot:"):
        game = make_game(game_id)
        encoder = EncoderConfig()
        config = ModelConfig(kind="mlp", hidden=16, layers=1, value_hidden=8, conditions=("rating",))
        config = replace(config, memory="lstm" if "{memory}" in spec else "none")
        torch.manual_seed(3)
        model = build_model(config, game, ObservationEncoder(game, encoder).shape)
        save_snapshot(tmp_path / "snapshot", model, SnapshotCard(game_id=game_id, model=config, encoder=encoder))
        spec = spec.format(snapshot=tmp_path / "snapshot", memory=tmp_path / "snapshot")
    agent = build_agent(spec, make_game(game_id))
    yield agent, game_id
    agent.close()
    agent.close()


def _states(game_id: str, count: int) -> list[State]:
    """Random positions of different games, some plies from the start."""
    rng = np.random.default_rng(5)
    states: list[State] = []
    while len(states) < count:
        state = make_game(game_id).initial_state()
        plies = int(rng.integers(5))
        while not state.is_terminal() and (plies or state.current_player() == CHANCE_PLAYER):
            plies -= state.current_player() != CHANCE_PLAYER
            state.apply(int(rng.choice(state.legal_actions())))
        if not state.is_terminal():
            states.append(state)
    return states


def _requests(states: list[State], seed: int) -> list[Request]:
    return [
        Request(game, state.current_player(), state, np.random.default_rng((seed, game)))
        for game, state in enumerate(states)
    ]


def test_actions_are_legal_keyed_and_do_not_depend_on_batching(agent_and_game: tuple[Agent, str]) -> None:
    agent, game_id = agent_and_game
    states = _states(game_id, 6)
    before = [(state.history, str(state)) for state in states]
    agent.begin(range(len(states)))
    together = agent.act(_requests(states, 1))
    assert together.actions.dtype == np.int64
    assert together.actions.shape == (6,)
    for state, action in zip(states, together.actions.tolist(), strict=True):
        assert action in state.legal_actions()
    again = agent.act(_requests(states, 1))
    np.testing.assert_array_equal(again.actions, together.actions)
    alone = [agent.act([request]) for request in reversed(_requests(states, 1))]
    np.testing.assert_array_equal([decision.actions[0] for decision in reversed(alone)], together.actions)
    assert [(state.history, str(state)) for state in states] == before, "an agent must not change the states"
    agent.end(range(len(states)))
    agent.end(range(len(states)))


def test_probabilities_fit_the_actions(agent_and_game: tuple[Agent, str]) -> None:
    agent, game_id = agent_and_game
    states = _states(game_id, 6)
    agent.begin(range(len(states)))
    decisions = agent.act(_requests(states, 2))
    assert decisions.behaviour_log_probs.shape == (6,)
    assert np.all(decisions.behaviour_log_probs <= 1e-6)
    if decisions.action_probs is not None:
        np.testing.assert_allclose(decisions.action_probs.sum(axis=1), 1.0, rtol=1e-5)
        drawn = decisions.action_probs[np.arange(6), decisions.actions]
        np.testing.assert_allclose(np.log(drawn), decisions.behaviour_log_probs, atol=1e-5)
        for state, probs in zip(states, decisions.action_probs, strict=True):
            assert set(np.flatnonzero(probs)) <= set(state.legal_actions())
    if decisions.values is not None:
        assert np.all(np.abs(decisions.values) <= 1.0 + 1e-6)
