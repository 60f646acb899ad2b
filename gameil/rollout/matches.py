"""Many games between agents at once in one process: the states of all games are grouped by agent, one call a group.

Every decision draws from a generator keyed by (seed, match, ply): a game does not depend on what runs beside it.
"""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent, Request
from gameil.errors import AgentError, IllegalActionError
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.positions.played_game import MATCH_TAG, OPENING_TAG, PlayedGame
from gameil.records.record import PlayerInfo, Provenance, Termination
from gameil.rollout.end_rules import BY_RULES, EndConfig, Ending, Failure, StatedValues, failure_of, too_slow
from gameil.seeding import generator

SOURCE = "gameil:arena"
"""Provenance of games played here; the offset is the match number."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One game to be played."""

    match: int
    """Number of the game, unique within a call and at most 2⁶³ - 1: its key for random draws and its handle."""
    seats: tuple[Agent, ...]
    """``[P]``: the agent of each player; one agent may hold several seats."""
    opening: tuple[int, ...] = ()
    """Actions (chance outcomes included) played before any agent is asked."""
    chance: int | None = None
    """Games with an equal key see equal dice and cards at equal plies; None: the match number."""


@dataclass(frozen=True, slots=True)
class MatchResult:
    """A game that was played."""

    pairing: Pairing
    returns: tuple[float, ...]
    """Per player; where ``truncated`` or failed, the game has no result and these are all 0 (the former a draw in
    scores)."""
    played: PlayedGame
    truncated: bool
    """Stopped at the limit on plies, neither by the rules nor by an agent."""
    moves: dict[str, int]
    """Decisions that each agent took, by its name (opening and chance left out)."""
    seconds: dict[str, float]
    """Time spent in each agent for this game, by its name; a call for many games is shared equally among them."""
    ending: Ending = "rules"
    failure: Failure | None = None
    """What went wrong; such a game has no result: ``returns`` are all 0 and count for nobody."""


@dataclass(slots=True)
class _Running:
    pairing: Pairing
    state: State
    actions: list[int]
    moves: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stated: StatedValues = field(default_factory=StatedValues)
    seen: list[NDArray[np.float16]] = field(default_factory=list)
    """What was seen before each decision, in a game that actions cannot replay."""
    ending: Ending | None = None
    failure: Failure | None = None


_TERMINATIONS: dict[Ending, Termination] = {"rules": "rules", "resignation": "resignation", "agreed": "agreed"}
FAILURE_TAG = "FAILURE"
"""Tag of the record of a game that an agent failed in: the seat and what happened."""


def play_matches(
    game: Game,
    pairings: Iterable[Pairing],
    *,
    seed: int,
    concurrency: int = 64,
    max_plies: int | None = None,
    match_prefix: str = "arena",
    on_result: Callable[[MatchResult], None] | None = None,
    ends: EndConfig = BY_RULES,
) -> Generator[MatchResult, None, None]:
    """Plays all pairings, at most ``concurrency`` at once, and yields each game when it is over (not in order).

    Args:
        game: the rules; every game begins at its initial state.
        pairings: read as games begin, so it may be endless.
        seed: root of all random draws.
        max_plies: games longer than this are cut; None: only the rules end a game.
        match_prefix: what generated games are keyed by: their ``match_id`` is ``prefix/seed/match``.
        on_result: told of each game just before it is yielded.
        ends: how games end besides by the rules; resignation and agreement are for two players.

    Raises:
        AgentError: an agent failed, or chose an action that is not legal, and ``ends`` does not record failures.
    """
    waiting = iter(pairings)
    running: list[_Running] = []
    exhausted = False
    try:
        while True:
            while not exhausted and len(running) < concurrency:
                pairing = next(waiting, None)
                if pairing is None:
                    exhausted = True
                else:
                    running.append(_start(game, pairing))
            if not running:
                return
            still: list[_Running] = []
            for one in running:
                _play_chance(one, seed)
                if one.ending is None and one.state.is_terminal():
                    one.ending = "rules"
                if one.ending is None and max_plies is not None and len(one.actions) >= max_plies:
                    one.ending = "limit"
                if one.ending is not None:
                    _end(one.pairing)
                    result = _result(one, seed, match_prefix)
                    if on_result is not None:
                        on_result(result)
                    yield result
                else:
                    still.append(one)
            running = still
            _play_ply(running, seed, ends)
    finally:
        for one in running:
            _end(one.pairing)


def _agents(pairing: Pairing) -> Sequence[Agent]:
    return list({id(agent): agent for agent in pairing.seats}.values())


def _start(game: Game, pairing: Pairing) -> _Running:
    if len(pairing.seats) != game.num_players:
        raise AgentError(f"{game.id} has {game.num_players} players, got {len(pairing.seats)} agents")
    for agent in _agents(pairing):
        agent.begin([pairing.match])
    state = game.initial_state()
    for action in pairing.opening:
        state.apply(action)
    return _Running(pairing, state, list(pairing.opening))


def _end(pairing: Pairing) -> None:
    for agent in _agents(pairing):
        agent.end([pairing.match])


def _play_chance(one: _Running, seed: int) -> None:
    while one.state.current_player() == CHANCE_PLAYER:
        key = one.pairing.match if one.pairing.chance is None else one.pairing.chance
        action = draw_chance(one.state, generator(seed, "chance", key, "ply", len(one.actions)))
        one.state.apply(action)
        one.actions.append(action)


def draw_chance(state: State, rng: np.random.Generator) -> int:
    """A chance outcome of a chance node, drawn by its probability."""
    actions, probs = zip(*state.chance_outcomes(), strict=True)
    cumulative = np.cumsum(probs)
    place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return int(actions[min(place, len(actions) - 1)])


