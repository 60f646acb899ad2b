"""One network several times over, each copy with its share of the cores: for callers that ask from several threads.

On a CPU two copies with one thread each serve two batches faster than one copy with two threads serves one after the
other: nobody waits for the slower thread of a layer (``search/lanes.py``).
"""

import threading
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.models.inference import NetworkEvaluator


class LaneEvaluator:
    """A network for one thread at a time, computing with a fixed number of threads of its own."""

    def __init__(self, evaluator: NetworkEvaluator, threads: int) -> None:
        self._evaluator = evaluator
        self._threads = threads
        self._known = threading.local()

    def evaluate_legal(
        self, observations: NDArray[np.float32], legal: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As of ``NetworkEvaluator``."""
        if not getattr(self._known, "told", False):
            # Torch keeps this number for each thread that calls it; OpenVINO took its own when it was made.
            torch.set_num_threads(self._threads)
            self._known.told = True
        return self._evaluator.evaluate_legal(observations, legal, rows)


def lane_evaluators(build: Callable[[], NetworkEvaluator], lanes: int) -> list[LaneEvaluator]:
    """``lanes`` copies of a network, which share the cores that torch may use now.

    Args:
        build: makes one; called with the number of threads set that it shall have.
        lanes: how many, at least 1.
    """
    if lanes < 1:
        raise ConfigError(f"lanes must be at least 1, got {lanes}")
    all_threads = torch.get_num_threads()
    threads = max(1, all_threads // lanes)
    torch.set_num_threads(threads)
    try:
        return [LaneEvaluator(build(), threads) for _ in range(lanes)]
    finally:
        torch.set_num_threads(all_threads)
