"""Kills ``gameil ingest`` at random moments, resumes it every time, and compares with a run that nobody disturbed.

    python tests/kill_ingest.py [--kills 200] [--seed 0] [--game chess] [FILE ...]

Each kill (SIGKILL) hits the whole process group, the main process alone, or one worker alone, at any moment after
the start or soon behind a commit; then the same command follows with ``--resume``. When an ingest ends before its kill
the dataset is compared and the next one begins, until so many kills have been made. Compared are the digest, every game
by id with all its fields and provenance, counts, cursors and quarantine: nothing may be lost, doubled or torn. After
every kill the games stored so far must be the first ones of the undisturbed dataset, with counts that add up.

Without files, thousands of games made from the bundled replays are used, in two compressed files, with duplicates and
broken games among them. Ends with code 0 and a summary, or with 1 and the first difference. POSIX only.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from random import Random

import zstandard

from gameil.dataset.dataset import Dataset
from gameil.errors import GameilError
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord

REPLAYS = Path(__file__).resolve().parents[1] / "replays" / "chess" / "famous-games.pgn"
BATCH = 50
WORKERS = 3
VICTIMS = ("group", "main", "worker")
POLL = 0.001
MAX_SECONDS = 300.0
"""A single run that takes longer counts as hung."""
ORPHAN_SECONDS = 10.0
"""Workers whose main process was killed must have ended by then."""


class DifferenceError(Exception):
    """The disturbed dataset is not the undisturbed one."""


@dataclass
class Tally:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    datasets: int = 0
    """Ingests that came to their end and were compared."""
    committed: int = 0
    """Kills that left games of an unfinished ingest behind."""
    survived: int = 0
    """Kills of a worker that did not keep the main process from its end."""
    messages: Counter[str] = field(default_factory=Counter)
    """Last lines of main processes that lost a worker."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="files of records; none: games made from the replays")
    parser.add_argument("--game", default="chess", help="game of the files")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="decides the moments, as far as the machine lets it")
    parser.add_argument("--copies", type=int, default=60, help="games made of each bundled one")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gameil-kill-") as directory:
        files = arguments.files or make_files(Path(directory), arguments.copies)
        command = [sys.executable, "-m", "gameil", "ingest", *map(str, files), "--game", arguments.game]
        command += ["--workers", str(WORKERS), "--batch-records", str(BATCH), "--json"]
        try:
            tally = disturb(command, Path(directory), arguments.kills, Random(arguments.seed))
        except DifferenceError as difference:
            kept = Path(tempfile.mkdtemp(prefix="gameil-different-"))
            shutil.copytree(directory, kept, dirs_exist_ok=True)
            print(f"DIFFERENT after {time.monotonic() - started:.0f} s: {difference}; everything is kept in {kept}")
            return 1
    print(f"{sum(tally.kills.values())} kills ({_by_name(tally.kills)}) in {tally.runs} runs, ", end="")
    print(f"{tally.datasets} datasets finished and equal: no game lost, doubled or torn")
    print(f"{tally.committed} kills left a part behind; {tally.survived} kills of a worker were survived; ", end="")
    print(f"{time.monotonic() - started:.0f} s")
    for message, number in tally.messages.most_common():
        print(f"  {number} x after the kill of a worker: {message}")
    return 0


def make_files(directory: Path, copies: int) -> list[Path]:
    """Two files: beginnings of the bundled games (each a game of its own), duplicates, games with an illegal move."""
    texts: list[str] = []
    for record in read_records(REPLAYS):
        assert isinstance(record, GameRecord)
        for number in range(min(copies, len(record.moves))):
            moves = record.moves[: len(record.moves) - number]
            texts.append(format_record(replace(record, moves=moves, clocks=None, comments={}), "pgn"))
            if number % 10 == 3:
                texts.append(texts[-1])
            if number % 10 == 7:
                texts.append(format_record(replace(record, moves=(*moves[:-1], "Ka1"), comments={}), "pgn"))
    Random(1).shuffle(texts)
    half = len(texts) // 2
    packed = directory / "games.pgn.zst"
    packed.write_bytes(zstandard.compress("".join(texts[:half]).encode()))
    archive = directory / "games.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for first in range(half, len(texts), 100):
            data = "".join(texts[first : first + 100]).encode()
            member = tarfile.TarInfo(f"{first}.pgn")
            member.size = len(data)
            tar.addfile(member, BytesIO(data))
    return [packed, archive]


def disturb(command: list[str], directory: Path, kills: int, rng: Random) -> Tally:
    """Makes the undisturbed dataset, then so many kills of others. Raises ``DifferenceError``."""
    reference = directory / "undisturbed.lmdb"
    begun = time.monotonic()
    done = subprocess.run([*command, "--out", str(reference)], capture_output=True, text=True, timeout=MAX_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"the undisturbed ingest failed: {done.stderr.strip()}")
    seconds = time.monotonic() - begun
    whole = describe(reference)
    print(f"undisturbed: {len(whole['games'])} games, {whole['counts']['read']} records, {seconds:.1f} s", flush=True)
    tally = Tally()
    while sum(tally.kills.values()) < kills:
        out = directory / f"disturbed-{tally.datasets}.lmdb"
        finished = False
        while not finished:
            more = sum(tally.kills.values()) < kills
            finished = _one_run([*command, "--out", str(out), "--resume"], out, more, seconds, rng, tally)
            if not finished:
                _compare_part(out, whole, tally)
        _compare(describe(out), whole)
        tally.datasets += 1
        print(f"{sum(tally.kills.values())} kills, {tally.datasets} datasets equal", flush=True)
    return tally


