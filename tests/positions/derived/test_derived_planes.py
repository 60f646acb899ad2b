"""Derived planes against python-chess, and against the plain definitions written out with loops."""

from collections.abc import Iterator

import chess
import numpy as np
import pytest
from numpy.typing import NDArray

from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.positions.derived.chess import CHESS_PLANES
from gameil.positions.derived.go import GO_PLANES
from gameil.positions.derived.othello import OTHELLO_PLANES
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.seeding import generator

PLANES = {"chess": CHESS_PLANES, "go": GO_PLANES, "othello": OTHELLO_PLANES}
Cells = NDArray[np.float32]


def some_states(game_id: str, games: int, every: int) -> Iterator[State]:
    """States along random games."""
    game = make_game(game_id)
    for seed in range(games):
        rng, state = generator(seed, "derived planes"), game.initial_state()
        while not state.is_terminal() and len(state.history) < 160:
            if len(state.history) % every == seed % every:
                yield state.clone()
            state.apply(int(rng.choice(state.legal_actions())))


def derived(game_id: str, states: list[State]) -> tuple[Cells, Cells]:
    """The game's own planes ``[B, C, N]``, and what is derived from them ``[B, F, N]``."""
    encoder = ObservationEncoder(make_game(game_id), EncoderConfig(derived=True))
    planes = encoder.encode(states).reshape(len(states), encoder.shape[0], -1)
    return planes, planes[:, -PLANES[make_game(game_id).name] :]


def test_chess_planes_are_those_of_python_chess() -> None:
    states = list(some_states("chess", games=6, every=7))
    pieces, found = derived("chess", states)
    kinds = [chess.KING, chess.QUEEN, chess.ROOK, chess.BISHOP, chess.KNIGHT, chess.PAWN]
    pins = checks = 0
    for own, planes in zip(pieces, found, strict=True):
        board = chess.Board(None)
        for plane in range(12):
            for square in np.flatnonzero(own[plane]).tolist():
                board.set_piece_at(square, chess.Piece(kinds[plane % 6], plane < 6))
        attackers = [[board.attackers(colour, square) for square in chess.SQUARES] for colour in (True, False)]
        for side, colour in enumerate((True, False)):
            for place, kind in enumerate(kinds):
                mine = board.pieces(kind, colour)
                expected = [bool(there & mine) for there in attackers[side]]
                np.testing.assert_array_equal(planes[6 * side + place], expected)
            np.testing.assert_array_equal(planes[12 + side] * 4, [len(there) for there in attackers[side]])
            # Of the king's own pieces, those alone in between are what is called pinned.
            there = np.array([board.color_at(square) == colour for square in chess.SQUARES])
            pinned = [board.is_pinned(colour, square) for square in chess.SQUARES]
            np.testing.assert_array_equal((planes[14 + side] != 0) & there, pinned & there)
            pins += int(sum(pinned & there))
        king, other = board.king(True), board.king(False)
        assert king is not None
        assert other is not None
        np.testing.assert_array_equal(np.flatnonzero(planes[16]), sorted(board.attackers(False, king)))
        checks += int(planes[16].any())
        for plane, kind in ((17, chess.ROOK), (18, chess.BISHOP), (19, chess.KNIGHT)):
            board.set_piece_at(other, chess.Piece(kind, True))
            np.testing.assert_array_equal(np.flatnonzero(planes[plane]), sorted(board.attacks(other)))
        board.set_piece_at(other, chess.Piece(chess.KING, False))
    assert pins > 10
    assert checks > 5


def test_a_piece_of_the_attacker_that_hides_its_own_line_is_marked() -> None:
    state = make_game("chess").initial_state("4k3/8/8/8/4N3/8/8/4RK2 w - - 0 1")
    _, found = derived("chess", [state])
    assert np.flatnonzero(found[0, 15]).tolist() == [chess.E4]
    assert not found[0, 14].any()


STEPS = [(up, right) for up in (-1, 0, 1) for right in (-1, 0, 1) if up or right]


def othello_flips(own: set[tuple[int, int]], other: set[tuple[int, int]], place: tuple[int, int]) -> set:
    flips = set()
    for up, right in STEPS:
        line, (row, column) = set(), (place[0] + up, place[1] + right)
        while (row, column) in other:
            line.add((row, column))
            row, column = row + up, column + right
        if (row, column) in own:
            flips |= line
    return flips


def othello_moves(own: set[tuple[int, int]], other: set[tuple[int, int]]) -> set[tuple[int, int]]:
    free = {divmod(cell, 8) for cell in range(64)} - own - other
    return {place for place in free if othello_flips(own, other, place)}


