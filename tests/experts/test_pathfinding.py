"""DAgger from an untrained policy with shortest paths as the expert: what it learns takes the shortest way."""

from pathlib import Path

import numpy as np

from gameil.agents.agent import Request
from gameil.agents.spec import build_agent
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.cli.main import main
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

GAME = "pathfinding(horizon=60)"


def steps_taken(spec: str) -> int:
    game = make_game(GAME)
    agent, state = build_agent(spec, game), game.initial_state()
    agent.begin([0])
    while not state.is_terminal():
        state.apply(int(agent.act([Request(0, 0, state, np.random.default_rng(0))]).actions[0]))
    agent.close()
    return len(state.history)


def test_a_policy_learns_the_shortest_way(tmp_path: Path) -> None:
    game, encoder = make_game(GAME), EncoderConfig()
    config = ModelConfig(kind="mlp", hidden=32, layers=1, value_hidden=8)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "start", model, SnapshotCard(game_id=game.id, model=config, encoder=encoder))
    assert steps_taken("shortest_path") == 9
    assert steps_taken(f"snapshot:{tmp_path / 'start'}") > 9
    sizes = "--rounds 2 --games-per-round 8 --labels-per-round 300 --steps-per-round 60 --series-games 2"
    learner = "--batch-size 32 --learner.learning-rate 0.02 --learner.ema-decay 0.9"
    expert = "--expert shortest_path --expert-games 0"
    command = f"dagger --init {tmp_path / 'start'} --game {GAME} {expert} {sizes} {learner}"
    options = ["--opening-plies", "0", "--runs", str(tmp_path), "--name", "way", "--quiet"]
    assert main([*command.split(), *options]) == 0
    assert steps_taken(f"snapshot:{tmp_path / 'way' / 'snapshots' / 'last'}") == 9
