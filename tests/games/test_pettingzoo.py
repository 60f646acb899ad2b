"""PettingZoo's environments: the same games as OpenSpiel's, deals from seeds, and what is missing named."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
from gymnasium import spaces

from gameil.errors import GameError
from gameil.games import pettingzoo_known
from gameil.games.conformance import check_game
from gameil.games.pettingzoo import PettingZooGame
from gameil.games.pettingzoo_spaces import ActionCodec, observation_view
from gameil.games.registry import make_game

pytest.importorskip("pygame")


MOVING = (
    "pettingzoo:overcooked(horizon=30)",
    "pettingzoo:overcooked(frames=2,horizon=20,layout=forced_coordination,shaping=1.0,view=pixels)",
    "pettingzoo:knights_archers_zombies_v11(max_cycles=12)",
    "pettingzoo:knights_archers_zombies_v11(api=at_once,frames=2,max_cycles=12)",
    "pettingzoo:cooperative_pong_v6(frames=2,max_cycles=8)",
    "pettingzoo:cooperative_pong_v6(api=at_once,max_cycles=8)",
    "pettingzoo:pistonball_v6(max_cycles=2,n_pistons=3)",
    "pettingzoo:pistonball_v6(api=at_once,max_cycles=2,n_pistons=3,recorded=True)",
)
"""Environments where agents move at once, in turns and at once, by vectors, pictures and real numbers."""


@pytest.mark.parametrize("game_id", MOVING)
def test_environments_pass_the_kit(game_id: str) -> None:
    if "pistonball" in game_id:
        pytest.importorskip("pymunk")
    check_game(make_game(game_id), num_games=1)


@pytest.mark.parametrize(
    ("name", "cycles"),
    [("knights_archers_zombies_v11", 150), ("cooperative_pong_v6", 40), ("pistonball_v6", 6)],
)
def test_in_turns_and_at_once_give_the_same_returns(name: str, cycles: int) -> None:
    if name == "pistonball_v6":
        pytest.importorskip("pymunk")
    returns = []
    for api in ("turns", "at_once"):
        game = make_game(f"pettingzoo:{name}(api={api},max_cycles={cycles})")
        rng = np.random.default_rng(5)
        state = game.initial_state()
        state.apply(11)
        rewarded = np.zeros(game.num_players)
        while not state.is_terminal():
            state.apply(int(rng.choice(state.legal_actions())))
            rewarded += state.rewards()
        assert np.allclose(rewarded, state.returns())
        returns.append((state.returns().tolist(), len(state.history)))
    assert returns[0] == returns[1]
    assert any(returns[0][0])


def test_returns_are_those_of_the_bare_environment() -> None:
    """Agents die on the way: what they were paid in the step of their death counts."""
    game = make_game("pettingzoo:knights_archers_zombies_v11(max_cycles=400)")
    died = False
    for seed in range(3):
        state = game.initial_state()
        state.apply(seed)
        # A fresh one: this environment carries something over from one episode to the next.
        bare = pettingzoo_known.maker("knights_archers_zombies_v11", parallel=True)(max_cycles=400)
        bare.reset(seed=seed)
        rng = np.random.default_rng(seed)
        totals = dict.fromkeys(bare.possible_agents, 0.0)
        while bare.agents:
            chosen = {agent: int(rng.integers(6)) for agent in bare.agents}
            for agent, action in chosen.items():
                assert bare.possible_agents[state.current_player()] == agent
                state.apply(action)
            _, rewards, terminated, _, _ = bare.step(chosen)
            died = died or any(terminated.values())
            for agent, reward in rewards.items():
                totals[agent] += reward
        assert state.is_terminal()
        assert state.returns().tolist() == list(totals.values())
    assert died


def test_a_picture_that_players_share_says_who_looks() -> None:
    game = make_game("pettingzoo:cooperative_pong_v6(frames=2,max_cycles=9)")
    state = game.initial_state()
    state.apply(0)
    seen = np.empty((2, *game.observation_shape), np.float32)
    for player in (0, 1):
        state.write_observation(seen[player], player)
    planes = game.observation_shape[0] // 2
    assert np.array_equal(seen[0, : planes - 1], seen[1, : planes - 1])
    for newest in (planes - 1, 2 * planes - 1):
        assert np.unique(seen[0, newest]).tolist() == [0.0]
        assert np.unique(seen[1, newest]).tolist() == [1.0]


def test_a_limit_truncates_and_the_rules_terminate() -> None:
    pong = make_game("pettingzoo:cooperative_pong_v6(max_cycles=3)").initial_state()
    pong.apply(0)
    while not pong.is_terminal():
        pong.apply(0)
    assert [pong.truncated(player) for player in (0, 1)] == [True, True]
    board = make_game("pettingzoo:tictactoe_v3").initial_state()
    for action in (0, 1, 3, 4, 6):
        board.apply(action)
    assert board.is_terminal()
    assert not board.truncated(0)


def test_spaces_of_every_kind_become_numbers_and_come_back() -> None:
    space = spaces.Dict(
        a=spaces.Discrete(3, start=2),
        b=spaces.MultiDiscrete([2, 4]),
        c=spaces.Tuple((spaces.MultiBinary(2), spaces.Box(-1.0, 3.0, (2,)))),
    )
    codec = ActionCodec(space, 5, "test")
    assert codec.num_actions == 3 * 2 * 4 * 2 * 2 * 5 * 5
    for number in (0, 7, 599, codec.num_actions - 1):
        action = codec.decode(number)
        assert space.contains(action)
        assert codec.encode(action) == number
    assert codec.real_values() is None
    box = ActionCodec(spaces.Box(-2.0, 2.0, (2,)), 5, "test")
    assert box.decode(0).tolist() == [-2.0, -2.0]
    assert box.encode(np.array([0.1, 1.9])) == 2 * 5 + 4
    values = box.real_values()
    assert values is not None
    assert values[2 * 5 + 4].tolist() == [0.0, 1.0]
    with pytest.raises(GameError, match="need bounds"):
        ActionCodec(spaces.Box(-np.inf, np.inf, (1,)), 5, "test")
    with pytest.raises(GameError, match="take fewer bins"):
        ActionCodec(spaces.Box(-1.0, 1.0, (6,)), 21, "test")


def test_what_is_seen_is_laid_out() -> None:
    nested = spaces.Dict(far=spaces.Box(0.0, 9.0, (2,)), kind=spaces.Discrete(3))
    shape, write = observation_view(nested, 0)
    out = np.empty(shape, np.float32)
    write({"far": np.array([4.0, 5.0], np.float32), "kind": 2}, out)
    assert out.tolist() == [4.0, 5.0, 0.0, 0.0, 1.0]
    picture = np.zeros((9, 12, 3), np.uint8)
    picture[:4, :4] = (255, 0, 51)
    shape, write = observation_view(spaces.Box(0, 255, picture.shape, np.uint8), 3)
    assert shape == (3, 2, 3)
    out = np.empty(shape, np.float32)
    write(picture, out)
    assert np.allclose(out[:, 0, 0], [1.0, 0.0, 0.2])
    assert not out[:, 1:, 1:].any()


def test_frames_are_stacked_newest_first() -> None:
    game = make_game("pettingzoo:overcooked(frames=3)")
    state = game.initial_state()
    seen = []
    for _ in range(4):
        single = np.empty(game.observation_shape, np.float32)
        state.write_observation(single)
        seen.append(single[:19])
        newest = [seen[max(0, len(seen) - 1 - back)] for back in range(3)]
        assert np.array_equal(single, np.concatenate(newest))
        state.apply(3)
        state.apply(1)


@pytest.mark.parametrize(("name", "twin"), [("tictactoe_v3", "tic_tac_toe"), ("connect_four_v3", "connect_four")])
def test_both_packages_play_the_same_game(name: str, twin: str) -> None:
    rng = np.random.default_rng(0)
    ours, theirs = make_game(f"pettingzoo:{name}"), make_game(twin)
    for _ in range(5):
        one, two = ours.initial_state(), theirs.initial_state()
        while not two.is_terminal():
            assert one.current_player() == two.current_player()
            assert one.legal_actions() == two.legal_actions()
            planes = [np.empty(game.observation_shape, dtype=np.float32) for game in (ours, theirs)]
            one.write_observation(planes[0])
            two.write_observation(planes[1])
            shown = planes[1][:2, ::-1] if twin == "connect_four" else planes[1][:2]  # its row 0 is the upper one
            assert np.array_equal(planes[0], shown)
            action = int(rng.choice(two.legal_actions()))
            one.apply(action)
            two.apply(action)
        assert one.is_terminal()
        assert one.returns().tolist() == two.returns().tolist()


def test_leduc_deals_come_from_the_seed_and_replay() -> None:
    pytest.importorskip("rlcard")
    game = make_game("pettingzoo:leduc_holdem_v4")
    assert game.capabilities.stochastic
    assert not game.capabilities.perfect_information
    hands = set()
    for seed in range(30):
        state = game.initial_state()
        state.apply(seed)
        first, second = (np.empty(game.observation_shape, dtype=np.float32) for _ in range(2))
        state.write_observation(first)
        state.clone().write_observation(second)
        assert np.array_equal(first, second)
        hands.add(int(first[:3].argmax()))
    assert hands == {0, 1, 2}


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'rlcard'", name="rlcard")

    pettingzoo_known.maker.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(GameError, match=r"needs the package 'rlcard': pip install 'gameil\[games\]'"):
        PettingZooGame("leduc_holdem_v4", {})
    pettingzoo_known.maker.cache_clear()


def test_nothing_is_printed_or_warned_on_import() -> None:
    program = "from gameil.games.registry import make_game; make_game('pettingzoo:connect_four_v3').initial_state()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
