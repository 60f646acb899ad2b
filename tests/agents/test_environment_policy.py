"""PettingZoo's policies as agents, agents as its policies, in turns and at once, whole numbers and real ones."""

from pathlib import Path

import numpy as np
import pytest

import gameil
from gameil.agents.environment_policy import PolicyAgent
from gameil.agents.pettingzoo_policy import PettingZooPolicy
from gameil.agents.spec import build_agent
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.errors import AgentError, ConfigError, IllegalActionError
from gameil.games.overcooked_env import OvercookedEnv
from gameil.games.registry import make_game
from gameil.games.tree_env import TreeEnv
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig
from gameil.rollout.matches import Pairing, play_matches


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_built_in_demonstrator_passes_the_tree(side: str) -> None:
    game = make_game("pettingzoo:tree")
    agent = build_agent(f"policy:tree-{side}", game)
    results = list(play_matches(game, [Pairing(match, (agent,)) for match in range(20)], seed=1))
    assert [result.returns for result in results] == [(1.0,)] * 20
    places = []
    for result in results:
        state = game.initial_state()
        for action in result.played.actions.tolist():
            state.apply(action)
        places.append(float(state.raw_observation(0)[0]))
    assert all(place < -0.4 if side == "left" else place > 0.4 for place in places)


def test_any_function_plays_as_an_agent() -> None:
    game = make_game("pettingzoo:overcooked(horizon=20)")
    asked = []

    def policy(observation, name, rng):
        asked.append((name, observation.shape))
        return 5

    agent = PolicyAgent("mine", game, policy)
    (result,) = play_matches(game, [Pairing(0, (agent, agent))], seed=0)
    assert result.played.actions.tolist() == [5] * 40
    assert asked[:2] == [("cook_0", (19, 4, 5)), ("cook_1", (19, 4, 5))]
    wrong = PolicyAgent("wrong", game, lambda observation, name, rng: 6)
    with pytest.raises(IllegalActionError, match="not one of its actions"):
        next(play_matches(game, [Pairing(0, (wrong, wrong))], seed=0))


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(AgentError, match="is none"):
        build_agent("policy:tree-left", make_game("chess"))
    with pytest.raises(ConfigError, match="no policy 'nobody'"):
        build_agent("policy:nobody", make_game("pettingzoo:tree"))


@pytest.mark.parametrize(("name", "env"), [("tree", TreeEnv()), ("overcooked(horizon=30)", OvercookedEnv(horizon=30))])
def test_a_snapshot_plays_in_the_loop_over_all_agents_at_once(name: str, env, tmp_path: Path) -> None:
    game = make_game(f"pettingzoo:{name}")
    config = ModelConfig(kind="mlp", size="tiny", policy="gaussian" if name == "tree" else "auto", components=2)
    model = build_model(config, game, game.observation_shape)
    save_snapshot(tmp_path / "snapshot", model, SnapshotCard(game.family, model.config, EncoderConfig()))
    with gameil.load(f"snapshot:{tmp_path / 'snapshot'},temperature=1", game.id, seed=3) as agent:
        policy = PettingZooPolicy(agent)
        observations, _ = env.reset(seed=5)
        policy.reset(seed=5)
        steps = 0
        while env.agents:
            actions = {}
            for who in env.agents:
                actions[who] = policy(observations[who])
                assert env.action_space(who).contains(actions[who])
                policy.follow(actions[who])
            observations, *_ = env.step(actions)
            steps += 1
        assert steps == 30 or name == "tree"


def test_scripted_pistons_move_the_ball() -> None:
    pytest.importorskip("pymunk")
    game = make_game("pettingzoo:pistonball_v6(max_cycles=40,n_pistons=6)")
    scores = {}
    for spec in ("policy:pistons-low", "random"):
        agent = build_agent(spec, game)
        (result,) = play_matches(game, [Pairing(0, (agent,) * 6)], seed=2)
        scores[spec] = result.returns[0]
    assert scores["policy:pistons-low"] > 50.0
    assert np.isfinite(scores["random"])
