"""One SGF game tree as a record of Go, or of Hex."""

import re

from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from gameil.records.sgf_hex import (
    LARGEST_HEX,
    NO_SWAP,
    SMALLEST_HEX,
    USUAL_HEX,
    is_hex,
    read_hex_line,
    read_hex_result,
)
from gameil.records.sgf_moves import LARGEST_BOARD, MainLine, board_points, expand_points, read_main_line
from gameil.records.sgf_result import read_result
from gameil.records.sgf_tree import RefusedError, decode_tree, plain_text, split_root
from gameil.records.window import excerpt

SMALLEST_BOARD = 2
LARGEST_KOMI = 100
"""Komi above this, in points, was written a hundredfold."""
CARRIED = "XT"
"""Private property of our writer for tags that are no SGF properties: values are ``name:text``."""

DATE = re.compile(r"\s*(\d{4})(?:[-./年](\d{1,2})(?:[-./月](\d{1,2}))?)?")
MAX_SETUP_POINTS = 10_000
"""Points in setup properties of one game: a rectangle of a few letters stands for hundreds."""
NUMBER = re.compile(r"\s*([+-]?\d{1,9}(?:[.,]\d{0,9})?|[+-]?[.,]\d{1,9})")
RATING = re.compile(r"\d{2,4}")
UNTAGGED = frozenset(
    {*"GM FF CA SZ KM AB AW AE B W PB PW BR WR RE DT EV TM OT C AP ST PL".split(), CARRIED}  # noqa: SIM905
)
"""Root properties that have their own fields or say nothing about the game played; the others become tags."""


def read_tree(raw: bytes, source: Provenance, *, cut: bool) -> GameRecord | RecordError:
    """Reads one game tree, from its ``(`` to its ``)``. ``cut``: the file ended before the closing parenthesis."""
    tolerances = ["unclosed tree"] if cut else []
    text = decode_tree(raw, tolerances)
    try:
        root, root_end = split_root(text)
        return _Game(root, source, tolerances).record(text, root_end)
    except RefusedError as refusal:
        return RecordError(source, refusal.reason, refusal.detail, excerpt(raw))


