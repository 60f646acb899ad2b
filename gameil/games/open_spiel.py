"""OpenSpiel's games as ``Game`` and ``State``: the only file of ``games`` that knows the engine.

Boards with a known frame (``frames.py``) are shown as planes in the mover's frame. Every other game is shown as the
engine's own per-player vector: the information state where the game is imperfect and has one, the observation
otherwise, with a one-hot of the observing seat behind it where the engine does not already name it.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyspiel
from numpy.typing import NDArray
from open_spiel.python.observation import make_observation

from gameil.errors import GameError, IllegalActionError
from gameil.games import fen, sfen
from gameil.games.frames import Frame, board_frame
from gameil.games.game import (
    CHANCE_PLAYER,
    RECENT_MOVES,
    TERMINAL_PLAYER,
    BoardLayout,
    Capabilities,
    Notation,
    Symmetry,
)
from gameil.games.game_replay import GameReplay, ReplayRequest
from gameil.games.mover_view import action_renaming, plane_observer, vector_observer
from gameil.games.notation import read_move, write_move
from gameil.games.parameters import PARAMETERS, Value, format_id
from gameil.games.symmetries import board_symmetries
from gameil.games.vector_frames import vector_frame

DEFECTIVE = {
    "crossword": "claims an observation tensor and has none",
    "kriegspiel": "shows more than its information state says",
}
"""Games of the engine that break the contract, and why."""
# fmt: off
RESAMPLED = frozenset({
    "bargaining", "blackjack", "bridge", "colored_trails", "euchre", "hearts", "kuhn_poker", "leduc_poker", "oh_hell",
    "universal_poker",
})
# fmt: on
"""Games whose hidden information the engine can draw again; asking it for others prints to stderr."""

STARTS = {"chess": fen.checked, "shogi": sfen.checked}
"""Reads the written start position of a game."""


@lru_cache(maxsize=1)
def known_names() -> tuple[str, ...]:
    """OpenSpiel's games that can be made: playable by default, by people taking turns, with something to observe."""
    return tuple(kind.short_name for kind in pyspiel.registered_games() if _usable(kind))


def _usable(kind: Any) -> bool:
    return bool(
        kind.default_loadable
        and kind.short_name not in DEFECTIVE
        and kind.dynamics != pyspiel.GameType.Dynamics.MEAN_FIELD
        and kind.chance_mode != pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC
        and (kind.provides_observation_tensor or kind.provides_information_state_tensor)
    )


def _restore(name: str, parameters: dict[str, Value]) -> "OpenSpielGame":
    return OpenSpielGame(name, parameters)


