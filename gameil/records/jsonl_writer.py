"""Writes records of any game as JSON lines."""

import json

from gameil.errors import RecordsError
from gameil.records.jsonl_schema import SchemaError, record_from_json, record_to_json
from gameil.records.record import GameRecord


def format_jsonl(record: GameRecord) -> str:
    """One line. Raises ``RecordsError`` for values that the schema refuses, such as NaN."""
    values = record_to_json(record)
    try:
        record_from_json(values, record.source)
        return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    except (SchemaError, ValueError, TypeError) as error:
        raise RecordsError(f"jsonl cannot carry this record of {record.game}: {error}") from error
