"""Ingest through the real command line: counts that add up, resume, bad input in one line, nothing half done."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Counts
from gameil.errors import DatasetError, GameilError
from gameil.games.registry import make_game
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, write_records
from gameil.stages.data import verify_dataset
from gameil.stages.ingest import IngestConfig, fingerprint
from tests.strategies import random_game, same_game

IMMORTAL = """[Event "London"]
[Site "London"]
[Date "1851.06.21"]
[White "Anderssen, A"]
[Black "Kieseritzky, L"]
[Result "1-0"]

1. e4 e5 2. f4 exf4 3. Bc4 Qh4+ 4. Kf1 b5 5. Bxb5 Nf6 6. Nf3 Qh6 7. d3 Nh5 8. Nh4 Qg5 9. Nf5 c6 10. g4 Nf6
11. Rg1 cxb5 12. h4 Qg6 13. h5 Qg5 14. Qf3 Ng8 15. Bxf4 Qf6 16. Nc3 Bc5 17. Nd5 Qxb2 18. Bd6 Bxg1 19. e5 Qxa1+
20. Ke2 Na6 21. Nxg7+ Kd8 22. Qf6+ Nxf6 23. Be7# 1-0

"""
ILLEGAL = IMMORTAL.replace("9. Nf5", "9. Nf6").replace("1851.06.21", "1851.06.22")
FOOLS_MATE = '[White "A"]\n[Black "B"]\n[Result "0-1"]\n\n1. f3 e5 2. g4 Qh4# 0-1\n\n'


def ingest(*arguments: object) -> int:
    return main(["ingest", *(str(argument) for argument in arguments), "--workers", "1", "--quiet"])


def failure(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a failing command prints."""
    assert ingest(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("gameil: error: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.fixture
def games_file(tmp_path: Path) -> Path:
    path = tmp_path / "games.jsonl"
    write_records(path, [to_record(random_game("connect_four", index)) for index in range(300)])
    return path


def test_games_come_from_the_file_and_counts_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "games.pgn"
    source.write_text(IMMORTAL + ILLEGAL + FOOLS_MATE + IMMORTAL)
    out = tmp_path / "chess.lmdb"
    assert main(["ingest", str(source), "--game", "chess", "--out", str(out), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    counts = results["run"]
    assert (counts["read"], counts["stored"], counts["duplicates"]) == (4, 2, 1)
    assert sum(counts["rejected"].values()) == 1
    assert counts["positions"] == 45 + 4
    assert results["total"] == counts
    dataset = Dataset(out, family="chess")
    assert [player.name for player in dataset.game(0).players] == ["Anderssen, A", "Kieseritzky, L"]
    assert len(dataset.provenance(0)) == 2
    (rejected,) = dataset.rejected()
    assert "Nf6" in rejected.detail
    assert rejected.source.offset == len(IMMORTAL)
    assert verify_dataset(out, workers=1) == []


def test_several_sources_and_a_second_command_add_up(tmp_path: Path, games_file: Path) -> None:
    more = tmp_path / "more.jsonl"
    write_records(more, [to_record(random_game("connect_four", index)) for index in range(290, 320)])
    out = tmp_path / "x.lmdb"
    assert ingest(games_file, "--game", "connect_four", "--out", out) == 0
    assert ingest(games_file, more, "--game", "connect_four", "--out", out) == 0, "the first is known to be done"
    counts = Dataset(out).counts()
    assert counts.total.read == 330 == counts.total.stored + counts.total.duplicates
    assert counts.sources[str(games_file)].read == 300
    assert counts.sources[str(more)].duplicates >= 10


def test_a_source_is_known_by_its_content(tmp_path: Path, games_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.lmdb"
    assert ingest(games_file, "--game", "connect_four", "--out", out) == 0
    moved = games_file.rename(tmp_path / "moved.jsonl")
    assert ingest(moved, "--game", "connect_four", "--out", out) == 0
    assert Dataset(out).counts().total.read == 300, "the same file under another name is not read again"
    games_file.write_text(moved.read_text() + "\n")
    assert "has changed since it was ingested" in failure(capsys, games_file, "--game", "connect_four", "--out", out)


@pytest.fixture
def shared_processes_file(tmp_path: Path) -> Path:
    """More records than are transcribed before other processes start."""
    path = tmp_path / "many.jsonl"
    write_records(path, [to_record(random_game("tic_tac_toe", index)) for index in range(800)])
    return path


def test_limit_then_resume_is_the_whole(tmp_path: Path, games_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, parts = tmp_path / "whole.lmdb", tmp_path / "parts.lmdb"
    assert ingest(games_file, "--game", "connect_four", "--out", whole) == 0
    assert ingest(games_file, "--game", "connect_four", "--out", parts, "--limit", 100) == 0
    assert Dataset(parts).counts().total.read == 100
    assert "go on with --resume" in failure(capsys, games_file, "--game", "connect_four", "--out", parts)
    assert ingest(games_file, "--game", "connect_four", "--out", parts, "--limit", 50, "--resume") == 0
    assert Dataset(parts).counts().total.read == 150
    assert ingest(games_file, "--game", "connect_four", "--out", parts, "--resume") == 0
    one, two = Dataset(whole), Dataset(parts)
    assert all(same_game(one.game(index), two.game(index)) for index in range(len(one)))
    assert (one.counts(), one.cursors(), one.digest()) == (two.counts(), two.cursors(), two.digest())


def test_tolerances_are_counted_by_name_whatever_the_processes_and_interruptions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "games.pgn"
    lenient = FOOLS_MATE.replace("Qh4# 0-1", "Qh4#")
    texts = [FOOLS_MATE, lenient, ILLEGAL, lenient.replace("1. f3", "1. N f3")] * 300
    source.write_text("".join(texts))
    whole, parts = tmp_path / "whole.lmdb", tmp_path / "parts.lmdb"
    assert ingest(source, "--game", "chess", "--out", whole) == 0
    assert Dataset(whole).counts().total.tolerances == {"missing result": 600, "annotation in moves": 300}
    assert Dataset(whole).counts().total.read == 1200
    arguments = ["ingest", str(source), "--game", "chess", "--out", str(parts), "--workers", "2"]
    assert main([*arguments, "--limit", "601", "--batch-records", "64", "--quiet"]) == 0
    assert Dataset(parts).counts().total.tolerances == {"missing result": 300, "annotation in moves": 150}
    assert main([*arguments, "--resume"]) == 0
    assert "read leniently              300 missing result, 150 annotation in moves" in capsys.readouterr().out
    assert Dataset(parts).counts() == Dataset(whole).counts()
    assert main(["data", "stats", str(parts)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3:-1] == ["read leniently", f"  annotation in moves       300 {'#' * 16}"]


def test_a_dataset_from_before_tolerances_were_counted_is_read() -> None:
    values = Counts(read=3, stored=2, rejected={"syntax": 1}).values()
    del values["tolerances"]
    assert Counts.parse(values) == Counts(read=3, stored=2, rejected={"syntax": 1})


def committed(path: Path) -> int:
    """Records read into a dataset that another process may just be making."""
    try:
        return Dataset(path).counts().total.read
    except DatasetError:
        return 0


def test_a_killed_ingest_resumes_to_the_same_dataset(tmp_path: Path, shared_processes_file: Path) -> None:
    whole, killed = tmp_path / "whole.lmdb", tmp_path / "killed.lmdb"
    game = ["--game", "tic_tac_toe", "--batch-records", "64", "--quiet"]
    command = [sys.executable, "-m", "gameil", "ingest", str(shared_processes_file), *game]
    with subprocess.Popen([*command, "--out", str(killed), "--workers", "2"]) as process:
        while committed(killed) < 64:
            assert process.poll() is None, "it must be killed before it ends"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert 64 <= committed(killed) < 800
    assert subprocess.run([*command, "--out", str(killed), "--resume"], check=False).returncode == 0
    assert main(["ingest", str(shared_processes_file), *game, "--out", str(whole), "--workers", "1"]) == 0
    one, two = Dataset(whole), Dataset(killed)
    assert all(same_game(one.game(index), two.game(index)) for index in range(len(one)))
    assert (one.counts(), one.digest()) == (two.counts(), two.digest())


def test_records_of_another_game_are_rejected_by_that_reason(tmp_path: Path) -> None:
    source = tmp_path / "mixed.jsonl"
    games = [random_game("connect_four", 1), random_game("tic_tac_toe", 1), random_game("go(board_size=5)", 1)]
    write_records(source, [to_record(played) for played in games])
    assert ingest(source, "--game", "connect_four", "--out", tmp_path / "x.lmdb") == 0
    assert Dataset(tmp_path / "x.lmdb").counts().total.rejected == {"other game": 2}
    assert ingest(source, "--game", "go(board_size=5)", "--out", tmp_path / "go.lmdb") == 0
    assert Dataset(tmp_path / "go.lmdb").meta.family == make_game("go(board_size=5)").family


def test_impossible_values_reject_their_record_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [json.loads(format_record(to_record(random_game("connect_four", index)), "jsonl")) for index in range(5)]
    records[1]["players"][0]["rating"] = 10**30
    records[2]["players"][0]["rating"] = 10**12
    records[3]["returns"] = [7.0, -7.0]
    source, out = tmp_path / "games.jsonl", tmp_path / "x.lmdb"
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert ingest(source, "--game", "connect_four", "--out", out) == 0
    counts = Dataset(out).counts().total
    assert counts.stored == 2
    assert counts.num_rejected == 3
    assert counts.rejected["returns"] == 1
    # What a reader lets through and the format still cannot hold is an error of that record too.
    monkeypatch.setattr("gameil.records.jsonl_schema.MOST_RATING", 10**40)
    assert ingest(source, "--game", "connect_four", "--out", tmp_path / "y.lmdb") == 0
    assert Dataset(tmp_path / "y.lmdb").counts().total.rejected == {"not storable": 2, "returns": 1}


def test_a_file_without_a_usable_game_fails_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "bad.pgn", tmp_path / "x.lmdb"
    source.write_text(ILLEGAL)
    line = failure(capsys, source, "--game", "chess", "--out", out)
    assert "no usable game" in line
    assert "Nf6" in line
    assert not out.exists()


def test_bad_sources_are_one_line_and_leave_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, noise = tmp_path / "empty.pgn", tmp_path / "noise.pgn"
    empty.touch()
    noise.write_bytes(bytes(range(256)) * 40)
    torn = tmp_path / "torn.pgn.zst"
    torn.write_bytes(zstandard.ZstdCompressor().compress(IMMORTAL.encode() * 50)[:40])
    out = tmp_path / "x.lmdb"
    for source, part in (
        (empty, "empty"),
        (noise, "noise.pgn"),
        (tmp_path, "directory"),
        (tmp_path / "no.pgn", "no.pgn"),
    ):
        assert part in failure(capsys, source, "--game", "chess", "--out", out)
        assert not out.exists()
    failure(capsys, torn, "--game", "chess", "--out", out)
    assert not out.exists()


def test_the_good_part_of_a_cut_file_is_kept(tmp_path: Path) -> None:
    # Comments that do not compress: the file has several zstd blocks, and the cut falls into the last one.
    noise = [hashlib.shake_128(str(number).encode()).hexdigest(300) for number in range(600)]
    text = "".join(
        f'[White "{number}"]\n[Black "B"]\n[Result "1-0"]\n\n1. e4 e5 2. Nf3 {{{comment}}} 1-0\n\n'
        for number, comment in enumerate(noise)
    )
    whole = zstandard.ZstdCompressor().compress(text.encode())
    source = tmp_path / "cut.pgn.zst"
    source.write_bytes(whole[: len(whole) * 9 // 10])
    assert ingest(source, "--game", "chess", "--out", tmp_path / "x.lmdb") == 0
    counts = Dataset(tmp_path / "x.lmdb").counts().total
    assert counts.stored > 100
    assert counts.num_rejected >= 1
    assert counts.read == counts.stored + counts.duplicates + counts.num_rejected


def test_a_dataset_of_another_game_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], games_file: Path
) -> None:
    out = tmp_path / "x.lmdb"
    assert ingest(games_file, "--game", "connect_four", "--out", out) == 0
    source = tmp_path / "games.pgn"
    source.write_text(IMMORTAL)
    assert "a dataset of connect_four, not of chess" in failure(capsys, source, "--game", "chess", "--out", out)
    assert len(Dataset(out)) > 290


def test_wrong_arguments_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], games_file: Path) -> None:
    out = tmp_path / "x.lmdb"
    for extra in (
        ["--game", "no_such_game"],
        ["--game", "chess", "--limit", "0"],
        ["--game", "chess", "--test", "1.5"],
    ):
        failure(capsys, games_file, *extra, "--out", out)
        assert not out.exists()
    with pytest.raises(GameilError):
        IngestConfig(sources=(), game="chess", out=out)


def test_fingerprints_tell_files_apart(tmp_path: Path) -> None:
    large = b"a" * 3_000_000
    middle = large[:1_500_000] + b"b" + large[1_500_001:]
    contents = [b"a" * 100, b"a" * 101, large, large[:-1] + b"b", b"b" + large[:-1], middle]
    found = set()
    for index, content in enumerate(contents):
        path = tmp_path / str(index)
        path.write_bytes(content)
        parts: list[int] = []
        found.add(fingerprint(path, parts.append))
        assert sum(parts) == len(content)
    assert len(found) == len(contents)
