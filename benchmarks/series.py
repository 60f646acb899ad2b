"""What does a series of games cost beside the searches that it cannot avoid?

A network plays paired games against OpenSpiel's C++ search. The bound: the same searches, at the same positions, called
bare, in one thread and in as many as there are cores. What is more is gameil's: network, matches, openings, records.

    python benchmarks/series.py [--game connect_four] [--games 100] [--simulations 1000] [--repeats 3]
"""

import argparse
import platform
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pyspiel
import torch

from gameil.agents.engine_pool import usable_cores
from gameil.agents.spec import build_agent
from gameil.arena.series import SeriesResult, play_series
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.games.open_spiel import OpenSpielGame, OpenSpielState
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.matches import OPENING_TAG


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="connect_four")
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    game = make_game(arguments.game)
    if not isinstance(game, OpenSpielGame):
        raise SystemExit(f"{game.id}: the peer plays OpenSpiel's games only")
    encoder, config = EncoderConfig(), ModelConfig(kind="residual", channels=32, blocks=4)
    torch.manual_seed(0)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    threads = usable_cores()
    rows: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as directory:
        snapshot = Path(directory) / "snapshot"
        save_snapshot(snapshot, model, SnapshotCard(game_id=game.id, model=config, encoder=encoder))
        network = build_agent(f"snapshot:{snapshot}", game)
        search = build_agent(f"mcts:{arguments.simulations}", game)
        play_series(game, network, search, games=4, seed=9)
        for repeat in range(arguments.repeats):
            result = play_series(game, network, search, games=arguments.games, seed=repeat)
            states = searched(game, result)
            rows.append((result.seconds, *(bare(game, states, arguments.simulations, n) for n in (threads, 1))))
        search.close()
    series, parallel, alone = (statistics.median(column) for column in zip(*rows, strict=True))
    searches = len(states)
    print(f"{game.id}: {arguments.games} games, {searches:,} searches of {arguments.simulations:,} simulations,")
    print(f"median of {arguments.repeats}; {platform.processor() or platform.machine()}, {threads} cores,")
    print(f"OpenSpiel {version('open_spiel')}, torch {torch.__version__}")
    print(f"  {'what':<42} {'seconds':>8} {'searches/s':>11} {'of the bound':>13}")
    for name, seconds in [
        ("gameil series (network, matches, records)", series),
        (f"bare searches, {threads} threads (the bound)", parallel),
        ("bare searches, 1 thread", alone),
    ]:
        print(f"  {name:<42} {seconds:8.2f} {searches / seconds:11,.0f} {parallel / seconds:12.0%}")


def searched(game: OpenSpielGame, result: SeriesResult) -> list[OpenSpielState]:
    """The positions of a series in which the opponent had to move."""
    states = []
    for played in result.played:
        opponent = 1 - played.source.offset % 2
        state = game.initial_state()
        for ply, action in enumerate(played.actions.tolist()):
            if ply >= int(played.tags[OPENING_TAG]) and state.current_player() == opponent:
                states.append(state.clone())
            state.apply(action)
    return states


def bare(game: OpenSpielGame, states: list[OpenSpielState], simulations: int, threads: int) -> float:
    """Seconds that the searches of all states take in so many threads."""

    def search(state: OpenSpielState) -> int:
        evaluator = pyspiel.RandomRolloutEvaluator(1, 1)
        return int(pyspiel.MCTSBot(game.raw, evaluator, 2.0, simulations, 1000, True, 1, False).step(state.raw))

    with ThreadPoolExecutor(threads) as executor:
        began = time.perf_counter()
        for _ in executor.map(search, states):
            pass
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
