"""gameil: records of games that people played become agents that play them, then past them."""

import importlib
from typing import Any

__version__ = "0.1.0"


def load(spec: str, game: str, *, seed: int = 0) -> Any:
    """The agent of a spec, ready to be asked: ``gameil.load("mcts:1000", "othello").act(state)``.

    Arguments, errors and result, a ``LoadedAgent``, are those of ``gameil.agents.loaded.load``.
    """
    # By name: the lowest layers import the version from here, and must not reach agents by it.
    return importlib.import_module("gameil.agents.loaded").load(spec, game, seed=seed)
