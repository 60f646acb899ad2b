"""The main line of one SGF game tree as a record of Go."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from gameil.records.sgf_result import read_result
from gameil.records.window import excerpt

MIN_SIZE, MAX_SIZE = 2, 19
"""Board sizes accepted: SGF knows up to 52, no rules engine here more than 19."""

NODE_MOVES = re.compile(r"(?:\s*+;\s*+[BW]\s*+\[[a-z]{0,2}\])*+\s*+\)?\s*+")
NODE_MOVE = re.compile(r"([BW])\s*\[([a-z]{0,2})\]")
TOKEN = re.compile(r"(;)|([A-Za-z]+)|\[([^\]\\]*+(?:\\.[^\]\\]*+)*+)\]|([()])", re.DOTALL)
ESCAPED = re.compile(r"\\(\r\n|\n\r|.)", re.DOTALL)
DATE = re.compile(r"\s*(\d{4})(?:[-./年](\d{1,2})(?:[-./月](\d{1,2}))?)?")
NUMBER = re.compile(r"\s*([+-]?\d+(?:[.,]\d*)?|[+-]?[.,]\d+)")
CHARSET = re.compile(rb"(?<![A-Za-z])CA\s*\[\s*([\w.:-]+)\s*\]")
RECTANGLE = re.compile(r"([a-z])([a-z]):([a-z])([a-z])")
SEATS = {"B": 0, "W": 1}

Node = list[tuple[str, list[str]]]


def read_tree(raw: bytes, source: Provenance, *, cut: bool) -> GameRecord | RecordError:
    """Reads one game tree, from its ``(`` to its ``)``. ``cut``: the file ended before the closing parenthesis."""
    tolerances = ["unclosed tree"] if cut else []
    text = _decode(raw, tolerances)
    root_end = _root_end(text)
    root = _merge(next(_nodes(text[:root_end]), []))
    try:
        return _Game(root, source, tolerances).record(text, root_end)
    except _RefusedError as refusal:
        return RecordError(source, refusal.reason, refusal.detail, excerpt(raw))


class _RefusedError(Exception):
    """This tree cannot be used; caught in ``read_tree``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _decode(raw: bytes, tolerances: list[str]) -> str:
    """Text in the tree's own charset, else UTF-8, else Latin-1, which reads anything."""
    stated = CHARSET.search(raw)
    for charset in ([stated[1].decode("latin-1")] if stated else []) + ["utf-8"]:
        try:
            return raw.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    tolerances.append("latin-1")
    return raw.decode("latin-1")


def _root_end(text: str) -> int:
    """Position of the second node, or of the end of the tree."""
    seen = 0
    for match in TOKEN.finditer(text):
        if match[1]:
            seen += 1
            if seen == 2:
                return match.start()
        elif match[4] == ")":
            return match.start()
    return len(text)


def _nodes(text: str) -> Iterator[Node]:
    """The nodes of the main line: up to the first closing parenthesis, which ends every first variation."""
    node: Node | None = None
    name = ""
    for semicolon, ident, value, parenthesis in TOKEN.findall(text):
        if semicolon:
            if node is not None:
                yield node
            node = []
            name = ""
        elif ident:
            # FF[1] to FF[3] allow lower-case letters in long names (``SiZe``); only the capitals count.
            name = ident if ident.isupper() else "".join(filter(str.isupper, ident))
            if node is not None:
                node.append((name, []))
        elif parenthesis == ")":
            break
        elif not parenthesis and node:
            node[-1][1].append(value)
    if node is not None:
        yield node


def _merge(node: Node) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for name, values in node:
        merged.setdefault(name, []).extend(values)
    return merged


