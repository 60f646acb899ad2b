"""Golden games.

After an intended change: ``GAMEIL_WRITE_GOLDENS=1 pytest tests/games/test_playthrough.py``, then read the diff.
"""

import os
from pathlib import Path

import pytest

from gameil.games.frames import framed_games
from gameil.games.playthrough import file_name, playthrough
from gameil.games.registry import make_game
from tests.games.game_roster import ROSTER

GOLDENS = Path(__file__).parents[1] / "goldens" / "playthroughs"


@pytest.mark.parametrize("game_id", ROSTER)
def test_playthrough_is_as_recorded(game_id: str) -> None:
    if game_id.startswith("pettingzoo:"):
        pytest.importorskip("rlcard" if "leduc" in game_id else "pygame")
    game = make_game(game_id)
    text = playthrough(game)
    golden = GOLDENS / file_name(game.id)
    if os.environ.get("GAMEIL_WRITE_GOLDENS") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text.splitlines() == golden.read_text(encoding="utf-8").splitlines()


def test_playthroughs_of_two_seeds_differ() -> None:
    game = make_game("othello")
    assert playthrough(game, seed=1) != playthrough(game, seed=2)
    assert playthrough(game, seed=1) == playthrough(game, seed=1)


def test_every_framed_game_has_a_playthrough_and_no_file_is_left_over() -> None:
    names = {game_id.partition("(")[0] for game_id in ROSTER}
    assert set(framed_games()) <= names
    assert {path.name for path in GOLDENS.iterdir()} == {file_name(game_id) for game_id in ROSTER}
