"""One node of a PettingZoo game: an environment under way, the rewards so far, what each player saw when it moved."""

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, IllegalActionError
from gameil.games.game import CHANCE_PLAYER, RECENT_MOVES, TERMINAL_PLAYER, Notation
from gameil.games.notation import read_move, write_move
from gameil.games.pettingzoo_drivers import Driver

if TYPE_CHECKING:
    from gameil.games.pettingzoo import PettingZooGame

NUM_SEEDS = 4096
"""Outcomes of the chance node that seeds an environment: how many different deals a game has."""
_SEEDS = list(range(NUM_SEEDS))


class PettingZooState:
    """``State`` over a ``Driver``; the contract is ``games.game.State``'s."""

    def __init__(self, game: "PettingZooGame") -> None:
        self.game = game
        self._driver: Driver | None = None
        self._history: list[int] = []
        self._movers: list[int] = []
        self._rewards = np.zeros(game.num_players)
        self._returns = np.zeros(game.num_players)
        self._known: list[list[str]] = [[] for _ in range(game.num_players)]
        self._legal: list[int] | None = None
        self._raw: dict[int, Any] = {}
        self._shown: dict[int, NDArray[np.float32]] = {}
        self._frames: list[deque[NDArray[np.float32]]] = [
            deque(maxlen=max(1, game.frames - 1)) for _ in range(game.num_players)
        ]
        if not game.seeded:
            self._reset(seed=0)

    def __del__(self) -> None:
        if getattr(self, "_driver", None) is not None:
            self.game.give_back(self._driver)  # type: ignore[arg-type]

    def _reset(self, seed: int) -> None:
        self._driver = self.game.make_driver()
        self._driver.reset(seed)

    @property
    def history(self) -> list[int]:
        """All actions since the start, the seed first where there is one."""
        return list(self._history)

    @property
    def recent(self) -> tuple[tuple[int, int], ...]:
        """The last (at most 8) moves as ``(player, action)``, newest first, the seed left out."""
        newest = range(len(self._movers) - 1, max(-1, len(self._movers) - 1 - RECENT_MOVES), -1)
        begin = len(self._history) - len(self._movers)
        return tuple((self._movers[place], self._history[begin + place]) for place in newest)

    def current_player(self) -> int:
        """Seat to move, ``CHANCE_PLAYER`` before the seed is drawn, or ``TERMINAL_PLAYER``."""
        return CHANCE_PLAYER if self._driver is None else self._driver.player

    def is_terminal(self) -> bool:
        """Whether the environment ended for all agents."""
        return self._driver is not None and self._driver.player == TERMINAL_PLAYER

    def truncated(self, player: int) -> bool:
        """Whether a limit stopped ``player``, not the rules."""
        return self._driver is not None and self._driver.truncated(player)

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
                self._legal = _SEEDS
            elif player == TERMINAL_PLAYER:
                self._legal = []
            else:
                self._legal = self._mask(player)
        return self._legal

    def _mask(self, player: int) -> list[int]:
        """From the observation, else from the infos, else all."""
        assert self._driver is not None
        mask = self.raw_observation(player)["action_mask"] if self.game.masked else None
        if mask is None and (info := self._driver.info(player)):
            mask = info.get("action_mask")
        if mask is None:
            return self.game.all_actions[player]
        legal: list[int] = np.flatnonzero(mask).tolist()
        return legal

    def apply(self, action: int) -> None:
        """Plays ``action``. Raises ``IllegalActionError``, the state unhurt, when it is not legal."""
        game, driver = self.game, self._driver
        legal = self.legal_actions() if self._legal is None else self._legal
        action = int(action)
        every = driver is not None and driver.player >= 0 and legal is game.all_actions[driver.player]
        if not (0 <= action < len(legal) if every else action in legal):
            raise IllegalActionError(f"{game.id}: action {action} is not legal here")
        if driver is None:
            self._reset(seed=action)
        else:
            player = driver.player
            if game.tells_information:
                self._known[player].append(f"{_digits(self.raw_observation(player))}>{action}")
            if game.frames > 1:
                self._frames[player].appendleft(self._seen(player))
            self._rewards = rewards = driver.step(game.codecs[player].decode(action))
            if rewards is not driver.nothing:
                self._returns += rewards
            self._movers.append(player)
            self._raw.clear()
            self._shown.clear()
        self._history.append(action)
        self._legal = None

    def clone(self) -> "PettingZooState":
        """An independent copy: the environment's own, or made by playing the history again."""
        game = self.game
        if not game.capabilities.clonable:
            raise GameError(f"{game.id} cannot be cloned")
        copy = PettingZooState(game)
        if not game.own_clones or self._driver is None:
            for action in self._history:
                copy.apply(action)
            return copy
        copy._driver = self._driver.clone()
        copy._history, copy._movers = list(self._history), list(self._movers)
        copy._rewards, copy._returns = self._rewards.copy(), self._returns.copy()
        copy._known = [list(known) for known in self._known]
        copy._frames = [frames.copy() for frames in self._frames]
        return copy

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """All seeds, equally likely; ``GameError`` elsewhere."""
        if self._driver is not None:
            raise GameError(f"{self.game.id}: no chance node")
        return [(seed, 1.0 / NUM_SEEDS) for seed in range(NUM_SEEDS)]

    def information_state(self, player: int) -> str:
        """All that ``player`` was shown at its moves and did, and what it is shown now.

        Raises ``GameError`` for environments that move on by themselves: there it would be longer than useful.
        """
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return " ".join(map(str, self._history))
        if not self.game.tells_information:
            raise GameError(f"{self.game.id}: what its players know is not written down")
        if self._driver is None:
            return ""
        return " ".join([*self._known[player], _digits(self._driver.observe(player))])

    def resample(self, player: int, rng: np.random.Generator) -> "PettingZooState":
        """A clone where nothing is hidden. Raises ``GameError`` elsewhere."""
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return self.clone()
        raise GameError(f"{self.game.id}: the environment cannot resample hidden information")

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None:
        """Writes what ``player`` (default: the one to move) sees into ``out``, float32 ``[*observation_shape]``.

        Of several frames the newest comes first; before there are enough of them the oldest one stands for the rest.
        """
        player = self.current_player() if player is None else player
        if self._driver is None or not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: no player {player} to observe for (chance node, finished, or no seat)")
        if self.game.frames == 1:
            self.game.write(self.raw_observation(player), player, out)
            return
        now = self._seen(player)
        seen = [now, *self._frames[player]]
        parts = out.reshape(self.game.frames, -1)
        for number in range(self.game.frames):
            parts[number] = seen[min(number, len(seen) - 1)].reshape(-1)

    def _seen(self, player: int) -> NDArray[np.float32]:
        """What ``player`` is shown now, one frame."""
        if player not in self._shown:
            frame = np.empty(self.game.frame_shape, np.float32)
            self.game.write(self.raw_observation(player), player, frame)
            self._shown[player] = frame
        return self._shown[player]

    def raw_observation(self, player: int) -> Any:
        """What the environment itself shows ``player``, mask and all."""
        if self._driver is None:
            raise GameError(f"{self.game.id}: nothing is shown before the seed")
        if player not in self._raw:
            self._raw[player] = self._driver.observe(player)
        return self._raw[player]

    def global_state(self) -> NDArray[Any] | None:
        """All of the environment's state as it gives it out; None where it does not, or before the seed."""
        return None if self._driver is None else self._driver.state()

    def text(self, action: int, notation: Notation = "action") -> str:
        """The written form of a legal action: its number."""
        return write_move(self, action, notation)

    def parse(self, text: str, notation: Notation = "action") -> int:
        """The action that ``text`` means here. Raises ``NotationError``."""
        return read_move(self, text, notation)

    def engine_text(self, action: int) -> str:
        """``seed 17`` at the start, then the action's name where it has one, else its number."""
        if self._driver is None:
            return f"seed {action}"
        names = self.game.action_names
        return names[action] if names else str(action)

    def _check_seat(self, player: int) -> None:
        if not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: there is no player {player}")

    def __str__(self) -> str:
        if self._driver is None:
            return f"{self.game.id}: before the deal"
        player = max(0, self.current_player())
        if self.game.environment == "overcooked":
            return f"{self.game.id}, cook {player + 1} chooses, {self._driver.env.sketch()}"
        shown = self._driver.observe(player)
        return f"{self.game.id}, seen by player {player}:\n{shown['observation'] if self.game.masked else shown}"


def _digits(observation: Any) -> str:
    """An observation as text; exact."""
    shown = observation["observation"] if isinstance(observation, dict) else observation
    return np.ascontiguousarray(shown).tobytes().hex()
