"""What a league's workers do: games between two players, named by snapshot hash or spec; stateless.

A worker keeps the networks that it used last; memory does not grow with the league. torch is imported with the first
network, so that a process has set its number of threads before.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from gameil.agents.agent import Agent
from gameil.agents.levels import Renamed
from gameil.agents.spec import build_agent
from gameil.errors import CheckpointError
from gameil.games.game import CHANCE_PLAYER, Game
from gameil.games.registry import make_game
from gameil.league.game_line import PREFIX, GameLine, played_game
from gameil.league.recorder import SeatRecorder
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, record_format
from gameil.rollout.end_rules import EndConfig
from gameil.rollout.matches import MatchResult, Pairing, draw_chance, play_matches
from gameil.rollout.self_play import LegalEvaluator
from gameil.rollout.trajectories import Trajectories
from gameil.rollout.workers import Job, JobFunction
from gameil.seeding import generator

WEIGHTS = "model.safetensors"
MOST_AGENTS = 4
"""Agents other than networks (engines hold processes) kept by a worker."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who plays: a network by the hash of its weights, or any agent by its spec."""

    name: str
    snapshot_hash: str = ""
    spec: str = ""
    """Of ``snapshot:`` only the options count where there is a hash: the path may be another on each machine."""


@dataclass(frozen=True, slots=True)
class MatchTask:
    """Games of ``home`` against ``away``, which may be the same: then one network holds all seats."""

    game: str
    home: Entrant
    away: Entrant
    learns: bool
    """What ``home`` went through is wanted."""
    games: int
    seed: int
    opening_plies: int
    temperature: float
    discount: float
    max_plies: int


@dataclass(frozen=True, slots=True)
class MatchOutcome:
    """What a job brought."""

    games: tuple[GameLine, ...]
    trajectories: Trajectories | None
    records: str = ""
    """The games as text in the game's format (PGN, SGF, JSON lines ...)."""


class RecentlyUsed(Generic[Value]):
    """The ``most`` values used last."""

    def __init__(self, most: int, leaving: Callable[[Value], None] = lambda value: None) -> None:
        self._most = most
        self._leaving = leaving
        self._values: OrderedDict[str, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value of ``key``, made where it is not there; the least recently used one leaves when there are too
        many."""
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > self._most:
                self._leaving(self._values.popitem(last=False)[1])
        self._values.move_to_end(key)
        return self._values[key]


def snapshot_hash(path: Path) -> str:
    """Hash of a snapshot directory's weights."""
    with (path / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def start_league_worker(cached_networks: int) -> JobFunction:
    """The function that does ``MatchTask`` jobs, with its caches."""
    networks: RecentlyUsed[tuple[ObservationEncoder, LegalEvaluator]] = RecentlyUsed(cached_networks)
    agents: RecentlyUsed[Agent] = RecentlyUsed(MOST_AGENTS, lambda agent: agent.close())

    def entrant(who: Entrant, task: MatchTask, game: Game, paths: Mapping[str, Path], *, records: bool) -> Agent:
        if who.snapshot_hash and not who.spec:
            encoder, evaluator = networks.get(
                who.snapshot_hash, lambda: _network(game, who.snapshot_hash, paths[who.snapshot_hash])
            )
            return SeatRecorder(who.name, encoder, evaluator, temperature=task.temperature, records=records)
        spec = who.spec
        if who.snapshot_hash:
            _, *options = spec.split(",")
            spec = ",".join([f"snapshot:{_checked(paths[who.snapshot_hash], who.snapshot_hash)}", *options])
        return Renamed(who.name, agents.get(spec, lambda: build_agent(spec, game, seed=task.seed)))

    def play(job: Job, paths: Mapping[str, Path]) -> MatchOutcome:
        task: MatchTask = job.payload
        game = make_game(task.game)
        home = entrant(task.home, task, game, paths, records=task.learns)
        away = home if task.away == task.home else entrant(task.away, task, game, paths, records=False)
        results = list(
            play_matches(
                game,
                [_pairing(task, game, number, home, away) for number in range(task.games)],
                seed=task.seed,
                concurrency=task.games,
                max_plies=task.max_plies or None,
                match_prefix=PREFIX,
                ends=EndConfig(record_failures=True),
            )
        )
        lines = tuple(_line(result) for result in sorted(results, key=lambda each: each.pairing.match))
        trajectories = None
        if task.learns and isinstance(home, SeatRecorder):
            trajectories = home.trajectories(game, results, discount=task.discount)
        return MatchOutcome(lines, trajectories, record_text(lines, game, job.id, task.home.name, task.away.name))

    return play


def record_text(lines: Sequence[GameLine], game: Game, job: str, home: str, away: str) -> str:
    """The games of a job in the game's own format."""
    format = record_format(game.name)
    return "".join(
        format_record(to_record(played_game(line, game, job=job, number=number, home=home, away=away)), format)
        for number, line in enumerate(lines)
    )


def home_seat(match: int, players: int) -> int:
    """Seats by turns, so that a group of ``players`` games sees every seat."""
    return match % players


def _network(game: Game, wanted: str, path: Path) -> tuple[ObservationEncoder, LegalEvaluator]:
    from gameil.checkpoints.snapshot import load_snapshot

    snapshot = load_snapshot(_checked(path, wanted), game=game.id)
    return snapshot.encoder, snapshot.evaluator()


def _checked(path: Path, wanted: str) -> Path:
    """Raises ``CheckpointError`` where the weights are no longer those that were named."""
    found = snapshot_hash(path)
    if found != wanted:
        raise CheckpointError(f"{path / WEIGHTS}: its hash is {found}, the league knows it as {wanted}")
    return path


def _pairing(task: MatchTask, game: Game, number: int, home: Agent, away: Agent) -> Pairing:
    players = game.num_players
    seat, group = home_seat(number, players), number // players
    seats = tuple(home if place == seat else away for place in range(players))
    return Pairing(number, seats, _opening(game, task, group), chance=group)


def _opening(game: Game, task: MatchTask, group: int) -> tuple[int, ...]:
    """Random actions that the games of a group begin with; they never end the game, and chance has its own draws."""
    state = game.initial_state()
    if state.current_player() == CHANCE_PLAYER or not task.opening_plies:
        return ()  # cards and dice make starts differ by themselves
    rng = generator(task.seed, "league-opening", group)
    actions: list[int] = []
    for _ in range(int(rng.integers(task.opening_plies + 1))):
        while state.current_player() == CHANCE_PLAYER:
            actions.append(draw_chance(state, rng))
            state.apply(actions[-1])
        legal = state.legal_actions()
        action = legal[int(rng.integers(len(legal)))]
        state.apply(action)
        if state.is_terminal():
            break
        actions.append(action)
    return tuple(actions)


def _line(result: MatchResult) -> GameLine:
    return GameLine(
        home_seat(result.pairing.match, len(result.pairing.seats)),
        tuple(float(value) for value in np.asarray(result.returns)),
        tuple(result.played.actions.tolist()),
        len(result.pairing.opening),
        result.ending,
    )
