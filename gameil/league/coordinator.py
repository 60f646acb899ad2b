"""The league at work: draws opponents, hands out jobs, lets each player learn in its turn, makes copies, counts.

Learning players take turns. The jobs of a player's next turn are drawn when its last one is counted, and played while
the others learn: with ``n`` learners, ``n - 1`` turns are under way while one learns. A turn is counted when all its
jobs are back, in the order of the jobs; so the same seed gives the same league, whoever plays the games and however
often they are played again.
"""

import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from gameil.errors import AgentError, GameilError
from gameil.games.registry import make_game
from gameil.league.config import LeagueConfig
from gameil.league.learning import BuildLearner, PlayerLearner
from gameil.league.match_jobs import Entrant, MatchOutcome, MatchTask, record_text, snapshot_hash
from gameil.league.matchmaking import draw_opponent, is_due, least_met, starts_anew
from gameil.league.payoff import Payoff
from gameil.league.players import LeaguePlayer, Roster
from gameil.league.population import START, first_players
from gameil.league.reading import count_line, count_results
from gameil.league.results_log import RESULTS, ResultLine, append_results
from gameil.league.state import (
    LIVE,
    LeagueState,
    LearnerState,
    append_players,
    append_text,
    cut_players,
    cut_records,
    read_players,
    read_state,
    remove_live,
    write_state,
)
from gameil.records.formats import record_extension
from gameil.rollout.trajectories import join_trajectories
from gameil.rollout.workers import Job, JobFailure, JobResult, Workers
from gameil.seeding import generator, stream_seed
from gameil.tracking.log import cut_torn_line

MOST_ATTEMPTS = 20
"""Times that one job may be lost before the league stops: what kills every worker is no accident."""
TURNS_A_FILE = 1000
"""Turns whose games share a file of records."""
WAIT_SECONDS = 0.5


