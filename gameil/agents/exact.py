"""Perfect play where a game is small enough: all best actions of a state, by exhaustive search.

``exact``: two players, everything seen, no chance: alpha-beta (Knuth and Moore, "An Analysis of Alpha-Beta Pruning",
1975) with a table of positions that is kept from state to state. ``shortest_path``: one player on a graph of states,
such as OpenSpiel's ``pathfinding`` and ``cliff_walking``: what A* finds, but from all states at once, so that later
questions cost nothing.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.errors import AgentError
from gameil.games.game import Game, State

_TOLERANCE = 1e-9
"""Returns nearer to each other than this are equal."""
_MOST_STATES = 1_000_000
"""States of a graph that are looked at; more are another kind of problem."""
_BY_HISTORY = frozenset({"antichess", "checkers", "chess", "crazyhouse", "go", "shogi", "xiangqi"})
"""Games whose rules look back, for repetitions: equal pictures are not equal positions."""


class Planner(Protocol):
    """Finds all best actions."""

    def best(self, state: State) -> tuple[list[int], float]:
        """The actions that reach the greatest return of the mover, ascending, and that return (the whole game's).

        Raises ``AgentError`` where there is too much to search.
        """


class ExactSolver:
    """Solves positions of one game, and remembers all that it has seen."""

    def __init__(self, name: str, game: Game, *, positions: int = 5_000_000) -> None:
        """
        Args:
            name: of the agent, for messages.
            game: two players who alternate or not, zero-sum, no chance, nothing hidden.
            positions: looked at for one state at most, and remembered at most; 5 million take a minute and 2 GB.

        Raises:
            AgentError: another kind of game.
        """
        can = game.capabilities
        low, high = game.reward_range
        fits = game.num_players == 2 and can.perfect_information and can.clonable and abs(low + high) < _TOLERANCE
        if not fits or can.stochastic or can.simultaneous or can.intermediate_rewards or game.name in _BY_HISTORY:
            raise AgentError(
                f"agent {name!r} solves games of two players without chance, hidden information, rewards on the way or "
                f"rules about repetition, which {game.id} is not"
            )
        self._name = name
        self._game = game
        self._positions = positions
        self._bounds: dict[str, tuple[float, float]] = {}
        """Position -> least and greatest return that its mover can have, as far as known."""
        self._cuts = [0] * game.num_actions
        """How often each action ended the look at a position: those come first (Schaeffer's history heuristic)."""
        self._left = 0

    def best(self, state: State) -> tuple[list[int], float]:
        """See ``Planner``."""
        self._left = self._positions
        low, high = self._game.reward_range
        best, actions = low - 1.0, list[int]()
        for action in state.legal_actions():
            # Only equal or better ones are of interest: a worse one need not be known exactly.
            value = self._after(state, action, best - 2.0 * _TOLERANCE, high)
            if value > best + _TOLERANCE:
                best, actions = value, [action]
            elif value > best - _TOLERANCE:
                actions.append(action)
        return actions, best + 0.0  # never -0.0

    def _after(self, state: State, action: int, alpha: float, beta: float) -> float:
        """Return of the mover of ``state`` after ``action``, as of ``_value``."""
        mover = state.current_player()
        child = state.clone()
        child.apply(action)
        if child.is_terminal():
            return float(child.returns()[mover])
        if child.current_player() == mover:
            return self._value(child, alpha, beta)
        return -self._value(child, -beta, -alpha)

    def _value(self, state: State, alpha: float, beta: float) -> float:
        """The mover's return where it is within the bounds, else a bound of it on the same side."""
        key = f"{state.current_player()} {state}"
        least, greatest = self._bounds.get(key, (-np.inf, np.inf))
        if least >= beta or least == greatest:
            return least
        if greatest <= alpha:
            return greatest
        self._left -= 1
        if self._left < 0:
            raise AgentError(
                f"agent {self._name!r}: a position of {self._game.id} has more than {self._positions:,} "
                "others to look at"
            )
        low, high = max(alpha, least), min(beta, greatest)
        value, floor = -np.inf, low
        for action in sorted(state.legal_actions(), key=lambda action: -self._cuts[action]):
            value = max(value, self._after(state, action, floor, high))
            floor = max(floor, value)
            if value >= high:
                self._cuts[action] += 1
                break
        if value <= low:
            greatest = min(greatest, value)
        elif value >= high:
            least = max(least, value)
        else:
            least = greatest = value
        if value >= self._game.reward_range[1] - _TOLERANCE:
            least = greatest = value  # nothing is better
        if len(self._bounds) < self._positions or key in self._bounds:
            self._bounds[key] = (least, greatest)
        return float(value)


class ShortestPaths:
    """The best ways from every state of a game for one player without chance."""

    def __init__(self, name: str, game: Game) -> None:
        """Raises ``AgentError`` for another kind of game."""
        if game.num_players != 1 or not game.capabilities.clonable:
            raise AgentError(f"agent {name!r} plays games of one player, which {game.id} is not")
        self._name = name
        self._game = game
        self._steps: dict[str, list[tuple[int, float, str]]] = {}
        """State -> its actions, each with its reward and the state behind it; a finished game has none."""
        self._values: dict[str, float] = {}
        """State -> greatest sum of rewards from there on."""

    def best(self, state: State) -> tuple[list[int], float]:
        """See ``Planner``."""
        key = str(state)
        if key not in self._values:
            self._solve(state)
        ways = [(action, reward + self._values[behind]) for action, reward, behind in self._steps[key]]
        value = max(total for _, total in ways)
        so_far = float(state.returns()[0])
        return [action for action, total in ways if total > value - _TOLERANCE], so_far + value

    def _solve(self, start: State) -> None:
        found = {str(start): start.clone()}
        waiting = [str(start)]
        for key in waiting:  # grows as it is walked through
            state = found.pop(key)
            self._steps[key] = []
            self._values[key] = 0.0 if state.is_terminal() else -np.inf
            if state.current_player() < 0 and not state.is_terminal():
                raise AgentError(f"agent {self._name!r}: {self._game.id} has chance on the way")
            for action in state.legal_actions():
                child = state.clone()
                child.apply(action)
                name = str(child) if not child.is_terminal() else f"{child} end"
                self._steps[key].append((action, float(child.returns()[0] - state.returns()[0]), name))
                if name not in self._steps and name not in found:
                    if len(waiting) >= _MOST_STATES:
                        raise AgentError(f"agent {self._name!r}: {self._game.id} has more than {_MOST_STATES:,} states")
                    found[name] = child
                    waiting.append(name)
        # Bellman, from the ends backwards: each sweep settles what is one step farther from an end, or much more.
        for _ in range(len(waiting) + 1):
            changed = False
            for key in reversed(waiting):
                for _, reward, behind in self._steps[key]:
                    if reward + self._values[behind] > self._values[key] + _TOLERANCE:
                        self._values[key] = reward + self._values[behind]
                        changed = True
            if not changed:
                return
        raise AgentError(f"agent {self._name!r}: in {self._game.id} a way around pays for ever")


class PerfectAgent:
    """Plays one of the best actions, drawn from the request's generator."""

    def __init__(self, name: str, planner: Planner) -> None:
        self.name = name
        self._planner = planner

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        best = [self._planner.best(request.state)[0] for request in requests]
        actions = [int(request.rng.choice(among)) for request, among in zip(requests, best, strict=True)]
        log_probs = -np.log(np.array([len(among) for among in best], np.float32))
        return Decisions(np.array(actions, np.int64), log_probs)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass
