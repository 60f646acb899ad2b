"""The readers' regular expressions mean the same in every Python that is supported.

Before 3.11.5 a possessive repeat of something that can backtrack matches wrongly (CPython issue 106052): ``(?:a*b)*+``.
Of an atomic group it is right, and means the same: ``(?>a*b)*+``.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import gameil.records
from gameil.records.built_in_formats import BUILT_IN


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for module in pkgutil.iter_modules(gameil.records.__path__, "gameil.records."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value
    for known in BUILT_IN:
        for name, value in vars(known).items():
            if isinstance(value, re.Pattern):
                yield f"{known.name}.{name}", value


def backtracks(parsed: Any) -> bool:
    for code, value in parsed:
        if code is codes.BRANCH:
            return True
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and (value[0] != value[1] or backtracks(value[2])):
            return True
        if code is codes.SUBPATTERN and backtracks(value[3]):
            return True
    return False


def wrong_before_3_11_5(parsed: Any) -> bool:
    for code, value in parsed:
        if code is codes.POSSESSIVE_REPEAT and backtracks(value[2]):
            return True
        inner = []
        if code in (codes.POSSESSIVE_REPEAT, codes.MAX_REPEAT, codes.MIN_REPEAT):
            inner = [value[2]]
        elif code is codes.SUBPATTERN:
            inner = [value[3]]
        elif code is codes.ATOMIC_GROUP:
            inner = [value]
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            inner = [value[1]]
        elif code is codes.BRANCH:
            inner = value[1]
        if any(wrong_before_3_11_5(part) for part in inner):
            return True
    return False


def test_possessive_repeats_hold_nothing_that_backtracks() -> None:
    assert wrong_before_3_11_5(parser.parse(r"x(?:a*b)*+"))
    assert wrong_before_3_11_5(parser.parse(r"(?:x|(?=(?:ab|c)++))"))
    assert not wrong_before_3_11_5(parser.parse(r"(?>a*b)*+\s*+(?:[ab]c{2})++"))
    found = dict(patterns())
    assert len(found) > 40
    assert [name for name, one in found.items() if wrong_before_3_11_5(parser.parse(one.pattern, one.flags))] == []
