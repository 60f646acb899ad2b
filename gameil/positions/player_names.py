"""Names of players as records spell them: which are equal, and which may be the same person's."""

import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches

_MOST_SUGGESTED = 8
_NEAR = 0.85
"""Least likeness of two spellings, in [0, 1] (``difflib``)."""
_WORD = re.compile(r"[^\W_]+")


def name_key(name: str) -> str:
    """What is compared where a player is asked for by name: the spelling without case and double spaces."""
    return " ".join(name.casefold().split())


def names_like(name: str, players: Mapping[str, int]) -> list[str]:
    """Other names that may be the same person's: the same words, last name and initial, or nearly so.

    Args:
        name: the one asked for.
        players: number of games of each name; the most frequent are told first.
    """
    key = _plain(name)
    words = _WORD.findall(key)
    same = [
        other
        for other in players
        if other != name
        and (theirs := _WORD.findall(_plain(other)))
        and (sorted(theirs) == sorted(words) or _same_initials(words, theirs))
    ]
    near = get_close_matches(key, [_plain(other) for other in players], n=_MOST_SUGGESTED, cutoff=_NEAR)
    spelt = [other for other in players if other != name and _plain(other) in near]
    ranked = sorted(dict.fromkeys([*same, *spelt]), key=lambda other: -players[other])
    return ranked[:_MOST_SUGGESTED]


def did_you_mean(name: str, players: Mapping[str, int]) -> str:
    """The end of an error about a name that is not there: those like it, empty where none is."""
    like = names_like(name, players)
    return f"; did you mean {', '.join(map(repr, like))}?" if like else ""


def _same_initials(words: list[str], theirs: list[str]) -> bool:
    """``carlsen m`` and ``carlsen magnus``."""
    return (
        len(words) > 1
        and len(theirs) > 1
        and words[0] == theirs[0]
        and (words[1].startswith(theirs[1]) or theirs[1].startswith(words[1]))
    )


def _plain(name: str) -> str:
    """A name without case, accents, signs and double spaces."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return " ".join(_WORD.findall(plain.casefold()))
