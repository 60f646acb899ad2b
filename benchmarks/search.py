"""How much of the network's own rate does a batched search reach, and how do others' searches do?

The bound is the network: as many positions a second as its backend evaluates at that batch with all cores, nothing
else running. Goal: at least 90 % of it, and at least 4 times pgx + mctx with JAX on the CPU (connect four). Every
simulation counts, those that end in a finished game and need no network too; how many needed it is printed. Positions
are taken a few random moves into the game.

    python benchmarks/search.py [--game connect_four] [--batch 256] [--simulations 64] [--lanes 2] [--cpu-time]
    python benchmarks/search.py --scaling --plot search.svg      over batches and simulations, with the plot
"""

import argparse
import itertools
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from search_peers import mctx_simulations, open_spiel_simulations

from gameil.games.game import State
from gameil.games.open_spiel import OpenSpielGame
from gameil.games.registry import make_game
from gameil.models.backends.backend import BackendName
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.reports.charts import line_chart
from gameil.search.evaluators import network_evaluator, uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.simulation import LeafEvaluation, StateEvaluator

BLOCKS, CHANNELS = 4, 64
GAMES = ("connect_four", "othello")
SCALING = ((16, 64, 256, 512), (16, 64, 256))
"""Batches and numbers of simulations."""


class Counted:
    """An evaluator that counts positions."""

    def __init__(self, evaluator: StateEvaluator) -> None:
        self._evaluator = evaluator
        self.positions = 0

    def __call__(self, states: Sequence[State], legal: Sequence[Sequence[int]]) -> LeafEvaluation:
        self.positions += len(states)
        return self._evaluator(states, legal)


def openings(game_id: str, number: int) -> list[State]:
    """States after 0 to 5 random moves."""
    rng = np.random.default_rng(0)
    states = []
    for index in range(number):
        state = make_game(game_id).initial_state()
        for _ in range(index % 6):
            state.apply(int(rng.choice(state.legal_actions())))
        states.append(state)
    return states


def rates(calls: dict[str, Callable[[], object]], work: int, repeats: int, clock: Callable[[], float]) -> list[float]:
    """Median units of work a second of each, timed in turn after one call to warm up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repeat, (name, call) in itertools.product(range(repeats + 1), calls.items()):
        started = clock()
        call()
        if repeat:
            times[name].append(clock() - started)
    return [work / statistics.median(values) for values in times.values()]


class Subject:
    """One game with a network, to be searched at a batch."""

    def __init__(self, game_id: str, backend: BackendName, threads: int, lanes: int) -> None:
        self.game = make_game(game_id)
        self.encoder = ObservationEncoder(self.game, EncoderConfig(last_moves=0))
        config = ModelConfig(blocks=BLOCKS, channels=CHANNELS, squeeze=0, policy_channels=0)
        self.model: PolicyValueNet = build_model(config, self.game, self.encoder.shape)
        torch.set_num_threads(threads)
        self.whole = NetworkEvaluator(self.model, backend=backend, precision="auto")
        # OpenVINO takes the number of threads when it is made; torch when it runs, so it has them all in each lane.
        torch.set_num_threads(max(1, threads // lanes))
        self.lanes = [
            Counted(network_evaluator(NetworkEvaluator(self.model, backend=backend, precision="auto"), self.encoder))
            for _ in range(lanes)
        ]
        torch.set_num_threads(threads)
        self.single = Counted(network_evaluator(self.whole, self.encoder))

    def measure(self, batch: int, simulations: int, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
        """Positions or simulations a second of the network alone, one lane, all lanes, and the rules alone."""
        states = openings(self.game.id, batch)
        observations = self.encoder.encode(states)
        config = SearchConfig(simulations=simulations)

        def searched(evaluators: StateEvaluator | Sequence[StateEvaluator]) -> Callable[[], object]:
            search = BatchedSearch(evaluators, config)
            return lambda: search.run(states, [np.random.default_rng(row) for row in range(batch)])

        def raw() -> None:
            for _ in range(simulations):
                self.whole.backend(observations)

        calls = {"network": raw, "one lane": searched(self.single), "lanes": searched(self.lanes)}
        calls["rules"] = searched(uniform_evaluator)
        found = rates(calls, batch * simulations, repeats, clock)
        asked = self.single.positions / (repeats + 1) / (batch * simulations)
        self.single.positions = 0
        return {**dict(zip(calls, found, strict=True)), "asked": asked}


def compare(subject: Subject, arguments: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Prints a block a game."""
    batch, simulations = arguments.batch, arguments.simulations
    found = subject.measure(batch, simulations, arguments.repeats, clock)
    print(f"{subject.game.id}: {BLOCKS}x{CHANNELS}, {batch} games, {simulations} simulations")
    print(f"  network alone            {found['network']:>10,.0f} positions/s")
    for name in ("one lane", "lanes"):
        label = f"{arguments.lanes} lanes" if name == "lanes" else name
        print(
            f"  search, {label:<16} {found[name]:>10,.0f} simulations/s  {found[name] / found['network']:.1%} of the "
            f"network; {found['asked']:.1%} of them asked it"
        )
    print(f"  search, uniform policy   {found['rules']:>10,.0f} simulations/s (no network)")
    if arguments.no_peers:
        return
    try:
        peer = mctx_simulations(
            subject.game.id,
            batch=batch,
            simulations=simulations,
            blocks=BLOCKS,
            channels=CHANNELS,
            repeats=arguments.repeats,
        )
        print(
            f"  pgx + mctx, JAX on CPU   {peer:>10,.0f} simulations/s  (ours {found['lanes'] / peer:.1f}x; wall time)"
        )
    except ImportError as error:
        print(f"  pgx + mctx: not installed ({error})")
    assert isinstance(subject.game, OpenSpielGame)
    slow = open_spiel_simulations(
        subject.game, subject.whole, subject.encoder, simulations=simulations, repeats=arguments.repeats
    )
    print(f"  OpenSpiel's Python MCTS  {slow:>10,.0f} simulations/s  (ours {found['lanes'] / slow:.0f}x; wall time)")


