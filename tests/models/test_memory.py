"""Memories: they look back and never ahead, start as if absent, and say the same in whole games as in play."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from gameil.agents.agent import Request
from gameil.agents.memory import MemoryAgent, positions_since
from gameil.dataset.sequences import SequenceBatch
from gameil.errors import ConfigError, ShapeError
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.held_out import batch_evaluator, measure_held_out, whole_games
from gameil.models.config import Memory, ModelConfig
from gameil.models.memory_inference import MemoryEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import encode_game
from tests.strategies import random_game

SMALL = ModelConfig(channels=8, blocks=1, squeeze=0, policy_channels=0, value_channels=2, memory_width=16)
ENCODER = ObservationEncoder(make_game("tic_tac_toe"), EncoderConfig())


def network(memory: Memory, **changes: object) -> PolicyValueNet:
    """A network whose memory says something: its last layer no longer is 0."""
    config = replace(SMALL, memory=memory, **changes)  # type: ignore[arg-type]
    model = build_model(config, ENCODER.game, ENCODER.shape).eval()
    if model.memory is not None:
        with torch.no_grad():
            weight = model.memory.adding.weight
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    return model


def steps(number: int, games: int) -> torch.Tensor:
    return torch.randn(number * games, *ENCODER.shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("memory", ["lstm", "causal"])
def test_a_step_knows_earlier_ones_of_its_own_game_and_nothing_else(memory: Memory) -> None:
    model = network(memory)
    observations = steps(5, 2)
    before = model(observations, steps=5).scores.view(5, 2, -1)
    changed = observations.clone()
    changed[2 * 2 + 1] += 1.0  # step 2 of game 1
    difference = (model(changed, steps=5).scores.view(5, 2, -1) - before).abs().amax(dim=2) > 1e-6
    assert difference.tolist() == [[False, False], [False, False], [False, True], [False, True], [False, True]]


def test_a_causal_memory_looks_back_no_further_than_its_window() -> None:
    model = network("causal", memory_window=2)
    observations = steps(4, 1)
    changed = observations.clone()
    changed[0] += 1.0
    difference = (model(changed, steps=4).scores - model(observations, steps=4).scores).abs().amax(dim=1) > 1e-6
    assert difference.tolist() == [True, True, False, False]


@pytest.mark.parametrize("memory", ["lstm", "causal"])
def test_a_new_memory_says_nothing_yet(memory: Memory) -> None:
    model = build_model(replace(SMALL, memory=memory), ENCODER.game, ENCODER.shape).eval()
    observations = steps(3, 2)
    torch.testing.assert_close(model(observations, steps=3).scores, model.heads(model.features(observations)).scores)


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="5 positions cannot be 2 steps"):
        network("lstm")(steps(5, 1), steps=2)
    with pytest.raises(ConfigError, match="has no memory"):
        MemoryEvaluator(network("none"))
    with pytest.raises(ConfigError, match="must divide memory_width 6"):
        ModelConfig(memory="causal", memory_width=6)


def played(seed: int, game_id: int) -> PositionBatch:
    return encode_game(random_game("tic_tac_toe", seed), ENCODER, game_id=game_id)


@pytest.mark.parametrize("memory", ["lstm", "causal"])
def test_whole_games_and_play_say_the_same(memory: Memory) -> None:
    """Two games of different lengths, read at once, and played move by move with an opponent in between."""
    games = [random_game("tic_tac_toe", seed) for seed in (0, 4)]
    assert len(games[0].actions) != len(games[1].actions)
    batch = PositionBatch.concatenate([played(seed, number) for number, seed in enumerate((0, 4))])
    evaluator = MemoryEvaluator(network(memory), precision="float32")
    log_probs, values = evaluator.evaluate_batch(batch)
    agent = MemoryAgent("memory", ENCODER, evaluator, temperature=1.0)
    agent.begin([0, 1])
    states = [ENCODER.game.initial_state() for _ in games]
    for ply in range(max(len(game.actions) for game in games)):
        playing = [number for number, game in enumerate(games) if ply < len(game.actions)]
        asked = [number for number in playing if states[number].current_player() == number]  # one seat in each game
        if asked:
            requests = [Request(number, number, states[number], np.random.default_rng(0)) for number in asked]
            decisions = agent.act(requests)
            assert decisions.action_probs is not None
            assert decisions.values is not None
            for place, number in enumerate(asked):
                row = int(np.flatnonzero((batch.game_ids == number) & (batch.plies == ply))[0])
                legal = slice(batch.offsets[row], batch.offsets[row + 1])
                found = decisions.action_probs[place, batch.legal[legal]]
                np.testing.assert_allclose(found, np.exp(log_probs[legal]), atol=1e-5)
                assert decisions.values[place] == pytest.approx(values[row], abs=1e-5)
        for number in playing:
            states[number].apply(int(games[number].actions[ply]))
    agent.end([0, 1])
    agent.close()


def test_positions_since_the_last_move() -> None:
    game = make_game("kuhn_poker")
    state = game.initial_state()
    for action in (0, 1):  # the cards
        state.apply(action)
    assert [len(each.history) for each in positions_since(None, state)] == [2]
    later = state.clone()
    later.apply(0)
    later.apply(1)
    assert [len(each.history) for each in positions_since(state, later)] == [3, 4]
    other = game.initial_state()
    for action in (2, 1):
        other.apply(action)
    assert positions_since(state, other) == [other]


def test_games_are_put_together_again() -> None:
    batch = PositionBatch.concatenate([played(seed, seed) for seed in range(5)])
    cut = [batch.take(np.arange(start, min(start + 7, len(batch)))) for start in range(0, len(batch), 7)]
    found = list(whole_games(cut))
    assert np.concatenate([each.game_ids for each in found]).tolist() == batch.game_ids.tolist()
    for first, second in itertools.pairwise(found):
        assert first.game_ids[-1] != second.game_ids[0]


def riddle(first: int) -> PositionBatch:
    """Two positions: a first move, and later an empty board again, where the answer is what came first."""
    observations = np.zeros((2, *ENCODER.shape), np.float16)
    observations[0, 0, 0, first] = 1.0
    return PositionBatch(
        observations=observations,
        legal=np.tile(np.arange(9), 2).astype(np.int32),
        offsets=np.array([0, 9, 18]),
        actions=np.array([4, first]),
        target_probs=None,
        returns=np.zeros(2, np.float32),
        return_weights=np.zeros(2, np.float32),
        weights=np.array([0, 1], np.float32),
        game_ids=np.full(2, first, np.uint64),
        plies=np.arange(2, dtype=np.int32),
        ratings=np.zeros(2, np.int32),
    )


@pytest.mark.parametrize("memory", ["lstm", "causal", "none"])
def test_only_a_memory_solves_what_depends_on_the_past(memory: Memory) -> None:
    model = build_model(replace(SMALL, memory=memory), ENCODER.game, ENCODER.shape)
    cloning = BehaviouralCloning(
        model, CloningConfig(learning_rate=1e-2, warmup_steps=5, ema_decay=0.5, precision="float32"), total_steps=80
    )
    games = [riddle(0), riddle(2)] * 4
    in_steps = PositionBatch.concatenate(games).take(np.concatenate([np.arange(0, 16, 2), np.arange(1, 16, 2)]))
    windows = SequenceBatch(in_steps, np.ones((2, 8), bool), np.array([[True] * 8, [False] * 8]))
    for _ in range(80):
        metrics = cloning.step(windows).metrics
    found = measure_held_out(batch_evaluator(cloning.evaluation_model()), [riddle(0), riddle(2)])
    if memory == "none":
        assert metrics["loss/policy"] > 0.6  # log 2: a coin
    else:
        assert metrics["loss/policy"] < 0.1
        assert found["top1"] >= 0.5  # the second position of each game; the first was never taught
