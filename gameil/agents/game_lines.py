"""Games as engines want them told: the start and every move since, in the engine's notation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gameil.games.game import CHANCE_PLAYER, State


@dataclass(frozen=True, slots=True)
class Line:
    """The way to a position."""

    start: str | None
    """Start position as text (chess: a FEN), None for the usual one."""
    texts: tuple[str, ...]
    movers: tuple[int, ...]
    """Player of each move."""


@dataclass(slots=True)
class _Memory:
    state: State
    actions: list[int]
    texts: list[str]
    movers: list[int]


class GameLines:
    """Remembers each game's moves as text, so that every ply costs one more move instead of a whole replay."""

    def __init__(self, write: Callable[[State, int], str]) -> None:
        """``write``: the text of a legal action."""
        self._write = write
        self._memories: dict[int, _Memory] = {}

    def begin(self, games: Sequence[int]) -> None:
        for game in games:
            self._memories.pop(game, None)

    def line(self, game: int, state: State) -> Line:
        """The line of ``state``, whose game has the handle ``game``.

        A game that does not come from its usual start (a FEN, chess960) is told as the present position alone.
        """
        history = state.history
        memory = self._memories.get(game)
        if memory is None or history[: len(memory.actions)] != memory.actions:
            memory = _Memory(state.game.initial_state(), [], [], [])
        for action in history[len(memory.actions) :]:
            player = memory.state.current_player()
            if player == CHANCE_PLAYER or action not in memory.state.legal_actions():
                return Line(str(state), (), ())
            memory.texts.append(self._write(memory.state, action))
            memory.movers.append(player)
            memory.state.apply(action)
            memory.actions.append(action)
        if str(memory.state) != str(state):
            return Line(str(state), (), ())
        self._memories[game] = memory
        return Line(None, tuple(memory.texts), tuple(memory.movers))

    def end(self, games: Sequence[int]) -> None:
        for game in games:
            self._memories.pop(game, None)
