"""Charts: round ticks that cover the data, points where their numbers say, labels apart."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ConfigError
from gameil.reports.charts import MAX_POINTS, climb_chart, line_chart, number, ticks
from gameil.reports.ladder_table import LadderRow, ladder_rows, ladder_text, measured_after
from gameil.reports.svg import picture_file

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


@given(FINITE, FINITE)
def test_ticks_cover_the_data_in_equal_round_steps(first: float, second: float) -> None:
    low, high = min(first, second), max(first, second)
    if high - low < 1e-6 * max(1.0, abs(high)):
        high = low + max(1.0, abs(low))
    marks = ticks(low, high)
    step = marks[1] - marks[0]
    assert marks[0] <= low + 1e-6 * step
    assert marks[-1] >= high - 1e-6 * step
    assert 2 <= len(marks) <= 8
    assert all(math.isclose(b - a, step, rel_tol=1e-6) for a, b in itertools.pairwise(marks))
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(mantissa - round_) for round_ in (1, 2, 5, 10)) < 1e-6


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.25, "0.25"), (1200.0, "1,200"), (35000.0, "35k"), (2.5e6, "2.5M"), (0.0001, "1e-04"), (-3.0, "-3")],
)
def test_numbers_on_axes(value: float, text: str) -> None:
    assert number(value) == text


def test_a_falling_curve_falls_on_paper() -> None:
    root = ET.fromstring(line_chart({"loss": [(0, 2.0), (10, 1.0), (20, 0.5)]}, label="loss"))
    (line,) = [element for element in root if element.tag == "polyline"]
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)  # y grows downwards
    assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.1)


def test_long_curves_are_thinned_and_broken_points_left_out() -> None:
    points = [(float(x), math.nan if x == 5 else float(x % 7)) for x in range(10 * MAX_POINTS)]
    chart = line_chart({"a": points, "b": [(0.0, math.inf)]}, label="x")
    assert "nan" not in chart
    assert "inf" not in chart
    (path,) = re.findall(r'points="([^"]*)"', chart)
    assert len(path.split()) <= MAX_POINTS
    assert line_chart({"b": [(0.0, math.inf)]}, label="x") == ""


def row(level: str, score: float) -> LadderRow:
    return LadderRow(level, 100, round(100 * score), 0, 100 - round(100 * score), score, score - 0.1, score + 0.1)


def test_the_climb_has_a_point_and_a_bar_for_every_score() -> None:
    climb = [("imitation", [row("easy", 0.5), row("medium", 0.2)]), ("labels", [row("easy", 0.8), row("medium", 0.79)])]
    root = ET.fromstring(climb_chart(climb))
    assert len(root.findall("circle")) == 4
    heights = [float(circle.attrib["cy"]) for circle in root.findall("circle")]
    assert heights[0] > heights[1]
    labels = {element.text: float(element.attrib["y"]) for element in root.findall("text")}
    assert abs(labels["easy"] - labels["medium"]) >= 14
    assert climb_chart([]) == ""


def test_the_text_table_has_a_line_an_agent_and_a_column_a_level() -> None:
    text = ladder_text([("imitation", [row("easy", 0.5)]), ("labels", [row("easy", 0.8), row("hard", 0.3)])])
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["score", "after", "easy", "hard"]
    assert lines[2] == ["imitation", "50", "%", "(40-60)"]
    assert lines[3] == ["labels", "80", "%", "(70-90)", "30", "%", "(20-40)"]
    assert "100 games a cell" in text


def test_rows_are_read_from_results() -> None:
    values = {"level": "easy", "games": 4, "wins": 2, "draws": 1, "losses": 1, "score": 0.625, "interval": [0.2, 0.9]}
    assert ladder_rows({"table": [values]}) == [LadderRow("easy", 4, 2, 1, 1, 0.625, 0.2, 0.9)]
    assert ladder_rows({}) == []
    del values["wins"]
    with pytest.raises(ConfigError, match="'wins'"):
        ladder_rows({"table": [values]})


@pytest.mark.parametrize(
    ("name", "text"), [("after-imitation", "imitation"), ("ladder-x", "x"), ("ladder", "ladder"), ("after-", "after-")]
)
def test_names_of_ladder_stages(name: str, text: str) -> None:
    assert measured_after(name) == text


def test_bands_are_drawn_around_their_curves() -> None:
    points = [(0.0, 0.4), (1.0, 0.6), (2.0, 0.5)]
    band = [(x, y - 0.1, y + 0.2) for x, y in points]
    chart = line_chart({"a": points}, label="x", bands={"a": band, "b": band})
    assert chart.count("<polygon") == 1
    outline = re.search(r'<polygon points="([^"]*)"', chart)
    assert outline is not None
    assert len(outline[1].split()) == 6
    assert line_chart({"a": points[:1]}, label="x", bands={"a": band[:1]}).count('stroke-width="1.4"') == 1
    assert "<polygon" not in line_chart({"a": points}, label="x", bands={"a": [(0.0, math.nan, 1.0)]})


def test_a_chart_is_a_file_of_its_own() -> None:
    """With its namespace, or browsers show its markup; and with the style that a report's page would give it."""
    root = ET.fromstring(picture_file(line_chart({"a": [(0, 1.0), (1, 2.0)]}, label="a")))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    (style,) = (part for part in root if part.tag.endswith("style"))
    assert ".rule" in (style.text or "")
    assert picture_file("") == ""


def test_names_of_curves_stand_apart_and_inside_the_chart() -> None:
    names = ["connect_four, 16 simulations", "othello, 16 simulations", "a", "b"]
    root = ET.fromstring(line_chart({name: [(0, 1.0), (1, 2.0)] for name in names}, label="x"))
    height = float(root.get("viewBox", "").split()[3])
    places = {text.text: (float(text.get("x", "")), float(text.get("y", ""))) for text in root.iter("text")}
    stand = [places[name] for name in names]
    assert len({y for _, y in stand}) == 4
    assert all(y < height for _, y in stand)
    short = ET.fromstring(line_chart({name: [(0, 1.0), (1, 2.0)] for name in "abc"}, label="x"))
    rows = {text.get("y") for text in short.iter("text") if text.text in set("abc")}
    assert len(rows) == 1
