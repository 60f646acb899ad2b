"""Vectorised self-play: hundreds of games in one process, their states grouped by who moves, one network call a group.

What comes out are *seat trajectories*: the decisions of one learner's seat in one game, everybody else being part of
the environment, so that one-player formulas hold in any game. Letters: ``N`` decisions of all trajectories in a row,
``G`` trajectories, ``L`` the legal actions of all decisions in a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import CHANCE_PLAYER, Game, State, Truncates
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal, row_starts
from gameil.rollout.matches import draw_chance
from gameil.rollout.opening_statistics import UNTOLD, OpeningStatistics
from gameil.rollout.seat_steps import EndedSeat, SeatSteps, gather
from gameil.rollout.trajectories import LEARNER, Trajectories
from gameil.search.tree import per_player
from gameil.seeding import generator


class LegalEvaluator(Protocol):
    """What is needed of ``models.inference.NetworkEvaluator``: a network frozen while the games last."""

    def evaluate_legal(
        self,
        observations: NDArray[np.float32],
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
        conditions: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities beside the flat legal actions ``[L]``, and values ``[B]`` for the movers."""


@dataclass(frozen=True)
class SelfPlayConfig:
    """How self-play games are begun and ended."""

    __pydantic_config__ = {"extra": "forbid"}

    games: int = 512
    """Games at once; they run until all are over."""
    opponents_drawn: int = 3
    """Most opponents that an iteration draws from the pool: each is a network call of its own, and with many of them
    calls get small (measured with 12 on connect four: half the rate of full batches). 0: the whole pool."""
    self_share: float = 0.5
    """Share of the games in which the learner holds all seats and learns from each; in the others it holds one."""
    opening_plies: int = 4
    """Up to so many uniformly random plies (not learned from) begin a game, the number drawn for each game: else a
    sharp policy would play the same few games again and again."""
    opening_share: float = 0.0
    """Share of the games that begin as one of people's games and leave it at a ply drawn uniformly, where such games
    are shown (reference-state initialisation: Peng et al., "DeepMimic", 2018)."""
    temperature: float = 1.0
    """Of the learner and its opponents: the policy that plays, and that learns, is ``softmax(logits / temperature)``.
    An imitator of people is unsure of much; played below 1 its games are decided less often by mere blunders."""
    discount: float = 1.0
    """Gamma, per decision of the seat."""
    max_plies: int = 0
    """Games are cut after so many plies, the openings included; 0: only the rules end them."""

    def __post_init__(self) -> None:
        if self.games < 1:
            raise ConfigError(f"self-play needs at least 1 game, got {self.games}")
        if self.opponents_drawn < 0:
            raise ConfigError(f"opponents_drawn must be at least 0, got {self.opponents_drawn}")
        for name in ("self_share", "opening_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} must be within 0 and 1, got {getattr(self, name)}")
        if self.opening_plies < 0 or self.max_plies < 0:
            raise ConfigError(f"plies must be at least 0, got {self.opening_plies} and {self.max_plies}")
        if self.temperature <= 0.0 or not 0.0 < self.discount <= 1.0:
            raise ConfigError(
                f"temperature must be positive and discount in (0, 1], got {self.temperature} and {self.discount}"
            )


@dataclass(slots=True, eq=False)
class _Running:
    """A game under way."""

    state: State
    rng: np.random.Generator
    opponent: int
    learner_seat: int
    seats: dict[int, SeatSteps]
    told: dict[int, int]
    """By seat: which of people's openings the learner was told."""
    plies: int = 0
    opening: int = -1


