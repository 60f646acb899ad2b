"""Backgammon turns as people write them: ``43``, ``13/9 13/10``, ``bar/20*``, ``6/off``, ``8/4(2)``, ``24/16``.

Points are the mover's own, 24 to 1; ``bar`` is 25 and ``off`` is 0. Two dice are an outcome of chance, the empty text
is a turn without a move. The engine plays doubles as two turns of two steps, and has two actions where the order of
two steps does not matter: the one with the lower number is taken.
"""

import re
from collections import Counter
from functools import lru_cache
from itertools import combinations
from typing import Protocol

from gameil.games.vector_frames import BAR, PASS, POINTS

_DICE = re.compile(r"(?P<second>second )?(?P<first>[1-6])(?P<other>[1-6])")
_ROLL = re.compile(r"(?:(?P<starter>[XO]) starts, )?\(roll: (?P<first>[1-6])(?P<other>[1-6])\)")
_MOVE = re.compile(r"(bar|\d{1,2})((?:/(?:off|\d{1,2})\*?)+)(?:\(([1-4])\))?")
_NUMBERED = re.compile(r"(\d{1,4}) - ")
"""Before the engine's own text of a play stands the number of the action."""
_BAR, _OFF = 25, 0
_PAIRS = list(combinations("123456", 2))
_LIKELY = {low + high: 2 * place for place, (low, high) in enumerate(_PAIRS)}
_LIKELY.update({die + die: 30 + place for place, die in enumerate("123456")})
"""The engine's outcome of a roll, lower die first; looked at before all others."""

Step = tuple[int, int]
"""Point that a checker leaves and point that it reaches."""


class BackgammonState(Protocol):
    """What the notation needs of a state."""

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def engine_text(self, action: int) -> str: ...


def read_turn(state: BackgammonState, text: str) -> int | str:
    """The action that a roll or a play of at most two steps means here, or why it means none.

    ``43`` is a roll, at the start one that lets seat 0 begin (``second 43``: seat 1). Marks of hits tell two ways of
    a checker apart where the text leaves out the point between them; elsewhere they are not looked at.
    """
    if state.current_player() < 0:
        return _read_dice(state, text)
    if _NUMBERED.match(text):
        return next((action for action in state.legal_actions() if state.engine_text(action) == text), "illegal here")
    play = read_play(text)
    if play is None:
        return "malformed: not steps such as 13/9 bar/20 6/off"
    steps, hits = play
    wanted = sorted(steps)
    possible = state.legal_actions()
    for action in _candidates(tuple(wanted)):
        if action in possible and sorted(_engine_play(state.engine_text(action))[0]) == wanted:
            return action
    legal = [(action, *_engine_play(state.engine_text(action))) for action in possible]
    moved = _net(steps)
    same = [(action, found) for action, walked, found in legal if _net(walked) == moved]
    if len({found for _, found in same}) > 1:
        same = [(action, found) for action, found in same if found == hits]
        if not same:
            return "ambiguous: it may hit on the way or not"
    if same:
        return min(action for action, _ in same)
    return "illegal with these dice" if steps else "illegal: a checker can move"


def _read_dice(state: BackgammonState, text: str) -> int | str:
    dice = _DICE.fullmatch(text.strip())
    if dice is None and text.startswith("chance outcome "):
        found = [action for action in state.legal_actions() if state.engine_text(action) == text]
        return found[0] if found else "illegal here"
    if dice is None:
        return "malformed: not a roll of two dice"
    numbers = sorted((dice["first"], dice["other"]))
    starter = "O" if dice["second"] else "X"
    legal = state.legal_actions()
    likely = _LIKELY[numbers[0] + numbers[1]] + (1 if dice["second"] else 0)
    for action in [likely, *legal] if likely in legal else legal:
        roll = _ROLL.search(state.engine_text(action))
        if roll and sorted((roll["first"], roll["other"])) == numbers and roll["starter"] in (None, starter):
            return action
    return "illegal: equal dice do not decide who begins"


def write_turn(state: BackgammonState, action: int) -> str:
    """The roll or play as people write it; the engine's text where that means another action of the same effect."""
    text = state.engine_text(action)
    if state.current_player() < 0:
        roll = _ROLL.search(text)
        assert roll is not None, text
        plain = ("second " if roll["starter"] == "O" else "") + max(roll["first"], roll["other"])
        plain += min(roll["first"], roll["other"])
    else:
        plain = plain_play(text)
    return plain if read_turn(state, plain) == action else text


def plain_play(engine_text: str) -> str:
    """The engine's text of a play without the number of its action and without ``Pass``."""
    return _NUMBERED.sub("", engine_text).replace("Pass", "").strip().lower()


@lru_cache(maxsize=1 << 14)
def _candidates(steps: tuple[Step, ...]) -> list[int]:
    """The actions that may be these steps, ascending: which die is used first, and which step it is."""
    digits = [POINTS - start if start < _BAR else BAR for start, _ in steps]
    if len(digits) > 2:
        return []
    digits += [PASS] * (2 - len(digits))
    return sorted({order * 676 + a * 26 + b for order in (0, 1) for a, b in (digits, digits[::-1])})


def read_play(text: str) -> tuple[tuple[Step, ...], frozenset[int]] | None:
    """The steps of a play, in order, and the points where it hits; None where the text is no play."""
    steps: list[Step] = []
    hits: set[int] = set()
    for move in text.lower().split():
        match = _MOVE.fullmatch(move)
        if match is None:
            return None
        start, path, count = match.groups()
        point = _BAR if start == "bar" else int(start)
        chain = []
        for stop in path[1:].split("/"):
            end = _OFF if stop.startswith("off") else int(stop.rstrip("*"))
            if not _OFF <= end < point <= _BAR:
                return None
            if stop.endswith("*"):
                hits.add(end)
            chain.append((point, end))
            point = end
        steps += chain * int(count or 1)
    return tuple(steps), frozenset(hits)


@lru_cache(maxsize=1 << 16)
def _engine_play(text: str) -> tuple[tuple[Step, ...], frozenset[int]]:
    """The steps and hits of the engine's own text, which writes ``Pass`` for dice that cannot be used."""
    play = read_play(plain_play(text))
    assert play is not None, text
    return play


def _net(steps: tuple[Step, ...]) -> Counter[int]:
    """How many checkers each point loses (positive) and gains (negative), points that are passed through left out."""
    change: Counter[int] = Counter()
    for start, end in steps:
        change[start] += 1
        change[end] -= 1
    return Counter({point: number for point, number in change.items() if number})
