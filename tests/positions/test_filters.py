"""Filters: each predicate by known answers, the rule for facts not stated, and values that come back as stored."""

import dataclasses
import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ConfigError
from gameil.positions.filters import (
    FilterConfig,
    filter_values,
    first_day,
    last_day,
    parse_filter,
    refusal,
    refused_by,
)
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance
from tests.strategies import any_played_games

EVERYTHING_SET: dict[str, Any] = {
    "min_rating": 1500,
    "max_rating": 2500,
    "rating_of": "mean",
    "max_rating_gap": 300,
    "min_plies": 10,
    "max_plies": 200,
    "result": "decisive",
    "time_classes": ("blitz", "rapid"),
    "events": ("*open*",),
    "events_out": ("*youth*",),
    "engines_out": True,
    "bots_out": True,
    "players": ("Short, N",),
    "variants_out": True,
    "date_from": "2012-06",
    "date_to": "2013",
    "terminations_out": ("forfeit",),
    "require_known": True,
}


def game(ratings: tuple[int | None, ...] = (2000, 2100), plies: int = 40, **values: Any) -> PlayedGame:
    names = values.pop("names", ("Adams, M", "Short, N"))
    players = tuple(PlayerInfo(name, rating) for name, rating in zip(names, ratings, strict=True))
    values = {"returns": (1.0, -1.0), "players": players, **values}
    return PlayedGame(values.pop("game_id", "chess"), np.zeros(plies, np.uint32), Provenance("x", 0), **values)


CASES: list[tuple[str, dict[str, Any], PlayedGame, bool | None]] = [
    ("player", {"players": ("short, n", "Timman, J")}, game(), True),
    ("player", {"players": ("Adams,  M",)}, game(), True),
    ("player", {"players": ("Short",)}, game(), False),
    ("player", {"players": ("Short, N",)}, game(names=(None, None)), False),
    ("rating", {"min_rating": 2000}, game((2000, 2100)), True),
    ("rating", {"min_rating": 2001}, game((2000, 2100)), False),
    ("rating", {"max_rating": 2099}, game((2000, 2100)), False),
    ("rating", {"min_rating": 2000}, game((2100, None)), None),
    ("rating", {"min_rating": 2000}, game((1900, None)), False),
    ("rating", {"min_rating": 2000}, game((), names=()), None),
    ("rating", {"min_rating": 2050, "rating_of": "mean"}, game((2000, 2100)), True),
    ("rating", {"min_rating": 2051, "rating_of": "mean"}, game((2000, 2100)), False),
    ("rating", {"min_rating": 2051, "rating_of": "mean"}, game((2400, None)), None),
    ("rating gap", {"max_rating_gap": 100}, game((2000, 2100)), True),
    ("rating gap", {"max_rating_gap": 99}, game((2000, 2100)), False),
    ("rating gap", {"max_rating_gap": 99}, game((2000, None)), None),
    ("plies", {"min_plies": 40, "max_plies": 40}, game(), True),
    ("plies", {"min_plies": 40}, game(num_setup=1), False),
    ("plies", {"max_plies": 39}, game(), False),
    ("result", {"result": "known"}, game(returns=None), False),
    ("result", {"result": "known"}, game(returns=(0.0, 0.0)), True),
    ("result", {"result": "decisive"}, game(returns=(0.0, 0.0)), False),
    ("result", {"result": "decisive"}, game(), True),
    ("result", {"result": "decisive"}, game(returns=None), None),
    ("result", {"result": "draw"}, game(), False),
    ("result", {"result": "draw"}, game(returns=(0.0, 0.0)), True),
    ("time control", {"time_classes": ("blitz",)}, game(time_control="180+2"), True),
    ("time control", {"time_classes": ("rapid", "classical")}, game(time_control="180+2"), False),
    ("time control", {"time_classes": ("blitz",)}, game(), None),
    ("event", {"events": ("titled tue*",)}, game(event="Titled Tuesday intern op"), True),
    ("event", {"events": ("titled tue", "*rapid")}, game(event="Titled Tuesday"), False),
    ("event", {"events": ("*",)}, game(), None),
    ("event", {"events_out": ("*BLITZ*",)}, game(event="World Blitz 2012"), False),
    ("event", {"events_out": ("*BLITZ*",)}, game(event="World Rapid 2012"), True),
    ("engine", {"engines_out": True}, game((3000, 2100)), False),
    ("engine", {"engines_out": True}, game((2999, 2100)), True),
    ("engine", {"engines_out": True}, game(event="nTCEC Season 2"), False),
    ("engine", {"engines_out": True}, game(event="Tcecnica Open"), True),
    ("engine", {"engines_out": True}, game(tags={"WhiteType": "program"}), False),
    ("engine", {"engines_out": True}, game(tags={"WhiteType": "human"}), True),
    ("engine", {"engines_out": True}, game(names=("Stockfish 141214", "Komodo 1333")), False),
    ("engine", {"engines_out": True}, game(names=("Short, N", "Deep Fritz")), False),
    ("engine", {"engines_out": True}, game(names=("Short, N", "Fritz 13")), False),
    ("engine", {"engines_out": True}, game(names=("Fritz, R", "Junior")), True),
    ("bot", {"bots_out": True}, game(names=("a", "maia1-bot")), False),
    ("bot", {"bots_out": True}, game(names=("a", "GnuGoBot")), False),
    ("bot", {"bots_out": True}, game(names=("Bot,Niels", "Botvinnik, M")), True),
    ("bot", {"bots_out": True}, game(names=("abbot", "Talbot")), True),
    ("variant", {"variants_out": True}, game(), True),
    ("variant", {"variants_out": True}, game(start="8/8/8/8/8/8/8/k1K5 w - - 0 1"), False),
    ("variant", {"variants_out": True}, game(game_id="chess(chess960=True)"), False),
    ("date", {"date_from": "2012-06", "date_to": "2012"}, game(date="2012-06-01"), True),
    ("date", {"date_from": "2012-06", "date_to": "2012"}, game(date="2012-12-31"), True),
    ("date", {"date_from": "2012-06", "date_to": "2012"}, game(date="2012-05-31"), False),
    ("date", {"date_to": "2012-06-15"}, game(date="2012-06-16"), False),
    ("date", {"date_from": "2012-06"}, game(date="2012-??-??"), None),
    ("date", {"date_from": "2012-06"}, game(date="2011-??-??"), False),
    ("date", {"date_from": "2012-06"}, game(date="2013-??-??"), True),
    ("date", {"date_from": "2012-06"}, game(), None),
    ("termination", {"terminations_out": ("time", "forfeit")}, game(termination="time"), False),
    ("termination", {"terminations_out": ("time", "forfeit")}, game(termination="rules"), True),
    ("termination", {"terminations_out": ("time", "forfeit")}, game(), None),
    ("termination", {"terminations_out": ("unknown",)}, game(), False),
]


