"""Writes backgammon records as match text: a match of one game, seat 0 on the left."""

import re
from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.backgammon_reader import LENGTH
from gameil.records.record import GameRecord

LEFT_WIDTH = 30
MARGIN = 6
DICE = re.compile(r"(?:second )?([1-6][1-6])|chance outcome \d+ (?:[XO] starts, )?\(roll: ([1-6])([1-6])\)")
SECOND = re.compile(r"second |chance outcome \d+ O ")
PLAY_NUMBER = re.compile(r"\d+ - |pass", re.IGNORECASE)
OWN_TAGS = frozenset({LENGTH, "Game", "Score", "Cube", "Points"})
"""Tags that are written as lines of the match."""


def format_match(record: GameRecord) -> str:
    """A match of one game and an empty line. Raises ``RecordsError`` for what match text cannot carry.

    Of the engine's two actions for the same steps in another order, reading back takes the one with the lower number.
    """
    if record.game != "backgammon" or record.notation not in ("backgammon", "action"):
        raise RecordsError(f"mat holds backgammon, not {record.game} in {record.notation!r}")
    if record.parameters or record.start is not None or record.setup:
        raise RecordsError("mat cannot carry parameters or a start position of a record of backgammon")
    if record.returns is not None and sorted(record.returns) != [-1.0, 1.0]:
        raise RecordsError(f"mat holds games that somebody won, not returns of {record.returns}")
    lines = [f'; [{name} "{value}"]' for name, value in _header(record)]
    names = [_line(player.name or "") for player in record.players] or ["", ""]
    scores = record.tags.get("Score", "0-0").split("-")
    if len(scores) != 2:
        raise RecordsError(f"mat cannot carry the score {record.tags['Score'][:40]!r}")
    head = f" {names[0]} : {scores[0]}"
    lines += ["", f"{record.tags.get(LENGTH, '0')} point match", "", f" Game {record.tags.get('Game', '1')}"]
    lines += [f"{head:<{LEFT_WIDTH}}  {names[1]} : {scores[1]}", *_rows(record)]
    if record.returns is not None:
        winner = record.returns.index(1.0)
        lines.append(" " * (MARGIN + winner * LEFT_WIDTH) + f"Wins {record.tags.get('Points', '1')} point")
    return "\n".join(lines) + "\n\n"


def _header(record: GameRecord) -> Iterator[tuple[str, str]]:
    if record.moves and SECOND.match(record.moves[0]):
        yield "Seat 0", "Player 1"
    for seat, player in enumerate(record.players):
        if player.name is not None:
            yield f"Player {seat + 1}", _line(player.name)
        rating = record.tags.get(f"Seat {seat} Elo", None if player.rating is None else str(player.rating))
        if rating is not None:
            yield f"Player {seat + 1} Elo", _line(rating)
    if record.date is not None:
        yield "EventDate", record.date.replace("-", ".")
    if record.event is not None:
        yield "Event", _line(record.event)
    for name, value in record.tags.items():
        if re.search(r"[\"\[\]\n]", name):
            raise RecordsError(f"mat cannot carry a tag named {name[:40]!r}")
        if name not in OWN_TAGS and not name.endswith(" Elo"):
            yield name, _line(value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _rows(record: GameRecord) -> Iterator[str]:
    """Numbered lines with what the left and the right player did."""
    left: str | None = None
    number = 1
    for side, text in _events(record):
        if side == 0 or left is None:
            if left is not None:
                yield f"{number:>3}) {left}".rstrip()
                number += 1
            left = text if side == 0 else ""
        if side == 1:
            yield f"{number:>3}) {left:<{LEFT_WIDTH}} {text}".rstrip()
            number += 1
            left = None
    if left is not None:
        yield f"{number:>3}) {left}".rstrip()


def _events(record: GameRecord) -> Iterator[tuple[int, str]]:
    """Turns and cube decisions in order, each with its side."""
    cube = [entry.split(":", 2) for entry in record.tags.get("Cube", "").split()]
    if any(len(entry) != 3 or not entry[0].isdecimal() or entry[1] not in "01" for entry in cube):
        raise RecordsError(f"mat cannot carry the cube decisions {record.tags['Cube'][:80]!r}")
    side = 1 if record.moves and SECOND.match(record.moves[0]) else 0
    turn: str | None = None
    for ply, move in enumerate([*record.moves, ""]):
        dice = DICE.fullmatch(move)
        if turn is not None and (dice or ply == len(record.moves)):
            yield side, turn
            side, turn = 1 - side, None
        while cube and int(cube[0][0]) <= ply and turn is None:
            _, seat, decision = cube.pop(0)
            doubled = decision.partition("=")
            yield int(seat), f"Doubles => {doubled[2]}" if doubled[1] else decision.capitalize()
        if dice:
            turn = f"{dice[1] or dice[2] + dice[3]}: "
        elif turn is not None:
            turn = " ".join([turn.rstrip(), *PLAY_NUMBER.sub("", move).lower().split()])
        elif ply < len(record.moves):
            raise RecordsError(f"mat cannot carry a play without a roll: {move[:40]!r}")
