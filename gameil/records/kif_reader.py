"""Reads shogi games in KIF, the text of Japanese servers and programs, in UTF-8 or Shift_JIS (CP932).

Knows no rules: each move names where the piece came from, so it becomes a USI move by itself. Handicaps become start
positions. Variations are left out, comments of the main line are kept; the clock of KIF counts time used and is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gameil.records.kif_board import board_sfen
from gameil.records.record import GameRecord, PlayerInfo, RawRecord, RecordError, Termination
from gameil.records.sources import Source
from gameil.records.usi_reader import first_seat
from gameil.records.window import MAX_GAME_BYTES, Window, excerpt, raw_error

TOO_LARGE = f"a game of more than {MAX_GAME_BYTES} bytes"
FIRST_WORDS = ("開始日時：", "手合割：", "先手：", "下手：", "後手：", "上手：", "棋戦：", "場所：", "持ち時間：")
"""Headers that a game may start with."""
HEAD = re.compile(
    rb"^[ \t]*+(?:(?P<head>#KIF|"
    + b"|".join(re.escape(word.encode(charset)) for word in FIRST_WORDS for charset in ("utf-8", "cp932"))
    + rb")|(?P<move>[ \t]*\d{1,4}[ \t]+[\x81-\xfe]))",
    re.MULTILINE,
)
"""A line that starts a game if moves stand before it, or a move."""

HANDICAPS = {
    "平手": None,
    "香落ち": "lnsgkgsn1/1r5b1",
    "右香落ち": "1nsgkgsnl/1r5b1",
    "角落ち": "lnsgkgsnl/1r7",
    "飛車落ち": "lnsgkgsnl/7b1",
    "飛香落ち": "lnsgkgsn1/7b1",
    "二枚落ち": "lnsgkgsnl/9",
    "三枚落ち": "lnsgkgsn1/9",
    "四枚落ち": "1nsgkgsn1/9",
    "五枚落ち": "2sgkgsn1/9",
    "左五枚落ち": "1nsgkgs2/9",
    "六枚落ち": "2sgkgs2/9",
    "左七枚落ち": "2sgkg3/9",
    "右七枚落ち": "3gkgs2/9",
    "八枚落ち": "3gkg3/9",
    "十枚落ち": "4k4/9",
}
"""White's first two ranks at each handicap; White (上手, who gives it) moves first."""
USUAL_START = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1"
HANDICAP_REST = "/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL w - 1"

FILES, RANKS = "１２３４５６７８９", "一二三四五六七八九"
PIECES = {"歩": "P", "香": "L", "桂": "N", "銀": "S", "金": "G", "角": "B", "飛": "R"}
"""Pieces that can be dropped."""
LINE = re.compile(r"[ 　\t]*(?P<number>[0-9]{1,4})[ 　\t]+(?P<text>[^ 　\t(].*)")
MOVE = re.compile(
    rf"(?:同[ 　]*|(?P<file>[{FILES}1-9])(?P<rank>[{RANKS}1-9]))"
    r"(?P<piece>成香|成桂|成銀|[歩香桂銀金角飛玉王と杏圭全馬竜龍])"
    r"(?P<how>成|不成|打)?(?:\((?P<from>[1-9][1-9])\))?(?P<rest>[ 　\t]*(?:\(.*)?)\+?"
)
ENDINGS: dict[str, tuple[str, Termination]] = {
    "投了": ("lost", "resignation"),
    "詰み": ("lost", "rules"),
    "詰": ("lost", "rules"),
    "切れ負け": ("lost", "time"),
    "時間切れ": ("lost", "time"),
    "反則負け": ("lost", "forfeit"),
    "不戦敗": ("lost", "forfeit"),
    "反則勝ち": ("won", "forfeit"),
    "入玉勝ち": ("won", "rules"),
    "千日手": ("drawn", "rules"),
    "持将棋": ("drawn", "agreed"),
    "中断": ("", "unknown"),
}
"""What stands in the place of the last move, for the player to move."""
SUMMARY = re.compile(r"まで.{0,20}?(?P<who>先手|後手|下手|上手|千日手|持将棋)(?P<won>.{0,20}勝ち?)?")
HANDS = (("先手の持駒", "下手の持駒"), ("後手の持駒", "上手の持駒"))
NAMES = ({"先手", "下手"}, {"後手", "上手"})