def play_self(
    game: Game,
    encoder: ObservationEncoder,
    learner: LegalEvaluator,
    opponents: Sequence[LegalEvaluator],
    config: SelfPlayConfig,
    *,
    seed: int,
    iteration: int,
    openings: Sequence[Sequence[int]] = (),
    numbers: range | None = None,
    statistics: OpeningStatistics | None = None,
) -> Trajectories:
    """Plays ``config.games`` games to their end and returns what the learner's seats went through.

    Every game has a random stream of its own, keyed by (seed, iteration, game): opponent (uniform over those that the
    iteration draws from the pool), the learner's seat, opening, chance and actions. With an empty pool the learner
    holds all seats of all games.

    Args:
        encoder: of the learner and all opponents (snapshots of one run share it).
        openings: all actions of people's games from the usual start, for ``opening_share``.
        numbers: play only these of the iteration's games, which are the same whoever plays the others; None for all.
        statistics: people's openings that the learner is told; None tells nothing.
    """
    drawn = draw_opponents(len(opponents), config.opponents_drawn, seed=seed, iteration=iteration)
    running = [
        _begin(game, drawn, config, openings, statistics, seed=seed, key=(iteration, number))
        for number in numbers or range(config.games)
    ]
    games = list(running)
    frames = 0
    limit = config.max_plies or game.max_game_length + 1
    waiting: dict[int, list[_Running]] = {}
    while True:
        for one in running:
            _play_chance(one)
            if not one.state.is_terminal() and one.plies < limit:
                who = LEARNER if one.state.current_player() in one.seats else one.opponent
                waiting.setdefault(who, []).append(one)
        if not waiting:
            break
        # The network that most games wait for; the others' games gather meanwhile, so that calls stay large.
        who = max(waiting, key=lambda each: len(waiting[each]))
        running = waiting.pop(who)
        frames += len(running)
        who_plays, told = (learner, statistics) if who == LEARNER else (opponents[who], None)
        _play_group(running, who_plays, encoder, config.temperature, told)
    return _gather(games, game, encoder, learner, config, frames)


def draw_opponents(pool: int, most: int, *, seed: int, iteration: int) -> list[int]:
    """The indices, ascending, of the opponents of one iteration: ``most`` of ``pool`` without repeats; 0 for all."""
    if most == 0 or most >= pool:
        return list(range(pool))
    return sorted(generator(seed, "opponents", iteration).choice(pool, most, replace=False).tolist())


def _begin(
    game: Game,
    opponents: Sequence[int],
    config: SelfPlayConfig,
    openings: Sequence[Sequence[int]],
    statistics: OpeningStatistics | None,
    *,
    seed: int,
    key: tuple[int, int],
) -> _Running:
    rng = generator(seed, "self-play", *key)
    alone = not opponents or rng.random() < config.self_share
    opponent = LEARNER if alone else opponents[int(rng.integers(len(opponents)))]
    learner_seat = int(rng.integers(game.num_players))
    seats = range(game.num_players) if alone else (learner_seat,)
    steps = {seat: SeatSteps() for seat in seats}
    one = _Running(game.initial_state(), rng, opponent, learner_seat, steps, dict.fromkeys(seats, UNTOLD))
    if openings and config.opening_share and rng.random() < config.opening_share:
        _follow(one, openings)
        return one
    if statistics is not None:
        for seat in seats:
            one.told[seat] = statistics.draw(seat, rng)
    plies = int(rng.integers(config.opening_plies + 1))
    while True:
        _play_chance(one)
        if one.plies >= plies or one.state.is_terminal():  # chance may end a game before anyone has moved
            return one
        legal = one.state.legal_actions()
        after = one.state.clone() if game.capabilities.clonable else one.state
        after.apply(legal[int(rng.integers(len(legal)))])
        if after.is_terminal():
            return (
                one
                if after is not one.state
                else _begin(game, opponents, config, openings, statistics, seed=seed + 1, key=key)
            )
        one.state = after
        one.plies += 1


def _follow(one: _Running, openings: Sequence[Sequence[int]]) -> None:
    """Plays a person's game up to a ply before its last."""
    one.opening = int(one.rng.integers(len(openings)))
    actions = openings[one.opening]
    for action in actions[: int(one.rng.integers(max(1, len(actions) - 1)))]:
        one.plies += one.state.current_player() != CHANCE_PLAYER
        one.state.apply(action)


def _play_chance(one: _Running) -> None:
    while one.state.current_player() == CHANCE_PLAYER:
        one.state.apply(draw_chance(one.state, one.rng))


def _play_group(
    members: Sequence[_Running],
    evaluator: LegalEvaluator,
    encoder: ObservationEncoder,
    temperature: float,
    statistics: OpeningStatistics | None,
) -> None:
    """One decision in each of these games, by one call of their common network."""
    legal_lists = [one.state.legal_actions() for one in members]
    legal, rows = flat_legal(legal_lists)
    observations = encoder.encode([one.state for one in members])
    if statistics is None:
        log_probs, values = evaluator.evaluate_legal(observations, legal, rows)
    else:
        told = np.array([one.told[one.state.current_player()] for one in members])
        log_probs, values = evaluator.evaluate_legal(observations, legal, rows, statistics.rows(told))
    if temperature != 1.0:
        log_probs = log_probs / temperature
    places, chosen_log_probs = draw_actions(log_probs, rows, np.array([one.rng.random() for one in members]))
    halves = observations.astype(np.float16)
    start = 0
    for index, (one, legal_list) in enumerate(zip(members, legal_lists, strict=True)):
        player = one.state.current_player()
        place = int(places[index]) - start
        start += len(legal_list)
        seat = one.seats.get(player)
        if seat is not None:
            seat.add(
                halves[index],
                legal_list,
                place,
                log_prob=float(chosen_log_probs[index]),
                value=float(values[index]),
                return_before=float(one.state.returns()[player]),
                moment=one.plies,
            )
        one.state.apply(legal_list[place])
        one.plies += 1


