"""Go engines that speak GTP: GNU Go and the user's own.

Protocol: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2", 2002.
"""

from collections.abc import Sequence

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.engine_pool import EnginePool, IllegalAnswerError, usable_cores
from gameil.agents.engine_process import EngineConfig, EngineProcess
from gameil.agents.game_lines import GameLines, Line
from gameil.errors import AgentError, EngineError, NotationError
from gameil.games.game import Game, State
from gameil.positions.to_record import game_parameters

_START_SECONDS = 20.0
_USUAL_KOMI = 7.5
"""OpenSpiel's default, left out of a game id."""


class GtpClient:
    """One GTP engine process."""

    def __init__(self, name: str, config: EngineConfig, board_size: int, komi: float) -> None:
        self._process = EngineProcess(name, config.command)
        self._seconds = min(_START_SECONDS, config.timeout_seconds)
        try:
            self._commands = set(self.command("list_commands").split())
            self.command(f"boardsize {board_size}")
            self.command(f"komi {komi:g}")
        except EngineError:
            self.close()
            raise
        self._seconds = config.timeout_seconds

    def command(self, text: str) -> str:
        """The engine's answer to one command. Raises ``EngineError`` when it refuses."""
        self._process.send(text)
        seen = [False]

        def ends(line: str) -> bool:
            seen[0] = seen[0] or line[:1] in ("=", "?")
            return seen[0] and not line.strip()

        lines = self._process.read_until(ends, self._seconds, f"answer to {text!r}")
        start = next(index for index, line in enumerate(lines) if line[:1] in ("=", "?"))
        answer = "\n".join([lines[start][1:], *lines[start + 1 :]]).strip()
        if lines[start].startswith("?"):
            raise IllegalAnswerError(f"engine {self._process.name!r} refused {text!r}: {answer[:100]}")
        return answer

    def best_move(self, line: Line, player: int, seed: int) -> str:
        """The engine's move for ``player`` after the moves of ``line``, as a GTP vertex, ``pass`` or ``resign``."""
        self.command("clear_board")
        if "set_random_seed" in self._commands:
            self.command(f"set_random_seed {seed}")
        for mover, text in zip(line.movers, line.texts, strict=True):
            self.command(f"play {'bw'[mover]} {text}")
        return self.command(f"genmove {'bw'[player]}")

    def close(self) -> None:
        self._process.close()


class GtpAgent:
    """Plays Go by asking a GTP engine; an engine that gives up passes instead, so that the rules decide."""

    def __init__(
        self, name: str, game: Game, *, engine: str, config: EngineConfig, processes: int | None = None
    ) -> None:
        if game.name != "go" or game.board is None:
            raise AgentError(f"agent {name!r} plays go only, not {game.id}")
        if "handicap" in game_parameters(game.id):
            raise AgentError(f"agent {name!r} plays go without handicap stones, not {game.id}")
        self.name = name
        self._engine = engine
        self._lines = GameLines(lambda state, action: state.text(action, "gtp"))
        size, komi = game.board.height, float(game_parameters(game.id).get("komi", _USUAL_KOMI))
        self._pool = EnginePool(lambda: GtpClient(engine, config, size, komi), processes or usable_cores())

    def begin(self, games: Sequence[int]) -> None:
        self._lines.begin(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        actions = self._ask([(request.game, request.state, request.rng) for request in requests])
        return Decisions.certain(actions)

    def choose(self, states: Sequence[State], rngs: Sequence[np.random.Generator]) -> list[int]:
        """The engine's move in each state; states of one game are best in a row."""
        return self._ask([(0, state, rng) for state, rng in zip(states, rngs, strict=True)])

    def _ask(self, wanted: Sequence[tuple[int, State, np.random.Generator]]) -> list[int]:
        questions = [(state, self._lines.line(game, state), int(rng.integers(1 << 31))) for game, state, rng in wanted]
        return self._pool.ask(self._decide, questions)

    def _decide(self, client: GtpClient, question: tuple[State, Line, int]) -> int:
        state, line, seed = question
        text = client.best_move(line, state.current_player(), seed)
        try:
            return state.parse("pass" if text.lower() == "resign" else text, "gtp")
        except NotationError as error:
            raise IllegalAnswerError(f"engine {self._engine!r} answered the illegal move {text!r}: {error}") from error

    def end(self, games: Sequence[int]) -> None:
        self._lines.end(games)

    def close(self) -> None:
        self._pool.close()
