"""Known answers of the mover's frame: chess ids and planes, Go's komi, hex's edges, and rules against other engines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.games.frames import KOMI_UNIT, chess_moves
from gameil.games.game import State
from gameil.games.registry import make_game


def observe(state: State, player: int | None = None) -> np.ndarray:
    out = np.empty(state.game.observation_shape, dtype=np.float32)
    state.write_observation(out, player)
    return out


def test_chess_first_moves_have_one_id_for_both_sides() -> None:
    state = make_game("chess").initial_state()
    assert state.current_player() == 0
    first = state.legal_actions()
    e4 = state.parse("e4", "san")
    assert e4 == 2426  # from e2: file 4 * 8 + rank 1 = 33; 33 * 73 + kind 17, two up the file
    state.apply(e4)
    assert state.current_player() == 1
    assert state.parse("e5", "san") == e4
    assert state.legal_actions() == first
    assert state.recent == ((0, e4),)


def test_chess_planes_of_a_known_position() -> None:
    state = make_game("chess").initial_state("r3k2r/8/8/8/8/8/1P6/RN2K2R b Kq - 7 20")
    planes = observe(state)
    own, other = planes[:6], planes[6:12]
    # Black moves: its king on e8 and rooks on a8 and h8 stand on the first row.
    assert [np.argwhere(plane).tolist() for plane in own] == [[[0, 4]], [], [[0, 0], [0, 7]], [], [], []]
    assert np.argwhere(other[0]).tolist() == [[7, 4]]
    assert np.argwhere(other[4]).tolist() == [[7, 1]]
    assert np.argwhere(other[5]).tolist() == [[6, 1]]
    assert planes[12].sum() == 64 - 8
    assert np.unique(planes[14]).tolist() == pytest.approx([7 / 101])
    assert [plane.max() for plane in planes[15:]] == [1, 0, 0, 1]  # own a-side, h-side; White's a-side, h-side


def test_chess_repetition_is_seen() -> None:
    state = make_game("chess").initial_state()
    for text in ("Nf3", "Nf6", "Ng1", "Ng8"):
        assert not observe(state)[13].any()
        state.apply(state.parse(text, "san"))
    assert np.unique(observe(state)[13]).tolist() == [0.5]


def test_chess_action_planes_are_directions() -> None:
    """Each of the 73 planes moves every piece by the same step, so a convolution can learn it."""
    board = make_game("chess").board
    rank_steps, file_steps = chess_moves()
    for action in range(64 * 73):
        plane, cell = divmod(int(board.action_index[action]), 64)
        source, target = board.action_cells[action].tolist()
        assert cell == source
        if target >= 0:
            assert (target // 8 - source // 8, target % 8 - source % 8) == (rank_steps[plane], file_steps[plane])
    assert board.action_index[-2:].tolist() == [-1, -1]


@pytest.mark.parametrize("game_id", ["chess", "chess(chess960=True)"])
def test_chess_agrees_with_python_chess(game_id: str) -> None:
    chess = pytest.importorskip("chess")
    rng = np.random.default_rng(5)
    game = make_game(game_id)
    for _ in range(3):
        state = game.initial_state()
        if state.current_player() < 0:
            state.apply(int(rng.integers(960)))
        shuffled = "960" in game_id
        board = chess.Board(str(state), chess960=shuffled)
        while not state.is_terminal() and board.ply() < 120:
            texts = {action: state.text(action, "uci") for action in state.legal_actions()}
            assert sorted(texts.values()) == sorted(board.uci(move, chess960=shuffled) for move in board.legal_moves)
            action = int(rng.choice(state.legal_actions()))
            move = board.parse_uci(texts[action])
            assert state.parse(board.san(move), "san") == action
            assert state.text(action, "san") == board.san(move)
            state.apply(action)
            board.push(move)


def count_leaves(state: State, depth: int) -> int:
    if depth == 1:
        return len(state.legal_actions())
    total = 0
    for action in state.legal_actions():
        child = state.clone()
        child.apply(action)
        total += count_leaves(child, depth - 1)
    return total


@pytest.mark.parametrize(
    ("fen", "depth", "leaves"),
    [  # https://www.chessprogramming.org/Perft_Results
        (None, 3, 8_902),
        ("r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1", 2, 2_039),
        ("8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", 3, 2_812),
        ("r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", 2, 264),
    ],
)
def test_chess_move_counts(fen: str | None, depth: int, leaves: int) -> None:
    assert count_leaves(make_game("chess").initial_state(fen), depth) == leaves


def test_komi_is_the_movers() -> None:
    state = make_game("go(board_size=9,komi=5.5)").initial_state()
    assert np.unique(observe(state)[3]).tolist() == pytest.approx([-5.5 / KOMI_UNIT])
    state.apply(state.parse("E5", "gtp"))
    assert np.unique(observe(state)[3]).tolist() == pytest.approx([5.5 / KOMI_UNIT])
    assert observe(state)[1, 4, 4] == 1  # the stone is the opponent's now


def test_handicap_lets_white_move_first_and_keeps_the_family() -> None:
    game = make_game("go(handicap=2)")
    state = game.initial_state()
    assert game.family == "go"
    assert state.current_player() == 1
    assert observe(state)[1].sum() == 2


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), swap=st.booleans())
def test_hex_winner_joins_the_first_row_with_the_last_in_its_own_view(seed: int, swap: bool) -> None:
    rng = np.random.default_rng(seed)
    state = make_game(f"hex(board_size=5,swap={swap})").initial_state()
    while not state.is_terminal():
        state.apply(int(rng.choice(state.legal_actions())))
    winner = int(np.argmax(state.returns()))
    own = observe(state, winner)[0] > 0
    reached = {(0, column) for column in range(5) if own[0, column]}
    frontier = list(reached)
    while frontier:
        row, column = frontier.pop()
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)):
            cell = (row + down, column + right)
            if all(0 <= part < 5 for part in cell) and own[cell] and cell not in reached:
                reached.add(cell)
                frontier.append(cell)
    assert any(row == 4 for row, _ in reached)


def test_hex_second_player_sees_the_transposed_board() -> None:
    state = make_game("hex(board_size=5)").initial_state()
    state.apply(1)  # row 0, column 1
    assert observe(state)[1, 1, 0] == 1
    assert 5 not in state.legal_actions()  # row 1, column 0 in the second player's frame
    assert 1 in state.legal_actions()
    assert state.text(1) == "a2"
    assert state.to_raw(1) == 5


def test_hex_swap_takes_the_stone_over() -> None:
    state = make_game("hex(board_size=5,swap=True)").initial_state()
    state.apply(7)
    state.apply(25)
    assert state.history == [7, 25]
    assert observe(state, 1)[0, 1, 2] == 1  # cell 7 of the second player's own frame


def test_breakthrough_players_share_their_first_actions() -> None:
    state = make_game("breakthrough").initial_state()
    first = state.legal_actions()
    assert max(first) < 384
    state.apply(first[0])
    assert state.legal_actions() == first
    board = state.game.board
    assert all(target // 8 == source // 8 + 1 for source, target in board.action_cells[first].tolist())


def test_connect_four_piece_drops_to_the_bottom_row() -> None:
    state = make_game("connect_four").initial_state()
    state.apply(3)
    planes = observe(state)
    assert np.argwhere(planes[1]).tolist() == [[0, 3]]
    assert state.game.board.action_index.tolist() == list(range(35, 42))


def test_othello_start_is_relative() -> None:
    state = make_game("othello").initial_state()
    assert np.argwhere(observe(state)[0]).tolist() == [[3, 4], [4, 3]]
    state.apply(state.parse("d3"))
    assert np.argwhere(observe(state)[0]).tolist() == [[4, 4]]


@pytest.mark.parametrize("game_id", ["kuhn_poker", "backgammon", "goofspiel(num_cards=4)"])
def test_vectors_differ_between_players(game_id: str) -> None:
    """Where there is no frame, each player's vector still tells who looks."""
    rng = np.random.default_rng(0)
    state = make_game(game_id).initial_state()
    while state.current_player() < 0:
        state.apply(int(rng.choice(state.legal_actions())))
    assert not np.array_equal(observe(state, 0), observe(state, 1))
