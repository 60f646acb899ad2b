"""Reads PGN (Edwards 1994, "Portable Game Notation Specification and Implementation Guide"): chess games as text.

Knows no rules: moves stay SAN text. ``split_pgn`` cuts a stream of bytes into games, ``parse_pgn`` reads one of them;
``pgn_tags`` and ``pgn_moves`` read its two halves. Every tolerance has a name, is listed in docs/formats.md and stands
in ``GameRecord.tolerances``.
"""

import re
from collections.abc import Iterator

from gameil.records.pgn_moves import RESULT, read_movetext
from gameil.records.pgn_tags import read_tags, tag_fields
from gameil.records.pgn_xiangqi import is_xiangqi, parse_xiangqi
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, Window, excerpt, raw_error

TOO_LARGE = f"a game of more than {MAX_GAME_BYTES} bytes"
MAX_TAG_LINE = 1 << 16
"""Longest line of the tag section, bytes."""

BLANK = re.compile(rb"(?>\s|\xef\xbb\xbf|^%[^\n]*+\n)*+", re.MULTILINE)
# A run of tag lines, and after a blank line further ones unless they start the next game.
TAGS = re.compile(
    rb"(?>[ \t]*+\[[^\n]*+(?:\n|\Z))++"
    rb"(?>(?>[ \t\r]*+\n|%[^\n]*+\n)++(?![ \t]*\[Event[ \t])(?>[ \t]*+\[[^\n]*+(?:\n|\Z))++)*+"
)
NEXT_TAG = re.compile(rb"\n[ \t]*+\[[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]+\"")
NO_OPEN_COMMENT = re.compile(rb"(?>[^{;]++|\{[^}]*+\}|;[^\n]*+)*+")
SKIP_TO = re.compile(rb"\n[ \t]{0,16}(?=\[Event[ \t]{1,16}\")")
MAYBE_FURTHER_GAME = re.compile(rb"(?:" + RESULT.encode() + rb"|\xbd-\xbd)[\s\x80-\xff]*+(?:1\s*+\.|[{;])")
"""What stands in every movetext that holds a second game without tags, and in few others."""
PLAIN_ENDS = frozenset({b"1-0", b"0-1", b"1/2-1/2", b"*"})
RESULT_SIGNS = (b"-0", b"0-", b"/", b"*", b":", b"--", b"\xbd")
"""Every result has one of these, and few moves have."""


