"""The schema of a JSON line: from a record to plain JSON values and back, every type checked."""

from collections.abc import Callable
from typing import Any, get_args

from gameil.records.record import GameRecord, Notation, PlayerInfo, Provenance, Termination

NOTATIONS = frozenset(get_args(Notation))
TERMINATIONS = frozenset(get_args(Termination))
MOST_RATING = 1_000_000
"""Ratings lie between minus and plus this (some scales have negative ones); everything stored fits in 32 bits."""


class SchemaError(ValueError):
    """A JSON line has a wrong key or type; the text names the key, what it is and what it should be."""


def record_to_json(record: GameRecord) -> dict[str, Any]:
    """The values of one line; fields at their defaults are left out, provenance is where the line will stand."""
    values: dict[str, Any] = {"game": record.game, "notation": record.notation, "moves": list(record.moves)}
    if record.parameters:
        values["parameters"] = dict(record.parameters)
    if record.players:
        values["players"] = [
            {
                key: value
                for key, value in (("name", player.name), ("rating", player.rating), ("title", player.title))
                if value is not None
            }
            for player in record.players
        ]
    if record.movers is not None:
        values["movers"] = list(record.movers)
    if record.setup:
        values["setup"] = [[seat, point] for seat, point in record.setup]
    if record.returns is not None:
        values["returns"] = list(record.returns)
    if record.result != "*":
        values["result"] = record.result
    if record.termination != "unknown":
        values["termination"] = record.termination
    for key in ("start", "date", "event", "time_control"):
        if getattr(record, key) is not None:
            values[key] = getattr(record, key)
    if record.tags:
        values["tags"] = dict(record.tags)
    if record.clocks is not None:
        values["clocks"] = list(record.clocks)
    if record.comments:
        values["comments"] = {str(index): text for index, text in record.comments.items()}
    return values


def record_from_json(values: Any, source: Provenance) -> GameRecord:
    """Checks every key and type. Raises ``SchemaError``."""
    if not isinstance(values, dict):
        raise SchemaError(f"a line must be a JSON object, got {_kind(values)}")
    unknown = sorted(values.keys() - READERS.keys())
    if unknown:
        raise SchemaError(f"unknown key {unknown[0]!r:.80}; known are {', '.join(READERS)}")
    missing = [key for key in ("game", "moves") if key not in values]
    if missing:
        raise SchemaError(f"key {missing[0]!r} is missing")
    fields = {key: READERS[key](value, key) for key, value in values.items()}
    fields.setdefault("notation", "action")
    num_moves = len(fields["moves"])
    if not num_moves:
        raise SchemaError("moves is empty")
    for key in ("movers", "clocks"):
        if fields.get(key) is not None and len(fields[key]) != num_moves:
            raise SchemaError(f"{key} has {len(fields[key])} entries for {num_moves} moves")
    for index in fields.get("comments", ()):
        if not -1 <= index < num_moves:
            raise SchemaError(f"comments: there is no move {index} among {num_moves}")
    if fields.get("players") and fields.get("returns") and len(fields["players"]) != len(fields["returns"]):
        raise SchemaError(f"{len(fields['players'])} players and {len(fields['returns'])} returns")
    return GameRecord(source=source, **fields)


def _kind(value: Any) -> str:
    return {bool: "true or false", dict: "an object", list: "a list", str: "text", type(None): "null"}.get(
        type(value), "a number"
    )


def _wrong(key: str, wanted: str, value: Any) -> SchemaError:
    return SchemaError(f"{key} must be {wanted}, got {_kind(value)}")


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SchemaError(f"{key} holds half of a surrogate pair, which is no character") from None
    return value


def _optional_text(value: Any, key: str) -> str | None:
    return None if value is None else _text(value, key)


def _name(value: Any, key: str) -> str:
    text = _text(value, key)
    if not text.replace("_", "").replace(":", "", 1).isalnum() or len(text) > 80:  # pettingzoo:NAME has a colon
        raise SchemaError(f"{key} must be a name of letters, digits and underscores, got {text!r:.80}")
    return text


def _integer(value: Any, key: str) -> int:
    if type(value) is not int:
        raise _wrong(key, "a whole number", value)
    return value


def _number(value: Any, key: str) -> float:
    if type(value) not in (int, float) or abs(value) > 1e15:
        raise _wrong(key, "a number", value)
    return float(value)


def _rating(value: Any, key: str) -> int:
    rating = _integer(value, key)
    if abs(rating) > MOST_RATING:
        raise SchemaError(f"{key} must lie between {-MOST_RATING:,} and {MOST_RATING:,}, got {rating!s:.24}")
    return rating


def _seat(value: Any, key: str) -> int:
    seat = _integer(value, key)
    if not -1 <= seat < 64:
        raise SchemaError(f"{key} must be a seat from 0, or -1 for chance, got {seat!s:.24}")
    return seat


def _among(allowed: frozenset[str]) -> Callable[[Any, str], str]:
    def read(value: Any, key: str) -> str:
        text = _text(value, key)
        if text not in allowed:
            raise SchemaError(f"{key} must be one of {', '.join(sorted(allowed))}, got {text!r:.80}")
        return text

    return read


def _list_of(item: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    def read(value: Any, key: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong(key, "a list", value)
        return tuple([item(entry, key) for entry in value])

    return read


def _object_of(item: Callable[[Any, str], Any]) -> Callable[[Any, str], dict[str, Any]]:
    def read(value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(key, "an object", value)
        return {_text(name, key): item(entry, f"{key}.{name:.40}") for name, entry in value.items()}

    return read


def _optional(item: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, key: None if value is None else item(value, key)


def _parameter(value: Any, key: str) -> str | int | float | bool:
    if isinstance(value, (bool, str)):
        return value
    return _integer(value, key) if type(value) is int else _number(value, key)


def _player(value: Any, key: str) -> PlayerInfo:
    fields = _object_of(lambda entry, _: entry)(value, key)
    unknown = sorted(fields.keys() - {"name", "rating", "title"})
    if unknown:
        raise SchemaError(f"{key}: unknown key {unknown[0]!r:.80}; known are name, rating, title")
    return PlayerInfo(
        _optional_text(fields.get("name"), f"{key}.name"),
        _optional(_rating)(fields.get("rating"), f"{key}.rating"),
        _optional_text(fields.get("title"), f"{key}.title"),
    )


def _setup_stone(value: Any, key: str) -> tuple[int, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(key, "a list of [seat, point] pairs", value)
    return _seat(value[0], key), _text(value[1], key)


def _comments(value: Any, key: str) -> dict[int, str]:
    texts = _object_of(_text)(value, key)
    try:
        return {int(index): text for index, text in texts.items()}
    except ValueError:
        raise SchemaError(f"{key}: the keys must be indices of moves") from None


READERS: dict[str, Callable[[Any, str], Any]] = {
    "game": _name,
    "parameters": _object_of(_parameter),
    "notation": _among(NOTATIONS),
    "moves": _list_of(_text),
    "players": _list_of(_player),
    "movers": _optional(_list_of(_seat)),
    "setup": _list_of(_setup_stone),
    "start": _optional_text,
    "returns": _optional(_list_of(_number)),
    "result": _text,
    "termination": _among(TERMINATIONS),
    "date": _optional_text,
    "event": _optional_text,
    "time_control": _optional_text,
    "tags": _object_of(_text),
    "clocks": _optional(_list_of(_optional(_number))),
    "comments": _comments,
}
"""How each key of a line is read and checked."""
