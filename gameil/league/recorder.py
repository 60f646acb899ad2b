"""A network that plays seats of a league game and remembers what they went through, for its learner.

Letters: ``B`` requests, ``N`` decisions, ``G`` seat trajectories, ``L`` legal actions of all decisions in a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Decisions, Request
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal
from gameil.rollout.matches import MatchResult
from gameil.rollout.self_play import LegalEvaluator, draw_actions
from gameil.rollout.trajectories import Trajectories
from gameil.search.tree import per_player, return_scale


@dataclass(slots=True, eq=False)
class _Seat:
    """What one seat of one game went through."""

    observations: list[NDArray[np.float16]] = field(default_factory=list)
    legal: list[list[int]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    returns_before: list[float] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    """Length of the history before each decision, chance included."""


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
        self._seats: dict[tuple[int, int], _Seat] = {}

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
            starts = np.flatnonzero(np.diff(rows, prepend=-1))
            halves = observations.astype(np.float16)
            for index, request in enumerate(requests):
                seat = self._seats.setdefault((request.game, request.seat), _Seat())
                seat.observations.append(halves[index])
                seat.legal.append(list(legal_lists[index]))
                seat.places.append(int(places[index] - starts[index]))
                seat.log_probs.append(float(chosen[index]))
                seat.values.append(float(values[index]))
                seat.returns_before.append(float(request.state.returns()[request.seat]))
                seat.depths.append(len(request.state.history))
        return Decisions(legal[places], chosen, values=values)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass

    def trajectories(self, game: Game, results: Sequence[MatchResult], *, discount: float) -> Trajectories | None:
        """All that was remembered of these games, by match and seat; None where that is nothing.

        Games that somebody failed in are left out. ``opponents`` is 0 where others held a seat.
        """
        scale, players = return_scale(game), game.num_players
        kept: list[tuple[_Seat, float, bool, float, MatchResult, int]] = []
        plies: list[NDArray[np.int32]] = []
        for result in sorted(results, key=lambda each: each.pairing.match):
            mine = [seat for seat in range(players) if (result.pairing.match, seat) in self._seats]
            if result.failure is not None or not mine:
                continue
            returns, values = np.asarray(result.returns), np.zeros(players, np.float32)
            counts = None
            if result.truncated or game.capabilities.stochastic:
                state, counts = _replayed(game, result)
                if result.truncated:
                    returns, values = state.returns(), self._values(state)
            for seat in mine:
                steps = self._seats[result.pairing.match, seat]
                depths = np.array(steps.depths, np.int64)
                plies.append((depths if counts is None else counts[depths]).astype(np.int32))
                kept.append((steps, float(returns[seat]), result.truncated, float(values[seat]), result, seat))
        if not kept:
            return None
        starts = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(each[0].places) for each in kept], out=starts[1:])
        size = int(starts[-1])
        legal, rows = flat_legal([legal for each in kept for legal in each[0].legal])
        offsets = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=size), out=offsets[1:])
        places = np.array([place for each in kept for place in each[0].places], np.int64) + offsets[:-1]
        discounts = np.full(size, discount, np.float32)
        discounts[[end - 1 for end, each in zip(starts[1:], kept, strict=True) if not each[2]]] = 0.0
        return Trajectories(
            observations=np.array([each for one in kept for each in one[0].observations], np.float16),
            legal=legal,
            offsets=offsets,
            actions=legal[places],
            action_places=places,
            behaviour_log_probs=np.array([x for one in kept for x in one[0].log_probs], np.float32),
            values=np.array([x for one in kept for x in one[0].values], np.float32),
            rewards=np.concatenate([np.diff([*one[0].returns_before, one[1]]) for one in kept]).astype(np.float32)
            / np.float32(scale),
            discounts=discounts,
            starts=starts,
            bootstrap_values=np.array([one[3] for one in kept], np.float32),
            outcomes=np.array([one[1] / scale for one in kept], np.float32),
            opponents=np.array([-1 if _alone(one[4]) else 0 for one in kept], np.int64),
            seats=np.array([one[5] for one in kept], np.int64),
            plies=np.concatenate(plies),
            openings=np.full(len(kept), -1, np.int64),
            told=np.full(len(kept), -1, np.int64),
            frames=sum(sum(result.moves.values()) for result in results),
            temperature=self._temperature,
        )

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