class OpenSpielGame:
    """Rules of one OpenSpiel game with fixed parameters. Make it through ``registry.make_game``."""

    def __init__(self, name: str, parameters: Mapping[str, Value]) -> None:
        """``parameters`` are complete and checked (``read_parameters``). Raises ``GameError`` for an unknown name."""
        if name not in known_names():
            raise GameError(f"unknown game {name[:60]!r}: not one of OpenSpiel's {len(known_names())} playable games")
        self.name = name
        self.parameters = dict(parameters)
        self.id = format_id(name, parameters)
        self.family = format_id(name, parameters, family=True)
        self.frame = board_frame(name, parameters)
        self.raw = _load(name, parameters, self.frame)
        self.num_players: int = self.raw.num_players()
        self.board: BoardLayout | None = self.frame.board if self.frame is not None else None
        engine_actions: int = self.raw.num_distinct_actions()
        self.num_actions: int = len(self.board.action_index) if self.board is not None else engine_actions
        self.max_action: int = max(self.num_actions, self.raw.max_chance_outcomes()) - 1
        self.max_game_length: int = self.raw.max_game_length()
        self.reward_range: tuple[float, float] = (self.raw.min_utility(), self.raw.max_utility())
        self.capabilities = _capabilities(name, parameters, self.raw)
        self.keeps_returns = self.capabilities.intermediate_rewards
        self.renaming = action_renaming(self.frame or vector_frame(name), engine_actions)
        self.sorts = self.frame is None or self.renaming is not None
        """Whether legal actions need sorting: not every engine game lists them so."""
        self.seats = self.frame.raw_seats if self.frame is not None else None
        fits = self.frame is not None and self.frame.alternates and self.frame.board.flat_planes is not None
        self.replayed_whole = fits and not self.capabilities.stochastic
        self.observe: Callable[[Any, int, NDArray[np.float32]], None]
        self.observation_shape: tuple[int, ...]
        if self.frame is not None:
            self.observation_shape = self.frame.gather[0].shape
            self.observe = plane_observer(make_observation(self.raw), self.frame)
        else:
            self.observation_shape, self.observe = vector_observer(
                _vector(self.raw), self.num_players, vector_frame(name)
            )
        self._symmetries = board_symmetries(name, self.board, self.num_actions, self._start_planes())

    def __reduce__(self) -> tuple[Callable[..., "OpenSpielGame"], tuple[str, dict[str, Value]]]:
        return _restore, (self.name, self.parameters)

    def __repr__(self) -> str:
        return f"OpenSpielGame({self.id!r})"

    def initial_state(self, start: str | None = None) -> "OpenSpielState":
        """The start, or the position of a FEN (chess) or SFEN (shogi). Raises ``GameError`` for any other text."""
        if start is None:
            return OpenSpielState(self, self.raw.new_initial_state())
        if self.name not in STARTS:
            raise GameError(f"{self.name} has no written start positions, got {start[:60]!r}")
        text = STARTS[self.name](start)
        try:
            raw = self.raw.new_initial_state(text)
            raw.legal_actions()
        except pyspiel.SpielError as error:
            reason = _one_line(error)
            raise GameError(f"{self.name}: position {start[:100]!r} is refused by the engine: {reason}") from error
        state = OpenSpielState(self, raw)
        if self._takes_king(state):
            raise GameError(f"{self.name}: position {start[:100]!r}: the side that is not to move stands in check")
        return state

    def _start_planes(self) -> NDArray[np.float32] | None:
        start = self.initial_state()
        if self.board is None or start.current_player() < 0:
            return None
        planes = np.empty(self.observation_shape, dtype=np.float32)
        start.write_observation(planes)
        return planes

    def _takes_king(self, state: "OpenSpielState") -> bool:
        """Whether a legal action goes to the opponent's king, as it can in impossible positions only."""
        if self.name == "shogi":
            return sfen.takes_king(str(state), map(state.engine_text, state.legal_actions()))
        if self.board is None or state.is_terminal():
            return False
        planes = np.empty(self.observation_shape, dtype=np.float32)
        state.write_observation(planes)
        king = int(np.argmax(planes[6]))
        return any(self.board.action_cells[action, 1] == king for action in state.legal_actions())

    def symmetries(self) -> tuple[Symmetry, ...]:
        """All symmetries, the identity first."""
        return self._symmetries

    def game_replay(self) -> GameReplay | None:
        """A new replayer of the family's games; None where they do not fit."""
        if self.frame is None or not self.replayed_whole:
            return None
        return GameReplay(make_observation(self.raw), self.frame, self.renaming, self.num_actions)

    def replay_request(
        self, name: str, start: str | None, actions: NDArray[np.integer[Any]], shown: NDArray[np.bool_]
    ) -> ReplayRequest:
        """One game for it. Raises ``GameError`` for a bad start."""
        raw = self.raw.new_initial_state() if start is None else self.initial_state(start).raw
        constant = None if self.frame is None or self.frame.constant is None else self.frame.constant[1]
        return ReplayRequest(name, raw, constant, actions, shown)

    def raw_player(self, seat: int) -> int:
        """The engine's number of ``seat`` (chess: White is seat 0 here and player 1 there)."""
        return self.seats[seat] if self.seats is not None and seat >= 0 else seat


