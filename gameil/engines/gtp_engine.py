"""Any Go agent as a GTP engine, with the analysis commands of Leela Zero and KataGo.

Protocol: G. Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2", 2002. Analysis: Leela Zero's
``lz-analyze`` and KataGo's ``kata-analyze`` (docs/GTP_Extensions.md there).

The rules let Black and White move in turn; where the other side is asked to move again, a pass is put in between.
"""

import re
import threading
from collections.abc import Callable

from gameil import __version__
from gameil.engines.go_points import LETTERS, area_score, board_rows, fixed_handicap
from gameil.engines.gtp_analysis import analysis_line
from gameil.engines.gtp_words import COLOURS, GtpTime, colour, whole
from gameil.engines.thinker import Clock, Report, Thinker, Thought
from gameil.errors import ConfigError, GameError, GameilError, NotationError
from gameil.games.game import State

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class GtpEngine:
    """Obeys GTP lines; analysis runs in a thread of its own until the next line."""

    def __init__(
        self,
        spec: str,
        game_id: str,
        write: Callable[[str], None],
        *,
        seed: int = 0,
        resign_value: float | None = None,
    ) -> None:
        """
        Args:
            spec: of the agent.
            game_id: ``go`` with its size and komi; empty: what a snapshot learned, 19x19 for any other agent.
            write: takes text without its last line break.
            seed: of the agent's random choices.
            resign_value: the agent gives up where its expected return is at or below minus this; None: never.

        Raises:
            ConfigError: a malformed spec, or a game that is not Go.
        """
        from gameil.games.registry import make_game

        self._thinker = Thinker(spec, seed=seed)
        self._write = write
        self._resign_value = resign_value
        self._game = make_game(game_id or self._thinker.own_game or "go")
        if self._game.name != "go" or self._game.board is None or "handicap" in self._game.id:
            raise ConfigError(f"GTP is for go without a handicap parameter, not {self._game.id}")
        self._states: list[tuple[State, int]] = []
        """Before every move, with the number of actions it took (a pass put in between is one more)."""
        self._state = self._game.initial_state()
        self._time = GtpTime()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def handle(self, line: str) -> bool:
        """Obeys one line; comments and empty lines are skipped, but end an analysis."""
        self._end_analysis()
        text = _CONTROL.sub("", line).replace("\t", " ").partition("#")[0]
        words = text.split()
        number = words.pop(0) if words and words[0].isdecimal() and len(words[0]) < 20 else ""
        if not words:
            return True
        command, arguments = words[0], words[1:]
        try:
            if command not in _COMMANDS:
                raise ConfigError("unknown command")
            if command in _ANALYSES:
                _ANALYSES[command](self, command, arguments, number)
                return True
            answer = _COMMANDS[command](self, arguments)
            self._write(f"={number} {answer}".rstrip(" ") + "\n")
        except GameilError as error:
            self._write(f"?{number} {_one_line(str(error))}\n")
        return command != "quit"

    def close(self) -> None:
        self._end_analysis()
        self._thinker.close()

    def _boardsize(self, words: list[str]) -> str:
        size = whole(words, 0, "board size")
        if not 2 <= size <= 19:
            raise ConfigError("unacceptable size")
        if size != self._size and self._thinker.is_network:
            from gameil.games.registry import make_game

            try:
                self._thinker.prepare(make_game(f"go(board_size={size})"))
            except GameilError as error:
                raise ConfigError("unacceptable size") from error
        self._new_rules(size, self._komi)
        return ""

    def _set_komi(self, words: list[str]) -> str:
        board = self._game.board
        assert board is not None
        try:
            komi = float(words[0])
        except (ValueError, IndexError):
            raise ConfigError("komi not a float") from None
        history = list(self._state.history)
        passed = [taken for _, taken in self._states]
        self._new_rules(board.height, komi)
        # Komi may come after the handicap or the first moves.
        for taken in passed:
            self._states.append((self._state.clone(), taken))
            for action in history[:taken]:
                self._state.apply(action)
            history = history[taken:]
        return ""

    def _new_rules(self, size: int, komi: float) -> None:
        from gameil.games.registry import make_game

        try:
            self._game = make_game(f"go(board_size={size},komi={komi:g})")
        except GameError as error:
            raise ConfigError(f"unacceptable rules: {error}") from error
        self._clear([])

    @property
    def _komi(self) -> float:
        from gameil.positions.to_record import game_parameters

        return float(game_parameters(self._game.id).get("komi", 7.5))

    def _clear(self, words: list[str]) -> str:
        self._state = self._game.initial_state()
        self._states = []
        self._thinker.new_game()
        return ""

    def _play(self, words: list[str]) -> str:
        if len(words) < 2:
            raise ConfigError("syntax error: play COLOUR VERTEX")
        self._place(colour(words[0]), words[1])
        return ""

    def _place(self, player: int, vertex: str) -> None:
        """One move; nothing changes where it is not legal."""
        state = self._state.clone()
        taken = self._turn_to(state, player)
        if state.is_terminal():
            if vertex.lower() != "pass":
                raise ConfigError("illegal move: the game is over")
            self._states.append((self._state, 0))
            self._state = state
            return
        try:
            state.apply(state.parse(vertex, "gtp"))
        except NotationError as error:
            raise ConfigError("illegal move" if error.kind == "illegal" else "invalid color or coordinate") from error
        self._states.append((self._state, taken + 1))
        self._state = state

    def _turn_to(self, state: State, player: int) -> int:
        """Puts a pass in where the other side would be to move; says how many."""
        if state.is_terminal() or state.current_player() == player:
            return 0
        state.apply(state.parse("pass", "gtp"))
        if state.is_terminal():
            raise ConfigError("illegal move: the other side would pass a second time, which ends the game")
        return 1

    def _undo(self, words: list[str]) -> str:
        if not self._states:
            raise ConfigError("cannot undo")
        self._state = self._states.pop()[0]
        return ""

    def _genmove(self, words: list[str]) -> str:
        return self._choose(words, play=True, report=lambda thought: None)

    def _reg_genmove(self, words: list[str]) -> str:
        return self._choose(words, play=False, report=lambda thought: None)

    def _choose(self, words: list[str], *, play: bool, report: Report) -> str:
        player = colour(words[0] if words else "")
        state = self._state.clone()
        self._turn_to(state, player)
        if state.is_terminal():
            if play:
                self._place(player, "pass")
            return "pass"
        seconds = self._time.seconds(player)
        clock = Clock(seconds)
        thought = self._thinker.think(
            state,
            nodes=None if seconds is not None and self._thinker.searches else max(1, self._thinker.usual_nodes),
            stopped=lambda: clock.is_over,
            report=report,
        )
        chosen = next(move for move in thought.moves if move.action == thought.choice)
        value = chosen.value
        if play and self._resign_value is not None and value is not None and value <= -self._resign_value:
            return "resign"
        text = state.text(thought.choice, "gtp")
        if play:
            self._place(player, text)
        return text

    def _fixed_handicap(self, words: list[str]) -> str:
        return self._handicap(fixed_handicap(self._size, whole(words, 0, "number of stones")))

    def _set_free_handicap(self, words: list[str]) -> str:
        if len(words) < 2 or len({word.upper() for word in words}) != len(words):
            raise ConfigError("bad vertex list")
        return self._handicap(words)

    def _handicap(self, places: list[str]) -> str:
        if self._state.history:
            raise ConfigError("board not empty")
        before = self._state
        try:
            for place in places:
                if place.lower() == "pass":
                    raise ConfigError("bad vertex list")
                self._place(0, place)
        except GameilError:
            self._state, self._states = before, []
            raise
        return " ".join(place.upper() for place in places)

    @property
    def _size(self) -> int:
        board = self._game.board
        assert board is not None
        return board.height

    def _showboard(self, words: list[str]) -> str:
        return "\n" + str(self._state).strip().replace("\n\n", "\n \n")

    def _final_score(self, words: list[str]) -> str:
        score = area_score(board_rows(str(self._state)), self._komi)
        return "0" if score == 0 else f"{'B' if score > 0 else 'W'}+{abs(score):g}"

    def _final_status_list(self, words: list[str]) -> str:
        """Stones that are alive (all), dead, or alive in seki (none: the rules know no agreement about them)."""
        status = words[0].lower() if words else ""
        if status not in ("alive", "dead", "seki"):
            raise ConfigError("invalid status")
        rows = board_rows(str(self._state)) if status == "alive" else []
        return "\n".join(
            f"{LETTERS[column]}{len(rows) - row}"
            for row, marks in enumerate(rows)
            for column, mark in enumerate(marks)
            if mark in "XO"
        )

    def _known(self, words: list[str]) -> str:
        return "true" if words and words[0] in _COMMANDS else "false"

    def _seed(self, words: list[str]) -> str:
        self._thinker.reseed(whole(words, 0, "seed"))
        return ""

    def _genmove_analyze(self, command: str, words: list[str], number: str) -> None:
        """``COLOUR [CENTISECONDS] ...``: reports while it thinks, then says ``play VERTEX``."""
        state = self._state.clone()
        self._turn_to(state, colour(words[0] if words else ""))
        self._thinker.prepare(state.game)
        self._write(f"={number}")
        try:
            self._write(f"play {self._choose(words[:1], play=True, report=self._reporter(state, command, words[1:]))}")
        except GameilError as error:  # the answer is open, so it goes into it
            self._write(f"# {_one_line(str(error))}")
        self._write("")

    def _analyse(self, command: str, words: list[str], number: str) -> None:
        """``[COLOUR] [CENTISECONDS] [interval CENTISECONDS] ...``: reports until the next line."""
        words = list(words)
        state = self._state.clone()
        if words and words[0].lower() in COLOURS:
            self._turn_to(state, colour(words.pop(0)))
        if state.is_terminal():
            raise ConfigError("the game is over")
        self._thinker.prepare(state.game)
        self._write(f"={number}")
        self._stop.clear()
        self._thread = threading.Thread(target=self._report, args=(state, command, words), name="gtp", daemon=True)
        self._thread.start()

    def _reporter(self, state: State, command: str, words: list[str]) -> Report:
        """Writes what is thought so far, no more often than the words ask for."""
        wanted = next((int(word) for word in words if word.isdecimal() and len(word) < 9), 100) / 100.0
        clock, interval, last = Clock(None), max(0.05, wanted), [0.0]

        def report(thought: Thought) -> None:
            if clock.elapsed - last[0] >= interval:
                last[0] = clock.elapsed
                self._write(analysis_line(state, thought, command))

        return report

    def _report(self, state: State, command: str, words: list[str]) -> None:
        report = self._reporter(state, command, words)
        try:
            thought = self._thinker.think(state, nodes=None, stopped=self._stop.is_set, report=report)
            self._write(analysis_line(state, thought, command))
        except Exception as error:  # a thread's exception would be lost; the answer is open, so it goes into it
            self._write(f"# {type(error).__name__}: {_one_line(str(error))}")
        self._stop.wait()
        self._write("")

    def _end_analysis(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300] or "error"