class _Game:
    """Reads one tree's main line; the parts of a record are found one by one."""

    def __init__(self, root: dict[str, list[str]], source: Provenance, tolerances: list[str]) -> None:
        self.root = root
        self.source = source
        self.tolerances = tolerances

    def record(self, text: str, root_end: int) -> GameRecord:
        game = self.text("GM")
        if game not in ("", "1"):
            raise _RefusedError("other game", f"GM[{game}] is not Go, which is GM[1]")
        size = self._board_size()
        moves, movers, comments = self._moves(text, root_end)
        if not moves:
            raise _RefusedError("no moves", "a game without moves")
        points = _points(size)
        moves = ["" if move == "tt" and move not in points else move for move in moves]
        if not points.issuperset(moves):
            bad = next(move for move in moves if move not in points)
            raise _RefusedError("off board", f"move {bad} is not on a {size}x{size} board")
        result = self.text("RE")
        returns, termination = read_result(result)
        parameters: dict[str, str | int | float | bool] = {"board_size": size}
        komi = self._komi(size)
        if komi is not None:
            parameters["komi"] = komi
        setup = self._setup(size)
        self._check_handicap(setup, movers)
        return GameRecord(
            game="go",
            notation="sgf",
            moves=tuple(moves),
            source=self.source,
            parameters=parameters,
            players=self._players(),
            movers=tuple(movers),
            setup=setup,
            returns=returns,
            result=result or "*",
            termination=termination,
            date=self._date(),
            event=self.text("EV") or None,
            time_control=self._time_control(),
            tags={name: self.text(name) for name in self.root if name not in UNTAGGED and self.text(name)},
            comments=comments,
            tolerances=tuple(dict.fromkeys(self.tolerances)),
        )

    def text(self, name: str) -> str:
        """The first value of a root property as one line of text, empty where it is missing."""
        values = self.root.get(name)
        return _text(values[0]) if values else ""

    def _moves(self, text: str, root_end: int) -> tuple[list[str], list[int], dict[int, str]]:
        comments: dict[int, str] = {}
        first = self.text("C")
        if first:
            comments[-1] = first
        if "B" not in self.root and "W" not in self.root and NODE_MOVES.fullmatch(text, root_end):
            found = NODE_MOVE.findall(text, root_end)
            return [move for _, move in found], [SEATS[player] for player, _ in found], comments
        moves: list[str] = []
        movers: list[int] = []
        for index, node in enumerate(_nodes(text)):
            for name, values in node:
                if name in SEATS:
                    moves.append(_point(values[0] if values else ""))
                    movers.append(SEATS[name])
                elif name in ("AB", "AW", "AE") and index and any(values):
                    if moves:
                        raise _RefusedError("setup in mid-game", f"{name} after {len(moves)} moves")
                    self.root.setdefault(name, []).extend(values)
                    self.tolerances.append("setup after the root")
                elif name == "C" and index and values:
                    comment = _text(values[0])
                    if comment:
                        at = len(moves) - 1
                        comments[at] = f"{comments[at]} {comment}" if at in comments else comment
        return moves, movers, comments

    def _board_size(self) -> int:
        stated = self.text("SZ")
        if not stated:
            return 19
        if ":" in stated:
            width, _, height = stated.partition(":")
            if width.strip() != height.strip():
                raise _RefusedError("board size", f"SZ[{stated}] is not square")
            stated = width
        if not stated.strip().isdecimal() or not MIN_SIZE <= int(stated[:6]) <= MAX_SIZE:
            raise _RefusedError("board size", f"SZ[{excerpt(stated)}] is not a number from {MIN_SIZE} to {MAX_SIZE}")
        return int(stated)

    def _komi(self, size: int) -> float | None:
        stated = self.text("KM")
        number = NUMBER.match(stated)
        if number is None:
            if stated:
                self.tolerances.append("komi unreadable")
            return None
        komi = float(number[1].replace(",", "."))
        if "," in number[1] or number.end() != len(stated.rstrip()):
            self.tolerances.append("komi as text")
        if abs(komi) > 100:
            komi /= 100
            self.tolerances.append("komi times 100")
        if komi % 0.5:
            # Chinese counting in pairs of points: 3.75 is 7.5.
            komi *= 2
            self.tolerances.append("komi halved")
        if komi % 0.5 or abs(komi) > size * size:
            raise _RefusedError("komi", f"KM[{excerpt(stated)}] is no komi of a {size}x{size} board")
        return komi

    def _setup(self, size: int) -> tuple[tuple[int, str], ...]:
        stones: dict[str, int] = {}
        points = _points(size)
        for name, seat in (("AB", 0), ("AW", 1), ("AE", -1)):
            for point in _expand(self.root.get(name, ())):
                if not point or point not in points:
                    raise _RefusedError("off board", f"{name}[{excerpt(point)}] is not on a {size}x{size} board")
                if seat < 0:
                    stones.pop(point, None)
                else:
                    stones[point] = seat
        return tuple((seat, point) for point, seat in stones.items())

    def _check_handicap(self, setup: tuple[tuple[int, str], ...], movers: list[int]) -> None:
        """The stones on the board are what counts; HA stays a tag, compared with them."""
        number = NUMBER.match(self.text("HA"))
        handicap = int(float(number[1].replace(",", "."))) if number else 0
        stones = sum(seat == 0 for seat, _ in setup)
        if handicap >= 2 and stones != handicap and movers[:handicap] != [0] * handicap:
            if stones == 0 and movers[0] == 1:
                raise _RefusedError("handicap", f"HA[{handicap}], but no handicap stones are given")
            self.tolerances.append("handicap differs")

    def _players(self) -> tuple[PlayerInfo, ...]:
        players = tuple(PlayerInfo(self.text("P" + seat) or None, None, self.text(seat + "R") or None) for seat in "BW")
        return players if any(player.name or player.title for player in players) else ()

    def _date(self) -> str | None:
        match = DATE.match(self.text("DT"))
        return f"{match[1]}-{match[2] or '??':0>2}-{match[3] or '??':0>2}" if match else None

    def _time_control(self) -> str | None:
        return " ".join(part for part in (self.text("TM"), self.text("OT")) if part) or None


UNTAGGED = frozenset(
    "GM FF CA SZ KM AB AW AE B W PB PW BR WR RE DT EV TM OT C AP ST PL".split()  # noqa: SIM905
)
"""Root properties that have their own fields or say nothing about the game played; the others become tags."""


def _text(value: str) -> str:
    """A property value as one line: escapes resolved, white space runs made one space."""
    if "\\" in value:
        value = ESCAPED.sub(lambda match: match[1] if match[1][0] not in "\r\n" else "", value)
    return " ".join(value.split())


def _point(value: str) -> str:
    return value.strip()


def _expand(values: Iterable[str]) -> Iterator[str]:
    """Single points of a list that may hold rectangles ``aa:cc``."""
    for value in values:
        rectangle = RECTANGLE.fullmatch(value.strip())
        if rectangle:
            left, top, right, bottom = rectangle.groups()
            for row in range(ord(top), ord(bottom) + 1):
                for column in range(ord(left), ord(right) + 1):
                    yield chr(column) + chr(row)
        else:
            yield value.strip()


@lru_cache(maxsize=MAX_SIZE)
def _points(size: int) -> frozenset[str]:
    """All points of a board, and the pass."""
    letters = "abcdefghijklmnopqrs"[:size]
    return frozenset(column + row for column in letters for row in letters) | {""}
