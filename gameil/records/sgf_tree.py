"""The main line of one SGF game tree as nodes of properties; knows the format, not the game."""

import re
from collections.abc import Iterable, Iterator
from typing import cast

TOKEN = re.compile(r"(;)|([A-Za-z]+)|\[([^\]\\]*+(?>\\.[^\]\\]*+)*+)(?:\]|\\?\Z)|([()])", re.DOTALL)
"""A value that is never closed reaches to the end: looking again from its next bracket would take quadratic time."""
ROOT = re.compile(r"\(\s*+;[^;()\[\]]*+(?>\[[^\]\\]*+(?>\\.[^\]\\]*+)*+\][^;()\[\]]*+)*+", re.DOTALL)
ESCAPED = re.compile(r"\\(\r\n|\n\r|.)", re.DOTALL)
CHARSET = re.compile(rb"(?<![A-Za-z])CA\s*+\[\s*+([\w.:-]{1,40})\s*+\]")
TEXT_CHARSETS = re.compile(
    r"ascii|utf[-_]?8|latin[-_]?1|iso[-_]?8859[-_]?\d+|windows[-_]?\d+|cp\d+|gb\w*|big5\w*|euc[-_]\w+|shift[-_]?jis\w*"
    r"|sjis|ms932|koi8[-_]?[ru]|iso[-_]?2022[-_]?\w+|hz|us[-_]ascii|johab|uhc",
    re.IGNORECASE,
)
"""Names passed on to Python's decoders, which know others too that decode no text."""

LONG_TEXT = 1 << 18
"""Characters of a tree whose tokens are no longer listed all at once."""
MAX_PROPERTIES = 100_000
"""Properties that one node may have."""

Node = list[tuple[str, list[str]]]
"""Properties in their order, each with its raw values."""


class RefusedError(Exception):
    """A tree that cannot be used; ``sgf_game.read_tree`` makes a ``RecordError`` of it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decode_tree(raw: bytes, tolerances: list[str]) -> str:
    """Text in the tree's own charset, else UTF-8, else Latin-1, which reads anything."""
    stated = CHARSET.search(raw)
    charset = stated[1].decode("latin-1") if stated else "utf-8"
    for candidate in (charset, "utf-8"):
        if TEXT_CHARSETS.fullmatch(candidate):
            try:
                text = raw.decode(candidate)
            except (ValueError, LookupError):
                continue
            if candidate != charset:
                tolerances.append("other charset")
            return text
    tolerances.append("latin-1")
    return raw.decode("latin-1")


def split_root(text: str) -> tuple[dict[str, list[str]], int]:
    """The properties of the root node, and the position of what follows it."""
    root = ROOT.match(text)
    end = root.end() if root else 0
    properties: dict[str, list[str]] = {}
    for name, values in next(iterate_nodes(text[:end]), []):
        properties.setdefault(name, []).extend(values)
    return properties, end


def _tokens(text: str) -> Iterable[tuple[str, str, str, str]]:
    """All tokens: of a usual text at once, which is faster; of a long one, one by one, which takes no memory."""
    if len(text) < LONG_TEXT:
        return cast(list[tuple[str, str, str, str]], TOKEN.findall(text))
    return (cast(tuple[str, str, str, str], match.groups("")) for match in TOKEN.finditer(text))


def iterate_nodes(text: str) -> Iterator[Node]:
    """The nodes of the main line: up to the first closing parenthesis, which ends every first variation.

    Raises ``RefusedError`` where a node is too large.
    """
    node: Node | None = None
    for semicolon, name, value, parenthesis in _tokens(text):
        if semicolon:
            if node is not None:
                yield node
            node = []
        elif name:
            # FF[1] to FF[3] allow lower-case letters in long names (``SiZe``); only the capitals count.
            short = name if name.isupper() else "".join(filter(str.isupper, name))
            if node is not None:
                node.append((short, []))
                if len(node) > MAX_PROPERTIES:
                    raise RefusedError("too large", f"a node of more than {MAX_PROPERTIES:,} properties")
        elif parenthesis == ")":
            break
        elif not parenthesis and node:
            node[-1][1].append(value)
    if node is not None:
        yield node


def plain_text(value: str) -> str:
    """A property value as one line: escapes resolved, runs of white space made one space."""
    if "\\" in value:
        value = ESCAPED.sub(lambda match: match[1] if match[1][0] not in "\r\n" else "", value)
    return " ".join(value.split())
