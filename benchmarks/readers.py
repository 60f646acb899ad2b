"""Games per second of the PGN and SGF readers beside python-chess and sgfmill, in processor time, on a file of yours.

python benchmarks/readers.py games.pgn.zst 3000
"""

import argparse
import io
import itertools
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from gameil.records.formats import read_records
from gameil.records.sources import open_sources

BUNDLED = Path(__file__).resolve().parents[1] / "replays" / "chess" / "famous-games.pgn"
"""Read where no other file is given: few games, so a rough figure."""


def rate(games: Callable[[], Iterable[object]], count: int) -> float:
    started = time.process_time()
    read = sum(1 for _ in itertools.islice(games(), count))
    return read / (time.process_time() - started)


def python_chess(text: str) -> Iterable[object]:
    import chess.pgn

    stream = io.StringIO(text)
    return iter(lambda: chess.pgn.read_game(stream), None)


def sgfmill(texts: list[bytes]) -> Iterable[object]:
    from sgfmill import sgf

    return ([node.get_move() for node in sgf.Sgf_game.from_bytes(text).get_main_sequence()] for text in texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=BUNDLED, help="a file or archive of PGN or SGF games")
    parser.add_argument("count", type=int, nargs="?", default=2000, help="games to read")
    arguments = parser.parse_args()
    path, count = arguments.path, arguments.count
    records = list(itertools.islice(read_records(path), count + 1))
    ours = rate(lambda: read_records(path), count)
    source = next(sources := open_sources(path))
    if records[0].source.file != str(path):
        texts = [b"".join(iter(member.read, b"")) for member in itertools.islice(open_sources(path), count)]
    else:
        data = b"".join(itertools.islice(iter(source.read, b""), records[-1].source.offset // (1 << 20) + 2))
        offsets = [record.source.offset for record in records]
        texts = [data[begin:end].strip() for begin, end in itertools.pairwise(offsets)]
    sources.close()
    if records[0].game == "chess":
        text = "\n\n".join(text.decode("utf-8", "replace") for text in texts)
        name, theirs = "python-chess", rate(lambda: python_chess(text), count)
    else:
        name, theirs = "sgfmill", rate(lambda: sgfmill(texts), count)
    print(
        f"{path.name}: {len(texts)} games; gameil {ours:,.0f} games/s, {name} {theirs:,.0f}; {ours / theirs:.1f} times"
    )


if __name__ == "__main__":
    main()
