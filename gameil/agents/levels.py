"""The built-in levels, the fixed yardstick of every ladder: what ``builtin:hard`` is in each game.

``beginner`` moves at random; ``easy``, ``medium``, ``hard`` and ``elite`` are OpenSpiel's C++ Monte Carlo tree search
with 10, 100, 1,000 and 10,000 simulations where a move then stays under a second, and fewer where rollouts are long.
Measured simulations a second from the start, one core of an AVX-512 server, OpenSpiel 2.0.2: tic-tac-toe 730 k, mancala
160 k, connect four 141 k, hex 7x7 58 k, hex 11x11 20 k, breakthrough 20 k, y 16 k, amazons 15 k, go 9x9 9.4 k,
checkers 6.4 k, othello 5 k, go 13x13 2.1 k, chinese checkers 1.7 k, backgammon 0.9 k, chess 0.8 k, go 19x19 0.6 k.
"""

from collections.abc import Sequence

from gameil.agents.agent import Agent, Decisions, Request
from gameil.agents.engine_process import find_engine
from gameil.agents.uci_games import UCI_GAMES
from gameil.errors import EngineError
from gameil.games.game import Game

_SIMULATIONS: dict[str, tuple[int, int, int, int]] = {
    "chess": (10, 100, 300, 800),
    "backgammon": (10, 100, 300, 900),
    "chinese_checkers": (10, 100, 500, 1_500),
    "othello": (10, 100, 1_000, 4_000),
    "checkers": (10, 100, 1_000, 5_000),
}
"""Simulations of easy, medium, hard and elite where they are not the usual ones."""
_USUAL = (10, 100, 1_000, 10_000)
_STOCKFISH_LEVELS = (0, 5, 10, 20)
_FAIRY_LEVELS = (-20, -10, 0, 10, 20)
_GNU_GO_LEVELS = (1, 5, 10)
_GNUBG_NOISES = {"beginner": 0.06, "casual": 0.05, "intermediate": 0.04, "advanced": 0.015, "expert": 0.0}
"""GNU Backgammon's own settings of these names: noise of its judgements, looking no ply ahead."""


def levels(game: Game) -> dict[str, str]:
    """Level -> spec, weakest first; engine levels only where the engine is found here."""
    names = ("easy", "medium", "hard", "elite")
    found = {"beginner": "random"}
    found |= {name: f"mcts:{count}" for name, count in zip(names, _simulations(game), strict=True)}
    if game.name == "chess" and _is_found("stockfish"):
        found |= {f"stockfish-{skill}": f"uci:stockfish,skill={skill},nodes=1000" for skill in _STOCKFISH_LEVELS}
    elif game.id in UCI_GAMES and _is_found("fairy-stockfish"):
        found |= {f"fairy-{skill}": f"uci:fairy-stockfish,nodes=1000,skill={skill}" for skill in _FAIRY_LEVELS}
    if game.name == "backgammon" and _is_found("gnubg"):
        found |= {f"gnubg-{name}": f"external:gnubg,noise={noise:g}" for name, noise in _GNUBG_NOISES.items()}
    if game.name == "go" and _is_found("gnugo"):
        found |= {f"gnugo-{level}": f"gtp:gnugo,level={level}" for level in _GNU_GO_LEVELS}
    return found


def _simulations(game: Game) -> tuple[int, int, int, int]:
    if game.name == "go" and game.board is not None:
        if game.board.height > 13:
            return (10, 100, 300, 600)
        return (10, 100, 500, 2_000) if game.board.height > 9 else (10, 100, 1_000, 8_000)
    return _SIMULATIONS.get(game.name, _USUAL)


def _is_found(engine: str) -> bool:
    try:
        find_engine(engine, None)
    except EngineError:
        return False
    return True


class Renamed:
    """Another agent under a name of its own, as ``builtin:hard`` stands for ``mcts:1000``."""

    def __init__(self, name: str, agent: Agent) -> None:
        self.name = name
        self.agent = agent

    def begin(self, games: Sequence[int]) -> None:
        self.agent.begin(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        return self.agent.act(requests)

    def end(self, games: Sequence[int]) -> None:
        self.agent.end(games)

    def close(self) -> None:
        self.agent.close()
