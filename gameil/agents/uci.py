"""Chess engines that speak UCI: Stockfish, Fairy-Stockfish and the user's own.

Protocol: R. Huber and S. Meyer-Kahlen, "Description of the universal chess interface (UCI)", 2006.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.engine_pool import EnginePool, IllegalAnswerError, usable_cores
from gameil.agents.engine_process import EngineConfig, EngineProcess
from gameil.agents.game_lines import GameLines, Line
from gameil.errors import AgentError, EngineError, NotationError
from gameil.games.game import Game

_START_SECONDS = 20.0
"""Longest wait for an engine to answer ``uci`` and ``isready``: networks are loaded here."""


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


class UciClient:
    """One UCI engine process."""

    def __init__(self, name: str, config: EngineConfig, options: Mapping[str, str]) -> None:
        self._process = EngineProcess(name, config.command)
        self._timeout = config.timeout_seconds
        try:
            self._process.send("uci")
            seconds = min(_START_SECONDS, config.timeout_seconds)
            greeting = self._process.read_until(lambda line: line.strip() == "uciok", seconds, "'uciok'")
            known = {_option_name(line).lower() for line in greeting if line.startswith("option name ")}
            wanted = {**config.options, **options}
            for option, value in wanted.items():
                if option.lower() not in known:
                    raise IllegalAnswerError(f"engine {name!r} has no UCI option {option!r}")
                self._process.send(f"setoption name {option} value {value}")
            self._ready(seconds)
        except EngineError:
            self.close()
            raise

    def best_move(self, position: str, limits: UciLimits) -> str:
        """The engine's move for a ``position ...`` command, in UCI notation."""
        # The hash table of earlier questions would make the answer depend on how games are spread over processes.
        self._process.send("ucinewgame")
        self._ready(self._timeout)
        self._process.send(position)
        self._process.send(limits.command())
        seconds = self._timeout + (limits.movetime or 0) / 1000.0
        answer = self._process.read_until(lambda line: line.startswith("bestmove"), seconds, "'bestmove'")[-1].split()
        if len(answer) < 2:
            raise IllegalAnswerError(f"engine {self._process.name!r} answered 'bestmove' without a move")
        return answer[1]

    def close(self) -> None:
        self._process.close()

    def _ready(self, seconds: float) -> None:
        self._process.send("isready")
        self._process.read_until(lambda line: line.strip() == "readyok", seconds, "'readyok'")


def _option_name(line: str) -> str:
    return line.removeprefix("option name ").partition(" type ")[0].strip()


class UciAgent:
    """Plays chess by asking a UCI engine. Deterministic with node or depth limits, except below full skill, where
    Stockfish draws its mistakes from a random stream of its own."""

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
        if game.id != "chess":
            raise AgentError(f"agent {name!r} plays chess only, not {game.id}")
        self.name = name
        self._limits = limits
        self._engine = engine
        self._lines = GameLines("uci")
        self._pool = EnginePool(lambda: UciClient(engine, config, options), processes or usable_cores())

    def begin(self, games: Sequence[int]) -> None:
        self._lines.begin(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        questions = [(request, self._lines.line(request.game, request.state)) for request in requests]
        actions = self._pool.ask(self._decide, questions)
        return Decisions(np.array(actions, np.int64), np.zeros(len(actions), np.float32))

    def _decide(self, client: UciClient, question: tuple[Request, Line]) -> int:
        request, line = question
        start = "startpos" if line.start is None else f"fen {line.start}"
        moves = f" moves {' '.join(line.texts)}" if line.texts else ""
        text = client.best_move(f"position {start}{moves}", self._limits)
        try:
            action = request.state.parse(text, "uci")
        except NotationError as error:
            raise IllegalAnswerError(f"engine {self._engine!r} answered the illegal move {text!r}: {error}") from error
        return action

    def end(self, games: Sequence[int]) -> None:
        self._lines.end(games)

    def close(self) -> None:
        self._pool.close()