def scaling(subject: Subject, arguments: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Prints share of the network's rate and simulations a second over batches and simulations; draws the first."""
    batches, numbers = SCALING
    curves = {}
    for simulations in numbers:
        shares = []
        for batch in batches:
            found = subject.measure(batch, simulations, arguments.repeats, clock)
            shares.append(found["lanes"] / found["network"])
            print(
                f"{subject.game.id}: {batch:>4} games, {simulations:>4} simulations: {found['lanes']:>8,.0f}/s, "
                f"{shares[-1]:.1%} of the network, one lane {found['one lane'] / found['network']:.1%}"
            )
        curves[f"{simulations} simulations"] = list(zip(map(float, batches), shares, strict=True))
    if arguments.plot is not None:
        arguments.plot.write_text(
            line_chart(curves, label=f"{subject.game.id}: share of network's rate", x_name="games")
        )


def main() -> None:
    """Prints a block a game."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", choices=GAMES, action="append", help="default both")
    parser.add_argument("--batch", type=int, default=256, help="games at once")
    parser.add_argument("--simulations", type=int, default=64, help="of each")
    parser.add_argument("--lanes", type=int, default=2, help="parts of the batch searched at the same time")
    parser.add_argument("--backend", default="openvino", choices=("eager", "openvino", "onnx"), help="of the network")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each, in turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the network alone")
    parser.add_argument("--cpu-time", action="store_true", help="processor time, for busy machines")
    parser.add_argument("--no-peers", action="store_true", help="only our own")
    parser.add_argument("--scaling", action="store_true", help="over batches and simulations instead")
    parser.add_argument("--plot", type=Path, help="where --scaling draws its shares (SVG)")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    print(
        f"{platform.processor() or platform.machine()}, {arguments.threads} threads, {arguments.backend}, torch "
        f"{torch.__version__}, median of {arguments.repeats} ({'processor' if arguments.cpu_time else 'wall'} time)"
    )
    for game_id in arguments.game or GAMES:
        subject = Subject(game_id, arguments.backend, arguments.threads, arguments.lanes)
        (scaling if arguments.scaling else compare)(subject, arguments, clock)


if __name__ == "__main__":
    main()
