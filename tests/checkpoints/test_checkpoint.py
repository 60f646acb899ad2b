"""Checkpoints: exact round trip, the newest few kept, torn ones skipped."""

import json
from pathlib import Path

import pytest
import torch

from gameil.checkpoints.checkpoint import STATE, TENSORS, CheckpointStore
from gameil.errors import CheckpointError


def save(store: CheckpointStore, step: int) -> None:
    tensors = {
        "weights": torch.full((2, 3, 4, 4), float(step)).contiguous(memory_format=torch.channels_last),
        "counter": torch.tensor(step),
        "half": torch.tensor([1.5], dtype=torch.bfloat16),
    }
    store.save(step, tensors, {"loader": {"epoch": 2, "block": step}, "best": {"nll": 1.25}})


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path / "none").latest() is None


def test_round_trip_is_exact(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 40)
    found = store.latest()
    assert found is not None
    assert found.step == 40
    assert found.state == {"loader": {"epoch": 2, "block": 40}, "best": {"nll": 1.25}}
    assert torch.equal(found.tensors["weights"], torch.full((2, 3, 4, 4), 40.0))
    assert found.tensors["counter"].item() == 40
    assert found.tensors["half"].dtype == torch.bfloat16


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep=2)
    for step in (8, 9, 10, 1000000000):
        save(store, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000010", "step-1000000000"]
    found = store.latest()
    assert found is not None
    assert found.step == 1000000000


def test_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 5)
    store.save(5, {"x": torch.ones(1)}, {})
    found = store.latest()
    assert found is not None
    assert list(found.tensors) == ["x"]
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000005"]


@pytest.mark.parametrize("damage", ["cut tensors", "flipped bit", "no tensors", "cut state", "no state"])
def test_torn_ones_are_skipped(tmp_path: Path, damage: str) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    save(store, 2)
    newest = tmp_path / "step-000000002"
    tensors = (newest / TENSORS).read_bytes()
    if damage == "cut tensors":
        (newest / TENSORS).write_bytes(tensors[:-5])
    elif damage == "flipped bit":
        (newest / TENSORS).write_bytes(tensors[:-1] + bytes([tensors[-1] ^ 1]))
    elif damage == "no tensors":
        (newest / TENSORS).unlink()
    elif damage == "cut state":
        (newest / STATE).write_text((newest / STATE).read_text()[:20])
    else:
        (newest / STATE).unlink()
    found = store.latest()
    assert found is not None
    assert found.step == 1


def test_leftovers_of_a_killed_save_are_ignored_and_swept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    leftover = tmp_path / "step-000000002.123.writing"
    leftover.mkdir()
    (leftover / TENSORS).write_bytes(b"half")
    found = store.latest()
    assert found is not None
    assert found.step == 1
    save(store, 3)
    assert not leftover.exists()


def test_only_torn_ones_is_an_error_not_a_fresh_start(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    (tmp_path / "step-000000001" / TENSORS).unlink()
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        store.latest()


def test_another_version_is_named(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    save(store, 1)
    state = tmp_path / "step-000000001" / STATE
    state.write_text(json.dumps({**json.loads(state.read_text()), "format_version": 9}))
    with pytest.raises(CheckpointError, match="checkpoint format 9, this gameil reads 1"):
        store.latest()


def test_keep_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="at least 1"):
        CheckpointStore(tmp_path, keep=0)
