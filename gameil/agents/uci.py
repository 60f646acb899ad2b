"""Engines that speak UCI: Stockfish, Fairy-Stockfish (shogi, xiangqi and other relatives of chess), the user's own.

Protocol: R. Huber and S. Meyer-Kahlen, "Description of the universal chess interface (UCI)", 2006.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gameil.agents.agent import Decisions, Request
from gameil.agents.engine_pool import EnginePool, IllegalAnswerError, usable_cores
from gameil.agents.engine_process import EngineConfig, EngineProcess
from gameil.agents.game_lines import GameLines, Line
from gameil.agents.uci_games import UCI_GAMES, uci_game
from gameil.errors import AgentError, EngineError, NotationError
from gameil.games.game import Game, State

_START_SECONDS = 20.0
"""Longest wait for an engine to answer ``uci`` and ``isready``: networks are loaded here."""
_INFO = re.compile(r"^info\b.* score (?P<kind>cp|mate) (?P<number>-?\d{1,9})\b.* pv (?P<move>\S+)")
_RANK = re.compile(r" multipv (\d{1,4})\b")
_CENTIPAWN = 0.00368208
"""lichess.org, "Accuracy metric": logistic slope of the expected score by centipawns."""


@dataclass(frozen=True, slots=True)
class UciLimits:
    """When the engine must move; several limits hold together, and with none of them 1,000 nodes do."""

    nodes: int | None = None
    depth: int | None = None
    """Plies."""
    movetime: int | None = None
    """Milliseconds. Results then depend on the machine's speed."""

    def command(self) -> str:
        parts = [f"{name} {value}" for name in ("nodes", "depth", "movetime") if (value := getattr(self, name))]
        return " ".join(["go", *(parts or ["nodes 1000"])])


@dataclass(frozen=True, slots=True)
class UciAnswer:
    """What an engine said about a position."""

    move: str
    """What it plays, as it writes it."""
    values: Mapping[str, float]
    """First move of each of its lines (``MultiPV``), best first -> expected return of the mover in [-1, 1]."""


class UciClient:
    """One UCI engine process."""

    def __init__(self, name: str, config: EngineConfig, options: Mapping[str, str]) -> None:
        self._process = EngineProcess(name, config.command)
        self._timeout = config.timeout_seconds
        try:
            self._process.send("uci")
            seconds = min(_START_SECONDS, config.timeout_seconds)
            greeting = self._process.read_until(lambda line: line.strip() == "uciok", seconds, "'uciok'")
            known = {
                name.lower(): rest
                for line in greeting
                if line.startswith("option name ")
                for name, _, rest in [line.removeprefix("option name ").partition(" type ")]
            }
            for option, value in {**config.options, **options}.items():
                if option.lower() not in known:
                    raise IllegalAnswerError(f"engine {name!r} has no UCI option {option!r}")
                _check_value(name, option, value, known[option.lower()].split())
                self._process.send(f"setoption name {option} value {value}")
            self._ready(seconds)
        except EngineError:
            self.close()
            raise

    def ask(self, position: str, limits: UciLimits) -> UciAnswer:
        """The engine's answer to a ``position ...`` command."""
        # The hash table of earlier questions would make the answer depend on how games are spread over processes.
        self._process.send("ucinewgame")
        self._ready(self._timeout)
        self._process.send(position)
        self._process.send(limits.command())
        seconds = self._timeout + (limits.movetime or 0) / 1000.0
        lines = self._process.read_until(lambda line: line.startswith("bestmove"), seconds, "'bestmove'")
        answer = lines[-1].split()
        if len(answer) < 2:
            raise IllegalAnswerError(f"engine {self._process.name!r} answered 'bestmove' without a move")
        return UciAnswer(answer[1], read_values(lines))

    def close(self) -> None:
        self._process.close()

    def _ready(self, seconds: float) -> None:
        self._process.send("isready")
        self._process.read_until(lambda line: line.strip() == "readyok", seconds, "'readyok'")


