"""Self-play's rate against its network's: how much of the time is anything else than the network, and small batches.

The bound is the frozen network asked for as many positions at once as there are games. Self-play calls it once for the
learner and once for each opponent drawn, with ever fewer games left; rules, observations and draws come on top. CPU
time of one thread, both in the same run, alternating.

Usage: benchmarks/self_play.py [--game othello] [--games 256] [--pool 12] [--repeats 3]
"""

import argparse
import os
import platform
import statistics
import time

import torch

from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import flat_legal
from gameil.rollout.self_play import SelfPlayConfig, play_self


def main() -> None:
    """Prints one line a way to play, with its share of the network's rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="othello")
    parser.add_argument("--games", type=int, default=256)
    parser.add_argument("--pool", type=int, default=12, help="past selves in the pool")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    game = make_game(options.game)
    encoder = ObservationEncoder(game, EncoderConfig())
    evaluator = NetworkEvaluator(build_model(ModelConfig(), game, encoder.shape))
    states = [game.initial_state() for _ in range(options.games)]
    observations = encoder.encode(states)
    legal, rows = flat_legal([state.legal_actions() for state in states])

    def network() -> float:
        began = time.process_time()
        for _ in range(8):
            evaluator.evaluate_legal(observations, legal, rows)
        return float(8 * options.games / (time.process_time() - began))

    def self_play(opponents_drawn: int) -> float:
        config = SelfPlayConfig(games=options.games, opponents_drawn=opponents_drawn)
        pool = [evaluator] * options.pool
        began = time.process_time()
        batch = play_self(game, encoder, evaluator, pool, config, seed=0, iteration=0)
        return batch.frames / (time.process_time() - began)

    ways = {"default opponents drawn": SelfPlayConfig().opponents_drawn, "whole pool": 0}
    rates: dict[str, list[float]] = {name: [] for name in ("network", *ways)}
    network()
    for _ in range(options.repeats):
        rates["network"].append(network())
        for name, drawn in ways.items():
            rates[name].append(self_play(drawn))
    bound = statistics.median(rates["network"])
    print(f"{options.game}, {options.games} games, pool of {options.pool}, small residual network, one thread,")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, ", end="")
    print(f"median of {options.repeats}")
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"{name:26} {rate:8,.0f} positions/s of CPU time  {rate / bound:6.1%}")


if __name__ == "__main__":
    main()
