"""PettingZoo's turn-taking (AEC) environments as ``Game`` and ``State``: the only file that knows that package.

An environment hides its randomness, so a game whose deals differ starts with one chance node whose outcome is the
environment's seed: then actions alone replay a game, and a clone is a replay from the seed. Masks are ``True`` = legal,
rewards are per player, and the observation is what the environment shows the observing agent: for the two board games
as planes ``[own, opponent]``, for others as a flat vector.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, IllegalActionError
from gameil.games.game import (
    CHANCE_PLAYER,
    RECENT_MOVES,
    TERMINAL_PLAYER,
    BoardLayout,
    Capabilities,
    Notation,
    Symmetry,
)
from gameil.games.notation import read_move, write_move
from gameil.games.symmetries import board_symmetries

NUM_SEEDS = 4096
"""Outcomes of the chance node that seeds an environment: how many different deals a game has."""
_PREFIX = "pettingzoo:"


@dataclass(frozen=True)
class _Known:
    """What an environment does not say of itself."""

    module: str
    """Where its ``raw_env`` is, below ``pettingzoo``."""
    rewards: tuple[float, float] = (-1.0, 1.0)
    max_length: int = 10_000
    perfect: bool = False
    needs: str = "pygame"
    replayable: bool = True
    """A seed and the actions after it give the same episode again."""
    like: str = ""
    """The board game whose layout and symmetries it has."""


_KNOWN = {
    "tictactoe_v3": _Known("classic.tictactoe.tictactoe", max_length=9, perfect=True, like="tic_tac_toe"),
    "connect_four_v3": _Known("classic.connect_four.connect_four", max_length=42, perfect=True, like="connect_four"),
    # 14 chips in all at most, counted in big blinds of 2.
    "leduc_holdem_v4": _Known("classic.rlcard_envs.leduc_holdem", (-7.0, 7.0), max_length=10, needs="rlcard"),
}
"""Environments with everything declared, by name."""


def known_names() -> tuple[str, ...]:
    """The declared environments whose packages are installed here."""
    return tuple(name for name, known in _KNOWN.items() if importlib.util.find_spec(known.needs) is not None)


@lru_cache(maxsize=32)
def _raw_env(name: str) -> Callable[[], Any]:
    """The class of an environment. Raises ``GameError``: unknown, or naming the package that it lacks."""
    known = _KNOWN.get(name)
    modules = [f"pettingzoo.{known.module}"] if known is not None else [f"pettingzoo.classic.{name}"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside pygame and rlcard are not the user's
            made: Callable[[], Any] = importlib.import_module(modules[0]).raw_env
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("pettingzoo"):
            raise GameError(f"unknown game {_PREFIX}{name[:60]} (known: {', '.join(_KNOWN)})") from error
        raise GameError(
            f"{_PREFIX}{name} needs the package {error.name!r}: pip install 'gameil[games]' (rlcard, pygame)"
        ) from error
    except (ImportError, AttributeError) as error:
        raise GameError(f"{_PREFIX}{name[:60]} cannot be used: {error}") from error
    return made


class PettingZooGame:
    """Rules of one environment. Make it through ``registry.make_game("pettingzoo:NAME")``."""

    def __init__(self, name: str) -> None:
        """Raises ``GameError`` for an unknown environment, a missing package, or actions that are not discrete."""
        known = _KNOWN.get(name, _Known("", rewards=(-np.inf, np.inf)))
        self.environment = name
        self.name = self.id = self.family = _PREFIX + name
        env = self.make_env()
        env.reset(seed=0)
        agents = list(env.possible_agents)
        self.num_players: int = len(agents)
        spaces = [env.action_space(agent) for agent in agents]
        if any(not hasattr(space, "n") or space.n != spaces[0].n for space in spaces):
            raise GameError(f"{self.id}: only environments with one discrete action set for all agents can be played")
        self.num_actions: int = int(spaces[0].n)
        self.seeded = not known.perfect
        self.max_action: int = max(self.num_actions, NUM_SEEDS if self.seeded else 0) - 1
        self.max_game_length: int = known.max_length
        self.reward_range: tuple[float, float] = known.rewards
        self.capabilities = Capabilities(
            perfect_information=known.perfect,
            clonable=True,
            replayable=known.replayable,
            stochastic=self.seeded,
            simultaneous=bool(env.metadata.get("is_parallelizable", False)),
            intermediate_rewards=name not in _KNOWN,
        )
        shown = _observation(env, agents[0])
        self.board: BoardLayout | None = _layout(known.like, shown.shape)
        self.observation_shape: tuple[int, ...] = (
            (shown.shape[2], *shown.shape[:2]) if self.board is not None else (shown.size,)
        )
        start = None
        if self.board is not None:
            start = np.empty(self.observation_shape, dtype=np.float32)
            self.initial_state().write_observation(start)
        self._symmetries = board_symmetries(known.like, self.board, self.num_actions, start)

    def make_env(self) -> Any:
        """A fresh environment."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _raw_env(self.environment)()

    def __reduce__(self) -> tuple[type["PettingZooGame"], tuple[str]]:
        return PettingZooGame, (self.environment,)

    def __repr__(self) -> str:
        return f"PettingZooGame({self.environment!r})"

    def initial_state(self, start: str | None = None) -> "PettingZooState":
        """The start. Raises ``GameError`` for any written position."""
        if start is not None:
            raise GameError(f"{self.id} has no written start positions, got {start[:60]!r}")
        return PettingZooState(self)

    def symmetries(self) -> tuple[Symmetry, ...]:
        """All symmetries, the identity first."""
        return self._symmetries


