"""Any chess agent as a UCI engine.

Protocol: R. Huber and S. Meyer-Kahlen, "Description of the universal chess interface (UCI)", 2006. A line that cannot
be obeyed is answered by ``info string``, and nothing else changes.
"""

import math
import threading
from collections.abc import Callable

from gameil import __version__
from gameil.engines.thinker import Clock, Thinker, Thought
from gameil.engines.uci_go import GoLimits, read_go
from gameil.errors import ConfigError, GameilError
from gameil.games.game import Game, State

_INFO_SECONDS = 0.2
"""Between two reports of one search."""
_MOST_LINES = 218
"""No chess position has more legal moves."""


class UciEngine:
    """Obeys UCI lines; thinks in a thread of its own, so that ``stop`` and ``isready`` are heard at once."""

    def __init__(self, spec: str, write: Callable[[str], None], *, seed: int = 0) -> None:
        """Raises ``ConfigError`` for a malformed spec."""
        self._thinker = Thinker(spec, seed=seed)
        self._name = spec
        self._write = write
        self._multi_pv = 1
        self._overhead = 0.05
        self._game: Game | None = None
        self._state: State | None = None
        self._start: str | None = None
        self._moves: list[str] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._clock = Clock(None)
        self._ponder_budget: float | None = None
        self._pondering = False

    def handle(self, line: str) -> bool:
        """Obeys one line; unknown words at its start are skipped, as the protocol asks."""
        words = line.split()
        while words and words[0] not in _COMMANDS:
            words = words[1:]
        if not words:
            if line.strip():
                self._say(f"unknown command: {line.strip()[:60]}")
            return True
        if words[0] == "quit":
            return False
        try:
            _COMMANDS[words[0]](self, words[1:])
        except GameilError as error:
            self._say(f"error: {' '.join(str(error).split())}")
            if words[0] == "go":
                self._write("bestmove 0000")  # or the other side would wait for ever
        return True

    def close(self) -> None:
        self._halt()
        self._thinker.close()

    def _say(self, text: str) -> None:
        printable = "".join(letter if letter.isprintable() else "?" for letter in text)
        self._write(f"info string {printable[:400]}")

    def _uci(self, words: list[str]) -> None:
        self._write(f"id name gameil {__version__} {self._name}")
        self._write("id author the gameil founders")
        self._write(f"option name MultiPV type spin default {self._multi_pv} min 1 max {_MOST_LINES}")
        self._write("option name Ponder type check default false")
        self._write(f"option name Move Overhead type spin default {round(self._overhead * 1000)} min 0 max 5000")
        if self._thinker.is_network:
            told = self._thinker.spec.options
            self._write(f"option name Search type spin default {self._thinker.usual_nodes} min 0 max 10000")
            self._write(f"option name Temperature type string default {told.get('temperature', 0):g}")
            if self._thinker.knows_ratings:
                self._write(f"option name Rating type spin default {told.get('rating', 0)} min 0 max 5000")
        self._write("uciok")

    def _isready(self, words: list[str]) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thinker.prepare(self._chess())
        self._write("readyok")

    def _setoption(self, words: list[str]) -> None:
        text = " ".join(words)
        name, _, value = text.removeprefix("name ").partition(" value ")
        self._halt()
        match name.strip().lower():
            case "multipv":
                self._multi_pv = round(_number(name, value, 1, _MOST_LINES))
            case "move overhead":
                self._overhead = _number(name, value, 0, 5000) / 1000.0
            case "ponder" | "uci_analysemode" | "uci_showwdl":
                pass
            case "search" if self._thinker.is_network:
                self._thinker.change(search=round(_number(name, value, 0, 10_000)))
            case "temperature" if self._thinker.is_network:
                self._thinker.change(temperature=_number(name, value, 0, 100))
            case "rating" if self._thinker.is_network and self._thinker.knows_ratings:
                self._thinker.change(rating=round(_number(name, value, 0, 5000)) or None)  # 0: untold
            case _:
                raise ConfigError(f"no option {name[:60]!r}")

    def _ucinewgame(self, words: list[str]) -> None:
        self._halt()
        self._thinker.new_game()

    def _position(self, words: list[str]) -> None:
        self._halt()
        place = words.index("moves") if "moves" in words else len(words)
        head, moves = words[:place], words[place + 1 :]
        if head[:1] == ["fen"]:
            start: str | None = " ".join(head[1:])
        elif head == ["startpos"]:
            start = None
        else:
            raise ConfigError("position needs startpos or fen FEN")
        known = self._state
        if known is not None and start == self._start and moves[: len(self._moves)] == self._moves:
            state, new = known.clone(), moves[len(self._moves) :]
        else:
            state, new = self._chess().initial_state(start), moves
            self._thinker.new_game()
        for text in new:
            state.apply(state.parse(text, "uci"))
        self._state, self._start, self._moves = state, start, moves

    def _go(self, words: list[str]) -> None:
        self._halt()
        limits = read_go(words)
        if self._state is None:
            self._state = self._chess().initial_state()
        state = self._state
        among = [state.parse(text, "uci") for text in limits.searchmoves]
        seconds = limits.seconds(state.current_player(), self._overhead)
        self._stop.clear()
        self._pondering = limits.ponder
        self._ponder_budget = seconds
        self._clock = Clock(None if limits.ponder else seconds)
        self._thread = threading.Thread(target=self._think, args=(state, limits, among), name="uci", daemon=True)
        self._thread.start()

    def _ponderhit(self, words: list[str]) -> None:
        if self._ponder_budget is not None:
            self._clock.allow(self._ponder_budget)
        self._pondering = False

    def _halt(self, words: list[str] | None = None) -> None:
        """Ends the search, which then says its best move."""
        self._pondering = False
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _nothing(self, words: list[str]) -> None:
        """Commands that need no answer: debug, register."""

    def _chess(self) -> Game:
        if self._game is None:
            from gameil.games.registry import make_game

            self._game = make_game("chess")
        return self._game

    def _think(self, state: State, limits: GoLimits, among: list[int]) -> None:
        last_report = 0.0
        deepest: list[int] = [0]

        def report(thought: Thought) -> None:
            nonlocal last_report
            deepest[0] = len(thought.moves[0].line)
            if self._clock.elapsed - last_report >= _INFO_SECONDS:
                last_report = self._clock.elapsed
                self._inform(state, thought)

        def stopped() -> bool:
            enough = limits.depth is not None and deepest[0] >= limits.depth
            return self._stop.is_set() or self._clock.is_over or (enough and not self._pondering)

        best = "bestmove 0000"
        try:
            if not state.is_terminal():
                nodes = limits.nodes
                if nodes is None and not (limits.infinite or limits.ponder or limits.is_timed):
                    nodes = self._thinker.usual_nodes
                thought = self._thinker.think(state, nodes=nodes, stopped=stopped, report=report, among=among)
                self._inform(state, thought)
                line = next(move.line for move in thought.moves if move.action == thought.choice)
                texts = _texts(state, line[:2])
                best = f"bestmove {texts[0]}" + (f" ponder {texts[1]}" if len(texts) > 1 else "")
        except GameilError as error:
            self._say(f"error: {' '.join(str(error).split())}")
        except Exception as error:  # a thread's exception would be lost, and the other side would wait for ever
            self._say(f"internal error: {type(error).__name__}: {' '.join(str(error).split())}")
        # An infinite search or a ponder says its move only when it is asked to.
        while (limits.infinite or self._pondering) and not self._stop.wait(0.005):
            pass
        self._write(best)

    def _inform(self, state: State, thought: Thought) -> None:
        elapsed = self._clock.elapsed
        speed = round(thought.nodes / max(elapsed, 1e-3))
        for place, move in enumerate(thought.moves[: self._multi_pv], start=1):
            score = "" if move.value is None else f" score cp {centipawns(move.value)}"
            line = " ".join(_texts(state, move.line))
            self._write(
                f"info depth {len(move.line)} multipv {place}{score} nodes {thought.nodes} nps {speed} "
                f"time {round(elapsed * 1000)} pv {line}"
            )


def centipawns(value: float) -> int:
    """Centipawns of an expected result in [-1, 1]: ``90 tan(1.5637541897 v)``, as Leela Chess Zero shows it
    (``src/search/classic/search.cc``, score type centipawn)."""
    return round(90.0 * math.tan(1.5637541897 * min(1.0, max(-1.0, value))))


def _texts(state: State, actions: tuple[int, ...]) -> list[str]:
    copy = state.clone()
    texts = []
    for action in actions:
        texts.append(copy.text(action, "uci"))
        copy.apply(action)
    return texts


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ConfigError(f"option {name[:40]} must be a number from {low:g} to {high:g}, got {text[:40]!r}")
    return value


_COMMANDS: dict[str, Callable[[UciEngine, list[str]], None]] = {
    "uci": UciEngine._uci,
    "isready": UciEngine._isready,
    "setoption": UciEngine._setoption,
    "ucinewgame": UciEngine._ucinewgame,
    "position": UciEngine._position,
    "go": UciEngine._go,
    "ponderhit": UciEngine._ponderhit,
    "stop": UciEngine._halt,
    "debug": UciEngine._nothing,
    "register": UciEngine._nothing,
    "quit": UciEngine._nothing,
}
