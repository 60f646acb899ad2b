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
from gameil.models.lane_evaluators import lane_evaluators
from gameil.models.policy_value import build_model
from gameil.models.precision import Precision
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.reports.charts import line_chart
from gameil.reports.svg import picture_file
from gameil.search.cache import CachedEvaluator
from gameil.search.evaluators import network_evaluator, uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.simulation import LeafEvaluation, StateEvaluator

GAMES = ("connect_four", "othello")
NETWORKS: tuple[tuple[BackendName, Precision], ...] = (
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino_int8", "bfloat16"),
)
"""What runs our network. The peer computes in float32: the first line compares like with like, the others say what the
same network gives in the precisions that self-play uses (their agreement with float32: ``benchmarks/inference.py``)."""
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


class Network:
    """One game's network in one precision, to be searched at a batch."""

    def __init__(self, game_id: str, backend: BackendName, precision: Precision, arguments: argparse.Namespace) -> None:
        self.game = make_game(game_id)
        self.name = f"{backend} {precision}"
        self.encoder = ObservationEncoder(self.game, EncoderConfig(last_moves=0))
        config = ModelConfig(blocks=arguments.blocks, channels=arguments.channels, squeeze=0, policy_channels=0)
        model = build_model(config, self.game, self.encoder.shape)
        shown = self.encoder.encode(openings(game_id, 256))

        def build() -> NetworkEvaluator:
            return NetworkEvaluator(model, backend=backend, precision=precision, shown=shown)

        torch.set_num_threads(arguments.threads)
        self.whole = build()
        self.copies = lane_evaluators(build, arguments.lanes)
        self.lanes = [Counted(network_evaluator(copy, self.encoder)) for copy in self.copies]
        self.single = Counted(network_evaluator(self.whole, self.encoder))

    def measure(self, batch: int, simulations: int, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
        """Positions or simulations a second of the network alone, one lane, all lanes, lanes with a memory, and the
        rules alone; shares of the simulations that asked the network."""
        states = openings(self.game.id, batch)
        observations = self.encoder.encode(states)
        config = SearchConfig(simulations=simulations)
        remembered: list[CachedEvaluator] = []

        def run(evaluators: StateEvaluator | Sequence[StateEvaluator]) -> None:
            BatchedSearch(evaluators, config).run(states, [np.random.default_rng(row) for row in range(batch)])

        def raw() -> None:
            for _ in range(simulations):
                self.whole.backend(observations)

        def with_memory() -> None:
            remembered[:] = [CachedEvaluator(copy, self.encoder, positions=200_000) for copy in self.copies]
            run(remembered)

        calls = {
            "network": raw,
            "one lane": lambda: run(self.single),
            "lanes": lambda: run(self.lanes),
            "memory": with_memory,
            "rules": lambda: run(uniform_evaluator),
        }
        found = rates(calls, batch * simulations, repeats, clock)
        asked = self.single.positions / (repeats + 1) / (batch * simulations)
        self.single.positions = 0
        new = sum(one.asked - one.found for one in remembered) / (batch * simulations)
        return {**dict(zip(calls, found, strict=True)), "asked": asked, "asked with memory": new}


def compare(game_id: str, arguments: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Prints a block a game: peers first, then each precision of our network against them."""
    batch, simulations, repeats = arguments.batch, arguments.simulations, arguments.repeats
    networks = [
        Network(game_id, backend, precision, arguments)
        for backend, precision in NETWORKS
        if not arguments.network or f"{backend}-{precision}" in arguments.network
    ]
    print(f"{game_id}: {arguments.blocks}x{arguments.channels}, {batch} games, {simulations} simulations")
    peer = float("nan")
    if not arguments.no_peers:
        try:
            shape = {"blocks": arguments.blocks, "channels": arguments.channels}
            peer = mctx_simulations(
                game_id, batch=batch, simulations=simulations, repeats=repeats, clock=clock, **shape
            )
            print(f"  pgx + mctx, JAX on CPU, float32        {peer:>9,.0f} simulations/s")
        except ImportError as error:
            print(f"  pgx + mctx: not installed ({error})")
        first = networks[0]
        assert isinstance(first.game, OpenSpielGame)
        slow = open_spiel_simulations(
            first.game, first.whole, first.encoder, simulations=simulations, repeats=repeats, clock=clock
        )
        print(f"  OpenSpiel's Python MCTS, {first.name}, one by one {slow:>9,.0f} simulations/s")
    for network in networks:
        found = network.measure(batch, simulations, repeats, clock)
        print(f"  {network.name}: network alone {found['network']:,.0f} positions/s")
        for name, label in (
            ("one lane", "one lane"),
            ("lanes", f"{arguments.lanes} lanes"),
            ("memory", f"{arguments.lanes} lanes, memory"),
        ):
            asked = found["asked with memory" if name == "memory" else "asked"]
            print(
                f"    search, {label:<16} {found[name]:>9,.0f} simulations/s: {found[name] / found['network']:.1%} of "
                f"the network ({asked:.1%} of them asked it), {found[name] / peer:.1f}x pgx + mctx"
            )
    print(f"  search, uniform policy, no network     {found['rules']:>9,.0f} simulations/s")


def scaling(
    subject: Network, arguments: argparse.Namespace, clock: Callable[[], float]
) -> dict[str, list[tuple[float, float]]]:
    """Prints simulations a second and their share of the network's rate, over batches and simulations.

    Returns:
        By number of simulations the curve of shares over batches.
    """
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
        curves[f"{subject.game.id}, {simulations} simulations"] = list(zip(map(float, batches), shares, strict=True))
    return curves


def main() -> None:
    """Prints a block a game."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", choices=GAMES, action="append", help="default both")
    parser.add_argument("--batch", type=int, default=256, help="games at once")
    parser.add_argument("--simulations", type=int, default=64, help="of each")
    parser.add_argument("--blocks", type=int, default=4, help="of the network; the default one of gameil has 6")
    parser.add_argument("--channels", type=int, default=64, help="of the network")
    parser.add_argument("--lanes", type=int, default=2, help="parts of the batch searched at the same time")
    parser.add_argument(
        "--network",
        action="append",
        choices=[f"{backend}-{precision}" for backend, precision in NETWORKS],
        help="what runs it; default all, --scaling the second",
    )
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each, in turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the network alone")
    parser.add_argument("--cpu-time", action="store_true", help="processor time, for busy machines")
    parser.add_argument("--no-peers", action="store_true", help="only our own")
    parser.add_argument("--scaling", action="store_true", help="over batches and simulations instead")
    parser.add_argument("--plot", type=Path, help="where --scaling draws its shares (SVG)")
    arguments = parser.parse_args()
    if arguments.plot is not None and not arguments.scaling:
        parser.error("--plot draws what --scaling measures")
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    print(
        f"{platform.processor() or platform.machine()}, {arguments.threads} threads, torch "
        f"{torch.__version__}, median of {arguments.repeats} ({'processor' if arguments.cpu_time else 'wall'} time)"
    )
    curves = {}
    for game_id in arguments.game or GAMES:
        if arguments.scaling:
            backend, precision = (arguments.network or ["openvino-bfloat16"])[0].rsplit("-", 1)
            subject = Network(game_id, backend, precision, arguments)
            curves |= scaling(subject, arguments, clock)
        else:
            compare(game_id, arguments, clock)
    if arguments.plot is not None:
        chart = line_chart(curves, label="share of the network's rate", x_name="games")
        arguments.plot.write_text(picture_file(chart))


if __name__ == "__main__":
    main()
