"""Agents in scripts: gameil.load, a bot for OpenSpiel, a policy for PettingZoo."""

import importlib
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyspiel
import pytest

import gameil
from gameil.agents.loaded import LoadedAgent
from gameil.agents.open_spiel_bot import OpenSpielBot
from gameil.agents.pettingzoo_policy import PettingZooPolicy
from gameil.agents.random import RandomAgent
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.errors import AgentError, ConfigError
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.matches import draw_chance
from gameil.seeding import generator


def _play(agent: LoadedAgent) -> list[int]:
    state = agent.game.initial_state()
    while not state.is_terminal():
        action = agent.act(state)
        assert action in state.legal_actions()
        state.apply(action)
    return list(state.history)


@pytest.mark.parametrize("spec", ["random", "mcts:10", "builtin:easy"])
def test_a_loaded_agent_plays_alike_for_the_same_seed(spec: str) -> None:
    with gameil.load(spec, "connect_four", seed=3) as agent:
        first, second = _play(agent), _play(agent)
    with gameil.load(spec, "connect_four", seed=3) as agent:
        assert _play(agent) == first
        assert _play(agent) == second
    assert first != second, "every game draws from a stream of its own"


def test_it_keeps_its_memory_of_a_game_apart() -> None:
    begun: list[int] = []

    class Remembers(RandomAgent):
        def begin(self, games: object) -> None:
            begun.extend(games)  # type: ignore[arg-type]

    agent = LoadedAgent(Remembers(), make_game("tic_tac_toe"))
    state = agent.game.initial_state()
    agent.act(state)
    state.apply(0)
    agent.act(state)
    assert begun == [0]
    agent.act(agent.game.initial_state())
    assert begun == [0, 1]
    with pytest.raises(AgentError, match="loaded for tic_tac_toe, not for connect_four"):
        agent.act(make_game("connect_four").initial_state())
    for move in range(1, 7):
        state.apply(move)
    assert state.is_terminal()
    with pytest.raises(AgentError, match="nobody moves"):
        agent.act(state)
    with pytest.raises(ConfigError, match="unknown kind"):
        gameil.load("nonsense", "chess")


def test_importing_gameil_imports_nothing_heavy() -> None:
    code = "import sys, gameil; assert not {'torch', 'numpy', 'pyspiel', 'gameil.agents'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("game_id", ["connect_four", "breakthrough(rows=6,columns=6)", "chess", "leduc_poker"])
def test_an_open_spiel_bot_plays_open_spiels_own_games(game_id: str) -> None:
    bot = OpenSpielBot(gameil.load("random", game_id))
    raw = make_game(game_id).raw.new_initial_state()  # type: ignore[attr-defined]
    rng = generator(0, "bot")
    for _ in range(60):
        if raw.is_terminal():
            break
        if raw.is_chance_node():
            raw.apply_action(raw.chance_outcomes()[int(rng.integers(len(raw.chance_outcomes())))][0])
            continue
        action = bot.step(raw)
        assert action in raw.legal_actions()
        raw.apply_action(action)
    bot.restart()


def test_a_bot_plays_a_match_of_open_spiel_and_sees_the_last_moves() -> None:
    game = pyspiel.load_game("tic_tac_toe")
    strong, weak = (
        OpenSpielBot(gameil.load("mcts:200", "tic_tac_toe")),
        OpenSpielBot(gameil.load("random", "tic_tac_toe")),
    )
    returns = [pyspiel.evaluate_bots(game.new_initial_state(), [strong, weak], seed)[0] for seed in range(6)]
    assert sum(returns) >= 4
    seen = []

    class Sees(RandomAgent):
        def act(self, requests: object) -> object:  # type: ignore[override]
            seen.append(requests[0].state.recent)  # type: ignore[index]
            return super().act(requests)  # type: ignore[arg-type]

    bot = OpenSpielBot(LoadedAgent(Sees(), make_game("tic_tac_toe")))
    raw = game.new_initial_state()
    for action in (4, 0):
        raw.apply_action(action)
    bot.step(raw)
    assert seen == [((1, 0), (0, 4))]
    with pytest.raises(AgentError, match="not PettingZoo's"):
        PettingZooPolicy(gameil.load("random", "tic_tac_toe"))


@pytest.mark.parametrize("name", ["tictactoe_v3", "connect_four_v3", "leduc_holdem_v4"])
def test_a_pettingzoo_policy_plays_pettingzoos_own_loop(name: str) -> None:
    needs = "rlcard" if "leduc" in name else "pygame"
    pytest.importorskip(needs, reason=f"{needs} is not installed: pip install gameil[games]")
    places = {"leduc_holdem_v4": "rlcard_envs.leduc_holdem", "tictactoe_v3": "tictactoe.tictactoe"}
    place = places.get(name, "connect_four.connect_four")
    env = importlib.import_module(f"pettingzoo.classic.{place}").raw_env()
    policy = PettingZooPolicy(gameil.load("random", f"pettingzoo:{name}"))
    with pytest.raises(AgentError, match="comes before"):
        policy()
    steps = 0
    for seed in range(4):
        env.reset(seed=seed)
        policy.reset(seed=seed)
        for _ in env.agent_iter():
            observation, _, terminated, truncated, _ = env.last()
            action = None if terminated or truncated else policy(observation)
            env.step(action)
            policy.follow(action)
            steps += action is not None
    assert steps >= 4
    env.reset(seed=8)
    policy.reset(seed=8)
    observation = env.last()[0]
    if observation["action_mask"].sum() > 2 and name != "leduc_holdem_v4":
        wrong = {"action_mask": np.zeros_like(observation["action_mask"])}
        with pytest.raises(AgentError, match="in another state"):
            policy(wrong)
    env.close()


def test_chance_is_not_the_agents() -> None:
    agent = gameil.load("random", "leduc_poker")
    state = agent.game.initial_state()
    with pytest.raises(AgentError, match="chance node"):
        agent.act(state)
    state.apply(draw_chance(state, generator(0, "deal")))


def test_a_snapshot_knows_its_game(tmp_path: Path) -> None:
    game, encoder, config = make_game("tic_tac_toe"), EncoderConfig(), ModelConfig(kind="mlp", hidden=8, layers=1)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "s", model, SnapshotCard(game_id=game.id, model=config, encoder=encoder))
    with gameil.load(f"snapshot:{tmp_path / 's'}") as agent:
        assert agent.game.id == "tic_tac_toe"
        assert agent.act(game.initial_state()) in range(9)
    with pytest.raises(ConfigError, match=r"name one, as in gameil.load\('mcts:10', 'othello'\)"):
        gameil.load("mcts:10")


@pytest.mark.parametrize("name", ["chess", "go(board_size=9)", "othello", "hex", "backgammon", "kuhn_poker"])
def test_boards_show_themselves_in_notebooks(name: str) -> None:
    state = make_game(name).initial_state()
    view = gameil.board(state)
    svg = view._repr_svg_()
    if name == "kuhn_poker":
        assert svg is None
        assert "<pre" in view._repr_html_()
        assert str(view) == "\n\n", "nothing is dealt yet"
    else:
        ElementTree.fromstring(svg)
        assert view._repr_html_() == svg
        assert str(view).strip()
    turned = gameil.board(state, turned=True)._repr_svg_()
    assert (turned != svg) == (name in ("chess", "backgammon"))
