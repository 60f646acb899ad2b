"""How fast do chess records become a dataset, and how large is it, against what one writes first?

The peer, in one process: python-chess reads the PGN (``chess.pgn.read_game``), OpenSpiel plays the moves once more so
that its action ids can be stored, and LMDB takes one value a game in one transaction. It dedups nothing, keeps no
names, and cannot be resumed. Needs the extra ``bench`` (python-chess, GPL: a peer only).

    python benchmarks/ingest.py [--records GAMES.pgn.zst] [--games 1500] [--workers 2]

Without a file it reads the bundled games over and over (then nearly all are duplicates: the size says little).
"""

import argparse
import io
import platform
import tempfile
import time
from itertools import islice
from pathlib import Path

import chess.pgn
import lmdb
import numpy as np
import pyspiel

from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord
from gameil.stages.ingest import IngestConfig, ingest
from gameil.tracking.progress import Progress, Screen


class Silent:
    """A reporter that tells nothing."""

    screen = Screen(quiet=True)

    def say(self, line: str) -> None:
        pass

    def progress(self, description: str, total: int | None, unit: str) -> Progress:
        return Progress(self.screen, description, total, unit)


def plain_pgn(source: Path | None, games: int, out: Path) -> None:
    """Writes the first ``games`` games as uncompressed PGN, the same input for both."""
    if source is not None:
        records = [record for record in islice(read_records(source), games) if isinstance(record, GameRecord)]
    else:
        bundled = sorted((Path(__file__).parent.parent / "replays").rglob("*.pgn"))
        found = [record for path in bundled for record in read_records(path) if isinstance(record, GameRecord)]
        records = [found[index % len(found)] for index in range(games)]
    with out.open("w", encoding="utf-8") as file:
        for record in records:
            played = transcribe(record)
            if not isinstance(played, GameRecord) and hasattr(played, "actions"):
                file.write(format_record(to_record(played), "pgn") + "\n")


def peer(pgn: Path, out: Path) -> int:
    """python-chess, OpenSpiel, LMDB; returns the number of plies."""
    text = io.StringIO(pgn.read_text(encoding="utf-8"))
    game = pyspiel.load_game("chess")
    plies = number = 0
    env = lmdb.open(str(out), map_size=1 << 30)
    with env.begin(write=True) as transaction:
        while (parsed := chess.pgn.read_game(text)) is not None:
            state = game.new_initial_state()
            actions = []
            board = parsed.board()
            for move in parsed.mainline_moves():
                if state.is_terminal():
                    break
                action = state.parse_move_to_action(board.san(move))
                actions.append(action)
                state.apply_action(action)
                board.push(move)
            transaction.put(number.to_bytes(8, "big"), np.asarray(actions, np.uint16).tobytes())
            number += 1
            plies += len(actions)
    env.close()
    return plies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--games", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        pgn = root / "games.pgn"
        plain_pgn(arguments.records, arguments.games, pgn)
        ratios = []
        for repeat in range(arguments.repeats):
            started = time.perf_counter()
            plies = peer(pgn, root / f"peer{repeat}.lmdb")
            peer_rate = plies / (time.perf_counter() - started)
            config = IngestConfig((pgn,), "chess", root / f"ours{repeat}.lmdb", workers=arguments.workers)
            started = time.perf_counter()
            results = ingest(config, Silent(), resume=False)
            # All records are read and played; those that are duplicates are then not stored.
            rate = plies / (time.perf_counter() - started)
            ratios.append(rate / peer_rate)
            print(f"peer {peer_rate:,.0f} plies/s   gameil {rate:,.0f} plies/s   ratio {ratios[-1]:.2f}")
        counts = results["run"]
        print(
            f"{platform.processor() or platform.machine()}, {arguments.workers} processes: "
            f"best of {len(ratios)} ratios {max(ratios):.2f} (goal 4); {results['bytes_per_game']:.0f} bytes a game of "
            f"{counts['plies'] / max(1, counts['stored']):.0f} plies (goal 350 for 80); "
            f"{counts['stored']:,} stored of {counts['read']:,}"
        )


if __name__ == "__main__":
    main()
