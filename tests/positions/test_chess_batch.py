"""Many games at once, through NumPy or the Rust reader, are exactly those that the rules engine plays one by one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.games.chess_ends import NO_END
from gameil.positions import chess_batch
from gameil.positions.chess_batch import is_replayed, transcribe_chess
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, Provenance
from tests.records.reading import read

SCHOLARS_MATE = "1. e4 e5 2. Bc4 Nc6 3. Qh5 Nf6 4. Qxf7# 1-0"


@pytest.fixture(params=[False, True], ids=["numpy", "rust"], autouse=True)
def pgn_extra(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Which of the two resolves the moves; NumPy of few games too."""
    if request.param:
        pytest.importorskip("rust_pgn_reader_python_binding", reason="the pgn extra is not installed")
    monkeypatch.setattr(chess_batch, "FEWEST_GAMES", 1)
    return bool(request.param)


def records_of(*texts: str) -> list[GameRecord]:
    found = [record for text in texts for record in read("pgn", text)]
    assert all(isinstance(record, GameRecord) for record in found), found
    return found  # type: ignore[return-value]


def assert_equal_to_ordinary(records: list[GameRecord], pgn_extra: bool) -> list[PlayedGame | None]:
    """Every game that went the fast way is, field for field, the ordinary one; returns what the fast way gave."""
    batch = transcribe_chess(records, pgn_extra=pgn_extra)
    assert len(batch) == len(records)
    for record, fast in zip(records, batch, strict=True):
        if fast is None:
            continue
        ordinary = transcribe(record)
        assert isinstance(ordinary, PlayedGame), ordinary
        for field in dataclasses.fields(PlayedGame):
            if field.name != "actions":
                assert getattr(fast, field.name) == getattr(ordinary, field.name), (field.name, record.source)
        assert fast.actions.dtype == ordinary.actions.dtype
        assert fast.actions.tolist() == ordinary.actions.tolist(), record.source
        assert not fast.actions.flags.writeable
    return batch


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_games_with_every_kind_of_end(seed: int, pgn_extra: bool) -> None:
    """Games go on after the rules' automatic end, as people's do."""
    pytest.importorskip("chess", reason="python-chess makes the games")
    rng = np.random.default_rng(seed)
    records = records_of(*(random_game(rng, int(rng.integers(1, 220))) for _ in range(4)))
    assert None not in assert_equal_to_ordinary(records, pgn_extra)


def random_game(rng: np.random.Generator, plies: int) -> str:
    """A legal game as PGN, in one of several moods: shuffling, long, hungry or wild."""
    import chess

    board = chess.Board()
    mood = rng.choice(["shuffling", "long", "hungry", "wild"])
    words: list[str] = []
    while len(words) < plies and not (board.is_checkmate() or board.is_stalemate()):
        moves = sorted(board.legal_moves, key=str)
        back = chess.Move(board.peek().to_square, board.peek().from_square) if board.move_stack else None
        if len(board.move_stack) > 1:
            back = chess.Move(board.move_stack[-2].to_square, board.move_stack[-2].from_square)
        quiet = [move for move in moves if not board.is_zeroing(move)]
        takes = [move for move in moves if board.is_capture(move) or move.promotion or board.is_castling(move)]
        doubles = [move for move in moves if abs(move.from_square - move.to_square) == 16]
        if mood == "shuffling" and back in moves and rng.random() < 0.8:
            move = back
        elif mood == "long" and len(words) > 10 and quiet:
            move = quiet[int(rng.integers(len(quiet)))]
        elif mood == "hungry" and takes and rng.random() < 0.8:
            move = takes[int(rng.integers(len(takes)))]
        elif mood == "shuffling" and doubles and rng.random() < 0.3:
            move = doubles[int(rng.integers(len(doubles)))]
        else:
            move = moves[int(rng.integers(len(moves)))]
        assert move is not None
        words.append(board.san(move))
        board.push(move)
    numbered = (f"{index // 2 + 1}. {word}" if index % 2 == 0 else word for index, word in enumerate(words))
    return f'[White "A"]\n[Black "B"]\n[Result "1/2-1/2"]\n\n{" ".join(numbered)} 1/2-1/2\n\n'


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_damaged_games_are_never_read_otherwise_than_by_the_rules(seed: int, pgn_extra: bool) -> None:
    """A game with a wrong, doubled or missing move is refused, or is what the ordinary way makes of it."""
    pytest.importorskip("chess", reason="python-chess makes the games")
    rng = np.random.default_rng(seed)
    (record,) = records_of(random_game(rng, 60))
    damaged = []
    for _ in range(40):
        moves = list(record.moves)
        place = int(rng.integers(len(moves)))
        move, other = moves[place], moves[int(rng.integers(len(moves)))]
        bare = move.rstrip("+#")
        moves[place] = str(
            rng.choice(
                [
                    other,
                    move.replace("x", ""),
                    "N" + bare[-2:],
                    "Q" + bare[-2:],
                    "KQRBN"[int(rng.integers(5))] + bare[1:],
                    bare[:1] + "x" + bare[1:],
                    bare[:-1] + str(rng.integers(1, 9)),
                    "abcdefgh"[int(rng.integers(8))] + bare[-1:] + "=Q",
                    "O-O",
                    "e" + bare,
                    f"{move} {other}",
                    "",
                ]
            )
        )
        damaged.append(dataclasses.replace(record, moves=tuple(" ".join(moves).split())))
    assert_equal_to_ordinary(damaged, pgn_extra)


