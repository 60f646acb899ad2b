"""Following a game plays exactly what reading each move anew would play, and refuses with the same words."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import GameError, NotationError
from gameil.games.chess_follower import ChessFollower, placement
from gameil.games.game import Notation, State
from gameil.games.go_follower import GoFollower
from gameil.games.notation import follow
from gameil.games.registry import make_game

STARTS = [
    ("chess", None),
    ("chess", "r3k2r/1P6/8/3pP3/2n5/1P1B4/6p1/RN2K2R w KQkq d6 0 1"),
    ("chess", "4k3/PPPP4/8/8/8/8/4pppp/4K3 b - - 0 1"),
    ("chess", "n1n1n1n1/1P1P1P2/k7/8/8/7K/2p1p1p1/1N1N1N1N w - - 0 1"),
    ("chess(chess960=True)", "rk2r3/1p1p4/8/8/8/8/1P1P4/RR1K3R w HAea - 0 1"),
    ("chess(chess960=True)", "nrbkrqbn/pppppppp/8/8/8/8/PPPPPPPP/NRBKRQBN w EBeb - 0 1"),
    ("chess(chess960=True)", None),
]


def loosely(state: State, action: int, text: str, rng: np.random.Generator) -> str:
    """A way in which people also write the move, or the text of another one."""
    choice = int(rng.integers(8))
    bare = text.rstrip("+#")
    if choice == 0:
        return bare.replace("x", "").replace("=", "")
    if choice == 1 and state.current_player() >= 0:
        return state.text(action, "uci")
    if choice == 2:
        return bare.replace("O", "0") + "!?"
    if choice == 3:
        return bare[:1].lower() + bare[1:]
    if choice == 4:
        return bare.replace("=", "/").replace("x", "-")
    return text


def outcome(state: State, play: Callable[[str], None], text: str) -> str:
    """What playing a text did: nothing to say, or the refusal."""
    try:
        play(text)
    except (NotationError, GameError) as error:
        return f"{type(error).__name__} {error}"
    return str(state.history)


@given(start=st.sampled_from(STARTS), seed=st.integers(0, 2**32 - 1))
def test_following_a_game_of_chess_is_reading_each_move(start: tuple[str, str | None], seed: int) -> None:
    rng = np.random.default_rng(seed)
    followed, read = (make_game(start[0]).initial_state(start[1]) for _ in range(2))
    follower = ChessFollower(followed)
    play = follower.play
    while not read.is_terminal() and len(read.history) < 60:
        legal = read.legal_actions()
        # Castling, promotions and captures are what could go wrong, and are rare among random moves.
        telling = [action for action in legal if read.current_player() >= 0 and rare(read.text(action, "san"))]
        action = int(rng.choice(telling if telling and rng.random() < 0.4 else legal))
        notation: Notation = "san" if read.current_player() >= 0 else "action"
        text = read.text(action, notation)
        text = loosely(read, action, text, rng) if rng.random() < 0.3 else text
        said = outcome(read, lambda move: read.apply(read.parse(move, "san")), text)
        assert outcome(followed, play, text) == said, text
        assert str(followed) == str(read)
        assert follower.board in (None, placement(str(read)))
        if not said.startswith("["):  # refused by both: both are where they were
            play(read.text(action, notation))
            read.apply(action)


def rare(text: str) -> bool:
    return "x" in text or "=" in text or "O" in text


@pytest.mark.parametrize("text", ["e4", "O-O", "Kf1", "", "♘c3"])
def test_nothing_can_be_played_when_the_game_is_over(text: str) -> None:
    state = make_game("chess").initial_state()
    play = follow(state, "san")
    for move in ("f3", "e5", "g4", "Qh4#"):
        play(move)
    assert state.is_terminal()
    with pytest.raises(NotationError, match="ply 4"):
        play(text)


def test_a_game_followed_through_every_special_move() -> None:
    state = make_game("chess").initial_state()
    play = follow(state, "san")
    moves = (
        "e4 Nf6 e5 d5 exd6 Qd7 dxc7 Qd6 cxb8=N Rxb8 Nf3 Bd7 Bb5 Bxb5 d4 g6 Bf4 Bg7 Nc3 O-O "
        "Qd2 Rfc8 O-O-O Bc4 Be5 b5 Na4 bxa4 b4 axb3"
    )
    for move in moves.split():
        play(move)
    assert str(state) == "1rr3k1/p3ppbp/3q1np1/4B3/2bP4/1p3N2/P1PQ1PPP/2KR3R w - - 0 16"


@pytest.mark.parametrize("notation", ["sgf", "gtp", "action"])
def test_following_a_game_of_go(notation: Notation) -> None:
    game = make_game("go(board_size=5)")
    rng = np.random.default_rng(3)
    for _ in range(12):
        followed, read = game.initial_state(), game.initial_state()
        play = follow(followed, notation)
        while not read.is_terminal() and len(read.history) < 60:
            text = read.text(int(rng.choice(read.legal_actions())), notation)
            if rng.random() < 0.3:
                other = game.initial_state()
                text = str(rng.choice(["", "tt", "zz", "pass", " aa ", other.text(int(rng.integers(25)), notation)]))
            said = outcome(read, lambda move, state=read: state.apply(state.parse(move, notation)), text)
            assert outcome(followed, play, text) == said


@pytest.mark.parametrize("family", ["go(board_size=2)", "go(board_size=5)", "go(handicap=4)"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_runs_of_a_game_of_go_are_its_moves(family: str, seed: int) -> None:
    """To the game's end: by two passes, a repeated position, or its length."""
    game = make_game(family)
    rng = np.random.default_rng(seed)
    read, followed = game.initial_state(), game.initial_state()
    texts = []
    while not read.is_terminal():
        legal = read.legal_actions()
        action = int(rng.choice(legal[:-1] or legal)) if rng.random() < 0.95 else int(rng.choice(legal))
        texts.append(read.text(action, "sgf"))
        read.apply(action)
    play = follow(followed, "sgf")
    assert isinstance(play, GoFollower)
    index = 0
    while index < len(texts):
        assert not followed.is_terminal()
        played = play.run(texts, index)
        if not played:
            play(texts[index])
        index += played or 1
    assert followed.history == read.history
    assert followed.recent == read.recent
    assert followed.is_terminal()
    assert str(followed) == str(read)