class Teller(Protocol):
    """What the league tells of itself; ``tracking.run.Run`` fulfils it."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...

    def say(self, line: str) -> None: ...


class League:
    """One league in its directory. Used by one thread; the workers are the caller's."""

    def __init__(
        self,
        config: LeagueConfig,
        directory: Path,
        workers: Workers,
        build: BuildLearner,
        save_start: Callable[[Path], None],
        *,
        run: Teller,
    ) -> None:
        """Begins a league, or goes on with the one that is there.

        Args:
            build: makes the learner of each learning player.
            save_start: writes the snapshot that everybody starts from.

        Raises:
            CheckpointError: what is there is damaged.
        """
        self.config = config
        self.directory = directory
        self.game = make_game(config.game)
        self.roster = Roster()
        self.payoff = Payoff(decay=config.matchmaking.decay, min_games=config.matchmaking.min_games)
        self._workers = workers
        self._run = run
        self._began = time.monotonic()
        self._arrived: dict[str, MatchOutcome] = {}
        self._unsubmitted: deque[str] = deque()
        self._attempts: dict[str, int] = {}
        self._kept: set[str] = set()
        """Hashes of weights that never leave."""
        self.state = read_state(directory) or self._found(save_start)
        self._seconds_before = self.state.seconds
        self._written = self._rebuild()
        learning = [self.roster[number].name for number in self.roster.learning()]
        self.learners: dict[str, PlayerLearner] = {name: build(name) for name in learning}
        for name, each in self.state.learners.items():
            self.learners[name].restore(each.turns, directory / each.start, each.restarts)
        for turn in range(self.state.turn, self.state.turn + len(learning)):
            if turn in self.state.pending:
                self._unsubmitted += self.state.pending[turn]
            else:
                self._draw(turn)
        write_state(directory, self.state)

    @property
    def seconds(self) -> float:
        """Time at work, that before a resume included."""
        return self._seconds_before + time.monotonic() - self._began

    def player_of(self, turn: int) -> str:
        """Whose turn it is."""
        names = list(self.state.learners)
        return names[turn % len(names)]

    def run_turn(self) -> Mapping[str, float]:
        """Waits for the jobs of the next turn, learns from them and counts them. Returns metrics.

        Raises:
            AgentError: no worker is alive, or a job is lost again and again.
            GameilError: what a job raised.
            KeyboardInterrupt: while waiting; nothing is lost.
        """
        turn = self.state.turn
        name = self.player_of(turn)
        jobs = self.state.pending[turn]
        began = time.monotonic()
        self._wait_for(list(jobs))
        waited = time.monotonic()
        lines = [self._line(turn, job, task) for job, task in jobs.items()]
        new = [line for line in lines if line.job not in self._written]
        append_results(self.directory / RESULTS, new)
        texts = [self._record_text(line) for line in lines]
        for line in lines:
            count_line(line, self.game, self.config, self.roster, self.payoff)
        metrics = self._learn(name, [self._arrived[job] for job, task in jobs.items() if task.learns])
        learned = time.monotonic()
        self._copy_if_due(name, turn)
        for job in jobs:
            del self._arrived[job]
            self._attempts.pop(job, None)
            self._written.pop(job, None)
        del self.state.pending[turn]
        file = f"records/turns-{turn // TURNS_A_FILE * TURNS_A_FILE:06d}{record_extension(self.game.name)}"
        self.state.records = (file, append_text(self.directory / file, "".join(texts)))
        self.state.turn += 1
        self.state.games += sum(len(line.games) for line in lines)
        self._save_live(name)
        self._draw(turn + len(self.state.learners))
        self.state.seconds = self.seconds
        write_state(self.directory, self.state)
        self._tidy()
        return {
            **metrics,
            "league/players": float(len(self.roster)),
            "league/games": float(self.state.games),
            "time/waited_seconds": waited - began,
            "time/learned_seconds": learned - waited,
        }

    # Beginning, and going on.

    def _found(self, save_start: Callable[[Path], None]) -> LeagueState:
        """A new league: the start's weights and the first players."""
        save_start(self.directory / START)
        players = first_players(self.config, snapshot_hash(self.directory / START))
        cut_players(self.directory, 0)
        append_players(self.directory, players)
        state = LeagueState(players=len(players))
        for player in players:
            if player.learns:
                copies = sum(each.origin == player.name for each in players)
                state.learners[player.name] = LearnerState(
                    player.snapshot_hash, START, copies=copies, start=START, parent="start"
                )
        return state

    def _rebuild(self) -> dict[str, ResultLine]:
        """Players and payoffs from the files. Returns what was written of turns that do not count yet, by job."""
        cut_torn_line(self.directory / RESULTS)
        cut_players(self.directory, self.state.players)
        cut_records(self.directory, self.state.records)
        for path in (self.directory / LIVE).glob("*"):
            self._workers.broadcast(path.name, path)
        for player in read_players(self.directory, self.state.players):
            self._join(player)
        return count_results(self.directory, self.config, self.state, self.roster, self.payoff)

    def _join(self, player: LeaguePlayer) -> None:
        self.roster.add(player)
        self.payoff.add_player(learns=player.learns)
        if player.snapshot_hash:
            self._kept.add(player.snapshot_hash)
            self._workers.broadcast(player.snapshot_hash, self.directory / player.path)

    # One turn.

    def _draw(self, turn: int) -> None:
        """Draws the jobs of a turn by what is known now, and puts them in line."""
        play, seed = self.config.play, self.config.seed
        name = self.player_of(turn)
        home = self.roster.number(name)
        jobs: dict[str, MatchTask] = {}

        def task(first: Entrant, second: Entrant, job: str, *, games: int, learns: bool) -> None:
            jobs[job] = MatchTask(
                game=self.game.id,
                home=first,
                away=second,
                learns=learns,
                games=games,
                seed=stream_seed(seed, "league", job),
                opening_plies=play.opening_plies,
                temperature=play.temperature,
                discount=play.discount,
                max_plies=play.max_plies,
            )

        for number in range(play.jobs):
            job = f"{turn:06d}-{number:02d}"
            rng = generator(seed, "matchmaking", job)
            other = draw_opponent(home, self.roster, self.payoff, self.config.matchmaking, rng)
            task(self._entrant(home), self._entrant(other), job, games=play.games, learns=True)
        if play.evaluation_games:
            job = f"{turn:06d}-measure"
            pair = least_met(self.roster, self.payoff, generator(seed, "matchmaking", job))
            if pair is not None:
                first, second = map(self._entrant, pair)
                task(first, second, job, games=play.evaluation_games, learns=False)
        self.state.pending[turn] = jobs
        self._unsubmitted += jobs

    def _entrant(self, number: int) -> Entrant:
        player = self.roster[number]
        live = self.state.learners[player.name].live_hash if player.learns else player.snapshot_hash
        return Entrant(player.name, live, player.spec)

    def _wait_for(self, jobs: list[str]) -> None:
        """Hands out jobs, no more than the workers can take, until these are back."""
        tasks = {job: task for jobs_of in self.state.pending.values() for job, task in jobs_of.items()}
        while any(job not in self._arrived for job in jobs):
            while self._unsubmitted and self._workers.free:
                name = self._unsubmitted.popleft()
                task = tasks[name]
                needed = tuple(dict.fromkeys(who.snapshot_hash for who in (task.home, task.away) if who.snapshot_hash))
                self._workers.submit(Job(name, task, needed, self.config.play.lease_seconds))
            for ended in self._workers.completed(WAIT_SECONDS):
                self._take(ended)
            if not self._workers.alive:
                raise AgentError(
                    f"no worker is alive to play the league's games; {self.directory} is kept: go on with --resume"
                )

    def _take(self, ended: JobResult | JobFailure) -> None:
        if isinstance(ended, JobResult):
            self._arrived[ended.id] = ended.value
            return
        if ended.kind == "error":
            raise ended.error or GameilError(f"a worker failed in match {ended.id}: {ended.reason}")
        self._attempts[ended.id] = self._attempts.get(ended.id, 0) + 1
        if self._attempts[ended.id] >= MOST_ATTEMPTS:
            raise AgentError(f"match {ended.id} was lost {MOST_ATTEMPTS} times, last because {ended.reason}")
        self._run.say(f"match {ended.id} is played again: {ended.reason}")
        self._unsubmitted.appendleft(ended.id)

    def _line(self, turn: int, job: str, task: MatchTask) -> ResultLine:
        """The result of a job; the one already in the ledger where a killed run had written it."""
        return self._written.get(job) or ResultLine(job, turn, task.home.name, task.away.name, self._arrived[job].games)

    def _record_text(self, line: ResultLine) -> str:
        arrived = self._arrived[line.job]
        if arrived.games == line.games:
            return arrived.records
        return record_text(line.games, self.game, line.job, line.home, line.away)

    def _learn(self, name: str, outcomes: list[MatchOutcome]) -> dict[str, float]:
        """One step of the player whose turn it is; nothing where every game failed."""
        batches = [each.trajectories for each in outcomes if each.trajectories is not None]
        state = self.state.learners[name]
        metrics: dict[str, float] = {}
        if batches:
            batch = join_trajectories(batches)
            self.state.frames += batch.frames
            metrics = {f"{name}/{key}": value for key, value in self.learners[name].step(batch).items()}
        state.turns += 1
        state.steps += 1
        number = self.roster.number(name)
        rates = self.payoff.win_rates(number, self.roster.past())
        return metrics | {f"{name}/win_rate/least": float(rates.min()), f"{name}/win_rate/mean": float(rates.mean())}

    def _copy_if_due(self, name: str, turn: int) -> None:
        """Lets the player leave a copy when it is time; only then may it start anew."""
        config, state = self.config.snapshots, self.state.learners[name]
        number = self.roster.number(name)
        due = is_due(number, state.steps, self.roster, self.payoff, config, min_games=self.config.matchmaking.min_games)
        if due:
            copy = f"{name}.{state.copies}"
            path = f"snapshots/{copy}"
            rates = self.payoff.win_rates(number, self.roster.past())
            least = {"league/least_win_rate": float(rates.min())}
            self.learners[name].save_copy(self.directory / path, parent=state.parent, metrics=least)
            player = LeaguePlayer(
                name=copy,
                role="historical",
                origin=name,
                origin_role=self.roster[number].role,
                parent=state.parent,
                snapshot_hash=snapshot_hash(self.directory / path),
                path=path,
                turn=turn,
                steps=state.turns,
            )
            append_players(self.directory, [player])
            self._join(player)
            self.state.players += 1
            state.copies, state.steps, state.parent = state.copies + 1, 0, copy
            self._run.say(f"turn {turn:,}: {name} leaves {copy}, least win rate {rates.min():.0%}")
            if starts_anew(number, self.roster, config, generator(self.config.seed, "reset", turn)):
                self._start_anew(name, turn)
        self.learners[name].save(state.turns)

    def _start_anew(self, name: str, turn: int) -> None:
        """From the league's start, or, late, from the newest copy of a main."""
        state, late = self.state.learners[name], self.config.snapshots.main_start_after
        state.start, state.parent = START, "start"
        if late is not None and turn >= late:
            newest = max(self.roster.copies_of_role("main").tolist())
            state.start, state.parent = self.roster[newest].path, self.roster[newest].name
        state.restarts += 1
        self.learners[name].start_from(self.directory / state.start, state.restarts)
        self.payoff.reset(self.roster.number(name))
        self.state.resets.append((turn, self.roster.number(name)))
        self._run.say(f"turn {turn:,}: {name} starts anew from {state.parent}")

    def _save_live(self, name: str) -> None:
        """Freezes what the player plays with until its next turn is counted."""
        state = self.state.learners[name]
        made = self.directory / LIVE / f"{name}.new"
        shutil.rmtree(made, ignore_errors=True)
        self.learners[name].save_playing(made, parent=state.parent)
        state.live_hash = snapshot_hash(made)
        state.live_path = f"{LIVE}/{state.live_hash}"
        path = self.directory / state.live_path
        if path.exists():
            shutil.rmtree(made)
        else:
            made.rename(path)
        if state.live_hash not in self._kept:  # a copy of the same weights stays, this directory does not
            self._workers.broadcast(state.live_hash, path)

    def _tidy(self) -> None:
        """Removes the live weights that no learner and no job names any more."""
        used = {each.live_hash for each in self.state.learners.values()}
        for jobs in self.state.pending.values():
            used |= {who.snapshot_hash for task in jobs.values() for who in (task.home, task.away)}
        for gone in remove_live(self.directory, used):
            if gone not in self._kept:
                self._workers.forget(gone)
