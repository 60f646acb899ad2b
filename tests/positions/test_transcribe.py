"""Records become played games, and come back."""

import dataclasses

import numpy as np
import pytest

from gameil.positions.played_game import PlayedGame
from gameil.positions.replay import replay
from gameil.positions.to_record import game_parameters, to_record
from gameil.positions.transcribe import game_id, transcribe
from gameil.records.record import GameRecord, Provenance, RecordError

SOURCE = Provenance("test", 0)


def chess_record(*moves: str, **changes: object) -> GameRecord:
    record = GameRecord(game="chess", notation="san", moves=moves, source=SOURCE, returns=(1.0, -1.0), result="1-0")
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def go_record(*moves: str, **changes: object) -> GameRecord:
    record = GameRecord(
        game="go", notation="sgf", moves=moves, source=SOURCE, parameters={"board_size": 9, "komi": 0.5}
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def played(record: GameRecord) -> PlayedGame:
    result = transcribe(record)
    assert isinstance(result, PlayedGame), result
    return result


def refused(record: GameRecord) -> RecordError:
    result = transcribe(record)
    assert isinstance(result, RecordError)
    return result


def test_fools_mate_ends_by_the_rules_and_keeps_the_records_outcome() -> None:
    game = played(chess_record("f3", "e5", "g4", "Qh4#", returns=(-1.0, 1.0), result="0-1"))
    assert len(game.actions) == 4
    assert game.termination == "rules"
    assert game.returns == (-1.0, 1.0)
    assert game.after_end == 0


def test_moves_after_the_rules_end_are_counted_and_the_outcome_is_not_recomputed() -> None:
    shuffle = ("Nf3", "Nf6", "Ng1", "Ng8")
    game = played(chess_record(*shuffle * 4, "e4"))
    # The start position stands for the third time after two shuffles: OpenSpiel ends the game there.
    assert len(game.actions) == 8
    assert game.after_end == 9
    assert game.returns == (1.0, -1.0)


def test_an_illegal_move_names_its_place() -> None:
    error = refused(chess_record("e4", "e5", "Ke3"))
    assert error.reason == "illegal move"
    assert "move 3" in error.detail
    assert error.excerpt == "Ke3"


def test_a_malformed_move_is_told_from_an_illegal_one() -> None:
    assert refused(chess_record("e4", "xyzzy")).reason == "malformed move"


def test_parameters_that_the_rules_refuse_are_an_error_value() -> None:
    error = refused(go_record("aa", parameters={"board_size": 500}))
    assert error.reason == "parameters"
    assert "500" in error.detail
    assert refused(chess_record("e4", start="not a fen")).reason == "parameters"


@pytest.mark.parametrize(
    ("returns", "part"),
    [
        ((1.0,), "1 returns for a game of 2 players"),
        ((1.0, -1.0, 0.0), "3 returns"),
        ((), "0 returns"),
        ((2.0, -2.0), "must lie in [-1, 1], got 2"),
        ((0.0, float("nan")), "got nan"),
        ((float("inf"), -1.0), "got inf"),
    ],
)
def test_returns_that_no_game_can_have_are_refused(returns: tuple[float, ...], part: str) -> None:
    error = refused(chess_record("e4", "e5", returns=returns))
    assert error.reason == "returns"
    assert part in error.detail


def test_returns_may_be_unknown_or_between_the_bounds() -> None:
    assert played(chess_record("e4", "e5", returns=None)).returns is None
    assert played(chess_record("e4", "e5", returns=(0.5, -0.5))).returns == (0.5, -0.5)


def test_a_record_without_moves_is_refused() -> None:
    assert refused(chess_record()).reason == "no moves"


def test_the_same_move_has_one_id_for_both_sides() -> None:
    first, second = played(chess_record("e4", "e5")).actions
    assert first == second


def test_chess_from_a_position() -> None:
    start = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"
    game = played(chess_record("e4", "Kd7", start=start))
    assert game.start == start
    assert to_record(game).moves == ("e4", "Kd7")


def test_handicap_stones_become_setup_actions_with_passes_between() -> None:
    record = go_record("ee", "cc", setup=((0, "gc"), (0, "cg")), movers=(1, 0))
    game = played(record)
    assert game.num_setup == 3  # stone, pass, stone; then White moves
    assert [ply for ply, _, _ in replay(game)] == [3, 4]
    back = to_record(game)
    assert back.setup == record.setup
    assert back.movers == (1, 0)
    np.testing.assert_array_equal(played(back).actions, game.actions)


def test_handicap_written_as_moves_is_setup() -> None:
    game = played(go_record("gc", "cg", "ee", "cc", movers=(0, 0, 1, 0)))
    assert game.num_setup == 3
    assert len(game.actions) == 5


def test_white_first_without_handicap_is_a_black_pass_in_the_setup() -> None:
    game = played(go_record("ee", "cc", movers=(1, 0)))
    assert game.num_setup == 1
    assert len(game.actions) == 3


def test_a_side_moving_twice_in_mid_game_is_out_of_turn() -> None:
    assert refused(go_record("ee", "cc", "gg", movers=(0, 1, 1))).reason == "out of turn"


def test_clocks_stand_beside_the_actions() -> None:
    game = played(chess_record("e4", "e5", "Nf3", clocks=(60.0, None, 58.5)))
    assert game.clocks == (60.0, None, 58.5)


@pytest.mark.parametrize("passing", ["", "tt"])
def test_go_passes(passing: str) -> None:
    game = played(go_record("ee", passing, "cc", movers=(0, 1, 0)))
    assert len(game.actions) == 3
    assert to_record(game).moves[1] == ""


def test_game_id_and_parameters_are_inverse() -> None:
    parameters = {"board_size": 9, "komi": 0.5, "chess960": True}
    assert game_parameters(game_id("go", parameters)) == parameters
    assert game_parameters("chess") == {}


def test_chess960_is_a_parameter_of_the_game() -> None:
    start = "bbqnnrkr/pppppppp/8/8/8/8/PPPPPPPP/BBQNNRKR w HFhf - 0 1"
    game = played(chess_record("g4", "g5", parameters={"chess960": True}, start=start))
    assert "chess960" in game.game_id
    np.testing.assert_array_equal(played(to_record(game)).actions, game.actions)


def test_the_random_opening_of_a_generated_game_is_setup() -> None:
    tags = {"MATCH": "series/0/3", "OPENING": "2"}
    game = played(chess_record("a4", "h5", "e4", "e5", tags=tags))
    assert game.num_setup == 2
    assert game.match_id == "series/0/3"
    assert [ply for ply, _, _ in replay(game)] == [2, 3]
    back = played(to_record(game))
    assert (back.num_setup, back.match_id, back.actions.tolist()) == (2, game.match_id, game.actions.tolist())


def test_a_persons_game_has_no_random_opening_whatever_its_tags_say() -> None:
    assert played(chess_record("e4", "e5", "Nf3", tags={"OPENING": "2"})).num_setup == 0


def test_a_generated_game_of_go_keeps_stones_and_opening_apart() -> None:
    tags = {"MATCH": "series/0/3", "OPENING": "2"}
    record = go_record("ee", "cc", "gg", "ff", setup=((0, "gc"), (0, "cg")), movers=(1, 0, 1, 0), tags=tags)
    game = played(record)
    assert game.num_setup == 3 + 2
    back = to_record(game)
    assert (back.setup, back.moves) == (record.setup, record.moves)
    assert played(back).num_setup == game.num_setup