def test_othello_planes_are_what_counting_gives() -> None:
    states = list(some_states("othello", games=4, every=9))
    boards, found = derived("othello", states)
    for state, board, planes in zip(states, boards, found, strict=True):
        own, other = ({divmod(cell, 8) for cell in np.flatnonzero(board[plane]).tolist()} for plane in (0, 1))
        legal = {action for action in state.legal_actions() if action < 64}
        expected = np.zeros((OTHELLO_PLANES, 8, 8), np.float32)
        for row, column in othello_moves(other, own):
            expected[1, row, column] = 1
        for action in legal:
            place = divmod(action, 8)
            flips = othello_flips(own, other, place)
            mine, theirs = own | flips | {place}, other - flips
            answers = othello_moves(theirs, mine)
            beside = [
                sum(
                    any(
                        (row + up, column + right) not in mine | theirs
                        for up, right in STEPS
                        if 0 <= row + up < 8 and 0 <= column + right < 8
                    )
                    for row, column in discs
                )
                for discs in (mine, theirs)
            ]
            corner = bool(answers & {(0, 0), (0, 7), (7, 0), (7, 7)})
            counted = (1, None, len(flips) / 8, len(answers) / 16, corner, len(othello_moves(mine, theirs)) / 16)
            for plane, value in enumerate((*counted, beside[0] / 16, beside[1] / 16)):
                if value is not None:
                    expected[plane][place] = value
        np.testing.assert_array_equal(planes, expected.reshape(OTHELLO_PLANES, 64))


def go_string(board: dict[tuple[int, int], int], point: tuple[int, int]) -> tuple[set, set]:
    """Stones and liberties of the string at ``point``."""
    stones, liberties, waiting = {point}, set(), [point]
    while waiting:
        row, column = waiting.pop()
        for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if board.get(near) == 0:
                liberties.add(near)
            elif board.get(near) == board[point] and near not in stones:
                stones.add(near)
                waiting.append(near)
    return stones, liberties


@pytest.mark.parametrize(("board_size", "every"), [(5, 5), (9, 23)])
def test_go_planes_are_what_flood_filling_gives(board_size: int, every: int) -> None:
    states = list(some_states(f"go(board_size={board_size})", games=5, every=every))
    boards, found = derived(f"go(board_size={board_size})", states)
    captures = 0
    for stones, planes in zip(boards, found, strict=True):
        marks = stones[0] + 2 * stones[1]
        board = {divmod(cell, board_size): int(mark) for cell, mark in enumerate(marks)}
        expected = np.zeros((GO_PLANES, board_size, board_size), np.float32)
        for point, colour in board.items():
            if colour:
                expected[min(len(go_string(board, point)[1]), 4) - 1][point] = 1
                continue
            row, column = point
            near = [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
            taken: set = set()
            for other in near:
                if board.get(other) == 2 and go_string(board, other)[1] == {point}:
                    taken |= go_string(board, other)[0]
            own_liberties = {other for other in near if board.get(other) == 0}
            for other in near:
                if board.get(other) == 1:
                    own_liberties |= go_string(board, other)[1]
            left = len((own_liberties | (taken & set(near))) - {point})
            if taken:
                captures += 1
                expected[3 + min(len(taken), 3)][point] = 1
            if left:
                expected[6 + min(left, 4)][point] = 1
        np.testing.assert_array_equal(planes, expected.reshape(GO_PLANES, -1))
    assert captures > 20


@pytest.mark.parametrize("game_id", ["chess", "othello", "go(board_size=9)"])
def test_derived_planes_turn_with_the_board(game_id: str) -> None:
    game = make_game(game_id)
    planes, found = derived(game_id, list(some_states(game_id, games=2, every=9)))
    encoder = ObservationEncoder(game, EncoderConfig(derived=True))
    for symmetry in game.symmetries():
        turned = planes[:, :, symmetry.cells].reshape(-1, *encoder.shape)
        expected = turned[:, -PLANES[game.name] :].copy()
        encoder.derive(turned)
        np.testing.assert_array_equal(turned[:, -PLANES[game.name] :], expected)
    assert found.any(axis=(0, 2)).all(), "some plane was never seen"


def test_other_games_derive_nothing() -> None:
    game = make_game("connect_four")
    assert (
        ObservationEncoder(game, EncoderConfig(derived=True)).shape == ObservationEncoder(game, EncoderConfig()).shape
    )