def split_pgn(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a PGN stream in order, unparsed; what cannot be cut out is an error in its place."""
    window = Window(source)
    start = 0
    found = False
    head = source.peek()
    old_mac = b"\r" in head and b"\n" not in head
    while True:
        game = _find_game(window.data, start, window.ended)
        if game is not None:
            begin, moves_begin, end = game
            found = True
            cut = window.ended and end == len(window.data) and source.broken is not None
            if not cut:
                yield from _cut_out(window, begin, moves_begin, end)
            start = end
            continue
        if window.ended:
            break
        window.drop(start)
        start = 0
        if len(window.data) > MAX_GAME_BYTES:
            found = True
            yield window.error(0, "too large", TOO_LARGE)
            _skip_game(window)
        window.extend()
        if old_mac:
            # Byte for byte, so that offsets stay exact.
            window.data = window.data.replace(b"\r", b"\n")
    if source.broken is not None:
        yield RecordError(window.at(len(window.data)), "truncated", source.broken)
    elif not found:
        yield window.error(0, "no records", "no game was found")


def _find_game(data: bytes, start: int, ended: bool) -> tuple[int, int, int] | None:
    """The next game's begin, begin of its moves, and end; None where more bytes are needed or none is left."""
    # Only whole lines are looked at, as a tag cut by the end of the window would look like a move.
    limit = len(data) if ended else data.rfind(b"\n") + 1
    begin = _after_blank(data, start, limit)
    if begin >= limit:
        return None
    tags = TAGS.match(data, begin, limit)
    moves_begin = tags.end() if tags else begin
    if not ended and _after_blank(data, moves_begin, limit) >= limit:
        return None
    search_from = max(begin, moves_begin - 1)
    outside = looked = moves_begin  # up to `outside` every comment is closed; `looked`: no brace closes it before here
    while True:
        candidate = NEXT_TAG.search(data, search_from, limit)
        if candidate is None:
            return (begin, moves_begin, len(data)) if ended else None
        end = candidate.start() + 1
        # A tag line inside a comment is text, but no comment reaches over an Event tag: that one was never closed.
        if candidate[1] == b"Event":
            return begin, moves_begin, end
        if looked == outside or data.find(b"}", looked, end) >= 0:
            matched = NO_OPEN_COMMENT.match(data, outside, end)
            outside = matched.end() if matched else outside
            if outside == end:
                return begin, moves_begin, end
        looked = end
        search_from = candidate.end()


def _after_blank(data: bytes, start: int, limit: int) -> int:
    blank = BLANK.match(data, start, limit)
    return blank.end() if blank else start


def _skip_game(window: Window) -> None:
    """Forgets the bytes of an oversized game up to the next Event tag."""
    while True:
        found = SKIP_TO.search(window.data, 1)
        if found:
            window.drop(found.end())
            return
        window.drop(max(0, len(window.data) - 64))
        if window.ended:
            window.drop(len(window.data))
            return
        window.extend()


def _cut_out(window: Window, begin: int, moves_begin: int, end: int) -> Iterator[RawRecord | RecordError]:
    """The game at ``begin``, and further ones without tags behind its result."""
    if end - begin > MAX_GAME_BYTES:
        yield window.error(begin, "too large", TOO_LARGE)
        return
    if _maybe_further_game(window.data, moves_begin, end):
        head, body, encoding = _decode(window.data[begin:moves_begin], window.data[moves_begin:end])
        stated = read_tags(head, []).get("Result")
        rest = 0
        while True:
            rest = read_movetext(body, rest, stated).end
            if rest == len(body):
                break
            stated = None
            cut = moves_begin + len(body[:rest].encode(encoding))
            yield RawRecord("pgn", window.data[begin:cut], window.at(begin))
            begin = cut
    yield RawRecord("pgn", window.data[begin:end], window.at(begin))


def _maybe_further_game(data: bytes, begin: int, end: int) -> bool:
    """False only where the movetext ends with its first result."""
    last = data[max(begin, end - 32) : end].split()[-1:]
    if last and last[0] in PLAIN_ENDS:
        before = data.rfind(last[0], begin, end)
        if all(data.find(sign, begin, before) < 0 for sign in RESULT_SIGNS):
            return False
    return MAYBE_FURTHER_GAME.search(data, begin, end) is not None


def _decode(head: bytes, body: bytes) -> tuple[str, str, str]:
    """The halves of a game as text, and their encoding."""
    try:
        return head.decode(), body.decode(), "utf-8"
    except UnicodeDecodeError:
        return head.decode("latin-1"), body.decode("latin-1"), "latin-1"


def parse_pgn(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game that ``split_pgn`` cut out."""
    section = TAGS.match(raw.data)
    moves_begin = section.end() if section else 0
    head_bytes = raw.data[:moves_begin]
    if len(head_bytes) > MAX_TAG_LINE and max(map(len, head_bytes.split(b"\n"))) > MAX_TAG_LINE:
        return raw_error(raw, "too large", f"a tag line of more than {MAX_TAG_LINE} bytes")
    head, body, encoding = _decode(head_bytes, raw.data[moves_begin:])
    tolerances = ["latin-1"] if encoding == "latin-1" else []
    tags = read_tags(head, tolerances)
    if is_xiangqi(tags):
        return parse_xiangqi(raw, tags, body, tolerances)
    movetext = read_movetext(body, 0, tags.get("Result"))
    if movetext.unknown is not None:
        what = excerpt(movetext.unknown)
        return RecordError(raw.source, "syntax", f"not a chess move after {len(movetext.moves)} plies: {what}", what)
    if not movetext.moves:
        players = f"{tags.get('White', '?')} - {tags.get('Black', '?')}"
        return RecordError(raw.source, "no moves", "a game without moves", excerpt(players))
    fields = tag_fields(tags, movetext)
    if isinstance(fields, str):
        return RecordError(raw.source, "variant", f"{fields} is not played by the rules of chess", excerpt(fields))
    return GameRecord(
        notation="san",
        moves=movetext.moves,
        source=raw.source,
        clocks=movetext.clocks,
        comments=movetext.comments,
        tolerances=(*tolerances, *movetext.tolerances),
        **fields,
    )
