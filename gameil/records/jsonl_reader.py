"""Reads JSON lines: one record a line, in any game's own action text, with the fields of ``GameRecord``."""

import json
import math
from collections.abc import Iterator
from typing import Any

from gameil.records.jsonl_schema import SchemaError, record_from_json
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, Window, raw_error


def split_jsonl(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the lines, unparsed; blank ones are passed over."""
    window = Window(source)
    start = 0
    found = 0
    while True:
        end = window.data.find(b"\n", start)
        if end < 0 and not window.ended:
            window.drop(start)
            start = 0
            if len(window.data) > MAX_GAME_BYTES:
                found += 1
                yield window.error(0, "too large", f"a line of more than {MAX_GAME_BYTES} bytes")
                _skip_line(window)
            window.extend()
            continue
        cut = end < 0
        end = len(window.data) if cut else end
        if cut and source.broken is not None:
            yield RecordError(window.at(start), "truncated", source.broken)
            return
        line = window.data[start:end]
        if line.strip():
            found += 1
            yield RawRecord("jsonl", line, window.at(start))
        if cut:
            break
        start = end + 1
    if not found:
        yield window.error(0, "no records", "no line holds a record")


def parse_jsonl(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one line."""
    try:
        values = json.loads(
            raw.data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
        return record_from_json(values, raw.source)
    except SchemaError as error:
        return raw_error(raw, "schema", str(error))
    except (ValueError, RecursionError) as error:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors.
        return raw_error(raw, "syntax", f"not a line of JSON: {error}")


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


def _skip_line(window: Window) -> None:
    while True:
        end = window.data.find(b"\n")
        if end >= 0:
            window.drop(end + 1)
            return
        window.drop(len(window.data))
        if window.ended:
            return
        window.extend()