class PettingZooState:
    """One node: an environment, its rewards so far, and what each agent saw when it moved."""

    def __init__(self, game: PettingZooGame) -> None:
        self.game = game
        self._env: Any = None
        self._history: list[int] = []
        self._recent: tuple[tuple[int, int], ...] = ()
        self._rewards = np.zeros(game.num_players)
        self._returns = np.zeros(game.num_players)
        self._known: list[list[str]] = [[] for _ in range(game.num_players)]
        self._legal: list[int] | None = None
        if not game.seeded:
            self._reset(seed=0)

    def _reset(self, seed: int) -> None:
        self._env = self.game.make_env()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._env.reset(seed=seed)
        self._agents: list[str] = list(self._env.possible_agents)

    @property
    def history(self) -> list[int]:
        """All actions since the start, the seed first where there is one."""
        return list(self._history)

    @property
    def recent(self) -> tuple[tuple[int, int], ...]:
        """The last (at most 8) moves as ``(player, action)``, newest first, the seed left out."""
        return self._recent

    def current_player(self) -> int:
        """Seat to move, ``CHANCE_PLAYER`` before the seed is drawn, or ``TERMINAL_PLAYER``."""
        if self._env is None:
            return CHANCE_PLAYER
        over = all(self._env.terminations.get(a, True) or self._env.truncations.get(a, True) for a in self._agents)
        return TERMINAL_PLAYER if over else self._agents.index(self._env.agent_selection)

    def is_terminal(self) -> bool:
        """Whether the environment ended for all agents."""
        return self.current_player() == TERMINAL_PLAYER

    def rewards(self) -> NDArray[np.float64]:
        """Rewards of the last step, per player ``[P]``."""
        return self._rewards.copy()

    def returns(self) -> NDArray[np.float64]:
        """Sum of the rewards so far, per player ``[P]``."""
        return self._returns.copy()

    def legal_actions(self) -> list[int]:
        """Legal actions of the player to move, ascending; a shared list: read it, do not change it."""
        if self._legal is None:
            player = self.current_player()
            if player == CHANCE_PLAYER:
                self._legal = list(range(NUM_SEEDS))
            elif player == TERMINAL_PLAYER:
                self._legal = []
            else:
                self._legal = np.flatnonzero(_mask(self._env, self._agents[player], self.game.num_actions)).tolist()
        return self._legal

    def apply(self, action: int) -> None:
        """Plays ``action``. Raises ``IllegalActionError``, the state unhurt, when it is not legal."""
        if action not in self.legal_actions():
            raise IllegalActionError(f"{self.game.id}: action {action} is not legal here")
        player, action = self.current_player(), int(action)
        if player == CHANCE_PLAYER:
            self._reset(seed=action)
        else:
            seen = _observation(self._env, self._agents[player])
            self._known[player].append(f"{_digits(seen)}>{action}")
            self._env.step(action)
            self._skip_dead()
            self._rewards = np.array([float(self._env.rewards.get(agent, 0.0)) for agent in self._agents])
            self._returns += self._rewards
            self._recent = ((player, action), *self._recent[: RECENT_MOVES - 1])
        self._history.append(action)
        self._legal = None

    def _skip_dead(self) -> None:
        """Lets agents that are out of a going game take the empty step that PettingZoo asks of them."""
        env = self._env
        while env.agents and self.current_player() != TERMINAL_PLAYER:
            agent = env.agent_selection
            if not (env.terminations[agent] or env.truncations[agent]):
                return
            env.step(None)

    def clone(self) -> "PettingZooState":
        """An independent copy, made by playing the history again."""
        copy = PettingZooState(self.game)
        for action in self._history:
            copy.apply(action)
        return copy

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """All seeds, equally likely; ``GameError`` elsewhere."""
        if self.current_player() != CHANCE_PLAYER:
            raise GameError(f"{self.game.id}: no chance node")
        return [(seed, 1.0 / NUM_SEEDS) for seed in range(NUM_SEEDS)]

    def information_state(self, player: int) -> str:
        """All that ``player`` was shown at its moves and did, and what it is shown now."""
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return " ".join(map(str, self._history))
        if self._env is None:
            return ""
        return " ".join([*self._known[player], _digits(_observation(self._env, self._agents[player]))])

    def resample(self, player: int, rng: np.random.Generator) -> "PettingZooState":
        """A clone where nothing is hidden. Raises ``GameError`` elsewhere."""
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return self.clone()
        raise GameError(f"{self.game.id}: the environment cannot resample hidden information")

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None:
        """Writes what ``player`` (default: the one to move) sees into ``out``, float32 ``[*observation_shape]``."""
        player = self.current_player() if player is None else player
        if self._env is None or not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: no player {player} to observe for (chance node, finished, or no seat)")
        shown = _observation(self._env, self._agents[player])
        out[...] = np.moveaxis(shown, 2, 0) if self.game.board is not None else shown.reshape(-1)

    def text(self, action: int, notation: Notation = "action") -> str:
        """The written form of a legal action: its number."""
        return write_move(self, action, notation)

    def parse(self, text: str, notation: Notation = "action") -> int:
        """The action that ``text`` means here. Raises ``NotationError``."""
        return read_move(self, text, notation)

    def engine_text(self, action: int) -> str:
        """Environments have no text for actions: ``seed 17`` at the start, then plain numbers."""
        return f"seed {action}" if self._env is None else str(action)

    def _check_seat(self, player: int) -> None:
        if not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: there is no player {player}")

    def __str__(self) -> str:
        if self._env is None:
            return f"{self.game.id}: before the deal"
        player = max(0, self.current_player())
        return f"{self.game.id}, seen by player {player}:\n{_observation(self._env, self._agents[player])}"


