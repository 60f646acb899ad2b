"""What PettingZoo's environments do not say of themselves, and how each is made: data, and the one place of imports."""

import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from gameil.errors import GameError

PREFIX = "pettingzoo:"
ENTRY_POINTS = "gameil.environments"
"""Each entry point of this group, named after its environment, is an ``Environment``: only installed packages add
any, so that no id in a stranger's file makes anything be imported that was not asked for."""


@dataclass(frozen=True)
class Environment:
    """One environment."""

    module: str
    """Full name of the module that makes it: ``raw_env`` for turns, ``parallel_env`` for moves at once."""
    rewards: tuple[float, float] = (-np.inf, np.inf)
    """Least and greatest return of one player; times ``max_cycles`` where that is a parameter and ``a_cycle`` set."""
    max_length: int = 10_000
    """No game has more decisions; for one with ``max_cycles`` or ``horizon`` that many a player count."""
    a_cycle: bool = False
    """``rewards`` are those of one cycle."""
    perfect: bool = False
    """Every player sees the whole state, and turns are taken."""
    seeded: bool = True
    """Games differ by their seed."""
    needs: str = "pygame"
    """Package that must be there."""
    extra: str = "games"
    """Extra of gameil that brings it."""
    replayable: bool = True
    """A seed and the actions after it give the same episode again."""
    dense: bool = False
    """Rewards come before the end."""
    together: bool = False
    """All players are paid alike."""
    same_picture: bool = False
    """All players are shown one and the same picture."""
    like: str = ""
    """The board game whose layout and symmetries it has."""
    options: tuple[str, ...] = ()
    """Parameters of the game's id that the environment itself takes."""
    reusable: bool = True
    """A used environment that is begun anew is as a fresh one."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What the environment is always made with."""
    at_once: bool = False
    """There is no environment in turns."""
    own_clones: bool = False
    """It has ``clone``; others are cloned by playing their actions again."""


ENVIRONMENTS: Mapping[str, Environment] = {
    "tictactoe_v3": Environment(
        "pettingzoo.classic.tictactoe.tictactoe", (-1, 1), 9, perfect=True, seeded=False, like="tic_tac_toe"
    ),
    "connect_four_v3": Environment(
        "pettingzoo.classic.connect_four.connect_four", (-1, 1), 42, perfect=True, seeded=False, like="connect_four"
    ),
    # 14 chips in all at most, counted in big blinds of 2.
    "leduc_holdem_v4": Environment("pettingzoo.classic.rlcard_envs.leduc_holdem", (-7, 7), 10, needs="rlcard"),
    # A point a zombie; one comes every 20 cycles, ten stand at most.
    "knights_archers_zombies_v11": Environment(
        "pettingzoo.butterfly.knights_archers_zombies.knights_archers_zombies",
        (0.0, 0.06),
        a_cycle=True,
        dense=True,
        reusable=False,
        options=("max_cycles", "num_archers", "num_knights"),
    ),
    # 100 for keeping the ball to the end, 10 less for losing it.
    "cooperative_pong_v6": Environment(
        "pettingzoo.butterfly.cooperative_pong.cooperative_pong",
        (-10.0, 100.0),
        dense=True,
        together=True,
        same_picture=True,
        options=("max_cycles", "render_ratio", "ball_speed", "left_paddle_speed", "right_paddle_speed"),
        fixed={"render_mode": "rgb_array"},  # without it every step warns
    ),
    "pistonball_v6": Environment(
        "pettingzoo.butterfly.pistonball.pistonball",
        (-200.0, 200.0),
        needs="pymunk",
        dense=True,
        together=True,
        options=("max_cycles", "n_pistons"),
        fixed={"render_mode": "rgb_array"},  # without it nothing is drawn, and what is seen never changes
    ),
    "overcooked": Environment(
        "gameil.games.overcooked_env",
        (0.0, 1.0),
        a_cycle=True,
        seeded=False,
        needs="pettingzoo",
        dense=True,
        together=True,
        options=("layout", "horizon", "shaping", "view"),
        at_once=True,
        own_clones=True,
    ),
    "tree": Environment("gameil.games.tree_env", (0.0, 1.0), max_length=8, needs="pettingzoo", at_once=True),
}
"""Environments with everything declared, by name."""


def known_names() -> tuple[str, ...]:
    """The declared environments whose packages are installed here."""
    return tuple(name for name, known in ENVIRONMENTS.items() if importlib.util.find_spec(known.needs) is not None)


def environment(name: str) -> Environment:
    """What is known of an environment; of one that is not declared, that it is among PettingZoo's classic ones.

    Raises ``GameError`` where another package's entry point cannot be used.
    """
    if name in ENVIRONMENTS:
        return ENVIRONMENTS[name]
    return _added().get(name, Environment(f"pettingzoo.classic.{name}", dense=True))


@lru_cache(maxsize=1)
def _added() -> dict[str, Environment]:
    found = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            added = point.load()
        except Exception as error:  # another package's code: whatever it raises is told in one line
            raise GameError(f"environment {point.name} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(added, Environment):
            raise GameError(f"environment {point.name}: {point.value} is a {type(added).__name__}, not an Environment")
        found[point.name] = added
    return found


@lru_cache(maxsize=64)
def maker(name: str, *, parallel: bool) -> Callable[..., Any]:
    """What makes an environment. Raises ``GameError``: unknown, or naming the package that it lacks."""
    known = environment(name)
    function = "parallel_env" if parallel else "raw_env"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside pygame and rlcard are not the user's
            made: Callable[..., Any] = getattr(importlib.import_module(known.module), function)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("pettingzoo"):
            raise GameError(f"unknown game {PREFIX}{name[:60]} (known: {', '.join(ENVIRONMENTS)})") from error
        raise GameError(
            f"{PREFIX}{name} needs the package {error.name!r}: pip install 'gameil[{known.extra}]'"
        ) from error
    except (ImportError, AttributeError) as error:
        raise GameError(f"{PREFIX}{name[:60]} cannot be used: {error}") from error
    return made