def draw_actions(
    log_probs: NDArray[np.float32], rows: NDArray[np.int64], uniforms: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draws one legal action of each state by inverting its cumulative distribution.

    Args:
        log_probs: beside the legal actions, up to a constant within each state, ``[L]``.
        rows: state of each, ascending, every state at least once, ``[L]``.
        uniforms: one number in [0, 1) a state, ``[B]``.

    Returns:
        The places ``[B]`` of the drawn actions among the flat legal ones, and their normalised log-probabilities.
    """
    starts = row_starts(rows)
    shifted = log_probs.astype(np.float64) - np.maximum.reduceat(log_probs, starts)[rows]
    probs = np.exp(shifted)
    totals = np.add.reduceat(probs, starts)
    cumulative = np.cumsum(probs)
    before = cumulative[starts] - probs[starts]
    places = np.searchsorted(cumulative, before + uniforms * totals, side="right")
    ends = np.append(starts[1:], len(rows))
    places = np.clip(places, starts, ends - 1)
    return places, (shifted[places] - np.log(totals)).astype(np.float32)


def _gather(
    games: Sequence[_Running],
    game: Game,
    encoder: ObservationEncoder,
    learner: LegalEvaluator,
    config: SelfPlayConfig,
    frames: int,
) -> Trajectories:
    truncated = [one for one in games if not one.state.is_terminal()]
    last_values = dict(zip(map(id, truncated), _values_by_seat(truncated, game, encoder, learner), strict=True))
    stopped = _values_of_stopped(games, game, encoder, learner)
    ended = []
    for one in games:
        returns = one.state.returns()
        for seat, steps in one.seats.items():
            if not steps.places:
                continue
            bootstrap = stopped.get((id(one), seat))
            if bootstrap is None and not one.state.is_terminal():
                bootstrap = float(last_values[id(one)][seat])
            ended.append(
                EndedSeat(
                    steps,
                    plies=steps.moments,
                    final_return=float(returns[seat]),
                    bootstrap=bootstrap,
                    seat=seat,
                    opponent=one.opponent,
                    opening=one.opening,
                    told=one.told[seat],
                )
            )
    return gather(ended, game, encoder.shape, discount=config.discount, temperature=config.temperature, frames=frames)


def _values_of_stopped(
    games: Sequence[_Running], game: Game, encoder: ObservationEncoder, learner: LegalEvaluator
) -> dict[tuple[int, int], float]:
    """The learner's values of what its seats saw last, where a limit of the environment's own ended the game: by game
    and seat. Such games have no board and no legal actions left, so all actions stand for them."""
    cut = [
        (one, seat)
        for one in games
        if isinstance(one.state, Truncates)
        for seat, steps in one.seats.items()
        if steps.places and one.state.truncated(seat)
    ]
    if not cut:
        return {}
    last = np.empty((len(cut), *encoder.shape), np.float32)
    for place, (one, seat) in enumerate(cut):
        one.state.write_observation(last[place], seat)
    rows = np.repeat(np.arange(len(cut)), game.num_actions)
    _, values = learner.evaluate_legal(last, np.tile(np.arange(game.num_actions), len(cut)), rows)
    return {(id(one), seat): float(value) for (one, seat), value in zip(cut, values, strict=True)}


def _values_by_seat(
    truncated: Sequence[_Running], game: Game, encoder: ObservationEncoder, learner: LegalEvaluator
) -> NDArray[np.float32]:
    """The learner's values of games that were cut, per player ``[len(truncated), P]``."""
    if not truncated:
        return np.zeros((0, game.num_players), np.float32)
    states = [one.state for one in truncated]
    legal, rows = flat_legal([state.legal_actions() for state in states])
    _, values = learner.evaluate_legal(encoder.encode(states), legal, rows)
    movers = np.array([state.current_player() for state in states], np.int32)
    return per_player(values, movers, game.num_players)
