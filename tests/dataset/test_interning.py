"""Interned texts keep their ids, over commits and new writers, and where hashes collide."""

from pathlib import Path

import pytest

from gameil.dataset import interning
from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.records.record import Provenance, RecordError


def reject(path: Path, reasons: list[str], batch: int) -> None:
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, reason in enumerate(reasons):
            writer.reject(RecordError(Provenance("file", 0), reason, "", ""))
            if index % batch == 0:
                writer.commit()


@pytest.mark.parametrize("most", [200_000, 3])
def test_colliding_texts_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    def colliding(data: bytes, attempt: int) -> bytes:
        return b"h" + bytes([len(data) % 2, attempt])

    monkeypatch.setattr(interning, "string_hash_key", colliding)
    monkeypatch.setattr(interning, "_MOST_STRINGS", most)
    reasons = [f"reason {'x' * (index % 7)}{index % 11}" for index in range(60)]
    path = tmp_path / "x.lmdb"
    reject(path, reasons[:40], 5)
    reject(path, reasons[40:], 3)
    dataset = Dataset(path)
    assert [error.reason for error in dataset.rejected()] == reasons
    with dataset._env().read() as reading:
        texts = [value for key, value in reading.items("strings") if key.startswith(b"t")]
    assert len(texts) == len(set(texts)) == len({*reasons, "file"})
