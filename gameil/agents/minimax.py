"""Minimax: looks so many moves ahead, with alpha-beta cuts and, over dice, expectations.

Knuth and Moore (1975), "An Analysis of Alpha-Beta Pruning"; Michie (1966), "Game-Playing and Game-Learning Automata",
for the expectations (expectimax). Positions where it stops are valued by ``static_values``, or by random games.
"""

from collections.abc import Sequence

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.static_values import static_value
from gameil.errors import AgentError
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.seeding import generator

_LATER = 1e-4
"""What a result loses with every ply it lies in the future: nearer wins and later losses are better."""
_SEEDS = 1 << 31


class MinimaxAgent:
    """Chooses a best move by values at ``depth`` plies; among equals one at random.

    For two players who see everything. Exact where the game ends within the depth.
    """

    def __init__(self, name: str, game: Game, *, depth: int, rollouts: int = 0) -> None:
        """Raises ``AgentError`` for a game that it cannot look ahead in.

        Args:
            depth: plies; outcomes of dice do not count.
            rollouts: random games that value a position where it stops; 0: ``static_values``.
        """
        if game.num_players != 2 or not (game.capabilities.perfect_information and game.capabilities.clonable):
            raise AgentError(f"agent {name!r} is for two players who see everything, unlike {game.id}")
        if game.capabilities.intermediate_rewards:
            raise AgentError(f"agent {name!r} needs rewards at the end of the game only, unlike {game.id}")
        self.name = name
        self._depth = depth
        self._rollouts = rollouts
        self._largest = max(1.0, *(abs(bound) for bound in game.reward_range))

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        chosen = [self._choose(request) for request in requests]
        values = np.array([value for _, value in chosen], np.float32)
        return Decisions.certain([action for action, _ in chosen], values=values)

    def _choose(self, request: Request) -> tuple[int, float]:
        """The action and its value for the mover."""
        state, seat = request.state, request.seat
        order = request.rng.permutation(np.array(state.legal_actions()))
        seed = int(request.rng.integers(_SEEDS))
        best, value = int(order[0]), -2.0
        for action in order.tolist():
            child = state.clone()
            child.apply(action)
            # A later move must be strictly better: equal ones are cut off, and the order is random.
            found = self._value(child, seat, self._depth - 1, value, 2.0, seed)
            if found > value:
                best, value = action, found
        return best, value

    def _value(self, state: State, seat: int, depth: int, alpha: float, beta: float, seed: int) -> float:
        """The value for ``seat``, exact between ``alpha`` and ``beta`` and on the right side of them elsewhere."""
        if state.is_terminal():
            return (1.0 - _LATER * (self._depth - depth)) * float(state.returns()[seat]) / self._largest
        mover = state.current_player()
        if mover == CHANCE_PLAYER:
            return sum(
                probability * self._value(self._after(state, action), seat, depth, -2.0, 2.0, seed)
                for action, probability in state.chance_outcomes()
            )
        if depth <= 0:
            return self._guess(state, seat, seed)
        value = -2.0 if mover == seat else 2.0
        for action in state.legal_actions():
            found = self._value(self._after(state, action), seat, depth - 1, alpha, beta, seed)
            if mover == seat:
                value = max(value, found)
                alpha = max(alpha, value)
            else:
                value = min(value, found)
                beta = min(beta, value)
            if alpha >= beta:
                break
        return value

    @staticmethod
    def _after(state: State, action: int) -> State:
        child = state.clone()
        child.apply(action)
        return child

    def _guess(self, state: State, seat: int, seed: int) -> float:
        if not self._rollouts:
            value = static_value(state)
            return 0.99 * (value if seat == 0 else -value)
        # The same luck for the same moves, wherever the search comes to them.
        rng = generator(seed, "rollout", *state.history)
        total = 0.0
        for _ in range(self._rollouts):
            end = state.clone()
            while not end.is_terminal():
                if end.current_player() == CHANCE_PLAYER:
                    outcomes, probabilities = zip(*end.chance_outcomes(), strict=True)
                    end.apply(int(rng.choice(outcomes, p=np.array(probabilities) / sum(probabilities))))
                else:
                    legal = end.legal_actions()
                    end.apply(legal[int(rng.integers(len(legal)))])
            total += float(end.returns()[seat])
        return 0.99 * total / self._rollouts / self._largest

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass
