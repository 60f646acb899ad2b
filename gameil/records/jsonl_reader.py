"""Reads JSON lines: one record a line, in any game's own action text, with the fields of ``GameRecord``."""

import json
import math
from collections.abc import Iterator
from typing import Any

from gameil.records.jsonl_schema import SchemaError, record_from_json
from gameil.records.lines import split_lines
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, raw_error


def split_jsonl(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the lines, unparsed; blank ones are passed over."""
    return split_lines(source, "jsonl", MAX_GAME_BYTES)


def parse_jsonl(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one line."""
    try:
        values = read_json(raw.data.decode("utf-8-sig"))
        return record_from_json(values, raw.source)
    except SchemaError as error:
        return raw_error(raw, "schema", str(error))
    except (ValueError, RecursionError) as error:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors.
        return raw_error(raw, "syntax", f"not a line of JSON: {error}")


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises ``ValueError`` for keys that stand twice, NaN, and numbers that overflow too."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return values


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value
