"""The checks of fuzzing over their seeds and all that was ever found; and a reader that breaks them is found out."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gameil.records import formats
from gameil.records.formats import FORMATS, known_formats
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source
from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import check, outcomes, targets

FINDINGS = Path(__file__).parent / "findings"


@pytest.mark.parametrize("target", targets())
def test_seeds_hold(target: str) -> None:
    inputs = seeds(target)
    assert inputs, f"tests/fuzz/seeds.py has none for {target}"
    for data in inputs[:20]:
        check(target, data)
        check(target, data + data)
        check(target, data[: len(data) // 2])
    check(target, b"".join(words(target)))


@pytest.mark.parametrize("path", sorted(FINDINGS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    check(path.parent.name, path.read_bytes())


UNITS = (b" ", b"\n", b"0", b"1 ", b"a", b"a ", b"(", b"[", b"{", b'"', b"\\", b": ", b"\x00", b"\xff")


@pytest.mark.parametrize("target", known_formats())
def test_repetition_takes_linear_time(target: str) -> None:
    """A pattern that looks again from every place would need many times as long for this."""
    for seed in [b"", *seeds(target)[:2]]:
        for unit in UNITS:
            for start in (seed[: len(seed) // 2], seed):
                started = time.process_time()
                assert list(outcomes(target, io.BytesIO(start + unit * (30_000 // len(unit)))))
                assert time.process_time() - started < 1.5, (start[-40:], unit)


def _record(raw: RawRecord) -> GameRecord:
    return GameRecord("chess", "san", ("e4",), raw.source)


def split_lines(source: Source) -> Iterator[RawRecord]:
    """A line a record, but the last one lacks a byte where the data came in pieces."""
    data = b""
    pieces = 0
    while block := source.read(1 << 20):
        data += block
        pieces += 1
    from gameil.records.record import Provenance

    yield RawRecord("broken", data[: len(data) - (pieces > 1)], Provenance(source.name, 0))


def parse_raising(raw: RawRecord) -> GameRecord:
    """Raises on some bytes."""
    if b"x" in raw.data:
        raise IndexError("x")
    return _record(raw)


def parse_without_moves(raw: RawRecord) -> GameRecord | RecordError:
    """Gives a record without moves."""
    return replace(_record(raw), moves=())


def parse_by_content(raw: RawRecord) -> GameRecord:
    """The record depends on all bytes."""
    return replace(_record(raw), event=repr(raw.data))


@pytest.mark.parametrize(
    ("parser", "data", "complaint"),
    [
        ("parse_raising", b"ax", "x"),
        ("parse_without_moves", b"a", "a record without moves"),
        ("parse_by_content", b"abc" * 50, "other records where"),
    ],
)
def test_a_broken_format_is_found_out(
    monkeypatch: pytest.MonkeyPatch, parser: str, data: bytes, complaint: str
) -> None:
    broken = replace(FORMATS["pgn"], name="broken", splitter=f"{__name__}:split_lines", parser=f"{__name__}:{parser}")
    formats.known_formats()
    monkeypatch.setitem(FORMATS, "broken", replace(broken, writer=None))
    with pytest.raises((AssertionError, IndexError), match=complaint):
        check("broken", data)