class OpenSpielState:
    """One node. ``raw`` is the engine's state, for the engine's own bots; translate their actions with ``from_raw``."""

    __slots__ = ("_before", "_legal", "_player", "_recent", "game", "raw")

    def __init__(self, game: OpenSpielGame, raw: Any, recent: tuple[tuple[int, int], ...] = ()) -> None:
        self.game = game
        self.raw = raw
        self._recent = recent
        self._legal: list[int] | None = None
        self._before: list[float] | None = None
        """Returns before the last transition, where rewards come on the way."""
        self._player = self._seat(raw.current_player())

    def _seat(self, raw_player: int) -> int:
        seats = self.game.seats
        return raw_player if seats is None or raw_player < 0 else seats.index(raw_player)

    @property
    def history(self) -> list[int]:
        """All actions since the start, chance outcomes included, each in the frame of the one who played it."""
        renaming = self.game.renaming
        if renaming is None:
            return list(self.raw.history())
        played = ((self._seat(item.player), item.action) for item in self.raw.full_history())
        return [action if seat < 0 else renaming.inward[seat][action] for seat, action in played]

    @property
    def recent(self) -> tuple[tuple[int, int], ...]:
        """The last (at most 8) moves as ``(player, action)``, newest first, chance outcomes left out."""
        return self._recent

    def current_player(self) -> int:
        """Seat to move, ``CHANCE_PLAYER`` or ``TERMINAL_PLAYER``."""
        return self._player

    def is_terminal(self) -> bool:
        """Whether the rules ended the game."""
        return self._player == TERMINAL_PLAYER

    def rewards(self) -> NDArray[np.float64]:
        """Rewards of the last transition, per player ``[P]``.

        On the way they are taken from the returns: the engine's hanabi repeats a card's reward after the next deal.
        """
        if self.game.keeps_returns:
            return self.returns() - self._by_seat(self._before or [0.0] * self.game.num_players)
        return self._by_seat(self.raw.rewards())

    def returns(self) -> NDArray[np.float64]:
        """Sum of the rewards so far, per player ``[P]``."""
        return self._by_seat(self.raw.returns())

    def _by_seat(self, values: list[float]) -> NDArray[np.float64]:
        seats = self.game.seats
        return np.array(values if seats is None else [values[player] for player in seats])

    def legal_actions(self) -> list[int]:
        """Legal actions of the player to move, ascending; a shared list: read it, do not change it."""
        legal = self._legal
        if legal is None:
            legal = self.raw.legal_actions()
            game = self.game
            if game.renaming is not None and self._player >= 0:
                legal = list(map(game.renaming.inward[self._player].__getitem__, legal))
            if game.sorts:
                legal.sort()
            self._legal = legal
        return legal

    def apply(self, action: int) -> None:
        """Plays ``action``. Raises ``IllegalActionError``, the state unhurt, when it is not legal."""
        legal = self.legal_actions() if self._legal is None else self._legal
        place = bisect_left(legal, action)
        if place == len(legal) or legal[place] != action:
            raise self._illegal(action)
        self.apply_unchecked(legal[place])

    def apply_unchecked(self, action: int) -> None:
        """``apply`` of an action that is legal for certain, without the time to look: what else happens is unknown."""
        player, game, raw = self._player, self.game, self.raw
        if game.keeps_returns:
            self._before = raw.returns()
        if player < 0 or game.renaming is None:
            raw.apply_action(action)
        else:
            raw.apply_action(game.renaming.outward[player][action])
        if player >= 0:
            self._recent = ((player, action), *self._recent[: RECENT_MOVES - 1])
        self._legal = None
        mover = raw.current_player()
        self._player = mover if game.seats is None or mover < 0 else game.seats.index(mover)

    def _illegal(self, action: int) -> IllegalActionError:
        what = (
            "the game is over" if self._player == TERMINAL_PLAYER else f"{len(self.legal_actions())} others are legal"
        )
        return IllegalActionError(f"{self.game.id}: action {action} is not legal here, {what}")

    def clone(self) -> "OpenSpielState":
        """An independent copy."""
        copy = OpenSpielState.__new__(OpenSpielState)
        copy.game = self.game
        copy.raw = self.raw.clone()
        copy._recent = self._recent
        copy._legal = self._legal
        copy._before = self._before
        copy._player = self._player
        return copy

    def ending_actions(self) -> list[int]:
        """Those legal actions that end the game, ascending: a fifth of the time of a clone and an ``apply`` of each."""
        child, renaming = self.raw.child, self.game.renaming
        if renaming is None or self._player < 0:
            return [action for action in self.legal_actions() if child(action).is_terminal()]
        outward = renaming.outward[self._player]
        return [action for action in self.legal_actions() if child(outward[action]).is_terminal()]

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """``(action, probability)`` at a chance node; ``GameError`` elsewhere."""
        if self._player != CHANCE_PLAYER:
            raise GameError(f"{self.game.id}: no chance node")
        return sorted((int(action), float(probability)) for action, probability in self.raw.chance_outcomes())

    def information_state(self, player: int) -> str:
        """All that ``player`` knows: equal texts exactly for states they cannot tell apart."""
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return " ".join(map(str, self.history))
        if not self.game.raw.get_type().provides_information_state_string:
            raise GameError(f"{self.game.id}: the rules engine knows no information states")
        return str(self.raw.information_state_string(self.game.raw_player(player)))

    def resample(self, player: int, rng: np.random.Generator) -> "OpenSpielState":
        """A random state that ``player`` cannot tell from this one. Raises ``GameError`` where unsupported."""
        self._check_seat(player)
        if self.game.capabilities.perfect_information:
            return self.clone()
        if self.game.name not in RESAMPLED:
            raise GameError(f"{self.game.id}: the rules engine cannot resample hidden information")
        raw = self.raw.resample_from_infostate(self.game.raw_player(player), rng.random)
        return OpenSpielState(self.game, raw, self._recent)

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None:
        """Writes what ``player`` (default: the one to move) sees into ``out``, float32 ``[*observation_shape]``."""
        if player is None:
            player = self._player
        if not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: no player {player} to observe for (chance node, finished, or no seat)")
        self.game.observe(self.raw, player, out)

    def text(self, action: int, notation: Notation = "action") -> str:
        """The written form of a legal action."""
        return write_move(self, action, notation)

    def parse(self, text: str, notation: Notation = "action") -> int:
        """The action that ``text`` means here. Raises ``NotationError``."""
        return read_move(self, text, notation)

    def engine_text(self, action: int) -> str:
        """The engine's own text of ``action``."""
        return str(self.raw.action_to_string(self.raw.current_player(), self.to_raw(action)))

    def to_raw(self, action: int) -> int:
        """The engine's id of an action of the player to move."""
        renaming = self.game.renaming
        return action if renaming is None or self._player < 0 else renaming.outward[self._player][action]

    def from_raw(self, action: int) -> int:
        """The action of the player to move that the engine calls ``action``."""
        renaming = self.game.renaming
        return action if renaming is None or self._player < 0 else renaming.inward[self._player][action]

    def _check_seat(self, player: int) -> None:
        if not 0 <= player < self.game.num_players:
            raise GameError(f"{self.game.id}: there is no player {player}")

    def __str__(self) -> str:
        return str(self.raw)


