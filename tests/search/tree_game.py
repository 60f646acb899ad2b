"""A game spelled out as a tree, so that every value in it is known: decisions, chance and final returns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gameil.errors import IllegalActionError
from gameil.games.game import CHANCE_PLAYER, TERMINAL_PLAYER, BoardLayout, Capabilities, State, Symmetry


@dataclass(frozen=True)
class Decision:
    """A player chooses; children by action."""

    player: int
    children: dict[int, "Node"]
    name: str = ""


@dataclass(frozen=True)
class Chance:
    """Nature chooses; (probability, child) by action."""

    children: dict[int, tuple[float, "Node"]]
    name: str = ""


@dataclass(frozen=True)
class End:
    """Final returns by player."""

    returns: tuple[float, ...]
    name: str = ""


Node = Decision | Chance | End


class TreeGame:
    """The game whose root is ``root``."""

    id = family = name = "tree"
    observation_shape = (1,)
    max_game_length = 10
    reward_range = (-1.0, 1.0)
    board: BoardLayout | None = None

    def __init__(self, root: Node, *, num_players: int = 2, num_actions: int = 4, perfect_information: bool = True):
        self.root = root
        self.num_players = num_players
        self.num_actions = num_actions
        self.max_action = num_actions - 1
        self.capabilities = Capabilities(
            perfect_information=perfect_information,
            clonable=True,
            replayable=True,
            stochastic=True,
            simultaneous=False,
            intermediate_rewards=False,
        )

    def initial_state(self, start: str | None = None) -> "TreeState":
        return TreeState(self, self.root, [])

    def symmetries(self) -> Sequence[Symmetry]:
        return []


class TreeState:
    """A node and the way to it."""

    recent: tuple[tuple[int, int], ...] = ()

    def __init__(self, game: TreeGame, node: Node, history: list[int]) -> None:
        self.game = game
        self.node = node
        self.history = history

    def current_player(self) -> int:
        if isinstance(self.node, Decision):
            return self.node.player
        return CHANCE_PLAYER if isinstance(self.node, Chance) else TERMINAL_PLAYER

    def is_terminal(self) -> bool:
        return isinstance(self.node, End)

    def rewards(self) -> np.ndarray:
        return self.returns()

    def returns(self) -> np.ndarray:
        return np.array(self.node.returns if isinstance(self.node, End) else (0.0,) * self.game.num_players)

    def legal_actions(self) -> list[int]:
        return [] if isinstance(self.node, End) else sorted(self.node.children)

    def apply(self, action: int) -> None:
        if action not in self.legal_actions():
            raise IllegalActionError(f"{action} is not legal")
        assert not isinstance(self.node, End)
        child = self.node.children[action]
        self.node = child[1] if isinstance(child, tuple) else child
        self.history = [*self.history, action]

    def clone(self) -> "TreeState":
        return TreeState(self.game, self.node, list(self.history))

    def chance_outcomes(self) -> list[tuple[int, float]]:
        assert isinstance(self.node, Chance)
        return [(action, probability) for action, (probability, _) in self.node.children.items()]

    def information_state(self, player: int) -> str:
        return str(self.history)

    def resample(self, player: int, rng: np.random.Generator) -> State:
        return self.clone()

    def write_observation(self, out: np.ndarray, player: int | None = None) -> None:
        out[...] = 0.0

    def text(self, action: int, notation: str = "action") -> str:
        return str(action)

    def parse(self, text: str, notation: str = "action") -> int:
        return int(text)