def _one_run(command: list[str], out: Path, kill: bool, seconds: float, rng: Random, tally: Tally) -> bool:
    """Starts the command and perhaps kills it; True where it came to its end."""
    tally.runs += 1
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            victim = rng.choice(VICTIMS) if kill else None
            children: list[int] = []
            if victim is not None and _wait_for_moment(process, out, victim, seconds, rng):
                children = _children(process.pid)
                if not _kill(process, victim, children, rng):
                    victim = None
            else:
                victim = None
            code = process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired:
            raise DifferenceError(f"hung for {MAX_SECONDS:.0f} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    _wait_for_orphans(children)
    if victim is not None:
        tally.kills[victim] += 1
    if code == 0:
        tally.survived += victim == "worker"
        return True
    if victim is None or (victim == "worker" and code not in (1, 2)):
        raise DifferenceError(f"exit code {code} without a kill of the main process: {text[-500:]}")
    if victim == "worker":
        tally.messages[text.splitlines()[-1] if text else "nothing"] += 1
    return False


def _wait_for_moment(process: "subprocess.Popen[bytes]", out: Path, victim: str, seconds: float, rng: Random) -> bool:
    """Waits for a random moment; False where the process ended before."""
    if rng.random() < 0.5:
        deadline = time.monotonic() + rng.uniform(0.05, seconds)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(POLL)
    else:
        # Some commits after the start, then up to 30 ms: within the next batch or the next commit.
        for _ in range(rng.randint(1, 12)):
            before = _written(out)
            while _written(out) == before and process.poll() is None:
                time.sleep(POLL)
        time.sleep(rng.uniform(0, 0.03))
    if victim == "worker":
        while process.poll() is None and not _children(process.pid):
            time.sleep(POLL)
    return process.poll() is None


def _written(out: Path) -> tuple[int, int] | None:
    try:
        status = (out / "data.mdb").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _kill(process: "subprocess.Popen[bytes]", victim: str, children: list[int], rng: Random) -> bool:
    """True where somebody was killed."""
    try:
        if victim == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == "main":
            process.kill()
        elif children:
            os.kill(rng.choice(children), signal.SIGKILL)
        else:
            return False
    except ProcessLookupError:
        return False
    return True


def _children(pid: int) -> list[int]:
    """Ids of a process's children."""
    listed = subprocess.run(["ps", "-o", "pid=,ppid=", "-A"], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _wait_for_orphans(children: list[int]) -> None:
    """Workers whose parent is gone end by themselves: they must not hold memory, or the dataset, for ever."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    left = children
    while left and time.monotonic() < deadline:
        left = [child for child in left if _is_alive(child)]
        time.sleep(0.01)
    if left:
        raise DifferenceError(f"processes {left} are still there {ORPHAN_SECONDS:.0f} s after their parent's end")


def _is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def describe(path: Path) -> dict:
    """All that a dataset holds, as values that can be compared."""
    dataset = Dataset(path)
    try:
        counts = dataset.counts()
        return {
            "games": [_game(dataset, number) for number in range(len(dataset))],
            "splits": dataset.index()["split"].tolist(),
            "counts": counts.total.values(),
            "sources": {name: source.values() for name, source in counts.sources.items()},
            "cursors": {name: str(cursor) for name, cursor in dataset.cursors().items()},
            "rejected": list(map(str, dataset.rejected())),
            "digest": dataset.digest(),
        }
    finally:
        dataset.close()


def _game(dataset: Dataset, number: int) -> str:
    game = dataset.game(number)
    return f"{game} {game.actions.tolist()} {dataset.provenance(number)} {dataset.duplicates(number)}"


def _compare_part(out: Path, whole: dict, tally: Tally) -> None:
    """What a kill left must be a beginning of the undisturbed dataset, with counts that add up."""
    if not (out / "data.mdb").exists():
        return
    try:
        dataset = Dataset(out)
    except GameilError:
        # Killed before the first commit: there is a directory, but no dataset yet.
        return
    try:
        number = len(dataset)
        counts = dataset.counts().total.values()
        last = [_first_part(_game(dataset, index)) for index in range(max(0, number - 2 * BATCH), number)]
    finally:
        dataset.close()
    expected = [_first_part(text) for text in whole["games"][max(0, number - 2 * BATCH) : number]]
    if last != expected:
        raise DifferenceError(f"after a kill, games before {number} are not the undisturbed ones")
    taken = counts["stored"] + counts["duplicates"] + sum(counts["rejected"].values())
    if counts["stored"] != number or counts["read"] != taken:
        raise DifferenceError(f"after a kill, counts do not add up: {number} games, {json.dumps(counts)}")
    tally.committed += number > 0


def _first_part(text: str) -> str:
    """A game without its provenance: later duplicates add to that."""
    return text.partition(" [Provenance")[0]


def _compare(found: dict, whole: dict) -> None:
    for key, value in whole.items():
        if found[key] != value:
            raise DifferenceError(f"{key}: {_first_difference(found[key], value)}")


def _first_difference(found: object, expected: object) -> str:
    if isinstance(found, list) and isinstance(expected, list):
        pairs: Iterator[tuple[int, tuple[object, object]]] = enumerate(zip(found, expected, strict=False))
        number = next((index for index, (left, right) in pairs if left != right), min(len(found), len(expected)))
        return f"{len(found)} and {len(expected)}, first different at {number}"
    return f"{str(found)[:300]} is not {str(expected)[:300]}"


def _by_name(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} of {name}" for name, number in sorted(numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
