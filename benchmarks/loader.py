"""How fast does a loader hand out positions, against bare replay by OpenSpiel, and in how much memory?

The bound: OpenSpiel alone replays the same games, takes every observation through its NumPy observer and every list of
legal actions, and keeps nothing. The loader reads LMDB, replays, adds planes, shuffles and cuts batches, in one
process. Both take turns, block by block, and are timed by the process's own CPU time; the ratio is of the medians.

    python benchmarks/loader.py [--dataset DATASET] [--positions 30000] [--repeats 5]

Without a dataset it uses random games of connect four, 9x9 Go and chess that it plays first.

    python benchmarks/loader.py --memory --dataset DATASET [--pool 1000000]

One epoch's order and one pool of so many positions: the peak of the process's anonymous memory (mapped pages of the
dataset, which the system may drop at any time, are not in it).
"""

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyspiel
from open_spiel.python.observation import make_observation

from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance

RANDOM_GAMES = {"connect_four": 3000, "go(board_size=9)": 400, "chess": 300}


def play_random(game_id: str, path: Path) -> None:
    """A dataset of random games."""
    game, rng = make_game(game_id), np.random.default_rng(0)
    with DatasetWriter(path, game.family, split=SplitRule(0, 0)) as writer:
        for number in range(RANDOM_GAMES[game_id]):
            state = game.initial_state()
            while not state.is_terminal() and len(state.history) < 200:
                state.apply(int(rng.choice(state.legal_actions())))
            actions = np.asarray(state.history, np.uint32)
            writer.add(PlayedGame(game.id, actions, Provenance("random", number), match_id=str(number)))


class BareReplay:
    """OpenSpiel alone on games of a dataset."""

    def __init__(self, path: Path) -> None:
        self._dataset = Dataset(path)
        self._rules: dict[str, pyspiel.Game] = {}

    def seconds_a_position(self, game_ids: list[int]) -> float:
        """CPU seconds; engine actions are found and states made before the clock starts."""
        played = [self._dataset.game(game_id) for game_id in game_ids]
        games = [(self._state(one), self._engine_actions(one)) for one in played if one.start is None]
        observer = make_observation(next(iter(self._rules.values())))
        count = sum(len(actions) for _, actions in games)
        started = time.process_time()
        for state, actions in games:
            for action in actions:
                observer.set_from(state, state.current_player())
                state.legal_actions()
                state.apply_action(action)
        return (time.process_time() - started) / count

    def _state(self, played: PlayedGame) -> pyspiel.State:
        if played.game_id not in self._rules:
            self._rules[played.game_id] = pyspiel.load_game(played.game_id)
        return self._rules[played.game_id].new_initial_state()

    @staticmethod
    def _engine_actions(played: PlayedGame) -> list[int]:
        state = make_game(played.game_id).initial_state()
        for action in played.actions.tolist():
            state.apply(action)
        history: list[int] = state.raw.history()  # type: ignore[attr-defined]
        return history


def compare(path: Path, positions: int, repeats: int) -> None:
    """Prints the rates of both and their ratio."""
    config = LoaderConfig(pool_positions=positions)
    loader = Loader(path, "train", EncoderConfig(), config, augment=True)
    bare = BareReplay(path)
    loader.position()  # opens the dataset
    times: list[tuple[float, float]] = []
    for _ in range(repeats + 1):  # the first warms up
        ids: list[np.ndarray] = []
        block = loader.position()["block"], loader.position()["epoch"]
        started, count = time.process_time(), 0
        while True:
            batch = next(loader)
            count += len(batch)
            ids.append(batch.game_ids)
            if count + len(batch) > positions:
                break
        ours = (time.process_time() - started) / count
        assert (loader.position()["block"], loader.position()["epoch"]) == block, "more than one block"
        loader.seek({**loader.position(), "block": block[0] + 1, "batch": 0})
        loader.position()
        times.append((bare.seconds_a_position(np.unique(np.concatenate(ids)).tolist()), ours))
    bound, rate = (1 / statistics.median(values) for values in zip(*times[1:], strict=True))
    print(
        f"{Dataset(path).meta.family}: bare replay {bound:,.0f} positions/s, loader {rate:,.0f} positions/s, "
        f"ratio {rate / bound:.2f} (goal 0.7) on {platform.processor() or platform.machine()}"
    )


def measure_processes(path: Path, seconds: float) -> None:
    """Prints the rate at which batches of other processes arrive here, and what receiving them costs."""
    for workers in (1, 2):
        config = LoaderConfig(workers=workers)
        with PrefetchedLoader(Loader(path, "train", EncoderConfig(), config, augment=True), workers=workers) as loader:
            next(loader)
            count, started, busy = 0, time.perf_counter(), time.process_time()
            while time.perf_counter() - started < seconds:
                count += len(next(loader))
            wall, busy = time.perf_counter() - started, time.process_time() - busy
        print(f"{workers} processes: {count / wall:,.0f} positions/s, {1e6 * busy / count:.2f} us each to receive")


def anonymous_mebibytes() -> float:
    """Anonymous memory of this process now (Linux)."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024


def measure_memory(path: Path, pool: int) -> None:
    """Prints anonymous memory while an epoch is ordered and a pool of ``pool`` positions is made and cut."""
    before = anonymous_mebibytes()
    loader = Loader(path, "train", EncoderConfig(), LoaderConfig(pool_positions=pool), augment=True)
    in_epoch = loader.positions_per_epoch()
    opened = anonymous_mebibytes()
    peak, count = opened, 0
    while count < 2 * pool and count < in_epoch:
        count += len(next(loader))
        peak = max(peak, anonymous_mebibytes()) if count % 16384 < 512 else peak
    print(
        f"{len(Dataset(path)):,} games, {in_epoch:,} positions an epoch, pool {pool:,}: anonymous memory "
        f"{before:.0f} MiB before, {opened:.0f} opened, {peak:.0f} at most in {count:,} positions"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--positions", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument("--pool", type=int, default=1_000_000, help="positions in the pool, with --memory")
    parser.add_argument("--processes", type=float, default=0.0, help="also seconds with 1 and 2 loader processes")
    arguments = parser.parse_args()
    if arguments.memory:
        if arguments.dataset is None:
            parser.error("--memory needs --dataset")
        measure_memory(arguments.dataset, arguments.pool)
        return
    with tempfile.TemporaryDirectory() as directory:
        paths = [arguments.dataset] if arguments.dataset else []
        if not paths:
            for index, game_id in enumerate(RANDOM_GAMES):
                paths.append(Path(directory) / f"{index}.lmdb")
                play_random(game_id, paths[-1])
        for path in paths:
            compare(path, arguments.positions, arguments.repeats)
            if arguments.processes:
                measure_processes(path, arguments.processes)


if __name__ == "__main__":
    main()
