"""Moves as people write them: each leniency, each refusal, both castlings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import GameError, NotationError
from gameil.games.notation import notations
from gameil.games.registry import make_game

PUZZLE = "r3k2r/1P6/8/8/2n5/1P1B4/8/RN2K2R w KQkq - 0 1"


def read(game_id: str, start: str | None, text: str, notation: str) -> str:
    """The canonical text in ``notation`` of what ``text`` is read as."""
    state = make_game(game_id).initial_state(start)
    return state.text(state.parse(text, notation), notation)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Nc3", "Nc3"),
        ("Nc3+", "Nc3"),
        ("Nc3!?", "Nc3"),
        (" Nc3 ", "Nc3"),
        ("nc3", "Nc3"),
        ("Nbc3", "Nc3"),
        ("N1c3", "Nc3"),
        ("Nb1c3", "Nc3"),
        ("Nb1-c3", "Nc3"),
        ("b1c3", "Nc3"),
        ("Ra8", "Rxa8+"),
        ("Rxa8#", "Rxa8+"),
        ("bxc4", "bxc4"),
        ("bc4", "bxc4"),
        ("b3xc4", "bxc4"),
        ("bxc4 e.p.", "bxc4"),
        ("Bxc4", "Bxc4"),
        ("be4", "Be4"),
        ("b8=Q", "b8=Q+"),
        ("b8Q", "b8=Q+"),
        ("b8(Q)+", "b8=Q+"),
        ("b8/q", "b8=Q+"),
        ("bxa8=N", "bxa8=N"),
        ("b7a8n", "bxa8=N"),
        ("O-O", "O-O"),
        ("0-0", "O-O"),
        ("o-o!", "O-O"),
        ("OO", "O-O"),
        ("e1g1", "O-O"),
        ("Kg1", "O-O"),
    ],
)
def test_san_is_read_leniently(text: str, canonical: str) -> None:
    assert read("chess", PUZZLE, text, "san") == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "malformed"),
        ("foo", "malformed"),
        ("Nd9", "malformed"),
        ("e9", "malformed"),
        ("♘c3", "malformed"),
        ("\x00", "malformed"),
        ("O-0", "malformed"),
        ("O-O-O", "illegal"),
        ("--", "illegal: a null move"),
        ("Nf3", "illegal"),
        ("Kg8", "illegal"),
        ("Nc3=Q", "illegal"),
        ("bxc5", "illegal"),
        ("b8", "ambiguous"),
    ],
)
def test_san_refusals_say_why(text: str, why: str) -> None:
    state = make_game("chess").initial_state(PUZZLE)
    with pytest.raises(NotationError, match=rf"ply 0: .* is {why}"):
        state.parse(text, "san")


def test_ambiguous_piece_moves_name_the_candidates() -> None:
    state = make_game("chess").initial_state("4k3/8/8/8/8/8/8/R3K2R w - - 0 1")
    assert state.text(state.parse("Rad1", "san"), "san") == "Rd1"
    crowded = make_game("chess").initial_state("4k3/8/8/8/8/8/4K3/R6R w - - 0 1")
    with pytest.raises(NotationError, match="ambiguous: it may be Rad1, Rhd1"):
        crowded.parse("Rd1", "san")


def test_pinned_pieces_need_no_disambiguation() -> None:
    fen = "4k3/8/8/8/4r3/8/4N3/1N2K3 w - - 0 1"  # the knight on e2 is pinned
    assert read("chess", fen, "Nc3", "san") == "Nc3"


def test_ply_is_named() -> None:
    state = make_game("chess").initial_state()
    for text in ("e4", "e5", "Nf3"):
        state.apply(state.parse(text, "san"))
    with pytest.raises(NotationError, match="ply 3: 'Nf3' is illegal"):
        state.parse("Nf3", "san")


def test_en_passant_and_black_promotion() -> None:
    game = make_game("chess")
    state = game.initial_state("rnbqkbnr/ppp1pppp/8/8/3pP3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 3")
    assert state.text(state.parse("dxe3 e.p.", "san"), "uci") == "d4e3"
    state = game.initial_state("4k3/8/8/8/8/8/p7/1N2K3 b - - 0 1")
    assert state.text(state.parse("a2b1r", "uci"), "san") == "axb1=R+"
    assert state.text(state.parse("axb1=Q", "san"), "uci") == "a2b1q"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("e2", "malformed"),
        ("b7b8", "malformed: the promotion lacks its piece"),
        ("a1a8q", "malformed: only a promotion names a piece"),
        ("0000", "illegal: a null move"),
        ("e1c1", "illegal"),
        ("h1e1", "illegal"),
        ("a5a6", "illegal"),
    ],
)
def test_uci_refusals_say_why(text: str, why: str) -> None:
    with pytest.raises(NotationError, match=f"is {why}"):
        make_game("chess").initial_state(PUZZLE).parse(text, "uci")


def test_uci_castling_in_both_dialects() -> None:
    for text in ("e1g1", "e1h1"):
        assert read("chess", PUZZLE, text, "uci") == "e1g1"
    shuffled = "1r3kr1/8/8/8/8/8/8/1R3KR1 w GBgb - 0 20"
    assert read("chess(chess960=True)", shuffled, "O-O-O", "san") == "O-O-O"
    assert read("chess(chess960=True)", shuffled, "f1b1", "uci") == "f1b1"


@pytest.mark.parametrize(
    ("text", "notation", "canonical"),
    [
        ("A1", "gtp", "A1"),
        ("j9", "gtp", "J9"),
        ("pass", "gtp", "pass"),
        ("PASS", "gtp", "pass"),
        ("aa", "sgf", "aa"),
        ("", "sgf", ""),
        ("tt", "sgf", ""),
        ("B a1", "action", "B a1"),
        ("b A1", "action", "B a1"),
    ],
)
def test_go_points(text: str, notation: str, canonical: str) -> None:
    assert read("go(board_size=9)", None, text, notation) == canonical


def test_go_points_mean_the_same_cell() -> None:
    state = make_game("go").initial_state()
    assert state.parse("Q16", "gtp") == state.parse("pd", "sgf") == 15 * 19 + 15
    assert state.parse("A19", "gtp") == state.parse("aa", "sgf") == 18 * 19
    assert state.parse("T1", "gtp") == state.parse("ss", "sgf") == 18


@pytest.mark.parametrize("text", ["I5", "K1", "A10", "A0", "Z3", "5A", "resign"])
def test_bad_gtp(text: str) -> None:
    with pytest.raises(NotationError, match="malformed gtp point for a 9x9 board"):
        make_game("go(board_size=9)").initial_state().parse(text, "gtp")


def test_occupied_point_is_illegal() -> None:
    state = make_game("go(board_size=9)").initial_state()
    state.apply(state.parse("E5", "gtp"))
    with pytest.raises(NotationError, match="ply 1: 'ee' is illegal"):
        state.parse("ee", "sgf")


def test_notations_belong_to_their_games() -> None:
    with pytest.raises(NotationError, match="hex has no notation 'san'"):
        make_game("hex").initial_state().parse("a1", "san")
    with pytest.raises(NotationError, match="action 0 is not legal here"):
        make_game("chess").initial_state().text(0, "uci")


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(max_size=12),
    game_id=st.sampled_from(["chess", "go(board_size=9)", "othello", "hex"]),
    pick=st.integers(0, 2),
)
def test_any_text_is_an_action_or_a_notation_error(text: str, game_id: str, pick: int) -> None:
    state = make_game(game_id).initial_state()
    names = notations(game_id.partition("(")[0])
    try:
        action = state.parse(text, names[pick % len(names)])
    except NotationError as error:
        message = str(error)
    else:
        message = state.text(action)
        assert action in state.legal_actions()
    assert len(message.splitlines()) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_san_agrees_with_the_engines_own_reader(seed: int) -> None:
    """Every legal move's text, bare and with superfluous parts, means what the engine's reader says."""
    rng = np.random.default_rng(seed)
    state = make_game("chess").initial_state()
    for _ in range(int(rng.integers(120))):
        if state.is_terminal():
            return
        state.apply(int(rng.choice(state.legal_actions())))
    for action in state.legal_actions():
        text = state.text(action, "san")
        assert state.parse(text, "san") == state.from_raw(state.raw.parse_move_to_action(text)) == action
        assert state.parse(text.rstrip("+#").replace("x", ""), "san") == action


@pytest.mark.parametrize(
    ("fen", "why"),
    [
        ("", "fields"),
        ("startpos", "ranks"),
        ("8/8/8/8/8/8/8/8 w - - 0 1", "kings"),
        ("4k3/8/8/8/8/8/8/4K2 w - - 0 1", "squares"),
        ("4k3/8/8/8/8/8/8/3KK3 w - - 0 1", "2 kings"),
        ("P3k3/8/8/8/8/8/8/4K3 w - - 0 1", "pawn"),
        ("4k3/8/8/8/8/8/8/4K3 x - - 0 1", "neither w nor b"),
        ("4k3/8/8/8/8/8/8/4K2R w KQkq - 0 1", "castling right 'Q'"),
        ("4k3/8/8/8/8/8/8/4K3 w - e9 0 1", "en passant"),
        ("4k3/8/8/8/8/8/8/4K3 w - - -1 1", "counter"),
        ("4k3/4R3/8/8/8/8/8/4K3 w - - 0 1", "stands in check"),
    ],
)
def test_impossible_positions_are_refused_in_one_line(fen: str, why: str) -> None:
    with pytest.raises(GameError, match=why) as caught:
        make_game("chess").initial_state(fen)
    assert "\n" not in str(caught.value)
