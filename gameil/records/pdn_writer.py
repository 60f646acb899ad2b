"""Writes English draughts as PDN 3.0: tags, then moves in lines of at most 80 characters."""

import re
from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.pdn_reader import ENGLISH, RESULTS, SEATS
from gameil.records.pgn_writer import escape_tag, wrap_tokens
from gameil.records.record import GameRecord
from gameil.records.tagged_text import further_tags

MOVE = re.compile(r"(?!(\d+)-\1$)[1-9]\d?(?:-[1-9]\d?|(?:x[1-9]\d?)+)")
OWN_TAGS = frozenset({"Event", "Date", "Result", "GameType", "TimeControl", "Termination", "FEN", "SetUp", "Setup"}) | {
    seat + part for seat in SEATS for part in ("", "Rating", "Elo", "Title")
}
"""Tags that stand for fields of a record, or that the reader refuses."""


def format_pdn(record: GameRecord) -> str:
    """One game and the empty line behind it. Raises ``RecordsError`` for what PDN cannot carry."""
    if record.game != "checkers" or record.notation != "draughts":
        raise RecordsError(f"pdn holds checkers in numbers of squares, not {record.game} in {record.notation!r}")
    if record.parameters or record.setup or record.movers is not None or record.start is not None or record.clocks:
        raise RecordsError("pdn cannot carry parameters, setup pieces, movers, start positions or clocks")
    result = _result(record)
    lines = [f'[{name} "{escape_tag(value)}"]' for name, value in _tags(record, result)]
    return "\n".join([*lines, "", *wrap_tokens(_tokens(record, result)), "", ""])


def _result(record: GameRecord) -> str:
    if record.result in RESULTS and RESULTS[record.result] == record.returns:
        return record.result
    for known, returns in RESULTS.items():
        if returns == record.returns and known != "0-0":
            return known
    raise RecordsError(f"pdn cannot carry the returns {record.returns}")


def _tags(record: GameRecord, result: str) -> Iterator[tuple[str, str]]:
    yield "Event", record.event or "?"
    yield "Date", record.date.replace("-", ".") if record.date else "????.??.??"
    for seat, player in zip(SEATS, record.players or (None, None), strict=True):
        yield seat, player.name if player is not None and player.name else "?"
    yield "Result", result
    yield "GameType", ENGLISH
    yield from further_tags(record, SEATS, rating="Rating", own=OWN_TAGS, format="pdn")


def _tokens(record: GameRecord, result: str) -> Iterator[str]:
    yield from _comment(record.comments.get(-1, ""))
    for index, move in enumerate(record.moves):
        if not MOVE.fullmatch(move):
            raise RecordsError(f"pdn cannot carry {move!r:.80}, which is not a move such as 11-15 or 15x22")
        if index % 2 == 0:
            yield f"{index // 2 + 1}."
        yield move
        yield from _comment(record.comments.get(index, ""))
    yield result


def _comment(text: str) -> Iterator[str]:
    """A brace comment's words; a closing brace, which it cannot hold, becomes a parenthesis."""
    words = text.replace("}", ")").split()
    if words:
        yield "{ " + words[0]
        yield from words[1:]
        yield "}"
