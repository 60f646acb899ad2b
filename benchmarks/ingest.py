"""How fast do records of chess or Go become a dataset, how large is it, and how much memory does it take?

The peer is what one writes first, in one process: python-chess's ``read_game`` (for SGF: sgfmill) parses, OpenSpiel
plays the moves once more so that its action ids can be stored, and LMDB takes one value a game, a thousand games a
transaction. It reads the same file from disk as gameil. It keeps no names, dedups nothing, checks no Go move, and
cannot be resumed; chess moves are handed over as UCI, which OpenSpiel reads more than twice as fast as SAN.
Needs the extra ``bench`` (python-chess, GPL, and sgfmill: peers only).

    python benchmarks/ingest.py --records GAMES.pgn.zst [--games 20000] [--peer-games 4000] [--workers 2]
    python benchmarks/ingest.py --records GAMES.sgf.zst --game go
    python benchmarks/ingest.py --records A.pgn.zst B.pgn.zst --memory

Rates are games a second of wall-clock time, and of processor time (all processes together) for machines that are not
quiet. ``--memory`` runs ``gameil ingest`` for one file, then for all of them together, and samples the anonymous
memory (heap and stacks, not mapped files) of all its processes. Without a file the bundled chess games are read over
and over; then nearly all are duplicates, and the size says little.
"""

import argparse
import importlib.metadata
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO

import lmdb
import numpy as np
import pyspiel
import zstandard

from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records, split_records
from gameil.records.pgn_rust import is_available
from gameil.records.record import GameRecord
from gameil.stages.ingest import IngestConfig, ingest
from gameil.tracking.progress import Progress, Screen

BATCH = 1000
SAMPLE_SECONDS = 0.05


class Silent:
    """A reporter that tells nothing."""

    screen = Screen(quiet=True)

    def say(self, line: str) -> None:
        pass

    def progress(self, description: str, total: int | None, unit: str) -> Progress:
        return Progress(self.screen, description, total, unit)


def open_bytes(path: Path) -> IO[bytes]:
    stream = path.open("rb")
    if path.suffix != ".zst":
        return stream
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream)


def chess_lines(path: Path, games: int) -> Iterator[list[int]]:
    """The actions of each of the first games that python-chess and OpenSpiel both can play; others have none."""
    import chess.pgn

    game = pyspiel.load_game("chess")
    with io.TextIOWrapper(open_bytes(path), encoding="utf-8", errors="replace") as text:
        for _ in range(games):
            parsed = chess.pgn.read_game(text)
            if parsed is None:
                break
            if "FEN" in parsed.headers or parsed.errors:
                yield []
                continue
            state = game.new_initial_state()
            actions = []
            for move in parsed.mainline_moves():
                if state.is_terminal():
                    break
                action = state.parse_move_to_action(move.uci())
                actions.append(action)
                state.apply_action(action)
            yield actions


def go_lines(path: Path, games: int) -> Iterator[list[int]]:
    """The actions of each of the first games on 19x19 without setup stones; other games have none."""
    from sgfmill import sgf, sgf_grammar

    game = pyspiel.load_game("go", {"board_size": 19, "komi": 6.5})
    with open_bytes(path) as stream:
        data = stream.read(end_of_games(path, games))
    for tree in sgf_grammar.parse_sgf_collection(data):
        parsed = sgf.Sgf_game.from_coarse_game_tree(tree)
        state = game.new_initial_state()
        actions = []
        if parsed.get_size() == 19 and not parsed.get_root().has_setup_stones():
            for node in parsed.get_main_sequence():
                colour, point = node.get_move()
                if colour is None or state.is_terminal():
                    continue
                action = 361 if point is None else (18 - point[0]) * 19 + point[1]
                try:
                    state.apply_action(action)
                except pyspiel.SpielError:
                    break
                actions.append(action)
        yield actions


@lru_cache(maxsize=1)
def end_of_games(path: Path, games: int) -> int:
    """Bytes of a stream up to the end of its first games; -1 where there are no more."""
    behind = next(islice(split_records(path), games, None), None)
    return -1 if behind is None else behind.source.offset


def peer(lines: Iterator[list[int]], out: Path) -> tuple[int, int]:
    """Stores the games; returns their number and that of their plies."""
    env = lmdb.open(str(out), map_size=1 << 32)
    number = plies = 0
    while batch := list(islice(lines, BATCH)):
        with env.begin(write=True) as transaction:
            for actions in batch:
                transaction.put(number.to_bytes(8, "big"), np.asarray(actions, np.uint16).tobytes())
                number += 1
                plies += len(actions)
    env.close()
    return number, plies