def _load(name: str, parameters: Mapping[str, Value], frame: Frame | None) -> Any:
    defaults = PARAMETERS.get(name, {})
    given = {key: value for key, value in parameters.items() if value != defaults[key].default}
    given.update(frame.engine_parameters or {} if frame is not None else {})
    try:
        game = pyspiel.load_game(name, given)
        if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
            game = pyspiel.convert_to_turn_based(game)
    except pyspiel.SpielError as error:
        raise GameError(f"{format_id(name, parameters)} is refused by the rules engine: {_one_line(error)}") from error
    return game


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _capabilities(name: str, parameters: Mapping[str, Value], raw: Any) -> Capabilities:
    kind = raw.get_type()
    original = next(item for item in pyspiel.registered_games() if item.short_name == name)
    return Capabilities(
        perfect_information=kind.information == pyspiel.GameType.Information.PERFECT_INFORMATION,
        clonable=True,
        replayable=True,
        stochastic=kind.chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC or bool(parameters.get("chess960")),
        simultaneous=original.dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS,
        # Repeated games pay after each repetition, though the engine says only at the end.
        intermediate_rewards=kind.reward_model == pyspiel.GameType.RewardModel.REWARDS or name.startswith("repeated_"),
    )


def _vector(raw: Any) -> Any:
    """The engine's observer of one player's vector: the information state of an imperfect game where it has one."""
    kind = raw.get_type()
    imperfect = kind.information != pyspiel.GameType.Information.PERFECT_INFORMATION
    remembers = (imperfect and kind.provides_information_state_tensor) or not kind.provides_observation_tensor
    observer = make_observation(raw, pyspiel.IIGObservationType(perfect_recall=True) if remembers else None)
    if observer is None:
        raise GameError(f"{raw}: the rules engine gives no observation")
    return observer
