"""A table's game without a site: turns, taking back, dice that stay, giving up, its record."""

from pathlib import Path

import numpy as np
import pytest

from gameil.errors import GameError, IllegalActionError
from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord
from gameil.serving.boards.board_element import shown_text
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.kept_games import game_file, keep_game
from gameil.serving.opponents import Choice

ANN, BOB = Seat("Ann"), Seat("Bob")


def random_game(game_id: str, seed: int = 0, plies: int = 10_000) -> GameSession:
    game = make_game(game_id)
    session = GameSession(game, [Seat(f"P{seat}") for seat in range(game.num_players)], seed=seed)
    rng = np.random.default_rng(seed)
    session.play_chance()
    while not session.is_over and len(session.moves) < plies:
        session.apply(int(rng.choice(session.state.legal_actions())))
        session.play_chance()
    return session


def test_only_whose_turn_it_is_moves() -> None:
    session = GameSession(make_game("tic_tac_toe"), [ANN, BOB], seed=0)
    with pytest.raises(GameError, match="not the turn of seat 1"):
        session.apply_as(1, 0)
    session.apply_as(0, 4)
    with pytest.raises(IllegalActionError):
        session.apply_as(1, 4)
    assert [move.player for move in session.moves] == [0]
    agents = GameSession(make_game("tic_tac_toe"), [Seat("easy", Choice("easy")), BOB], seed=0)
    with pytest.raises(GameError, match="not the turn"):  # nobody plays for an agent
        agents.apply_as(0, 4)


def test_taking_back_returns_to_ones_own_decision() -> None:
    session = GameSession(make_game("connect_four"), [ANN, BOB], seed=0)
    for action in (3, 3, 2):
        session.apply(action)
    assert session.take_back(1)
    assert [move.action for move in session.moves] == [3]
    assert session.mover == 1
    assert session.take_back(0)
    assert not session.take_back(0)
    assert str(session.state) == str(make_game("connect_four").initial_state())


def test_dice_that_were_thrown_stay_when_moves_are_taken_back() -> None:
    session = random_game("backgammon", seed=3, plies=30)
    before = [(move.player, move.action) for move in session.moves]
    mover = next(move.player for move in reversed(session.moves) if move.player != CHANCE_PLAYER)
    assert session.take_back(mover)
    ply = len(session.moves)
    assert ply < len(before)
    session.apply(before[ply][1])
    session.play_chance()
    assert [(move.player, move.action) for move in session.moves] == before[: len(session.moves)]
    assert len(session.moves) > ply + 1 or before[ply + 1 :] == []


def test_giving_up_ends_the_game_and_can_be_taken_back() -> None:
    session = GameSession(make_game("chess"), [ANN, BOB], seed=0)
    session.apply(session.state.parse("e4", "san"))
    session.resign(1)
    assert session.is_over
    assert session.returns() == (1.0, -1.0)
    assert session.played().termination == "resignation"
    with pytest.raises(GameError, match="over"):
        session.apply(session.state.parse("e5", "san"))
    assert session.take_back(1)
    assert not session.is_over


def test_listeners_hear_every_change_until_they_stop() -> None:
    session = GameSession(make_game("tic_tac_toe"), [ANN, BOB], seed=0)
    heard: list[int] = []
    stop = session.listen(lambda: heard.append(session.version))
    assert session.watched
    session.apply(0)
    session.take_back(0)
    stop()
    session.apply(1)
    assert heard == [1, 2]
    assert not session.watched


@pytest.mark.parametrize(
    "game_id",
    [
        "chess",
        "go(board_size=9)",
        "othello",
        "connect_four",
        "backgammon",
        "checkers",
        "hex(board_size=5)",
        "kuhn_poker",
    ],
)
def test_kept_games_are_read_back_move_for_move(game_id: str, tmp_path: Path) -> None:
    session = random_game(game_id, seed=5)
    path = keep_game(tmp_path, session.played())
    assert path.is_relative_to(tmp_path / "games")
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    assert [player.name for player in record.players] == ["P0", "P1"]
    played = transcribe(record)
    assert isinstance(played, PlayedGame)
    assert played.actions.tolist() == [move.action for move in session.moves]
    returns = session.played().returns
    assert returns is not None
    assert played.returns is not None
    assert np.sign(played.returns).tolist() == np.sign(returns).tolist()
    name, text = game_file(session.played())
    assert text == path.read_text(encoding="utf-8")
    assert "/" not in name


def test_hidden_cards_are_shown_to_their_owner_only() -> None:
    session = GameSession(make_game("kuhn_poker"), [ANN, BOB], seed=1)
    session.play_chance()
    first, second = (move.action for move in session.moves)
    assert shown_text(session.state, 0).startswith(str(first))
    assert str(second) not in shown_text(session.state, 0)
    assert str(second) in shown_text(session.state, None)


def test_a_table_has_a_seat_for_every_player() -> None:
    with pytest.raises(GameError, match="2 players, got 1"):
        GameSession(make_game("chess"), [ANN], seed=0)


@pytest.mark.parametrize(
    ("game_id", "plies"),
    [("dark_chess", 60), ("hanabi", 11), ("gin_rummy", 40), ("battleship", 30), ("phantom_ttt", 4)],
)
def test_games_that_hide_something_show_each_seat_a_text_of_its_own(game_id: str, plies: int) -> None:
    session = random_game(game_id, seed=2, plies=plies)
    assert not session.state.is_terminal()
    texts = [shown_text(session.state, seat) for seat in range(2)]
    assert texts[0] != texts[1]
    assert all(len(text) > 10 and "no text" not in text for text in texts)
