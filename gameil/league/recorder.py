"""A network that plays seats of a league game and remembers what they went through, for its learner."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Decisions, Request
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal, row_starts
from gameil.rollout.matches import MatchResult
from gameil.rollout.seat_steps import EndedSeat, SeatSteps, gather
from gameil.rollout.self_play import LegalEvaluator, draw_actions
from gameil.rollout.trajectories import LEARNER, Trajectories
from gameil.search.tree import per_player


class SeatRecorder:
    """An agent that draws from ``softmax(logits / temperature)``; it may hold several seats of a game."""

    def __init__(
        self, name: str, encoder: ObservationEncoder, evaluator: LegalEvaluator, *, temperature: float, records: bool
    ) -> None:
        """``records``: off for an opponent, of which nothing is remembered."""
        self.name = name
        self._encoder = encoder
        self._evaluator = evaluator
        self._temperature = temperature
        self._records = records
        self._seats: dict[tuple[int, int], SeatSteps] = {}
        """By match and seat; the moments are lengths of the history, chance included."""

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        legal_lists = [request.state.legal_actions() for request in requests]
        legal, rows = flat_legal(legal_lists)
        observations = self._encoder.encode([request.state for request in requests])
        log_probs, values = self._evaluator.evaluate_legal(observations, legal, rows)
        log_probs = log_probs / self._temperature
        uniforms = np.array([request.rng.random() for request in requests])
        places, chosen = draw_actions(log_probs, rows, uniforms)
        if self._records:
            starts = row_starts(rows)
            halves = observations.astype(np.float16)
            for index, request in enumerate(requests):
                self._seats.setdefault((request.game, request.seat), SeatSteps()).add(
                    halves[index],
                    list(legal_lists[index]),
                    int(places[index] - starts[index]),
                    log_prob=float(chosen[index]),
                    value=float(values[index]),
                    return_before=float(request.state.returns()[request.seat]),
                    moment=len(request.state.history),
                )
        return Decisions(legal[places], chosen, values=values)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass

    def trajectories(self, game: Game, results: Sequence[MatchResult], *, discount: float) -> Trajectories | None:
        """All that was remembered of these games, by match and seat; None where that is nothing.

        Games that somebody failed in are left out. ``opponents`` is 0 where others held a seat.
        """
        ended = []
        for result in sorted(results, key=lambda each: each.pairing.match):
            mine = [seat for seat in range(game.num_players) if (result.pairing.match, seat) in self._seats]
            if result.failure is not None or not mine:
                continue
            returns, values, counts = np.asarray(result.returns), None, None
            if result.truncated or game.capabilities.stochastic:
                state, counts = _replayed(game, result)
                if result.truncated:
                    returns, values = state.returns(), self._values(state)
            for seat in mine:
                steps = self._seats[result.pairing.match, seat]
                ended.append(
                    EndedSeat(
                        steps,
                        plies=steps.moments if counts is None else counts[steps.moments].astype(np.int32),
                        final_return=float(returns[seat]),
                        bootstrap=None if values is None else float(values[seat]),
                        seat=seat,
                        opponent=LEARNER if _alone(result) else 0,
                    )
                )
        if not ended:
            return None
        frames = sum(sum(result.moves.values()) for result in results)
        return gather(ended, game, self._encoder.shape, discount=discount, temperature=self._temperature, frames=frames)

    def _values(self, state: State) -> NDArray[np.float32]:
        """What the network expects of a game that was cut, per player ``[P]``."""
        legal, rows = flat_legal([state.legal_actions()])
        _, values = self._evaluator.evaluate_legal(self._encoder.encode([state]), legal, rows)
        found = per_player(values, np.array([state.current_player()], np.int32), state.game.num_players)
        values_of_players: NDArray[np.float32] = found[0]
        return values_of_players


def _alone(result: MatchResult) -> bool:
    """One agent held all seats."""
    return len({id(agent) for agent in result.pairing.seats}) == 1


def _replayed(game: Game, result: MatchResult) -> tuple[State, NDArray[np.int64]]:
    """The last state of a game, and how many actions that were no chance's came before each point of its history."""
    state, counts = game.initial_state(), [0]
    for action in result.played.actions.tolist():
        counts.append(counts[-1] + (state.current_player() != CHANCE_PLAYER))
        state.apply(action)
    return state, np.array(counts, np.int64)
