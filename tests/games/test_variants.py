"""Shogi, xiangqi, crazyhouse and antichess: known counts of games, who moves first, frames, and how moves are read."""

import re

import numpy as np
import pytest

from gameil.errors import NotationError
from gameil.games.frame_proof import exchange_colours
from gameil.games.game import State
from gameil.games.open_spiel import OpenSpielGame, OpenSpielState
from gameil.games.registry import make_game
from gameil.games.usi_notation import read_usi
from gameil.games.variant_frames import shogi_moves

PERFT = {"shogi": (30, 900), "xiangqi": (44, 1920), "crazyhouse": (20, 400, 8902), "antichess": (20, 400, 8067)}
"""Numbers of games of one, two, three plies: https://www.chessprogramming.org/Perft and its pages on the variants."""


def count(state: State, plies: int) -> int:
    legal = state.legal_actions()
    if plies == 1:
        return len(legal)
    total = 0
    for action in legal:
        after = state.clone()
        after.apply(action)
        total += count(after, plies - 1)
    return total


@pytest.mark.parametrize("name", PERFT)
def test_the_engine_plays_the_rules(name: str) -> None:
    state = make_game(name).initial_state()
    assert state.current_player() == 0
    assert tuple(count(state, plies + 1) for plies in range(len(PERFT[name]))) == PERFT[name]


def play(name: str, moves: str, notation: str) -> State:
    state = make_game(name).initial_state()
    for move in moves.split():
        state.apply(state.parse(move, notation))  # type: ignore[arg-type]
    return state


def observe(state: State) -> np.ndarray:
    out = np.empty(state.game.observation_shape, dtype=np.float32)
    state.write_observation(out)
    return out


def test_shogi_first_moves_have_one_id_for_both_sides() -> None:
    state = make_game("shogi").initial_state()
    first, before = state.legal_actions(), observe(state)
    pawn = state.parse("7g7f")
    state.apply(pawn)
    assert state.parse("3c3d") == pawn
    assert state.legal_actions() == first
    after = observe(state)
    moved = {int(cell) for cell in state.game.board.opponent_view[state.game.board.action_cells[pawn]]}
    changed = {int(cell) for cell in np.flatnonzero((before != after).any(axis=0))}
    assert changed == moved