def _check_value(engine: str, option: str, value: str, words: Sequence[str]) -> None:
    """Raises ``IllegalAnswerError`` for a number outside the bounds that the engine states: it would keep its default
    without a word."""
    bounds = {bound: words[words.index(bound) + 1] for bound in ("min", "max") if bound in words[:-1]}
    try:
        low, high, number = float(bounds["min"]), float(bounds["max"]), float(value)
    except (KeyError, ValueError):
        return
    if not low <= number <= high:
        raise IllegalAnswerError(f"engine {engine!r} takes {option!r} from {low:g} to {high:g}, not {value}")


def read_values(lines: Sequence[str]) -> dict[str, float]:
    """First move of each line that a search stated last -> expected return in [-1, 1], by ``multipv``, best first.

    Centipawns become expected results as lichess.org measured them in people's games,
    ``2 / (1 + exp(-0.00368208 cp)) - 1``; a mate is a win or a loss. Bounds (``lowerbound``) count like scores.
    """
    found: dict[int, tuple[str, float]] = {}
    for line in lines:
        match = _INFO.search(line)
        if match is None:
            continue
        number = int(match["number"])
        if match["kind"] == "mate":
            value = 1.0 if number > 0 else -1.0
        else:
            value = 2.0 / (1.0 + math.exp(-_CENTIPAWN * max(-10_000, min(10_000, number)))) - 1.0
        rank = _RANK.search(line)
        found[int(rank[1]) if rank else 1] = (match["move"], value)
    values: dict[str, float] = {}
    for _, (move, value) in sorted(found.items()):
        values.setdefault(move, value)
    return values


class UciAgent:
    """Plays by asking a UCI engine. Deterministic with node or depth limits, except below full skill, where Stockfish
    draws its mistakes from a random stream of its own."""

    def __init__(
        self,
        name: str,
        game: Game,
        *,
        engine: str,
        config: EngineConfig,
        options: Mapping[str, str],
        limits: UciLimits,
        processes: int | None = None,
    ) -> None:
        played = uci_game(game)
        if played is None:
            raise AgentError(f"agent {name!r} plays {', '.join(UCI_GAMES)}, not {game.id}")
        if played.variant is not None:
            options = {"UCI_Variant": played.variant, **options}
        self.name = name
        self._played = played
        self._limits = limits
        self._engine = engine
        self._lines = GameLines(played.write)
        self._pool = EnginePool(lambda: UciClient(engine, config, options), processes or usable_cores())

    def begin(self, games: Sequence[int]) -> None:
        self._lines.begin(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        questions = [(request.state, self._lines.line(request.game, request.state)) for request in requests]
        actions = [next(iter(values)) for values in self._pool.ask(self._judge, questions)]
        return Decisions.certain(actions)

    def judge(self, states: Sequence[State]) -> list[dict[int, float]]:
        """What the engine thinks of each state: its move first, then its other lines, each with the expected return.

        NaN where it states no score. States of one game are best in a row.
        """
        return self._pool.ask(self._judge, [(state, self._lines.line(0, state)) for state in states])

    def _judge(self, client: UciClient, question: tuple[State, Line]) -> dict[int, float]:
        state, line = question
        start = "startpos" if line.start is None else f"{self._played.start} {line.start}"
        moves = f" moves {' '.join(line.texts)}" if line.texts else ""
        answer = client.ask(f"position {start}{moves}", self._limits)
        texts = {answer.move: answer.values.get(answer.move, math.nan), **answer.values}
        try:
            return {self._played.read(state, text): value for text, value in texts.items()}
        except NotationError as error:
            raise IllegalAnswerError(
                f"engine {self._engine!r} answered the illegal move {answer.move!r}: {error}"
            ) from error

    def end(self, games: Sequence[int]) -> None:
        self._lines.end(games)

    def close(self) -> None:
        self._pool.close()
