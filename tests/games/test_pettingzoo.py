"""PettingZoo's environments: the same games as OpenSpiel's, deals from seeds, and what is missing named."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

from gameil.errors import GameError
from gameil.games import pettingzoo
from gameil.games.registry import make_game

pytest.importorskip("pygame")


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

    pettingzoo._raw_env.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(GameError, match=r"needs the package 'rlcard': pip install 'gameil\[games\]'"):
        pettingzoo.PettingZooGame("leduc_holdem_v4")
    pettingzoo._raw_env.cache_clear()


def test_nothing_is_printed_or_warned_on_import() -> None:
    program = "from gameil.games.registry import make_game; make_game('pettingzoo:connect_four_v3').initial_state()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