def processor_time() -> float:
    """Of this process and of those that it has waited for, seconds."""
    mine, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + others.ru_utime + others.ru_stime


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Games a second of wall-clock time and of processor time, and the games."""
    started, used = time.perf_counter(), processor_time()
    games = work()
    return games / (time.perf_counter() - started), games / (processor_time() - used), games


def bundled_pgn(games: int, out: Path) -> Path:
    """The bundled games over and over."""
    found = []
    for path in sorted((Path(__file__).parent.parent / "replays").rglob("*.pgn")):
        for record in read_records(path):
            played = transcribe(record) if isinstance(record, GameRecord) else record
            if isinstance(played, PlayedGame):
                found.append(format_record(to_record(played), "pgn") + "\n")
    out.write_text("".join(found[index % len(found)] for index in range(games)), encoding="utf-8")
    return out


def speed(records: Path, game: str, games: int | None, peer_games: int, workers: int, root: Path) -> None:
    lines = (chess_lines if game == "chess" else go_lines)(records, peer_games)
    end_of_games(records, peer_games)  # so that it is not timed
    print(f"{records.name}: {game}, {platform.processor() or platform.machine()}, {os.cpu_count()} processors")
    print("open_spiel", importlib.metadata.version("open_spiel"), "python", platform.python_version())
    wall, used, number = timed(lambda: peer(lines, root / "peer.lmdb")[0])
    parser = "python-chess" if game == "chess" else "sgfmill"
    print(f"{parser} + OpenSpiel + LMDB, 1 process   {number:>8,} games {wall:>9,.0f}/s")
    roads = [False, True] if game == "chess" and is_available() else [False]
    digests = set()
    for extra in roads:
        for processes in sorted({1, workers}):
            config = IngestConfig(
                (records,), game, root / f"{extra}{processes}.lmdb", workers=processes, limit=games, pgn_extra=extra
            )
            results: dict[str, dict[str, int]] = {}

            def run(config: IngestConfig = config, results: dict[str, dict[str, int]] = results) -> int:
                results.update(ingest(config, Silent(), resume=False))
                return results["run"]["read"]

            our_wall, our_used, number = timed(run)
            digests.add(results["digest"])
            name = f"gameil{', pgn extra' if extra else ''}, {processes} process{'es' if processes > 1 else ''}"
            print(
                f"{name:<40} {number:>8,} games {our_wall:>9,.0f}/s   {our_wall / wall:5.1f} times by the clock, "
                f"{our_used * processes / used:5.1f} by processor time over {processes}"
            )
    counts = results["run"]
    print(
        f"{results['bytes_per_game']:.0f} bytes a game of {counts['plies'] / max(1, counts['stored']):.0f} plies, "
        f"{counts['stored']:,} stored of {counts['read']:,}; digests {'equal' if len(digests) == 1 else 'DIFFERENT'}"
    )


def anonymous_memory(process: int) -> int:
    """Anonymous bytes of a process and of all its descendants, now."""
    total = 0
    for family in [process, *descendants(process)]:
        try:
            rollup = Path(f"/proc/{family}/smaps_rollup").read_text()
        except (OSError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Anonymous:"))
    return total


def descendants(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def memory(sources: list[Path], game: str, workers: int, extra: bool, root: Path) -> None:
    """``gameil ingest`` of the first file, then of all: its greatest anonymous memory."""
    peaks = []
    for number, files in enumerate([sources[:1], sources]):
        command = [sys.executable, "-m", "gameil", "ingest", *map(str, files), "--game", game, "--quiet"]
        command += ["--out", str(root / f"{number}.lmdb"), "--workers", str(workers)]
        command += [] if extra else ["--no-pgn-extra"]
        started = time.perf_counter()
        process = subprocess.Popen(command)
        peak = 0

        def watch(process: subprocess.Popen[bytes] = process) -> None:
            nonlocal peak
            while process.poll() is None:
                peak = max(peak, anonymous_memory(process.pid))
                time.sleep(SAMPLE_SECONDS)

        watcher = threading.Thread(target=watch)
        watcher.start()
        watcher.join()
        if process.returncode:
            raise SystemExit(process.returncode)
        peaks.append(peak)
        print(
            f"{' + '.join(path.name for path in files)}: {time.perf_counter() - started:.0f} s, "
            f"at most {peak / (1 << 20):,.0f} MiB of anonymous memory in all processes"
        )
    print(f"{workers} processes: {peaks[1] / peaks[0] - 1:+.1%} for all files against the first")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, nargs="+", default=[])
    parser.add_argument("--game", choices=("chess", "go"), default="chess")
    parser.add_argument("--games", type=int, help="read so many games of the file (default all)")
    parser.add_argument("--peer-games", type=int, default=4000, help="games that the peer reads: its rate is steady")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--no-extra", action="store_true", help="with --memory: the default way")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        sources = arguments.records or [bundled_pgn(arguments.games or 3000, root / "games.pgn")]
        if arguments.memory:
            memory(sources, arguments.game, arguments.workers, not arguments.no_extra, root)
        else:
            speed(sources[0], arguments.game, arguments.games, arguments.peer_games, arguments.workers, root)


if __name__ == "__main__":
    main()
