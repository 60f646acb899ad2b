"""Writes shogi records as USI lines: the start, the moves, and who gave up."""

from gameil.errors import RecordsError
from gameil.records.record import GameRecord
from gameil.records.usi_reader import MOVE, first_seat


def format_usi(record: GameRecord) -> str:
    """One line. Raises ``RecordsError`` for what USI cannot carry: names, tags, and outcomes that no move tells."""
    if record.game != "shogi" or record.notation != "action" or not all(map(MOVE.fullmatch, record.moves)):
        raise RecordsError(f"usi holds shogi in USI moves, not {record.game} in {record.notation!r}")
    loose = {
        "players": any(player.name or player.rating or player.title for player in record.players),
        "parameters": record.parameters,
        "setup": record.setup,
        "date": record.date,
        "event": record.event,
        "time control": record.time_control,
        "tags": record.tags,
        "clocks": record.clocks,
        "comments": record.comments,
    }
    held = [name for name, value in loose.items() if value]
    if held:
        raise RecordsError(f"usi cannot carry {', '.join(held)} of a record of shogi; KIF or JSON lines can")
    start = "startpos" if record.start is None else f"sfen {record.start}"
    return " ".join(["position", start, "moves", *record.moves, *_ending(record)]) + "\n"


def _ending(record: GameRecord) -> list[str]:
    if record.returns is None:
        return []
    mover = (len(record.moves) + first_seat(record.start)) % 2
    if record.termination == "resignation" and record.returns[mover] == -1:
        return ["resign"]
    if record.termination == "rules" and record.returns[mover] == 1:
        return ["win"]
    raise RecordsError(f"usi cannot carry returns of {record.returns} by {record.termination!r}")
