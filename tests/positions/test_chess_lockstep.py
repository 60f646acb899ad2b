"""The NumPy resolver against the Rust reader, array by array, and on moves that each go wrong in their own way."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gameil.positions.chess_lockstep import MOST_PLIES, resolve_in_lockstep
from gameil.records.formats import read_records
from gameil.records.pgn_rust import resolve_moves
from gameil.records.record import GameRecord
from gameil.records.resolved_games import ResolvedGames


def moves(text: str) -> list[str]:
    return text.split()


SHUFFLE = moves("Nf3 Nf6 Ng1 Ng8")
GOOD = [
    moves("e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7#"),
    moves("f3 e5 g4 Qh4#"),
    moves("e4 d5 e5 f5 exf6 Kf7 fxg7 Ke6 gxh8=N Nf6 Nc3 Na6 d4 Bd7 Bg5 Qb8"),
    moves("d4 Nf6 Nc3 g6 Bf4 Bg7 Qd2 O-O O-O-O"),
    moves("d4 d5 Nc3 Nc6 Bf4 Bf5 Qd3 Qd6 O-O-O O-O-O"),
    moves("e4 e6 d4 Bb4+ c3"),
    moves("a4 b5 axb5 a6 bxa6 Bb7 axb7 h5 bxa8=Q h4 g4 hxg3"),
    moves("Nf3 Nf6 Nc3 Nc6 Nd4 Nd5 Nf3 Nf6 Nd4 Nb4 Ncb5 Nbd5 Nc3"),
    moves("Nc3 e5 Nf3 Bb4 d4 exd4 Nd2"),  # the knight on c3 is not pinned while d2 is taken
    moves("e4 e5 d4 Bb4+ Nc3 Nf6 Ne2"),  # the knight on c3 is pinned, so only one can go to e2
    SHUFFLE * 40,
]
BAD = [
    moves("e4 e5 Ke3"),
    moves("e4 e5 Bc5"),
    moves("e4 d5 exd6"),  # nothing passed there
    moves("e4 a6 e5 d5 a3 h6 exd6"),  # too late
    moves("e4 e5 Nf3 Nc6 O-O"),  # the bishop is in the way
    moves("e4 e5 Bc4 Bc5 Nh3 Qf6 Ke2 Nc6 Ke1 d6 O-O"),  # the king has moved
    moves("e4 b6 Nf3 Ba6 Bc4 e5 d3 Bxc4 h3 Bxd3 O-O"),  # the king would pass an attacked square
    moves("e4 e5 Nf3 Bc5 Bc4 Bxf2+ O-O"),  # out of check
    moves("e4 e5 Nf3 Bc5 Bc4 Nh6 d3 Bxf2+ Ke2 Bd4 Ke1 d6 Rf1 Be6 Rh1 Bd7 O-O"),
    moves("e4 e5 Qh5 Nc6 Qxf7+ Nf6"),  # leaves the king in check
    moves("e4 e5 d4 Bb4+ Nf3"),
    moves("d4 e6 Nc3 Bb4 Ne4 d5 Nc3 h6 d5 h5 Nb1 h4 b3 h3 Ba3 Bxa3 Nxa3 Nf6 Nb1 Ne4 Nd2 Nxd2 Nf3 Ne4 Nd2 h1=Q"),
    moves("Nc3 e5 Nb5 e4 Nf3 exf3 Nd4 fxg2 Nf3 gxh1"),  # which piece?
    moves("Nf3 a6 Nc3 a5 Nd4 a4 Ne4 a3 Nc5 h6 Ndb3 h5 Na4 h4 Nbc5 h3 Nb3 d6 Nc5 d5 Nb5"),
    moves("Nc3 a6 Nf3 a5 Nd4 a4 Ndb5 a3 Nd5 h6 Nc3"),  # both knights
    moves("e4 e5 Qh4=Q"),
    moves("e4 e5 --"),
    moves("e4 e5 Nf3+ xx"),
    moves("e4 e5 e4xd5"),
    moves("e9"),
    ["♘f3"],
]


def assert_equal(left: ResolvedGames, right: ResolvedGames) -> None:
    """Everything about valid games is equal; ``stuck`` may differ where nobody can mate any more."""
    assert left.valid.tolist() == right.valid.tolist()
    assert left.move_offsets.tolist() == right.move_offsets.tolist()
    for field in dataclasses.fields(ResolvedGames):
        ours, theirs = getattr(left, field.name), getattr(right, field.name)
        if field.name != "stuck":
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), field.name
            assert np.array_equal(ours, theirs), field.name
    assert not (right.stuck & ~left.stuck).any()


def test_good_and_bad_games_side_by_side() -> None:
    games = [game for pair in zip(GOOD + BAD, BAD + GOOD, strict=True) for game in pair]
    resolved = resolve_in_lockstep(games)
    assert resolved.valid.tolist() == [game in GOOD for game in games]
    assert resolved.stuck[[0, 2, 4]].tolist() == [True, True, False]


@pytest.mark.parametrize("game", GOOD, ids=" ".join)
def test_each_good_game_alone_is_what_the_rust_reader_makes_of_it(game: list[str]) -> None:
    pytest.importorskip("rust_pgn_reader_python_binding", reason="the pgn extra is not installed")
    assert_equal(resolve_in_lockstep([game]), resolve_moves([" ".join(game)]))


@pytest.mark.parametrize("game", BAD, ids=" ".join)
def test_each_bad_game_is_one_for_the_rust_reader_too(game: list[str]) -> None:
    pytest.importorskip("rust_pgn_reader_python_binding", reason="the pgn extra is not installed")
    assert resolve_in_lockstep([game]).valid.tolist() == resolve_moves([" ".join(game)]).valid.tolist() == [False]


def test_very_long_games_are_left_to_others() -> None:
    games = [SHUFFLE * (MOST_PLIES // 4), SHUFFLE * (MOST_PLIES // 4) + ["e4"], GOOD[0]]
    resolved = resolve_in_lockstep(games)
    assert resolved.valid.tolist() == [True, False, True]
    assert np.diff(resolved.move_offsets).tolist() == [MOST_PLIES, MOST_PLIES, 7]


def test_real_games_are_what_the_rust_reader_makes_of_them(shared_data: Path) -> None:
    pytest.importorskip("rust_pgn_reader_python_binding", reason="the pgn extra is not installed")
    games: list[tuple[str, ...]] = []
    for record in read_records(shared_data / "chess" / "twic-0920-0959.pgn.zst"):
        if isinstance(record, GameRecord) and record.start is None:
            games.append(record.moves)
        if len(games) == 400:
            break
    resolved = resolve_in_lockstep(games)
    assert resolved.valid.all()
    assert_equal(resolved, resolve_moves([" ".join(game) for game in games]))
