"""The fastest backend that says what the float32 network says, found by trying each on sample positions.

Letters: ``B`` positions, ``L`` their legal actions in a row.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.models.backends.backend import Agreement, BackendName
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision, select_device

CPU_CANDIDATES: tuple[tuple[BackendName, Precision], ...] = (
    ("eager", "float32"),
    ("eager", "auto"),
    ("openvino", "auto"),
    ("openvino_int8", "auto"),
    ("openvino", "float32"),
    ("onnx", "float32"),
)
"""Tried on a CPU. Not ``compiled``: it takes a minute to start and was never the fastest there."""
CUDA_CANDIDATES: tuple[tuple[BackendName, Precision], ...] = (
    ("eager", "float32"),
    ("eager", "auto"),
    ("compiled", "auto"),
)
TIE = 1e-3
"""Two actions whose probabilities differ by less are equally good first choices."""
TIMED_CALLS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Positions to compare on."""

    observations: NDArray[np.float32]
    """``[B, *observation_shape]``."""
    legal: NDArray[np.int64]
    """``[L]``."""
    rows: NDArray[np.int64]
    """``[L]``: position of each legal action, ascending."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was chosen, and how all that were tried did."""

    name: str
    """Backend and precision, such as ``openvino bfloat16``."""
    evaluator: NetworkEvaluator
    tried: Mapping[str, Agreement | str]
    """By name: how near and how fast it was, or why it could not be tried."""


def fastest_evaluator(
    model: PolicyValueNet,
    samples: Samples,
    *,
    device: str = "cpu",
    candidates: Sequence[tuple[BackendName, Precision]] | None = None,
    conditions: Mapping[str, float] | None = None,
    shown: NDArray[np.float32] | None = None,
) -> Choice:
    """Tries every backend that is here, and takes the fastest whose top-1 and values agree with float32.

    It takes four evaluations of the samples for each, some seconds for a small network. Which one wins may differ from
    one start to the next where two are equally fast, and with it the last digits of every figure.

    Args:
        model: the network.
        samples: positions such as it will meet; the more, the surer.
        device: ``cpu``, ``cuda``, ``auto``.
        candidates: default those of the device; the first is the reference and always agrees.
        conditions: as of ``NetworkEvaluator``.
        shown: observations to take the scales of eight bits from, others than the samples; None to try none.
    """
    if candidates is None:
        candidates = CUDA_CANDIDATES if select_device(device).type == "cuda" else CPU_CANDIDATES
    found: dict[str, NetworkEvaluator] = {}
    tried: dict[str, Agreement | str] = {}
    reference: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    for backend, precision in candidates:
        try:
            evaluator = NetworkEvaluator(
                model,
                device=device,
                precision=precision,
                backend=backend,
                conditions=conditions,
                shown=shown if backend == "openvino_int8" else None,
            )
        except ConfigError as error:
            tried[f"{backend} {precision}"] = str(error)
            continue
        computed = "float32" if backend == "onnx" else str(evaluator.dtype).removeprefix("torch.")
        name = f"{backend} {computed}"
        if name in tried:  # auto means float32 here
            continue
        seconds, answer = _timed(evaluator, samples)
        reference = reference or answer
        found[name] = evaluator
        tried[name] = compare(reference, answer, samples, seconds)
    agreeing = {
        name: result.positions_per_second
        for name, result in tried.items()
        if isinstance(result, Agreement) and result.agrees()
    }
    best = max(agreeing, key=agreeing.__getitem__)
    return Choice(best, found[best], tried)


def compare(
    reference: tuple[NDArray[np.float32], NDArray[np.float32]],
    answer: tuple[NDArray[np.float32], NDArray[np.float32]],
    samples: Samples,
    seconds: float,
) -> Agreement:
    """How near one answer (log-probabilities ``[L]`` and values ``[B]``) is to another."""
    batch = len(samples.observations)
    first = np.searchsorted(samples.rows, np.arange(batch))
    probs = np.exp(reference[0])
    best = np.maximum.reduceat(probs, first)
    chosen = answer[0] == np.maximum.reduceat(answer[0], first)[samples.rows]
    # The reference's probability of what the answer likes best; the least where the answer ties.
    liked = np.minimum.reduceat(np.where(chosen, probs, np.inf), first)
    return Agreement(
        same_top1=float((liked >= best - TIE).mean()),
        value_error=float(np.abs(answer[1] - reference[1]).max()),
        positions_per_second=batch / seconds,
    )


def _timed(
    evaluator: NetworkEvaluator, samples: Samples
) -> tuple[float, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Seconds of the fastest of some calls after a first one, and the answer."""
    answer = evaluator.evaluate_legal(samples.observations, samples.legal, samples.rows)
    seconds = []
    for _ in range(TIMED_CALLS):
        started = time.perf_counter()
        answer = evaluator.evaluate_legal(samples.observations, samples.legal, samples.rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds), answer