def test_shogi_moves_are_directions() -> None:
    source, target, plane = shogi_moves()
    assert len(source) == 3282
    steps: dict[int, set[tuple[int, int]]] = {}
    for begin, end, kind in zip(source.tolist(), target.tolist(), plane.tolist(), strict=True):
        steps.setdefault(kind, set()).add((end // 9 - begin // 9, end % 9 - begin % 9))
    assert all(len(found) == 1 for found in steps.values())
    assert steps[0] == {(1, 0)}
    assert max(steps) == 131


def test_shogi_hands_are_the_movers_own() -> None:
    state = play("shogi", "7g7f 3c3d 8h2b+ 3a2b", "action")  # both have a bishop in hand
    assert state.parse("B*4e") in state.legal_actions()
    hands = observe(state)[30:]
    assert [bool(plane.any()) for plane in hands].count(True) == 2
    state.apply(state.parse("1g1f"))
    assert [bool(plane.any()) for plane in observe(state)[30:]] == [bool(plane.any()) for plane in hands]


def test_crazyhouse_drops_have_one_id_for_both_sides() -> None:
    state = play("crazyhouse", "e4 d5 exd5 Qxd5 a3 a6", "san")
    white = state.parse("P@e4", "san")
    state.apply(white)
    state.apply(state.parse("P@e5", "san"))
    assert state.recent[0][1] == white
    assert state.game.board.action_cells[white].tolist() == [28, 28]


@pytest.mark.parametrize(
    ("name", "moves", "text", "same"),
    [
        ("crazyhouse", "e4 d5 exd5 Qxd5", "@e4", "P@e4"),
        ("crazyhouse", "e4 d5 exd5 Qxd5", "P@e4!?", "P@e4"),
        ("crazyhouse", "Nf3 Nf6 e3 e6 Be2 Be7", "0-0", "O-O"),
        ("crazyhouse", "e4 d5", "e4d5", "exd5"),
        ("crazyhouse", "Nf3 d5 d3 a6", "Nbd2", "Nbd2"),
        ("antichess", "e3 b5", "Bf1xb5", "Bxb5"),
    ],
)
def test_san_of_variants_is_read_leniently(name: str, moves: str, text: str, same: str) -> None:
    state = play(name, moves, "san")
    assert state.text(state.parse(text, "san"), "san") == same


@pytest.mark.parametrize(
    ("name", "moves", "text", "notation", "kind"),
    [
        ("crazyhouse", "Nf3 d5 d3 a6", "Nd2", "san", "ambiguous"),
        ("crazyhouse", "", "N@f3", "san", "illegal"),
        ("crazyhouse", "", "hello", "san", "malformed"),
        ("antichess", "e3 b5", "a3", "san", "illegal"),
        ("xiangqi", "", "H2-E9", "iccs", "illegal"),
        ("xiangqi", "", "C2=5", "iccs", "malformed"),
    ],
)
def test_refusals_of_variants_say_why(name: str, moves: str, text: str, notation: str, kind: str) -> None:
    state = play(name, moves, notation)
    with pytest.raises(NotationError) as caught:
        state.parse(text, notation)  # type: ignore[arg-type]
    assert caught.value.kind == kind


def test_promoted_pieces_are_written_as_what_they_move_like() -> None:
    """A promoted queen is the engine's E; people write Q, and name its file where a plain queen could go there too."""
    state = play("crazyhouse", "a4 b5 axb5 a6 bxa6 Nc6 a7 Nb8 axb8=Q h6", "san")
    text = state.engine_text(state.parse("Qxc7", "san"))
    assert text == "Exc7"
    assert state.parse("Qbxc7", "san") == state.parse("Exc7", "san") == state.parse("Qb8xc7", "san")


def test_xiangqi_coordinates() -> None:
    state = make_game("xiangqi").initial_state()
    action = state.parse("H2-E2", "iccs")
    assert state.engine_text(action) == "C(7,7)-(7,4)"
    assert (state.text(action, "iccs"), state.parse("h2e2", "iccs")) == ("H2-E2", action)
    state.apply(action)
    assert state.text(state.parse("h9g7", "iccs"), "iccs") == "H9-G7"


@pytest.mark.parametrize("seed", range(5))
def test_backgammon_looks_and_plays_alike_for_both_seats(seed: int) -> None:
    """Two games of the same rolls and actions, one begun by each seat: all that the players see and may do is equal."""
    rng = np.random.default_rng(seed)
    game = make_game("backgammon")
    one, two = game.initial_state(), game.initial_state()
    one.apply(one.parse("43", "backgammon"))
    two.apply(two.parse("second 43", "backgammon"))
    while not one.is_terminal():
        legal = one.legal_actions()
        assert legal == two.legal_actions()
        if one.current_player() >= 0:
            assert one.current_player() == 1 - two.current_player()
            assert one.text(legal[0], "backgammon") == two.text(legal[0], "backgammon")
            for player in (0, 1):
                seen = np.empty((2, *game.observation_shape), dtype=np.float32)
                one.write_observation(seen[0], player)
                two.write_observation(seen[1], 1 - player)
                assert np.array_equal(seen[0], seen[1])
        action = int(rng.choice(legal))
        one.apply(action)
        two.apply(action)
    assert two.is_terminal()
    assert one.returns().tolist() == two.returns().tolist()[::-1]


@pytest.mark.parametrize("seed", range(3))
def test_usi_is_looked_up_as_the_engine_writes_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = make_game("shogi").initial_state()
    for _ in range(150):
        if state.is_terminal():
            break
        legal = state.legal_actions()
        assert [read_usi(state, state.engine_text(action)) for action in legal] == legal
        state.apply(int(rng.choice(legal)))
    assert read_usi(state, "1a1a") is None
    assert read_usi(state, "7g7f ") is None


def turned_position(sfen: str) -> str:
    """The same position with Black and White exchanged and the board turned by half."""
    board, mover, hand, number = sfen.split()
    squares = re.findall(r"\+?[A-Za-z]|\d|/", board)
    turned = "".join(reversed(squares)).swapcase()
    return " ".join([turned, "b" if mover == "w" else "w", hand.swapcase(), number])


@pytest.mark.parametrize("seed", range(3))
def test_shogi_looks_and_plays_alike_for_both_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = make_game("shogi")
    state = game.initial_state()
    for ply in range(160):
        if state.is_terminal():
            break
        if ply % 8 == 0:
            one, two = game.initial_state(str(state)), game.initial_state(turned_position(str(state)))
            assert one.current_player() == 1 - two.current_player()
            assert one.legal_actions() == two.legal_actions()
            assert np.array_equal(observe(one), observe(two))
        state.apply(int(rng.choice(state.legal_actions())))


def colours_exchanged(fen: str) -> str:
    """The FEN of the same position with White and Black exchanged and the ranks turned, pieces in hand too."""
    board, rest = fen.split(" ", 1)
    board, bracket, hand = board.partition("[")
    return exchange_colours(f"{board} {rest}").replace(" ", bracket + hand.swapcase() + " ", 1)


@pytest.mark.parametrize("name", ["crazyhouse", "antichess"])
def test_variants_of_chess_look_and_play_alike_for_both_sides(name: str) -> None:
    game = make_game(name)
    assert isinstance(game, OpenSpielGame)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        state = game.initial_state()
        for ply in range(120):
            if state.is_terminal():
                break
            if ply % 6 == 0:
                fens = str(state), colours_exchanged(str(state))
                one, two = (OpenSpielState(game, game.raw.new_initial_state(fen)) for fen in fens)
                assert one.current_player() == 1 - two.current_player()
                assert one.legal_actions() == two.legal_actions()
                assert np.array_equal(observe(one), observe(two))
            state.apply(int(rng.choice(state.legal_actions())))