_COMMANDS: dict[str, Callable[[GtpEngine, list[str]], str]] = {
    "protocol_version": lambda engine, words: "2",
    "name": lambda engine, words: "gameil",
    "version": lambda engine, words: __version__,
    "known_command": GtpEngine._known,
    "list_commands": lambda engine, words: "\n".join(_COMMANDS),
    "quit": lambda engine, words: "",
    "boardsize": GtpEngine._boardsize,
    "clear_board": GtpEngine._clear,
    "komi": GtpEngine._set_komi,
    "fixed_handicap": GtpEngine._fixed_handicap,
    "place_free_handicap": GtpEngine._fixed_handicap,
    "set_free_handicap": GtpEngine._set_free_handicap,
    "play": GtpEngine._play,
    "genmove": GtpEngine._genmove,
    "reg_genmove": GtpEngine._reg_genmove,
    "undo": GtpEngine._undo,
    "time_settings": lambda engine, words: engine._time.settings(words),
    "time_left": lambda engine, words: engine._time.left(words),
    "set_random_seed": GtpEngine._seed,
    "final_score": GtpEngine._final_score,
    "showboard": GtpEngine._showboard,
    "kgs-time_settings": lambda engine, words: engine._time.kgs_settings(words),
    "final_status_list": GtpEngine._final_status_list,
    "lz-analyze": lambda engine, words: "",
    "kata-analyze": lambda engine, words: "",
    "lz-genmove_analyze": lambda engine, words: "",
    "kata-genmove_analyze": lambda engine, words: "",
}
_ANALYSES: dict[str, Callable[[GtpEngine, str, list[str], str], None]] = {
    "lz-analyze": GtpEngine._analyse,
    "kata-analyze": GtpEngine._analyse,
    "lz-genmove_analyze": GtpEngine._genmove_analyze,
    "kata-genmove_analyze": GtpEngine._genmove_analyze,
}
"""Commands that answer on several lines over some time."""
