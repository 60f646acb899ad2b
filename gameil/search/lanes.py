"""Searching the parts of a batch at the same time: the rules of one part run while the network serves another.

Each lane is a thread with its own trees and its own evaluator. Python's lock lets one lane at a time follow the rules;
networks compute without it. On a CPU every lane's network is best given its share of the cores (two lanes with a
network of one thread each, on two cores): nothing waits for the slowest thread of a layer. On an accelerator two lanes
share one network.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

from gameil.search.result import SearchResult, join
from gameil.search.simulation import StateEvaluator


def in_lanes(
    search: Callable[[StateEvaluator, slice], SearchResult], evaluators: Sequence[StateEvaluator], number: int
) -> SearchResult:
    """Searches ``number`` states in as many parts as there are evaluators (no more than states) and joins the results.

    Args:
        search: searches a part of the states with an evaluator.
        evaluators: at least one; the same one may stand there twice if it may be called by two threads at once.
        number: of states.
    """
    lanes = min(len(evaluators), number)
    with _no_collection():
        if lanes == 1:
            return search(evaluators[0], slice(0, number))
        ends = [number * lane // lanes for lane in range(lanes + 1)]
        parts = [slice(start, end) for start, end in pairwise(ends)]
        with ThreadPoolExecutor(lanes, thread_name_prefix="search") as executor:
            return join(list(executor.map(search, evaluators[:lanes], parts)))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python looks for cycles of garbage whenever many objects were made, and a search makes nothing else, none of it
    in cycles: a tenth of the rules' time, measured."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
