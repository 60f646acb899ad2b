"""PettingZoo's environments as ``Game``, in turns or at once; ``pettingzoo_known`` declares and makes them.

An environment hides its randomness, so a game whose deals differ starts with one chance node whose outcome is the
environment's seed: then actions alone replay a game, and a clone is a replay from the seed. Masks are ``True`` = legal,
rewards are per player, and the observation is what the environment shows the observing agent: for the two board games
as planes ``[own, opponent]``, for pictures as planes of colours, for others as a flat vector. One network plays all
seats: where all move at once a vector ends with a one-hot of the player, and a picture that all players share with a
plane that is 0 for the first player and 1 for the last.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError
from gameil.games.game import BoardLayout, Capabilities, Symmetry
from gameil.games.parameters import Value, format_id
from gameil.games.pettingzoo_drivers import AtOnceDriver, Driver, TurnsDriver
from gameil.games.pettingzoo_known import PREFIX, environment, known_names, maker
from gameil.games.pettingzoo_spaces import ActionCodec, Writer, observation_view, observed
from gameil.games.pettingzoo_state import NUM_SEEDS, PettingZooState
from gameil.games.symmetries import board_symmetries

__all__ = ["PettingZooGame", "known_names"]

MOST_SPARE = 64
"""Environments that are kept for later states of one game."""


def _restore(environment: str, parameters: dict[str, Value]) -> "PettingZooGame":
    return PettingZooGame(environment, parameters)


class PettingZooGame:
    """Rules of one environment. Make it through ``registry.make_game("pettingzoo:NAME")``."""

    def __init__(self, name: str, parameters: Mapping[str, Value]) -> None:
        """Parameters are complete and checked (``read_parameters``).

        Raises ``GameError`` for an unknown environment, a missing package, or spaces that are not known here.
        """
        known = environment(name)
        self.environment = name
        self.parameters = dict(parameters)
        self.name = PREFIX + name
        self.id = format_id(self.name, parameters)
        self.family = format_id(self.name, parameters, family=True)
        self._options = {**known.fixed, **{key: parameters[key] for key in known.options if key in parameters}}
        self.reusable = known.reusable
        """Whether environments are used again for later states."""
        self._spare: list[Any] = []
        self._at_once = known.at_once or parameters.get("api") == "at_once"
        env = self.make_env()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            env.reset(seed=0)
        agents = list(env.possible_agents)
        self.num_players: int = len(agents)
        self.agent_names = tuple(map(str, agents))
        self._read_actions([env.action_space(agent) for agent in agents])
        self.seeded = known.seeded
        self.max_action: int = max(self.num_actions, NUM_SEEDS if self.seeded else 0) - 1
        cycles = int(parameters.get("max_cycles", parameters.get("horizon", 0)))
        self.max_game_length: int = cycles * self.num_players if cycles else known.max_length
        scale = float(cycles if known.a_cycle else 1) * (1.0 + float(parameters.get("shaping", 0.0)))
        self.reward_range: tuple[float, float] = (known.rewards[0] * scale, known.rewards[1] * scale)
        simultaneous = bool(env.metadata.get("is_parallelizable", False))
        replayable = known.replayable and not parameters.get("recorded", False)
        self.own_clones = known.own_clones
        self.capabilities = Capabilities(
            perfect_information=known.perfect,
            clonable=replayable,
            replayable=replayable,
            stochastic=self.seeded,
            simultaneous=simultaneous,
            intermediate_rewards=known.dense,
            common_payoff=known.together,
        )
        self.tells_information = not simultaneous
        """Whether what players know is written down: of games in turns, not of those that move on by themselves."""
        spaces = [env.observation_space(agent) for agent in agents]
        self._read_observations(spaces, known.like, known.same_picture, int(parameters.get("size", 0)))
        start = None
        if self.board is not None:
            start = np.empty(self.observation_shape, dtype=np.float32)
            self.initial_state().write_observation(start)
        self._symmetries = board_symmetries(known.like, self.board, self.num_actions, start)

    def _read_actions(self, spaces: list[Any]) -> None:
        bins = int(self.parameters.get("bins", 21))
        kinds: list[tuple[Any, ActionCodec]] = []
        self.codecs: list[ActionCodec] = []
        for space in spaces:
            codec = next((codec for known, codec in kinds if known == space), None)
            if codec is None:
                codec = ActionCodec(space, bins, self.id)
                kinds.append((space, codec))
            self.codecs.append(codec)
        self.num_actions: int = max(codec.num_actions for codec in self.codecs)
        lists = {codec.num_actions: list(range(codec.num_actions)) for codec in self.codecs}
        self.all_actions = [lists[codec.num_actions] for codec in self.codecs]
        """Actions of each player where no mask says otherwise; shared lists."""
        self.action_values = self.codecs[0].real_values() if len(kinds) == 1 else None
        """``[A, D]``: the real numbers that actions stand for, in [-1, 1]; None where they are choices."""
        self.action_names: tuple[str, ...] = ()
        if self.environment == "overcooked":
            from gameil.games.overcooked import ACTIONS

            self.action_names = ACTIONS

    def _read_observations(self, spaces: list[Any], like: str, same_picture: bool, size: int) -> None:
        self.masked = any(observed(space) is not space for space in spaces)
        self.frames = int(self.parameters.get("frames", 1))
        planes_last = observed(spaces[0]).shape or ()
        self.board: BoardLayout | None = _layout(like, planes_last) if like else None
        if self.board is not None:
            height, width, planes = planes_last
            self.frame_shape: tuple[int, ...] = (planes, height, width)
            self.observation_shape: tuple[int, ...] = self.frame_shape
            return
        views = [observation_view(observed(space), size) for space in spaces]
        shapes = {shape for shape, _ in views}
        ranks = {len(shape) for shape in shapes}
        if len(ranks) > 1 or (ranks == {3} and len(shapes) > 1):
            raise GameError(f"{self.id}: its agents see arrays of different kinds: {sorted(shapes)}")
        flat = ranks == {1}
        several = self.capabilities.simultaneous and self.num_players > 1
        length = max(shape[0] for shape in shapes)
        if not (several and (flat or same_picture)):
            seats = np.zeros((self.num_players, 0))
        elif flat:
            seats = np.eye(self.num_players)
        else:
            seats = np.linspace(0.0, 1.0, self.num_players)[:, None]
        self.frame_shape = (length + seats.shape[1], *next(iter(shapes))[1:])
        self.observation_shape = (self.frames * self.frame_shape[0], *self.frame_shape[1:])
        self._writers = [
            writer if shape == self.frame_shape else _beside(writer, shape[0], self.frame_shape[0], seats[player])
            for player, (shape, writer) in enumerate(views)
        ]

    def write(self, shown: Any, player: int, out: NDArray[np.float32]) -> None:
        """Writes what the environment shows ``player`` into ``out``, one frame."""
        if self.masked and isinstance(shown, dict):
            shown = shown["observation"]
        if self.board is not None:
            out[...] = np.moveaxis(np.asarray(shown), 2, 0)
        else:
            self._writers[player](shown, out)

    def make_env(self) -> Any:
        """A fresh environment of the package's own."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return maker(self.environment, parallel=self._at_once)(**self._options)

    def make_driver(self) -> Driver:
        """An environment, not yet begun: one that a state has left, or a fresh one."""
        try:
            env = self._spare.pop()
        except IndexError:
            env = self.make_env()
        return AtOnceDriver(env) if self._at_once else TurnsDriver(env)

    def give_back(self, driver: Driver) -> None:
        """Takes the environment of a state that is gone: making one costs as much as many steps."""
        if self.reusable and len(self._spare) < MOST_SPARE:
            self._spare.append(driver.env)

    def __reduce__(self) -> tuple[Any, tuple[str, dict[str, Value]]]:
        return _restore, (self.environment, self.parameters)

    def __repr__(self) -> str:
        return f"PettingZooGame({self.id!r})"

    def initial_state(self, start: str | None = None) -> PettingZooState:
        """The start. Raises ``GameError`` for any written position."""
        if start is not None:
            raise GameError(f"{self.id} has no written start positions, got {start[:60]!r}")
        return PettingZooState(self)

    def symmetries(self) -> tuple[Symmetry, ...]:
        """All symmetries, the identity first."""
        return self._symmetries


def _beside(writer: Writer, size: int, length: int, seat: NDArray[np.float64]) -> Writer:
    """What a player sees and, behind it, who it is; between the two nothing, where others see more."""
    tail = np.zeros(length - size, np.float32)
    tail[len(tail) - len(seat) :] = seat

    def write(shown: Any, out: NDArray[np.float32]) -> None:
        writer(shown, out[:size])
        behind = out[size:]
        behind.T[...] = tail  # planes of one number each, or the numbers themselves

    return write


def _layout(like: str, shape: tuple[int, ...]) -> BoardLayout | None:
    """The layout of the two board games; row 0 is the upper one, and a connect four column's cell is its top."""
    if like not in ("tic_tac_toe", "connect_four"):
        return None
    height, width = shape[:2]
    places = np.arange(width if like == "connect_four" else height * width)
    targets = np.full(len(places), -1) if like == "connect_four" else places
    cells = np.stack([np.full(len(places), -1), targets], axis=1)
    return BoardLayout(height, width, 1, places, cells, np.arange(height * width), own_plane=0)
