"""How fast does a loader hand out positions, against bare replay by OpenSpiel?

The bound: OpenSpiel alone replays the same games, takes every observation through its NumPy observer and every list of
legal actions, and keeps nothing. The loader reads LMDB, replays, adds planes, shuffles and cuts batches, in one
process.

    python benchmarks/loader.py [--dataset DATASET] [--positions 60000]

Without a dataset it uses random games of connect four, 9x9 Go and chess that it plays first.
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pyspiel
from open_spiel.python.observation import make_observation

from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
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


def bare_replay(path: Path, positions: int) -> float:
    """Positions a second of OpenSpiel alone. Engine actions are found before the clock starts."""
    dataset = Dataset(path)
    ids = dataset.game_ids("train").tolist()
    games = []
    count = 0
    for game_id in ids:
        if count >= positions:
            break
        played = dataset.game(game_id)
        if played.start is None:
            games.append((played, _engine_actions(played)))
            count += len(played.actions)
    rules = {played.game_id: pyspiel.load_game(played.game_id) for played, _ in games}
    observer = make_observation(next(iter(rules.values())))
    started = time.perf_counter()
    for played, actions in games:
        state = rules[played.game_id].new_initial_state()
        for action in actions:
            observer.set_from(state, state.current_player())
            state.legal_actions()
            state.apply_action(action)
    return count / (time.perf_counter() - started)


def _engine_actions(played: PlayedGame) -> list[int]:
    """OpenSpiel's own ids of a game's actions."""
    state = make_game(played.game_id).initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    history: list[int] = state.raw.history()  # type: ignore[attr-defined]
    return history


def loader_rate(path: Path, positions: int) -> float:
    """Positions a second that the loader hands out, the opening of the dataset left out."""
    loader = Loader(path, "train", EncoderConfig(), LoaderConfig(pool_positions=16384), augment=True)
    loader.position()
    count = 0
    started = time.perf_counter()
    while count < positions:
        count += len(next(loader))
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--positions", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = [arguments.dataset] if arguments.dataset else []
        if not paths:
            for index, game_id in enumerate(RANDOM_GAMES):
                paths.append(Path(directory) / f"{index}.lmdb")
                play_random(game_id, paths[-1])
        for path in paths:
            pairs = [
                (bare_replay(path, arguments.positions), loader_rate(path, arguments.positions))
                for _ in range(arguments.repeats)
            ]
            bound, rate = (max(values) for values in zip(*pairs, strict=True))
            print(
                f"{Dataset(path).meta.family}: bare replay {bound:,.0f} positions/s, loader {rate:,.0f} positions/s, "
                f"ratio {rate / bound:.2f} (goal 0.7) on {platform.processor() or platform.machine()}"
            )


if __name__ == "__main__":
    main()
