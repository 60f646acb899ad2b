"""Kills a league again and again, as ``kill -9`` does, and checks that its ledger loses and doubles nothing.

    python tests/kill_league.py --kills 100              workers and learner in turn, processes of this machine
    python tests/kill_league.py --kills 100 --ray        the same with actors of a local Ray cluster

Each round starts ``gameil league run toy --resume`` and kills, at a random moment, one worker, all workers, or the
whole process group of the learner. Whatever whole line the ledger had before must still stand at its place; in the end
every job of every turn is there once, every game is among the records once, and the league is the one that an
undisturbed run plays. Not a part of the test suite: it takes minutes.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOY = """
game = "tic_tac_toe"
[model]
kind = "mlp"
size = "tiny"
[population]
league_exploiters = 1
[play]
jobs = 2
games = 8
evaluation_games = 4
opening_plies = 1
[snapshots]
min_steps = 2
max_steps = 4
"""
SAME = ("results.jsonl", "players.jsonl", "records/turns-000000.jsonl")


def command(leagues: Path, turns: int, ray: bool) -> list[str]:
    run = [sys.executable, "-m", "gameil", "league", "run", "toy", "--leagues", str(leagues), "--resume"]
    return [*run, "--turns", str(turns), "--workers", "2", "--quiet", *(["--ray", "auto"] if ray else [])]


def begin(leagues: Path, turns: int, ray: bool) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    log = (leagues / "log.txt").open("ab")
    return subprocess.Popen(
        command(leagues, turns, ray), env=environment, stdout=log, stderr=log, start_new_session=True
    )


def descendants(pid: int) -> list[int]:
    """Processes started by a process, and by those."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def is_worker(pid: int) -> bool:
    """A process that plays: spawned by multiprocessing, or an actor of Ray."""
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return b"spawn_main" in words or words.startswith(b"ray::_Actor")


def kill(pids: list[int]) -> int:
    done = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            done += 1
        except ProcessLookupError:
            pass
    return done


def turn_of(leagues: Path) -> int:
    state = leagues / "toy" / "state.json"
    return int(json.loads(state.read_text())["turn"]) if state.exists() else 0


def whole_lines(path: Path) -> bytes:
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=12.0, help="seconds until a kill, at most")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    leagues = Path(tempfile.mkdtemp(prefix="gameil-kill-league-"))
    (leagues / "toy.toml").write_text(TOY)
    ledger = leagues / "toy" / "results.jsonl"
    kills = {"worker": 0, "workers": 0, "learner": 0}
    process = begin(leagues, 10**6, options.ray)
    while sum(kills.values()) < options.kills:
        time.sleep(draw.uniform(0.2, options.longest))
        before = whole_lines(ledger)
        what = draw.choice(list(kills))
        if what == "learner" or process.poll() is not None:
            others = descendants(process.pid)
            kill([process.pid, *others])
            process.wait()
            kills["learner"] += 1
            process = begin(leagues, 10**6, options.ray)
        else:
            workers = [pid for pid in descendants(process.pid) if is_worker(pid)]
            chosen = workers if what == "workers" else workers[:1]
            kills[what] += bool(kill(chosen))
        if not whole_lines(ledger).startswith(before):
            print(f"the ledger changed behind our back; see {leagues}")
            return 1
        print(f"{sum(kills.values())} kills ({kills}), turn {turn_of(leagues)}", flush=True)
    kill([process.pid, *descendants(process.pid)])
    process.wait()
    turns = turn_of(leagues) + 3
    if begin(leagues, turns, options.ray).wait() != 0:
        print(f"the resumed run failed; see {leagues / 'log.txt'}")
        return 1
    jobs = [json.loads(line)["job"] for line in ledger.read_text().splitlines()]
    wanted = {f"{turn:06d}-{number:02d}" for turn in range(turns) for number in range(2)}
    missing = wanted - set(jobs)
    if len(set(jobs)) != len(jobs) or missing:
        print(f"{len(jobs) - len(set(jobs))} jobs doubled, {len(missing)} lost; see {leagues}")
        return 1
    killed = {name: (leagues / "toy" / name).read_bytes() for name in SAME}
    shutil.rmtree(leagues / "toy")
    if begin(leagues, turns, False).wait() != 0:
        print(f"the undisturbed run failed; see {leagues / 'log.txt'}")
        return 1
    different = [name for name in SAME if (leagues / "toy" / name).read_bytes() != killed[name]]
    if different:
        print(f"other than an undisturbed run's: {', '.join(different)}; see {leagues}")
        return 1
    print(
        f"{sum(kills.values())} kills {kills}: {turns} turns, {len(jobs)} jobs, none lost, none doubled; the league is"
    )
    print("byte for byte the one that an undisturbed run plays")
    shutil.rmtree(leagues)
    return 0


if __name__ == "__main__":
    sys.exit(main())
