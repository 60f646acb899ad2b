"""Reads SGF (FF[1] to FF[4], https://www.red-bean.com/sgf/): Go games as trees of properties, main line only.

``split_sgf`` cuts a stream of bytes into game trees; ``parse_sgf`` turns one tree's main line into a record. Variations
after the first are left out, comments of the main line are kept. Tolerances: docs/formats.md.
"""

import re
from collections.abc import Iterator

from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sgf_game import read_tree
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, Window

TOO_LARGE = f"a game tree of more than {MAX_GAME_BYTES} bytes"
TREE_START = re.compile(rb"\(\s{0,32}+;")
"""Bounded, so that it is found whole in the bytes that are kept where a block ends."""
PLAIN_TREE = re.compile(rb"\((?>[^()\[\]\\]*+\[[^\[\]\\]*+\])*+[^()\[\]\\]*+\)")
"""A game tree without variations, escapes or brackets in values: nearly every game of a collection."""
UNCLOSED = {"unclosed": "yes"}
"""Context of a tree that the file, or the next tree's root, cuts off."""
OPEN, CLOSE = b"()"
BRACKET = re.compile(
    rb"(?P<root>\((?=\s*+;\s*+(?:GM|FF)\s*+\[))|[()]|\[[^\]\\]*+(?>\\.[^\]\\]*+)*+(?:\]|\\?\Z)", re.DOTALL
)
"""The start of a game tree's root, a parenthesis, or a whole property value (whose parentheses do not count)."""


def split_sgf(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the game trees of an SGF stream in order, unparsed, and errors in their places."""
    window = Window(source)
    start = 0
    found = 0
    while True:
        begin = TREE_START.search(window.data, start)
        end = _tree_end(window.data, begin.start()) if begin else None
        if begin and end is not None:
            found += 1
            yield _cut_out(window, begin.start(), end)
            start = end
            continue
        if window.ended:
            break
        # Nothing before a possible start of a tree is needed again; the start itself may be cut by the window's end.
        window.drop(begin.start() if begin else max(start, len(window.data) - 64))
        start = 0
        if len(window.data) > MAX_GAME_BYTES:
            yield window.error(0, "too large", TOO_LARGE)
            found += 1
            _skip_tree(window)
        window.extend()
    if source.broken is not None:
        yield RecordError(window.at(begin.start() if begin else len(window.data)), "truncated", source.broken)
    elif begin:
        yield _cut_out(window, begin.start(), len(window.data), cut=True)
    elif not found:
        yield window.error(0, "no records", "no game tree '(;' was found")


def _cut_out(window: Window, begin: int, end: int, *, cut: bool = False) -> RawRecord | RecordError:
    if end - begin > MAX_GAME_BYTES:
        return window.error(begin, "too large", TOO_LARGE)
    tree = window.data[begin:end]
    return RawRecord("sgf", tree, window.at(begin), UNCLOSED if cut or not tree.endswith(b")") else {})


def parse_sgf(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game tree that ``split_sgf`` cut out."""
    return read_tree(raw.data, raw.source, cut=bool(raw.context))


def _tree_end(data: bytes, begin: int) -> int | None:
    """Where the tree at ``begin`` ends, None where that lies behind the data.

    That is behind its closing parenthesis, or before the next tree's root (GM or FF first) where it is never closed.
    """
    plain = PLAIN_TREE.match(data, begin)
    if plain:
        return plain.end()
    depth = 0
    for match in BRACKET.finditer(data, begin):
        sign = data[match.start()]
        if match["root"] and depth:
            return match.start()
        if sign == OPEN:
            depth += 1
        elif sign == CLOSE:
            depth -= 1
            if depth == 0:
                return match.end()
    return None


def _skip_tree(window: Window) -> None:
    """Forgets an oversized tree: everything up to a tree that starts a line."""
    while True:
        found = re.search(rb"\n\(\s{0,32}+;", window.data[1:])
        if found:
            window.drop(found.start() + 2)
            return
        if window.ended:
            window.drop(len(window.data))
            return
        window.drop(max(0, len(window.data) - 64))
        window.extend()