def _play_ply(running: Sequence[_Running], seed: int, ends: EndConfig) -> None:
    """One decision in every running game: one ``act`` call for each agent."""
    groups: dict[int, tuple[Agent, list[_Running]]] = {}
    for one in running:
        agent = one.pairing.seats[one.state.current_player()]
        groups.setdefault(id(agent), (agent, []))[1].append(one)
    for agent, members in groups.values():
        try:
            _ask(agent, members, seed, ends)
        except AgentError as error:
            if not ends.record_failures:
                raise
            # One bad game must not take the others with it: each is asked about by itself.
            for one in members if len(members) > 1 else ():
                try:
                    _ask(agent, [one], seed, ends)
                except AgentError as own_error:
                    _fail(one, failure_of(own_error, one.state.current_player()))
            if len(members) == 1:
                _fail(members[0], failure_of(error, members[0].state.current_player()))


def _ask(agent: Agent, members: Sequence[_Running], seed: int, ends: EndConfig) -> None:
    """Asks for one decision of each game, then applies them; raises before anything is applied if the agent fails."""
    requests = [
        Request(
            one.pairing.match,
            one.state.current_player(),
            one.state,
            generator(seed, "match", one.pairing.match, "ply", len(one.actions)),
        )
        for one in members
    ]
    before = time.perf_counter()
    decisions = agent.act(requests)
    share = (time.perf_counter() - before) / len(members)
    if len(decisions.actions) != len(members):
        raise AgentError(f"agent {agent.name!r} gave {len(decisions.actions)} actions for {len(members)} requests")
    for row, (one, action) in enumerate(zip(members, decisions.actions.tolist(), strict=True)):
        seat = one.state.current_player()
        one.seconds[agent.name] = one.seconds.get(agent.name, 0.0) + share
        slow = too_slow(ends, seat, agent.name, share, one.seconds[agent.name])
        if slow is not None:
            if not ends.record_failures:
                raise AgentError(slow.reason)
            _fail(one, slow)
            continue
        if len(one.pairing.seats) == 2:
            value = None if decisions.values is None else float(decisions.values[row])
            one.ending = one.stated.ending(ends, seat, value, len(one.actions))
            if one.ending is not None:
                continue
        if not one.state.game.capabilities.replayable:
            shown = np.empty(one.state.game.observation_shape, np.float32)
            one.state.write_observation(shown)
            one.seen.append(shown.astype(np.float16))
        try:
            one.state.apply(action)
        except IllegalActionError as error:
            reason = f"agent {agent.name!r} chose an illegal action: {error}"
            if not ends.record_failures:
                raise AgentError(reason) from error
            _fail(one, Failure(seat, "illegal", reason))
            continue
        one.actions.append(action)
        one.moves[agent.name] = one.moves.get(agent.name, 0) + 1


def _fail(one: _Running, failure: Failure) -> None:
    one.ending, one.failure = "failure", failure


def _result(one: _Running, seed: int, match_prefix: str) -> MatchResult:
    assert one.ending is not None
    returns = (0.0,) * len(one.pairing.seats)
    if one.ending == "rules":
        returns = tuple(one.state.returns().tolist())
    elif one.ending == "resignation":
        low, high = one.state.game.reward_range
        loser = one.state.current_player()
        returns = tuple(low if seat == loser else high for seat in range(2))
    return finished(
        one.state.game,
        one.pairing,
        one.actions,
        returns=returns,
        truncated=one.ending == "limit",
        moves=one.moves,
        seconds=one.seconds,
        match_id=f"{match_prefix}/{seed}/{one.pairing.match}",
        ending=one.ending,
        failure=one.failure,
        seen=one.seen,
    )


def finished(
    game: Game,
    pairing: Pairing,
    actions: Sequence[int],
    *,
    returns: tuple[float, ...],
    truncated: bool,
    moves: dict[str, int],
    seconds: dict[str, float],
    match_id: str,
    ending: Ending = "rules",
    failure: Failure | None = None,
    seen: Sequence[NDArray[np.float16]] = (),
) -> MatchResult:
    """The result of a game that is over; its record says by a tag how many of its first plies were random.

    Args:
        returns: per player in the game's own unit; the played game's are brought into [-1, 1].
        seen: what was seen before each decision of a game that actions cannot replay: its record has the decisions
            alone, for nothing can be replayed from a seed.
    """
    if not game.capabilities.replayable:
        actions = actions[len(actions) - len(seen) :]
    if truncated:
        ending = "limit"
    tags = {MATCH_TAG: match_id, OPENING_TAG: str(len(pairing.opening))}
    if failure is not None:
        tags[FAILURE_TAG] = f"seat {failure.seat}, {failure.kind}: {failure.reason}"
    largest = max(1.0, *(abs(bound) for bound in game.reward_range))
    played = PlayedGame(
        game_id=game.id,
        actions=np.array(actions, np.uint32),
        source=Provenance(SOURCE, pairing.match),
        num_setup=min(len(actions), len(pairing.opening)) if game.capabilities.replayable else 0,
        returns=None if ending in ("limit", "failure") else tuple(value / largest for value in returns),
        termination=_TERMINATIONS.get(ending, "unknown"),
        players=tuple(PlayerInfo(agent.name) for agent in pairing.seats),
        event="gameil arena",
        tags=tags,
        match_id=match_id,
        observations=np.stack(seen) if len(seen) else None,
    )
    return MatchResult(pairing, returns, played, truncated, moves, seconds, ending, failure)
