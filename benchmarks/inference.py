"""How fast do the backends run a network, against the same network in plain PyTorch, and do they say the same?

The peer is what one writes first: ``model.eval()`` in float32, contiguous tensors. The bound is the processor's rate of
multiplications, of which bfloat16 has twice as many a second as float32 with AVX-512 BF16, and some eight to sixteen
times with AMX. Goal: at least 4 times the peer for a trained 6x64 network on 8x8 at batch 256, the same first choice on
at least 99 % of positions.

With a snapshot and a dataset, agreement and accuracy are those of a trained network on held-out positions; without,
networks are new, which is good for speeds only (their first choices are near ties).

    python benchmarks/inference.py [--snapshot DIR --dataset DIR] [--batch 256] [--repeats 7] [--threads 2]
"""

import argparse
import itertools
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.checkpoints.snapshot import SHOWN_POSITIONS, load_snapshot
from gameil.dataset.loader import Loader, LoaderConfig
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.learners.held_out import measure_held_out
from gameil.models.backends.backend import Agreement, BackendName
from gameil.models.backends.own_positions import own_positions
from gameil.models.backends.selection import Samples, compare
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.models.precision import Precision
from gameil.models.size import measure_size
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch

NETWORKS: dict[str, tuple[str, ModelConfig]] = {
    "residual small, Othello": ("othello", ModelConfig(policy_channels=0)),
    "residual small, chess": ("chess", ModelConfig()),
    "residual small, from-to": ("chess", ModelConfig(policy="from_to")),
    "residual tiny, chess": ("chess", ModelConfig(size="tiny")),
    "residual medium, chess": ("chess", ModelConfig(size="medium")),
    "transformer small, chess": ("chess", ModelConfig(kind="transformer", policy="from_to")),
    "4x64, connect four 6x7": ("connect_four", ModelConfig(blocks=4, policy_channels=0)),
    "residual small, Go 19x19": ("go", ModelConfig(stem_kernel=5, policy_channels=0, value_channels=2)),
}
BACKENDS: dict[str, tuple[BackendName, Precision]] = {
    "eager float32": ("eager", "float32"),
    "eager bfloat16": ("eager", "bfloat16"),
    "compiled bfloat16": ("compiled", "bfloat16"),
    "onnx float32": ("onnx", "float32"),
    "openvino float32": ("openvino", "float32"),
    "openvino bfloat16": ("openvino", "bfloat16"),
    "openvino int8": ("openvino_int8", "bfloat16"),
}


@dataclass(frozen=True)
class Subject:
    """One network with positions to run it on."""

    name: str
    model: PolicyValueNet
    samples: Samples
    shown: NDArray[np.float32]
    """Other positions, for the scales of eight bits."""
    held_out: list[PositionBatch]


def plain(model: PolicyValueNet, observations: NDArray[np.float32]) -> Callable[[], None]:
    """One call as in a tutorial."""
    model = model.eval()

    def call() -> None:
        with torch.no_grad():
            model(torch.from_numpy(observations))

    return call


def seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time of one call."""
    started = clock()
    call()
    return clock() - started


def measure(subject: Subject, names: list[str], repeats: int, clock: Callable[[], float]) -> None:
    """Prints one line a backend; all are timed in turn, so that they see the same load."""
    observations = subject.samples.observations
    calls: dict[str, Callable[[], object]] = {"plain": plain(subject.model, observations)}
    evaluators: dict[str, NetworkEvaluator] = {}
    for name in names:
        backend, precision = BACKENDS[name]
        try:
            shown = subject.shown if backend == "openvino_int8" else None
            evaluators[name] = NetworkEvaluator(subject.model, backend=backend, precision=precision, shown=shown)
        except ConfigError as error:
            print(f"  {name}: {error}")
            continue
        calls[name] = lambda backend=evaluators[name].backend: backend(observations)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repeat, (name, call) in itertools.product(range(repeats + 2), calls.items()):
        elapsed = seconds(call, clock)
        if repeat >= 2:  # the first calls make kernels
            times[name].append(elapsed)
    rates = {name: len(observations) / statistics.median(values) for name, values in times.items()}
    reference = answer(NetworkEvaluator(subject.model, precision="float32"), subject.samples)
    accuracy = held_out(NetworkEvaluator(subject.model, precision="float32"), subject)
    print(f"{subject.name}: {measure_size(subject.model)}; plain {rates['plain']:,.0f} positions/s{accuracy}")
    for name, evaluator in evaluators.items():
        agreement: Agreement = compare(reference, answer(evaluator, subject.samples), subject.samples, 1.0)
        print(
            f"  {name:<20}{rates[name]:>9,.0f}/s {rates[name] / rates['plain']:>6.2f}x   same top-1 "
            f"{agreement.same_top1:.1%}, value within {agreement.value_error:.3f}{held_out(evaluator, subject)}"
        )


def answer(evaluator: NetworkEvaluator, samples: Samples) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a backend says of the samples."""
    return evaluator.evaluate_legal(samples.observations, samples.legal, samples.rows)


