"""gameil: records of games that people played become agents that play them, then past them."""

import importlib
from typing import Any

__version__ = "0.1.0"


def load(spec: str, game: Any = None, *, seed: int = 0) -> Any:
    """The agent of a spec, ready to be asked: ``gameil.load("snapshot:runs/x/snapshots/best").act(state)``, or with a
    game that it is to play: ``gameil.load("mcts:1000", "othello")``.

    Arguments, errors and result, a ``LoadedAgent``, are those of ``gameil.agents.loaded.load``.
    """
    # By name: the lowest layers import the version from here, and must not reach agents by it.
    return importlib.import_module("gameil.agents.loaded").load(spec, game, seed=seed)


def board(state: Any, *, turned: bool = False) -> Any:
    """A state as a notebook shows it: a drawing where the game's board is known, else its text.

    Arguments and result, a ``BoardView``, are those of ``gameil.reports.board_view.board``.
    """
    return importlib.import_module("gameil.reports.board_view").board(state, turned=turned)