def split_kif(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a stream, unparsed: another one starts with a header behind moves."""
    window = Window(source)
    begin = scan = 0
    found = has_moves = skipping = False
    while True:
        limit = len(window.data) if window.ended else window.data.rfind(b"\n") + 1
        for mark in HEAD.finditer(window.data, scan, limit):
            if mark["move"]:
                has_moves = True
            elif has_moves or skipping:
                if not skipping:
                    yield _cut_out(window, begin, mark.start())
                begin, found, has_moves, skipping = mark.start(), True, False, False
        scan = max(scan, limit)
        if window.ended:
            break
        if len(window.data) - begin > MAX_GAME_BYTES:
            if not skipping:
                yield window.error(begin, "too large", TOO_LARGE)
            found, has_moves, skipping = True, False, True
            begin = scan = max(scan, len(window.data) - 64)
        window.drop(begin)
        scan -= begin
        begin = 0
        window.extend()
    if source.broken is not None:
        yield RecordError(window.at(begin), "truncated", source.broken)
    elif not skipping and window.data[begin:].strip():
        yield _cut_out(window, begin, len(window.data))
    elif not found:
        yield window.error(0, "no records", "no game was found")


def _cut_out(window: Window, begin: int, end: int) -> RawRecord | RecordError:
    if end - begin > MAX_GAME_BYTES:
        return window.error(begin, "too large", TOO_LARGE)
    return RawRecord("kif", window.data[begin:end], window.at(begin))


def _decode(data: bytes) -> tuple[str, bool]:
    """The text, and whether some bytes are no characters."""
    for charset in ("utf-8-sig", "cp932"):
        try:
            return data.decode(charset), False
        except UnicodeDecodeError:
            pass
    likely = max(("utf-8", "cp932"), key=lambda charset: sum(data.count(sign.encode(charset)) for sign in RANKS))
    return data.decode(likely, "replace"), True


@dataclass
class _Game:
    """What the lines of a game say."""

    tags: dict[str, str] = field(default_factory=dict)
    moves: list[str] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    ending: str = ""
    summary: re.Match[str] | None = None
    board: list[str] = field(default_factory=list)
    """The rows of a drawn start position."""
    white_moves: bool = False
    """The board says that White moves first."""
    unread: str = ""
    """The first line of moves that is none."""


def parse_kif(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game. Seat 0 is 先手 (or 下手, who takes a handicap), seat 1 後手 (or 上手)."""
    text, damaged = _decode(raw.data)
    game = _read_lines(text)
    if game.unread:
        what = excerpt(game.unread.strip())
        return RecordError(raw.source, "syntax", f"not a KIF move after {len(game.moves)} plies: {what}", what)
    if not game.moves:
        return raw_error(raw, "no moves", "a game without moves")
    handicap = game.tags.pop("手合割", "平手").strip("　 ")
    ranks = HANDICAPS.get(handicap)
    start = None if ranks is None else ranks + HANDICAP_REST
    hands = tuple(next((game.tags.pop(name) for name in names if name in game.tags), "なし") for names in HANDS)
    if game.board:
        start = board_sfen(game.board, (hands[0], hands[1]), game.white_moves)
    if (handicap not in HANDICAPS or hands != ("なし", "なし") or game.board) and start is None:
        return RecordError(raw.source, "start position", f"a start that cannot be read: {excerpt(handicap[:40])}")
    start = None if start == USUAL_START else start
    returns, termination = _outcome(game, (len(game.moves) + first_seat(start)) % 2)
    players = tuple(_player(game.tags, names) for names in NAMES)
    return GameRecord(
        game="shogi",
        notation="action",
        moves=tuple(game.moves),
        source=raw.source,
        players=players if any(player.name for player in players) else (),
        start=start,
        returns=returns,
        result="*" if returns is None else "1/2-1/2" if not returns[0] else "1-0" if returns[0] > 0 else "0-1",
        termination=termination,
        date=_date(game.tags),
        event=game.tags.pop("棋戦", None) or None,
        time_control=game.tags.pop("持ち時間", None) or None,
        tags=game.tags,
        comments=game.comments,
        tolerances=("undecodable bytes",) * damaged,
    )


def _read_lines(text: str) -> _Game:
    game = _Game()
    square = ""
    for line in text.splitlines():
        if line.startswith("*"):
            before = game.comments.get(len(game.moves) - 1)
            said = line[1:].strip()
            game.comments[len(game.moves) - 1] = said if before is None else f"{before}\n{said}"
            continue
        if line.startswith("変化：") and game.moves:
            break
        if line.startswith(("#", "&", "手数--")) or not line.strip():
            continue
        if line.startswith("|") and not game.moves and len(game.board) <= len(RANKS):
            game.board.append(line)
            continue
        game.white_moves |= line.strip() in ("後手番", "上手番")
        numbered = LINE.fullmatch(line)
        if numbered is None:
            game.summary = SUMMARY.match(line.strip()) or game.summary
            name, colon, value = line.partition("：")
            if colon and not game.moves and len(name) <= 40:
                game.tags[name.strip()] = value.strip("　 \t")
            continue
        if game.ending:
            break
        said = numbered["text"].strip()
        ending = next((word for word in ENDINGS if said.split("(")[0].strip("　 ") == word), "")
        if ending:
            game.ending = ending
            continue
        move = MOVE.fullmatch(said)
        usi, square = _usi(move, square) if move else ("", square)
        if not usi:
            game.unread = line
            break
        game.moves.append(usi)
    return game


def _usi(move: re.Match[str], last: str) -> tuple[str, str]:
    """The move as USI, empty where it is incomplete, and the square that it reaches."""
    square = last
    if move["file"]:
        file = (FILES.find(move["file"]) + 1) or int(move["file"])
        rank = (RANKS.find(move["rank"]) + 1) or int(move["rank"])
        square = f"{file}{'abcdefghi'[rank - 1]}"
    if not square:
        return "", last
    if move["from"] is None:
        return (f"{PIECES[move['piece']]}*{square}" if move["how"] == "打" and move["piece"] in PIECES else ""), square
    source = f"{move['from'][0]}{'abcdefghi'[int(move['from'][1]) - 1]}"
    return source + square + ("+" if move["how"] == "成" else ""), square


def _outcome(game: _Game, mover: int) -> tuple[tuple[float, float] | None, Termination]:
    """Returns and termination: by the word behind the last move, else by the line that sums the game up."""
    kind, termination = ENDINGS.get(game.ending, ("", "unknown"))
    if not kind and game.summary is not None and not game.ending:
        who, won = game.summary["who"], game.summary["won"]
        if who in ("千日手", "持将棋"):
            kind = "drawn"
        elif won:
            mover, kind = int(who in NAMES[1]), "won"
    if not kind:
        return None, "unknown"
    if kind == "drawn":
        return (0.0, 0.0), termination
    winner = mover if kind == "won" else 1 - mover
    return ((1.0, -1.0) if winner == 0 else (-1.0, 1.0)), termination


def _player(tags: dict[str, str], names: set[str]) -> PlayerInfo:
    found = [tags.pop(name) for name in sorted(names) if name in tags]
    return PlayerInfo(next((name for name in found if name), None))


def _date(tags: dict[str, str]) -> str | None:
    """The day, from the time of the start; the whole text stays a tag where it says more."""
    text = tags.get("開始日時", "")
    match = re.match(r"\s*(\d{4})[/-](\d{1,2}|\?\?)[/-](\d{1,2}|\?\?)", text)
    if match is None:
        return None
    if match.end() == len(text):
        del tags["開始日時"]
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}"