def held_out(evaluator: NetworkEvaluator, subject: Subject) -> str:
    """Accuracy on held-out positions, where there are some."""
    if not subject.held_out:
        return ""
    return f", held-out top-1 {measure_held_out(evaluator, subject.held_out)['top1']:.2%}"


def new_network(name: str, batch: int) -> Subject:
    """A network with fresh weights on positions of its own games."""
    game_id, config = NETWORKS[name]
    encoder = ObservationEncoder(make_game(game_id), EncoderConfig())
    model = build_model(config, encoder.game, encoder.shape)
    evaluator = NetworkEvaluator(model)
    samples, shown = (own_positions(evaluator, encoder.game, encoder, batch, seed=seed) for seed in (0, 1))
    return Subject(name, model, samples, shown.observations, [])


def trained_network(path: Path, dataset: Path, batch: int, positions: int) -> Subject:
    """A snapshot on the test positions of a dataset; it is timed on the first of them."""
    snapshot = load_snapshot(path)
    loader = Loader(dataset, "test", snapshot.card.encoder, LoaderConfig(), augment=False)
    batches = list(loader.once(max_positions=positions, batch_size=batch))[:-1]
    first = batches[0]
    rows = np.repeat(np.arange(len(first)), first.num_legal())
    samples = Samples(first.observations.astype(np.float32), first.legal.astype(np.int64), rows)
    validation = Loader(dataset, "validation", snapshot.card.encoder, LoaderConfig(), augment=False)
    shown = next(validation.once(max_positions=SHOWN_POSITIONS, batch_size=SHOWN_POSITIONS)).observations
    return Subject(str(path), snapshot.model, samples, shown.astype(np.float32), batches)


def main() -> None:
    """Prints a block a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", type=Path, help="a trained network, instead of new ones")
    parser.add_argument("--dataset", type=Path, help="dataset whose test positions it is measured on")
    parser.add_argument("--positions", type=int, default=5000, help="test positions")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="only these new networks")
    parser.add_argument(
        "--backend", choices=list(BACKENDS), action="append", help="only these; default all but compiled"
    )
    parser.add_argument("--batch", type=int, default=256, help="positions a call")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls of each, in turn")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--cpu-time", action="store_true", help="processor time, for busy machines")
    arguments = parser.parse_args()
    if (arguments.snapshot is None) != (arguments.dataset is None):
        parser.error("--snapshot and --dataset belong together")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"batch {arguments.batch}, median of {arguments.repeats} ({'processor' if arguments.cpu_time else 'wall'} time)"
    )
    names = arguments.backend or [name for name in BACKENDS if not name.startswith("compiled")]
    if arguments.snapshot is not None:
        subject = trained_network(arguments.snapshot, arguments.dataset, arguments.batch, arguments.positions)
        measure(subject, names, arguments.repeats, clock)
        return
    for name in arguments.network or NETWORKS:
        size = arguments.batch // 4 if "19x19" in name else arguments.batch
        measure(new_network(name, size), names, arguments.repeats, clock)


if __name__ == "__main__":
    main()