class _Game:
    """The root of a tree, from which the parts of a record are read one by one."""

    def __init__(self, root: dict[str, list[str]], source: Provenance, tolerances: list[str]) -> None:
        self.root = root
        self.source = source
        self.tolerances = tolerances

    def record(self, text: str, root_end: int) -> GameRecord:
        game = self.text("GM")
        if is_hex(game, self.text("EV")):
            return self._hex_record(text, root_end)
        if game not in ("", "1"):
            raise RefusedError("other game", f"GM[{excerpt(game)}] is neither Go, GM[1], nor Hex, GM[11]")
        size = self._board_size(LARGEST_BOARD, SMALLEST_BOARD, LARGEST_BOARD)
        line = read_main_line(text, self.root, root_end)
        moves = self._moves(line, size)
        setup = self._setup(line, size)
        self._check_handicap(setup, line.movers)
        result = self.text("RE")
        returns, termination = read_result(result)
        komi = self._komi(size)
        return GameRecord(
            game="go",
            notation="sgf",
            moves=moves,
            source=self.source,
            parameters={"board_size": size} if komi is None else {"board_size": size, "komi": komi},
            players=self._players(),
            movers=line.movers,
            setup=setup,
            returns=returns,
            result=result or "*",
            termination=termination,
            date=self._date(),
            event=self.text("EV") or None,
            time_control=self._time_control(),
            tags=self._tags(),
            clocks=tuple(map(line.clocks.get, range(len(moves)))) if line.clocks else None,
            comments=line.comments,
            tolerances=tuple(dict.fromkeys(self.tolerances)),
        )

    def _hex_record(self, text: str, root_end: int) -> GameRecord:
        size = self._board_size(USUAL_HEX, SMALLEST_HEX, LARGEST_HEX)
        if "AB" in self.root or "AW" in self.root:
            raise RefusedError("setup", "stones that nobody played")
        main = read_main_line(text, self.root, root_end)
        line = read_hex_line(main, size)
        result = self.text("RE")
        returns, termination = read_hex_result(result)
        if line.loser is not None:
            given_up = (-1.0, 1.0) if line.loser == 0 else (1.0, -1.0)
            if returns not in (None, given_up):
                self.tolerances.append("result differs")
            returns, termination = given_up, line.termination
        rules = self.text("RU")
        tags = self._tags()
        if rules.lower() == NO_SWAP:
            del tags["RU"]
        return GameRecord(
            game="hex",
            notation="action",
            moves=line.moves,
            source=self.source,
            parameters={"board_size": size, "swap": rules.lower() != NO_SWAP},
            players=self._players(),
            returns=returns,
            result=result or "*",
            termination=termination,
            date=self._date(),
            event=self.text("EV") or None,
            time_control=self._time_control(),
            tags=tags,
            clocks=tuple(map(main.clocks.get, range(len(line.moves)))) if main.clocks else None,
            comments=line.comments,
            tolerances=tuple(dict.fromkeys(self.tolerances)),
        )

    def text(self, name: str) -> str:
        """The first value of a root property as one line of text, empty where it is missing."""
        values = self.root.get(name)
        return plain_text(values[0]) if values else ""

    def _time_control(self) -> str | None:
        return " ".join(part for part in (self.text("TM"), self.text("OT")) if part) or None

    def _board_size(self, usual: int, smallest: int, largest: int) -> int:
        stated = self.text("SZ")
        if not stated:
            return usual
        width, colon, height = stated.partition(":")
        if colon and width.strip() != height.strip():
            raise RefusedError("board size", f"SZ[{excerpt(stated)}] is not square")
        number = width.strip()
        if not (number.isascii() and number.isdigit() and smallest <= int(number[:6]) <= largest):
            bounds = f"a whole number from {smallest} to {largest}"
            raise RefusedError("board size", f"SZ[{excerpt(stated)}] is not {bounds}")
        return int(number)

    def _moves(self, line: MainLine, size: int) -> tuple[str, ...]:
        if line.late_setup is not None:
            raise RefusedError("setup in mid-game", f"{line.late_setup} after a move")
        if not line.moves:
            raise RefusedError("no moves", "a game without moves")
        # FF[3] writes a pass as ``tt``, a point behind the edge of a 19x19 board.
        moves = ["" if move == "tt" else move for move in line.moves] if "tt" in line.moves else line.moves
        points = board_points(size)
        if not points.issuperset(moves):
            bad = next(move for move in moves if move not in points)
            raise RefusedError("off board", f"move [{excerpt(bad)}] is not a point of a {size}x{size} board")
        return tuple(moves)

    def _setup(self, line: MainLine, size: int) -> tuple[tuple[int, str], ...]:
        """Stones on the board before the first move, in their order."""
        if line.setup:
            self.tolerances.append("setup after the root")
        if not (line.setup or "AB" in self.root or "AW" in self.root):
            return ()
        listed = [(name, self.root.get(name, [])) for name in ("AB", "AW", "AE")] + line.setup
        points = board_points(size)
        stones: dict[str, int] = {}
        number = 0
        for name, values in listed:
            for point in expand_points(values):
                number += 1
                if number > MAX_SETUP_POINTS:
                    raise RefusedError("too large", f"more than {MAX_SETUP_POINTS:,} setup points")
                if not point or point not in points:
                    raise RefusedError("off board", f"{name}[{excerpt(point)}] is not on a {size}x{size} board")
                stones.pop(point, None)
                if name != "AE":
                    stones[point] = 0 if name == "AB" else 1
        return tuple((seat, point) for point, seat in stones.items())

    def _check_handicap(self, setup: tuple[tuple[int, str], ...], movers: tuple[int, ...]) -> None:
        """The stones on the board are what counts; HA stays a tag, and is compared with them."""
        number = NUMBER.match(self.text("HA"))
        handicap = int(float(number[1].replace(",", "."))) if number else 0
        if handicap < 2:
            return
        stones = sum(seat == 0 for seat, _ in setup)
        if stones == handicap or movers[:handicap].count(0) == handicap:
            return
        if stones == 0 and movers[0] == 1:
            raise RefusedError("handicap", f"HA[{handicap}], but no handicap stones are given")
        self.tolerances.append("handicap differs")

    def _komi(self, size: int) -> float | None:
        stated = self.text("KM")
        number = NUMBER.match(stated)
        if number is None:
            if stated:
                self.tolerances.append("komi unreadable")
            return None
        komi = float(number[1].replace(",", "."))
        if "," in number[1] or number.end() != len(stated):
            self.tolerances.append("komi as text")
        if abs(komi) > LARGEST_KOMI:
            komi /= 100
            self.tolerances.append("komi times 100")
        if komi % 0.5:
            # Chinese records count in pairs of points: 3.75 is 7.5.
            komi *= 2
            self.tolerances.append("komi halved")
        if komi % 0.5 or abs(komi) > min(size * size, LARGEST_KOMI):
            raise RefusedError("komi", f"KM[{excerpt(stated)}] is no komi of a {size}x{size} board")
        return komi

    def _players(self) -> tuple[PlayerInfo, ...]:
        players = tuple(self._player(seat) for seat in "BW")
        return players if any(player != PlayerInfo() for player in players) else ()

    def _player(self, seat: str) -> PlayerInfo:
        rank = self.text(seat + "R")
        rating = int(rank) if RATING.fullmatch(rank) else None
        return PlayerInfo(self.text("P" + seat) or None, rating, rank or None if rating is None else None)

    def _date(self) -> str | None:
        match = DATE.match(self.text("DT"))
        return f"{match[1]}-{match[2] or '??':0>2}-{match[3] or '??':0>2}" if match else None

    def _tags(self) -> dict[str, str]:
        tags = {name: self.text(name) for name in self.root if name not in UNTAGGED}
        for value in self.root.get(CARRIED, ()):
            name, _, text = value.partition(":")
            tags[name.strip()] = plain_text(text)
        return {name: text for name, text in tags.items() if name and text}
