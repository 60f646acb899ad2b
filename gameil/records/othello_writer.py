"""Writes Othello as text: tags as in PGN, one pair of moves a line, the result as discs of Black and White."""

import re
from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.othello_reader import SEATS, WORD_RESULTS, read_score
from gameil.records.pgn_writer import escape_tag
from gameil.records.record import GameRecord
from gameil.records.tagged_text import further_tags

MOVE = re.compile(r"[a-h][1-8]|pass")
OWN_TAGS = frozenset({"Event", "Date", *SEATS, "Result", "TimeControl", "Termination", "Variant", "Game", "FEN"}) | {
    seat + part for seat in SEATS for part in ("Elo", "Title")
}
"""Tags that stand for fields of a record, or that the reader refuses."""


def format_othello(record: GameRecord) -> str:
    """One game and the empty line behind it. Raises ``RecordsError`` for what the format cannot carry."""
    if record.game != "othello" or record.notation != "othello":
        raise RecordsError(f"othello text holds othello in squares, not {record.game} in {record.notation!r}")
    if record.parameters or record.setup or record.movers is not None or record.start is not None or record.clocks:
        raise RecordsError("othello text cannot carry parameters, setup discs, movers, start positions or clocks")
    lines = [f'[{name} "{escape_tag(value)}"]' for name, value in _tags(record)]
    return "\n".join([*lines, *_moves(record), "", ""])


def _tags(record: GameRecord) -> Iterator[tuple[str, str]]:
    yield "Event", record.event or "?"
    yield "Date", re.sub(r"(?:-\?\?)+$", "", record.date).replace("-", ".") if record.date else "?"
    for seat, player in zip(SEATS, record.players or (None, None), strict=True):
        yield seat, player.name if player is not None and player.name else "?"
    yield "Result", _result(record)
    yield from further_tags(record, SEATS, rating="Elo", own=OWN_TAGS, format="othello text")


def _result(record: GameRecord) -> str:
    """The result as written where the reader understands it the same way, else who won."""
    if record.returns is None:
        return "*"
    if read_score(record.result) == record.returns:
        return record.result
    for word, returns in WORD_RESULTS.items():
        if returns == record.returns:
            return word
    raise RecordsError(f"othello text cannot carry the returns {record.returns}")


def _moves(record: GameRecord) -> Iterator[str]:
    words = [_with_comment(record, index) for index in range(len(record.moves))]
    if record.comments.get(-1):
        yield _comment(record.comments[-1])
    for index in range(0, len(words), 2):
        yield " ".join([f"{index // 2 + 1}.", *words[index : index + 2]])


def _with_comment(record: GameRecord, index: int) -> str:
    move = record.moves[index]
    if not MOVE.fullmatch(move):
        raise RecordsError(f"othello text cannot carry {move!r:.80}, which is not a square")
    return f"{move.upper()} {_comment(record.comments[index])}" if record.comments.get(index) else move.upper()


def _comment(text: str) -> str:
    """A brace comment; a closing brace, which it cannot hold, becomes a parenthesis."""
    return "{ " + " ".join(text.replace("}", ")").split()) + " }"
