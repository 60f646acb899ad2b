"""Backgammon by GNU Backgammon, asked on its own command line: ``external:gnubg``.

Its lines are text that a person might type (``set board simple ...``, ``set dice 3 1``, ``hint 500``), answered by a
list of plays with their equities, best first. It is asked within a match of one point, where gammons count like any
win, as in OpenSpiel's game: an equity is then the expected return.

OpenSpiel plays doubles as two turns of two steps, and has several actions for one play. So plays are told apart by the
board that they lead to: the first turn of doubles takes the action from which the best play can still be reached, the
second turn the one that reaches it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Decisions, Request
from gameil.agents.engine_pool import EnginePool, IllegalAnswerError, usable_cores
from gameil.agents.engine_process import EngineConfig, EngineProcess
from gameil.errors import AgentError, EngineError
from gameil.games.backgammon_notation import Step, read_play
from gameil.games.game import Game, State

_START_SECONDS = 20.0
_POINTS, _BAR = 24, 25
_SETTINGS = """set output rawboard on
set player 0 human
set player 1 human
set automatic roll off
set automatic game off
set automatic move off
set automatic bearoff off
set cube use off
set confirm new off
set evaluation chequer evaluation plies {plies}
set evaluation chequer evaluation noise {noise:g}
set evaluation chequer evaluation deterministic on
new match 1"""
_MARK = "on move."
"""How the answer to ``show turn`` ends, which is asked to know that the answer before is complete."""
_PLAY = re.compile(r"\s*\d+\. +\S.*?ply +(?P<play>\S.*?) +Eq\.: +(?P<equity>[+-]?\d+\.\d+)")
_MOST_PLAYS = 500

Board = tuple[tuple[int, ...], tuple[int, ...]]
"""Checkers of the mover and of the opponent, each on its bar (place 25 of the mover's own count) and points, by the
mover's count: places 0 to 25, 0 unused for the mover; the opponent's bar is place 0."""


@dataclass(frozen=True, slots=True)
class Play:
    """One play of the engine's list."""

    steps: tuple[Step, ...]
    equity: float
    """Expected return of the mover in [-1, 1]."""


def read_board(state: State, player: int) -> Board:
    """The checkers as ``player`` counts points: 24 is where they have the longest way, 25 the bar."""
    seen = np.zeros(state.game.observation_shape, np.float32)
    state.write_observation(seen, player)
    own, opponent = _checkers(seen[:96]), _checkers(seen[96:192])
    return (0, *own, int(seen[192])), (int(seen[195]), *opponent, 0)


def _checkers(numbers: NDArray[np.float32]) -> list[int]:
    """Of points 1 to 24; each point is shown by one, two, three and how many more (``games.vector_frames``)."""
    counts = numbers.reshape(_POINTS, 4) @ np.array([1.0, 2.0, 3.0, 1.0], np.float32)
    counts += 3.0 * (numbers.reshape(_POINTS, 4)[:, 3] > 0)
    found: list[int] = counts.astype(int)[::-1].tolist()
    return found


def after(board: Board, steps: Sequence[Step]) -> Board:
    """The board after a play; checkers that are hit come to the opponent's bar."""
    own, opponent = list(board[0]), list(board[1])
    for start, end in steps:
        own[start] -= 1
        if end > 0:
            own[end] += 1
            if opponent[end] == 1:
                opponent[end] = 0
                opponent[0] += 1
    return tuple(own), tuple(opponent)


class GnubgClient:
    """One GNU Backgammon process."""

    def __init__(self, name: str, config: EngineConfig, *, plies: int, noise: float) -> None:
        self._process = EngineProcess(name, config.command)
        self._timeout = config.timeout_seconds
        try:
            self._ask(_SETTINGS.format(plies=plies, noise=noise).splitlines(), min(_START_SECONDS, self._timeout))
        except EngineError:
            self.close()
            raise

    def plays(self, board: Board, dice: tuple[int, int]) -> list[Play]:
        """All plays with these dice, best first; empty where no checker can move."""
        own, opponent = board
        numbers = [own[_BAR], *(own[point] - opponent[point] for point in range(1, _POINTS + 1)), opponent[0]]
        lines = self._ask(
            [
                "set turn 0",
                f"set board simple {' '.join(map(str, numbers))}",
                f"set dice {dice[0]} {dice[1]}",
                f"hint {_MOST_PLAYS}",
            ],
            self._timeout,
        )
        found = []
        for match in filter(None, map(_PLAY.match, lines)):
            steps = read_play(match["play"])
            if steps is None:
                raise IllegalAnswerError(
                    f"engine {self._process.name!r} answered {match['play'][:60]!r}, which is no play"
                )
            found.append(Play(steps[0], float(match["equity"])))
        return found

    def _ask(self, commands: Sequence[str], seconds: float) -> list[str]:
        for command in (*commands, "show turn"):
            self._process.send(command)
        return self._process.read_until(lambda line: line.endswith(_MARK), seconds, f"answer to {commands[-1]!r}")

    def close(self) -> None:
        self._process.close()


def judge_actions(client: GnubgClient, state: State, *, engine: str) -> dict[int, float]:
    """Equity of each action that leads to a play of the engine, best first; NaN of the only legal action.

    Raises ``IllegalAnswerError`` where none of its plays can be reached by legal actions.
    """
    mover, legal = state.current_player(), state.legal_actions()
    if len(legal) == 1:
        return {legal[0]: math.nan}
    turn_start, repeated = state, bool(state.recent) and state.recent[0][0] == mover
    if repeated:  # the second turn of doubles: the whole play began one action ago
        turn_start = state.game.initial_state()
        for action in state.history[:-1]:
            turn_start.apply(action)
    reached = _reached(state, mover, doubles=not repeated)
    board, dice = read_board(turn_start, mover), _dice(turn_start)
    plays = client.plays(board, dice) or [Play((), 0.0)]
    judged: dict[int, float] = {}
    for play in plays:
        for action in reached.get(after(board, play.steps), ()):
            judged.setdefault(action, play.equity)
    if not judged:
        raise IllegalAnswerError(
            f"engine {engine!r} knows {len(plays)} plays here, none of which the rules allow; its best is "
            f"{' '.join(f'{start}/{end}' for start, end in plays[0].steps) or 'none'}"
        )
    return judged


def _reached(state: State, mover: int, *, doubles: bool) -> dict[Board, list[int]]:
    """Boards at the end of the mover's turns -> the actions (one for equal boards on the way) that they begin with."""
    reached: dict[Board, list[int]] = {}
    halfway: set[Board] = set()
    for action in state.legal_actions():
        child = state.clone()
        child.apply(action)
        board = read_board(child, mover)
        if not doubles or child.current_player() != mover:
            reached.setdefault(board, []).append(action)
        elif board not in halfway:
            halfway.add(board)
            for end in _reached(child, mover, doubles=False):
                reached.setdefault(end, []).append(action)
    return {board: actions[:1] if not doubles else actions for board, actions in reached.items()}


def _dice(state: State) -> tuple[int, int]:
    seen = np.zeros(state.game.observation_shape, np.float32)
    state.write_observation(seen)
    return int(seen[198]), int(seen[199])


class ExternalAgent:
    """Plays backgammon as the engine does, always its best play."""

    def __init__(
        self,
        name: str,
        game: Game,
        *,
        engine: str,
        config: EngineConfig,
        options: Mapping[str, float],
        processes: int | None = None,
    ) -> None:
        """``options``: ``plies`` that it looks ahead, ``noise`` (standard deviation) of its judgements of positions."""
        if game.name != "backgammon":
            raise AgentError(f"agent {name!r} plays backgammon only, not {game.id}")
        self.name = name
        self._engine = engine
        plies, noise = int(options.get("plies", 0)), options.get("noise", 0.0)
        self._pool = EnginePool(
            lambda: GnubgClient(engine, config, plies=plies, noise=noise), processes or usable_cores()
        )

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        judged = self.judge([request.state for request in requests])
        actions = [next(iter(equities)) for equities in judged]
        return Decisions.certain(actions)

    def judge(self, states: Sequence[State]) -> list[dict[int, float]]:
        """``judge_actions`` of each state."""
        return self._pool.ask(self._judge, states)

    def _judge(self, client: GnubgClient, state: State) -> dict[int, float]:
        return judge_actions(client, state, engine=self._engine)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        self._pool.close()
