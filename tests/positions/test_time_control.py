"""Classes of time controls, by known answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.positions.time_control import estimated_seconds, time_class


@pytest.mark.parametrize(
    ("text", "seconds", "expected"),
    [
        ("60", 60, "bullet"),
        ("60+2", 140, "bullet"),
        ("120+2", 200, "blitz"),
        ("300", 300, "blitz"),
        ("300+5", 500, "rapid"),
        ("600+22", 1480, "rapid"),
        ("900+15", 1500, "classical"),
        ("40/7200:3600", 10800, "classical"),
        ("40/5400+30:900+30", 5400 + 900 + 2400, "classical"),
        ("*180", 180, "blitz"),
        ("1/86400", float("inf"), "correspondence"),
        ("600 5x30 byo-yomi", 1800, "classical"),
        ("60 25/50 Canadian", 140, "bullet"),
        ("1800", 1800, "classical"),
        ("?", None, None),
        ("-", None, None),
        ("0", None, None),
        ("G/90", None, None),
    ],
)
def test_known_time_controls(text: str, seconds: float | None, expected: str | None) -> None:
    assert estimated_seconds(text) == seconds
    assert time_class(text, None, {}) == expected


def test_words_decide_where_no_time_control_does() -> None:
    assert time_class(None, "World Blitz 2012", {}) == "blitz"
    assert time_class("?", "Memorial", {"EventType": "swiss (Rapid)"}) == "rapid"
    assert time_class("60", "World Rapid", {}) == "bullet"
    assert time_class(None, "Rapidly", {}) is None
    assert time_class(None, None, {}) is None


@given(st.text(alphabet="0123456789/:+*.x -?A", max_size=40))
def test_any_text_is_a_class_or_none(text: str) -> None:
    assert time_class(text, text, {"EventType": text}) in (
        *("bullet", "blitz", "rapid", "classical", "correspondence"),
        None,
    )
