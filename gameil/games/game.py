"""What a game is: the contract that every adapter fulfils and ``conformance.check_game`` checks.

Letters: ``P`` players, ``A`` actions, ``K`` action planes, ``H`` and ``W`` board height and width.

*One frame.* Observations and actions are both seen by the player to move: own pieces come first, and where the two
sides walk in opposite directions (chess, breakthrough) or own different edges (hex) the board is turned so that the
mover always walks to rising rows, or joins the first row with the last. An action id therefore means the same thing
for every player, and one network plays all seats. Stored games, datasets and networks use these ids only; the adapter
converts to and from the ids of the rules engine.

*Seats.* Seat 0 is the player who moves first from the usual start (chess: White; Go, Othello: Black), whatever the
rules engine calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

CHANCE_PLAYER = -1
"""``current_player`` of a state where nature moves (dice, cards)."""
TERMINAL_PLAYER = -4
"""``current_player`` of a finished game."""

RECENT_MOVES = 8
"""How many moves ``State.recent`` keeps at most."""

Notation = Literal["action", "san", "uci", "gtp", "sgf", "backgammon", "iccs", "othello", "number", "draughts"]
"""How a move is written. ``action``: the rules engine's own text; ``san``, ``uci``: chess; ``gtp``, ``sgf``: Go;
``backgammon``: rolls and plays of match text; ``iccs``: xiangqi; ``othello``: squares without the passes; ``draughts``:
squares by number."""


@dataclass(frozen=True)
class Capabilities:
    """What a game can do, declared by its adapter; users of a missing capability refuse with one clear line."""

    perfect_information: bool
    """Every player sees the whole state."""
    clonable: bool
    """``State.clone`` works, so search is possible."""
    replayable: bool
    """Actions alone reproduce a game, so datasets store no observations."""
    stochastic: bool
    """There are chance nodes."""
    simultaneous: bool
    """The original game has simultaneous moves (here played turn by turn through a transform)."""
    intermediate_rewards: bool
    """Rewards may come before the end of the game."""
    common_payoff: bool = False
    """All players always have the same return: the game is won or lost together."""


@dataclass(frozen=True, eq=False)
class BoardLayout:
    """How observation planes and actions lie on a board, all in the mover's frame. Cells are ``row * W + column``."""

    height: int
    width: int
    action_planes: int
    """``K``: number of planes that a convolutional policy head puts over the board."""
    action_index: NDArray[np.int64]
    """``[A]``: place of each action in the flattened ``[K, H, W]`` logits, or -1 for one without a cell (a pass,
    castling, the swap). No two actions share a place."""
    action_cells: NDArray[np.int64]
    """``[A, 2]``: source and target cell of each action; -1 where there is none (a placed stone has no source; where a
    connect four piece comes to rest depends on the state)."""
    opponent_view: NDArray[np.int64]
    """``[H * W]``: the opponent's name of each of my cells; an involution (identity, rank flip, half a turn,
    transpose)."""
    own_plane: int | None
    """Observation plane (or first of them) that marks the mover's pieces, where there is one."""
    flat_planes: tuple[int, ...] | None = None
    """Observation planes that hold one value over the whole board, ascending; all others hold zeros and ones. None
    where that is not known of them."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """A map of the board onto itself that the rules do not notice, acting on observation and action together."""

    name: str
    cells: NDArray[np.int64]
    """``[H * W]``: the new board's cell ``i`` shows the old board's cell ``cells[i]``."""
    actions: NDArray[np.int64]
    """``[A]``: the new id of each old action."""
    keeps_start: bool
    """The start position is mapped onto itself, so that mapped games are games from the start."""


class State(Protocol):
    """One node of a game. ``apply`` mutates; ``clone`` to keep the old one."""

    @property
    def game(self) -> "Game":
        """The game with the parameters this state was started with."""

    @property
    def history(self) -> list[int]:
        """All actions since the start, chance outcomes included, each in the frame of the one who played it."""

    @property
    def recent(self) -> tuple[tuple[int, int], ...]:
        """The last (at most ``RECENT_MOVES``) moves as ``(player, action)``, newest first, chance outcomes left out."""

    def current_player(self) -> int:
        """Seat to move, ``CHANCE_PLAYER`` or ``TERMINAL_PLAYER``."""

    def is_terminal(self) -> bool: ...

    def rewards(self) -> NDArray[np.float64]:
        """Rewards of the last transition, per player ``[P]``."""

    def returns(self) -> NDArray[np.float64]:
        """Sum of the rewards so far, per player ``[P]``."""

    def legal_actions(self) -> list[int]:
        """Legal actions of the player to move, ascending; chance outcomes at a chance node; empty at the end.

        The list belongs to the state and is valid until the next ``apply``: read it, never change it.
        """

    def apply(self, action: int) -> None:
        """Plays ``action``. Raises ``IllegalActionError`` when it is not in ``legal_actions()``, the state unhurt."""

    def clone(self) -> "State": ...

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """``(action, probability)`` at a chance node."""

    def information_state(self, player: int) -> str:
        """All that ``player`` knows, as a text that is equal exactly for states they cannot tell apart."""

    def resample(self, player: int, rng: np.random.Generator) -> "State":
        """A random state that ``player`` cannot tell from this one. Raises ``GameError`` where unsupported."""

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None:
        """Writes the observation of ``player`` (default: the one to move) into ``out``, ``[*observation_shape]``.

        Raises ``GameError`` without ``player`` where nobody moves (chance node, finished game).
        """

    def text(self, action: int, notation: Notation = "action") -> str:
        """The written form of a legal action."""

    def parse(self, text: str, notation: Notation = "action") -> int:
        """The action that ``text`` means here. Raises ``NotationError`` saying malformed, illegal or ambiguous."""

    def __str__(self) -> str:
        """A picture of the state for a terminal."""


@runtime_checkable
class StatesItself(Protocol):
    """A ``State`` that can be written down whole, so that records which state theirs can be held against it."""

    def global_state(self) -> NDArray[Any] | None:
        """All of the state as numbers; None where there is nothing to say."""


@runtime_checkable
class Truncates(Protocol):
    """A ``State`` that a limit may end in place of the rules: what would come after it has a value."""

    def truncated(self, player: int) -> bool:
        """Whether a limit stopped ``player``; False while it plays on."""


@runtime_checkable
class HasRealActions(Protocol):
    """A ``Game`` whose actions may stand for real numbers."""

    @property
    def action_values(self) -> NDArray[np.float32] | None:
        """``[A, D]``: what each action stands for, in [-1, 1]; None where actions are mere choices."""


class Game(Protocol):
    """Rules of one game with fixed parameters; immutable, cheap to share, picklable by id."""

    @property
    def id(self) -> str:
        """Canonical id with every non-default parameter: ``chess``, ``go(board_size=9,komi=5.5)``."""

    @property
    def family(self) -> str:
        """``id`` without the parameters that change no shape (komi, handicap, chess960): what a dataset is about."""

    @property
    def name(self) -> str:
        """Name without any parameters, such as ``go`` or ``pettingzoo:connect_four_v3``."""

    @property
    def num_players(self) -> int: ...

    @property
    def num_actions(self) -> int:
        """``A``: size of the policy head. Chance outcomes are not counted."""

    @property
    def max_action(self) -> int:
        """Largest id that may stand in ``history``, chance outcomes included."""

    @property
    def observation_shape(self) -> tuple[int, ...]: ...

    @property
    def max_game_length(self) -> int:
        """No game has more decisions than this."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Least and greatest return of one player."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def board(self) -> BoardLayout | None:
        """Layout of a board game; None where observation and actions are plain vectors."""

    def initial_state(self, start: str | None = None) -> State:
        """The start, or the position written in ``start`` (chess: a FEN). Raises ``GameError`` for a bad one."""

    def symmetries(self) -> Sequence[Symmetry]:
        """All symmetries, the identity first; only the identity where none is known."""
