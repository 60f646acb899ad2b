"""The script that kills ingest, run small: it passes here, and finds what it is made to find."""

import subprocess
import sys
from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.records.formats import read_records
from gameil.records.record import GameRecord
from tests import kill_ingest


def test_killed_and_resumed_ingests_equal_an_undisturbed_one(repository: Path) -> None:
    script = repository / "tests" / "kill_ingest.py"
    command = [sys.executable, str(script), "--kills", "2", "--copies", "15", "--seed", "3"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished and equal: no game lost, doubled or torn" in done.stdout


@pytest.mark.parametrize("harm", ["lost", "doubled", "other order", "quarantine"])
def test_differences_are_found(tmp_path: Path, harm: str) -> None:
    files = kill_ingest.make_files(tmp_path, 3)
    described = []
    for name, sources in (("a", files), ("b", files[::-1] if harm == "other order" else files)):
        out = tmp_path / name
        assert (
            main(["ingest", *map(str, sources), "--game", "chess", "--out", str(out), "--workers", "1", "--quiet"]) == 0
        )
        described.append(kill_ingest.describe(out))
    whole, found = described
    if harm != "other order":
        kill_ingest._compare(found, whole)
    if harm == "lost":
        found["games"].pop(5)
    elif harm == "doubled":
        found["games"].insert(5, found["games"][4])
    elif harm == "quarantine":
        found["rejected"].append("one more")
    with pytest.raises(kill_ingest.DifferenceError):
        kill_ingest._compare(found, whole)


def test_the_made_games_hold_duplicates_and_broken_games(tmp_path: Path) -> None:
    records = [record for path in kill_ingest.make_files(tmp_path, 12) for record in read_records(path)]
    assert all(isinstance(record, GameRecord) for record in records)
    moves = [record.moves for record in records if isinstance(record, GameRecord)]
    assert len(moves) > 500
    assert 20 < len(moves) - len(set(moves)) < 200