@pytest.mark.parametrize(("name", "values", "played", "passes"), CASES)
def test_each_predicate_by_known_answers(
    name: str, values: dict[str, Any], played: PlayedGame, passes: bool | None
) -> None:
    expected = name if passes is False else None
    assert refusal(played, FilterConfig(**values)) == expected
    strict = f"unknown {name}" if passes is None else expected
    assert refusal(played, FilterConfig(**values, require_known=True)) == strict
    assert refused_by(played, [FilterConfig(), FilterConfig(**values)]) == expected


@given(any_played_games("chess"), st.booleans())
def test_no_game_breaks_a_filter_and_none_is_refused_by_no_filter(played: PlayedGame, strict: bool) -> None:
    assert refusal(played, FilterConfig(require_known=strict)) is None
    for name, value in EVERYTHING_SET.items():
        refusal(played, FilterConfig(**{name: value}, **({"require_known": strict} if name != "require_known" else {})))


@given(st.sets(st.sampled_from(sorted(EVERYTHING_SET))))
def test_stored_values_come_back(names: set[str]) -> None:
    config = FilterConfig(**{name: EVERYTHING_SET[name] for name in names})
    stored = json.loads(json.dumps(filter_values(config)))
    assert set(stored) == names
    assert parse_filter(stored) == config
    assert {item.name for item in dataclasses.fields(FilterConfig)} == set(EVERYTHING_SET)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"min_rating": 2000, "max_rating": 1999}, "min_rating 2000 is greater than max_rating 1999"),
        ({"min_plies": 5, "max_plies": 4}, "min_plies 5"),
        ({"max_rating_gap": -1}, "max_rating_gap must be at least 0"),
        ({"date_from": "2012-13"}, "YYYY-MM"),
        ({"date_to": "12.06.2012"}, "YYYY-MM"),
        ({"date_from": "2013-02", "date_to": "2013-01"}, "is after"),
        ({"events": ("x" * 201,)}, "patterns of 200"),
        ({"players": ("Short, N", " ")}, "players: a name is empty"),
    ],
)
def test_impossible_filters_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        FilterConfig(**values)


def test_no_pattern_takes_long() -> None:
    """What makes engines that back up take years."""
    config = FilterConfig(events=("*a" * 90 + "b", "*[a-z]*?" * 20 + "b"))
    began = time.process_time()
    assert refusal(game(event="a" * 100_000), config) == "event"
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("date", "first", "last"),
    [
        ("2012", "2012-01-01", "2012-12-31"),
        ("2012-02", "2012-02-01", "2012-02-31"),
        ("2012-??-??", "2012-01-01", "2012-12-31"),
        ("2012-??-05", "2012-01-01", "2012-12-31"),
        ("2012-03-??", "2012-03-01", "2012-03-31"),
        ("2012-03-04", "2012-03-04", "2012-03-04"),
    ],
)
def test_the_days_that_a_date_can_mean(date: str, first: str, last: str) -> None:
    assert (first_day(date), last_day(date)) == (first, last)