REPETITION = "1. Nf3 Nf6 2. Ng1 Ng8 3. Nf3 Nf6 4. Ng1 Ng8 5. e4 e5 *"
CLOCKS = "1. e4 {[%clk 0:03:00]} e5 {[%clk 0:02:59.5]} 2. Nf3 $1 {good} (2. f4 exf4) Nc6! 1/2-1/2"
CASTLING = (
    "1. d4 d5 2. Nc3 Nf6 3. Bf4 g6 4. Qd2 Bg7 5. O-O-O O-O 6. e4 dxe4 7. d5 e5 8. dxe6 Bxe6 9. Qxd8 Rxd8 10. Rxd8+ *"
)
PROMOTIONS = "1. a4 b5 2. axb5 a6 3. bxa6 Bb7 4. axb7 h5 5. bxa8=N h4 6. g4 hxg3 7. Nc3 gxh2 8. e4 hxg1=Q 9. Nxc7+ *"


@pytest.mark.parametrize("text", [SCHOLARS_MATE, REPETITION, CLOCKS, CASTLING, PROMOTIONS])
@pytest.mark.parametrize("tags", ["", '[White "A"]\n[WhiteElo "2700"]\n[Result "1-0"]\n[OPENING "2"]\n[MATCH "m"]\n\n'])
def test_plain_games_go_the_fast_way(text: str, tags: str, pgn_extra: bool) -> None:
    (played,) = assert_equal_to_ordinary(records_of(tags + text), pgn_extra)
    assert played is not None


def test_ends_by_the_rules(pgn_extra: bool) -> None:
    mate, repetition = transcribe_chess(records_of(SCHOLARS_MATE, REPETITION), pgn_extra=pgn_extra)
    assert mate is not None
    assert repetition is not None
    assert (mate.termination, mate.after_end, len(mate.actions)) == ("rules", 0, 7)
    assert (repetition.termination, repetition.after_end, len(repetition.actions)) == ("rules", 2, 8)


SPECIAL = [
    '[FEN "4k3/8/8/8/8/8/8/4K2R w K - 0 1"]\n\n1. O-O *',
    '[Variant "Chess960"]\n[FEN "nrbkrqbn/pppppppp/8/8/8/8/PPPPPPPP/NRBKRQBN w EBeb - 0 1"]\n\n1. e4 *',
    "1. e4 e5 2. Nf6 *",  # illegal
    "1. e4 e5 2. -- Nf6 *",
    "1. e2-e4 d5 2. ed5 *",  # as people also write
    "1. e4 d5 2. e:d5 *",
    "1. Nf3 e5 2. Nd5 *",
    "1. e4 e5 2. Bc4 Bc5 3. Nf3 Nf6 4. Kg1 *",
    "1. e4 Nf6 2. Bb5 Nd5 3. bc6 *",
]


@pytest.mark.parametrize("text", SPECIAL)
def test_special_games_are_left_to_the_ordinary_way_in_their_places(text: str, pgn_extra: bool) -> None:
    records = records_of(SCHOLARS_MATE, text, CASTLING)
    assert [game is None for game in assert_equal_to_ordinary(records, pgn_extra)] == [False, True, False]


def test_other_games_and_nothing_are_left_alone(pgn_extra: bool) -> None:
    go = GameRecord(game="go", notation="sgf", moves=("pd",), source=Provenance("memory", 0))
    uci = GameRecord(game="chess", notation="uci", moves=("e2e4",), source=Provenance("memory", 0))
    odd = dataclasses.replace(uci, notation="san", moves=("e4",), returns=(1.0, 2.0))
    assert transcribe_chess([go, uci, odd], pgn_extra=pgn_extra) == [None, None, None]
    assert transcribe_chess([], pgn_extra=pgn_extra) == []


def test_a_sample_is_replayed_and_a_difference_is_an_error_that_names_the_game(
    monkeypatch: pytest.MonkeyPatch, pgn_extra: bool
) -> None:
    records = records_of(SCHOLARS_MATE, REPETITION)
    monkeypatch.setattr(chess_batch, "automatic_ends", lambda boards, castling, clocks, starts: np.full(2, NO_END))
    monkeypatch.setattr(chess_batch, "REPLAYED", 1)
    with pytest.raises(RecordsError, match=r"memory at byte 0: .* play this game differently .8 actions"):
        transcribe_chess(records, pgn_extra=pgn_extra)


def test_about_one_game_in_sixty_four_is_replayed() -> None:
    rng = np.random.default_rng(0)
    games = [PlayedGame("chess", rng.integers(0, 4674, 40, dtype=np.uint32), Provenance("", 0)) for _ in range(6400)]
    assert 70 < sum(map(is_replayed, games)) < 130


def test_famous_games(repository: Path, pgn_extra: bool) -> None:
    records = list(read_records(repository / "replays" / "chess" / "famous-games.pgn"))
    assert None not in assert_equal_to_ordinary(
        [record for record in records if isinstance(record, GameRecord)], pgn_extra
    )


@pytest.mark.parametrize(("name", "least"), [("twic-0920-0959.pgn.zst", 0.98), ("stress/club.pgn", 0.9)])
def test_real_games(shared_data: Path, name: str, least: float, pgn_extra: bool) -> None:
    records: list[GameRecord] = []
    for record in read_records(shared_data / "chess" / name):
        if isinstance(record, GameRecord):
            records.append(record)
        if len(records) == 300:
            break
    fast = assert_equal_to_ordinary(records, pgn_extra)
    assert sum(game is not None for game in fast) >= least * len(records)
