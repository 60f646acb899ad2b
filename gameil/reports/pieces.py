"""Own drawings of the six chess pieces: simple filled shapes in a 40 by 40 box, no font needed."""

_BASE = '<path d="M9 34 h22 v3 h-22 z"/>'

SHAPES: dict[str, str] = {
    "p": '<circle cx="20" cy="13" r="5"/><path d="M16 18 h8 l1 3 h-2 c0 5 2 8 5 11 h-16 c3-3 5-6 5-11 h-2 z"/>' + _BASE,
    "r": '<path d="M11 7 h4 v3 h3 v-3 h4 v3 h3 v-3 h4 v8 l-3 3 v11 l3 3 h-18 l3-3 v-11 l-3-3 z"/>' + _BASE,
    "n": '<path d="M17 5 l3 4 c8 1 11 9 10 23 h-18 c0-6 8-8 8-14 c-3 3-5 2-6 4 l-3 1 -2-4 c3-4 3-9 6-11 z"/>' + _BASE,
    "b": '<circle cx="20" cy="6.5" r="2.5"/><path d="M20 9 c6 4 8 8 7 12 l-3 4 c0 3 2 5 4 7 h-16 c2-2 4-4 4-7 l-3-4 '
    'c-1-4 1-8 7-12 z"/>' + _BASE,
    "q": '<path d="M7 12 l6 8 1-11 6 10 6-10 1 11 6-8 -4 20 h-18 z"/><circle cx="7" cy="10.5" r="2"/>'
    '<circle cx="14" cy="7.5" r="2"/><circle cx="26" cy="7.5" r="2"/><circle cx="33" cy="10.5" r="2"/>' + _BASE,
    "k": '<path d="M18.7 3 h2.6 v2.7 h2.7 v2.6 h-2.7 v4 h-2.6 v-4 h-2.7 v-2.6 h2.7 z"/>'
    '<path d="M20 13 c3-4 13-3 12 4 c-1 5-5 8-5 15 h-14 c0-7-4-10-5-15 c-1-7 9-8 12-4 z"/>' + _BASE,
}
"""Piece letter as in a FEN (lower case) -> SVG elements."""
