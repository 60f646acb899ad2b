"""Moves of English draughts (checkers) as people write them: ``11-15``, ``15x22``, ``26x17x10x1`` or ``26x1``.

Squares are numbered 1 to 32 as in PDN: seat 0, Black, sits before 1 to 4, with 1 at the right. The engine plays a
capture of several pieces jump by jump; written, they are one move, its squares on the way only where it takes them to
tell two captures apart.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NoReturn, Protocol, Self, runtime_checkable

from gameil.errors import NotationError

_MOVE = re.compile(r"(\d{1,2})((?:[-x:]\d{1,2})+)")
_SQUARES = 32
_SHOWN = 40
_NAMES = {
    f"{'gecahfdb'[place + 4 * (row % 2)]}{row + 1}": 4 * row + place + 1 for row in range(8) for place in range(4)
}
"""The square that the engine calls ``g1``: files from Black's left, rows from Black."""


class DraughtsState(Protocol):
    """What the notation needs of a state."""

    @property
    def history(self) -> list[int]: ...

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def engine_text(self, action: int) -> str: ...


@runtime_checkable
class PlayedState(DraughtsState, Protocol):
    """What following a game needs of a state."""

    def apply(self, action: int) -> None: ...

    def clone(self) -> Self: ...


def write_step(state: DraughtsState, action: int) -> str:
    """One step or jump, ``11-15`` or ``15x22``."""
    source, target = _squares(state, action)
    return f"{source}{'x' if _is_jump(source, target) else '-'}{target}"


def read_step(state: DraughtsState, text: str) -> int | str:
    """The legal action that is this one step or jump, or why it is none."""
    squares = read_squares(text)
    if squares is None or len(squares) > 2:
        return "malformed: not one step such as 11-15 or one jump such as 15x22"
    found = [action for action in state.legal_actions() if _squares(state, action) == squares]
    return found[0] if found else "illegal here"


def read_squares(text: str) -> tuple[int, ...] | None:
    """The squares of a written move; None where it is none."""
    match = _MOVE.fullmatch("".join(text.split()))
    squares = tuple(map(int, re.findall(r"\d+", text))) if match else ()
    return squares if squares and all(1 <= square <= _SQUARES for square in squares) else None


def join_steps(steps: list[str]) -> str:
    """One written move of the jumps of one turn: ``26x17``, ``17x10`` are ``26x17x10``."""
    return steps[0] + "".join(step[step.index("x") :] for step in steps[1:])


def follow_moves(state: PlayedState) -> Callable[[str], None]:
    """A function that plays the next written move, all its jumps. Raises ``NotationError``, the state unhurt."""

    def play(text: str) -> None:
        squares = read_squares(text)
        if squares is None:
            _refuse(state, "malformed: not a move such as 11-15 or 15x22x29", text)
        ways = list(_ways(state, squares[0], squares[1:-1], squares[-1], state.current_player()))
        exact = [way for way in ways if len(way) == len(squares) - 1]
        found = exact or ways or list(_steps(state, squares))
        if not found:
            _refuse(state, "illegal: no such step or capture", text)
        if len(found) > 1:
            _refuse(state, f"ambiguous: {len(found)} captures are written so", text)
        for action in found[0]:
            state.apply(action)

    return play


def _ways(
    state: PlayedState, source: int, between: tuple[int, ...], target: int, player: int
) -> Iterator[tuple[int, ...]]:
    """All turns of ``player`` from one square to another, over some squares in their order."""
    for action in state.legal_actions():
        begin, end = _squares(state, action)
        if begin != source:
            continue
        after = state.clone()
        after.apply(action)
        left = between[1:] if between and between[0] == end else between
        if after.current_player() == player:
            for way in _ways(after, end, left, target, player):
                yield (action, *way)
        elif end == target and not left:
            yield (action,)


def _steps(state: PlayedState, squares: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The steps that are written and no more, as where a game breaks off in the middle of a capture."""
    after = state.clone()
    actions = []
    for step in pairwise(squares):
        found = [action for action in after.legal_actions() if _squares(after, action) == step]
        if not found or after.current_player() != state.current_player():
            return
        after.apply(found[0])
        actions.append(found[0])
    yield tuple(actions)


def _squares(state: DraughtsState, action: int) -> tuple[int, int]:
    text = state.engine_text(action)
    return _NAMES[text[:2]], _NAMES[text[2:]]


def _is_jump(source: int, target: int) -> bool:
    """Whether a move goes over a square: two rows."""
    return abs((source - 1) // 4 - (target - 1) // 4) == 2


def _refuse(state: DraughtsState, why: str, text: str) -> NoReturn:
    kind = "malformed" if why.startswith("malformed") else "ambiguous" if why.startswith("ambiguous") else "illegal"
    raise NotationError(f"ply {len(state.history)}: {text[:_SHOWN]!r} is {why}", kind)  # type: ignore[arg-type]