def _layout(like: str, shape: tuple[int, ...]) -> BoardLayout | None:
    """The layout of the two board games; row 0 is the upper one, and a connect four column's cell is its top."""
    if like not in ("tic_tac_toe", "connect_four"):
        return None
    height, width = shape[:2]
    places = np.arange(width if like == "connect_four" else height * width)
    targets = np.full(len(places), -1) if like == "connect_four" else places
    cells = np.stack([np.full(len(places), -1), targets], axis=1)
    return BoardLayout(height, width, 1, places, cells, np.arange(height * width), own_plane=0)


def _observation(env: Any, agent: str) -> NDArray[Any]:
    shown = env.observe(agent)
    return np.asarray(shown["observation"] if isinstance(shown, dict) else shown)


def _mask(env: Any, agent: str, num_actions: int) -> NDArray[np.bool_]:
    """Legal actions ``[A]``, True = legal: from the observation, else from the infos, else all."""
    shown = env.observe(agent)
    mask = shown.get("action_mask") if isinstance(shown, dict) else None
    if mask is None:
        mask = env.infos.get(agent, {}).get("action_mask")
    return np.ones(num_actions, dtype=bool) if mask is None else np.asarray(mask).astype(bool)


def _digits(observation: NDArray[Any]) -> str:
    """An observation as text; exact."""
    return np.ascontiguousarray(observation).tobytes().hex()
