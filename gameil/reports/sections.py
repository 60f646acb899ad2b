"""One stage's part of a report: its curves, its results, its configuration."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.arena.ladder import place_line
from gameil.arena.tables import sprt_text
from gameil.dataset.dataset import Dataset
from gameil.dataset.split import Split
from gameil.errors import GameilError
from gameil.reports.charts import line_chart
from gameil.reports.cross_table_page import standings_html
from gameil.reports.ladder_chart import ladder_chart, ladder_rows_of
from gameil.reports.ladder_table import ladder_rows
from gameil.reports.page import facts, flat_values, shown, table
from gameil.reports.svg import escape
from gameil.tracking.log import LogEntries

SHARED_CHARTS = (
    ("loss/policy", "validation/nll"),
    ("loss/value", "validation/value_mse"),
    ("accuracy/top1", "validation/top1", "validation/top5"),
)
"""Curves that share a chart where they are there; every other metric gets its own."""
ASIDE = ("optimizer/", "schedule/", "time/", "policy/behaviour_gap", "self_play/decisions")
"""Beginnings of metrics that are shown only when asked for."""
LEFT_OUT = ("cursors", "table_text")
"""Results that say nothing to people."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class StageRun:
    """What one run directory holds."""

    directory: Path
    stage: str
    config: Mapping[str, Any]
    log: LogEntries
    results: Mapping[str, Any] | None
    """None: not finished."""

    @property
    def name(self) -> str:
        return self.directory.name


def stage_section(run: StageRun) -> str:
    """HTML of one stage."""
    title = run.name if run.name == run.stage else f"{run.name} ({run.stage})"
    anchor = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in run.name.lower())
    parts = [f'<h2 id="stage-{anchor}">{escape(title)}</h2>']
    if run.results is None:
        parts.append('<p class="quiet">Not finished.</p>')
    parts.append(_charts(run.log))
    if run.results is not None:
        parts.append(RESULTS.get(run.stage, results_html)(run.results))
    rows = flat_values(run.config)
    if rows:
        parts.append(f"<details><summary>configuration</summary>{table(['field', 'value'], rows)}</details>")
    return "".join(parts)


def results_html(results: Mapping[str, Any]) -> str:
    """Results as people read them: single values side by side, lists and tables of values as tables."""
    single = {name: value for name, value in results.items() if name not in LEFT_OUT and _is_single(value)}
    parts = [facts([(name, value) for name, value in single.items()])] if single else []
    for name, value in results.items():
        if name in single or name in LEFT_OUT or not value:
            continue
        heading = f"<h3>{escape(name)}</h3>"
        if isinstance(value, Mapping):
            parts.append(heading + _mapping(value))
        elif isinstance(value, Sequence) and all(isinstance(row, Mapping) for row in value):
            parts.append(heading + _rows(value))
    return "".join(parts)


def _mapping(value: Mapping[str, Any]) -> str:
    """A table with a row for each inner mapping where that is what the values are; else names and values."""
    inner = [item for item in value.values() if isinstance(item, Mapping)]
    if inner and len(inner) == len(value):
        columns = list(dict.fromkeys(key for item in inner for key, cell in item.items() if _is_single(cell)))
        rows = [[name, *(item.get(key) for key in columns)] for name, item in value.items()]
        return table(["", *columns], rows)
    return facts(flat_values(value))


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    header = list(dict.fromkeys(key for row in rows for key in row if _is_single(row[key])))
    return table(header, [[row.get(key) for key in header] for row in rows])


def _is_single(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 4 and all(not isinstance(item, Mapping | list | tuple) for item in value)
    return not isinstance(value, Mapping)


def dataset_section(runs: Sequence[StageRun]) -> str:
    """What is in the datasets that the stages name, as far as they are there."""
    paths = {str(run.config[key]) for run in runs for key in ("dataset", "out") if run.config.get(key)}
    paths |= {
        str(run.config["openings"]["dataset"]) for run in runs if (run.config.get("openings") or {}).get("dataset")
    }
    parts = []
    for path in sorted(path for path in paths if path.endswith(".lmdb") and Path(path).exists()):
        try:
            dataset = Dataset(Path(path))
        except GameilError:
            continue
        with closing(dataset):
            counts = dataset.counts().total
            rows = [
                ("game", dataset.meta.family),
                ("games", len(dataset)),
                ("positions", int(dataset.lengths(dataset.game_ids()).sum())),
                *((split, len(dataset.game_ids(split))) for split in SPLITS),
                ("records read", counts.read),
                ("duplicates", counts.duplicates),
                ("rejected", sum(counts.rejected.values())),
                ("filtered", sum(counts.filtered.values())),
                ("sealed", dataset.meta.sealed),
            ]
        parts.append(f"<h3>{escape(Path(path).name)}</h3>{facts(rows)}")
    return f'<h2 id="datasets">Datasets</h2>{"".join(parts)}' if parts else ""


def _series(results: Mapping[str, Any]) -> str:
    """One agent against another: the answer in a line, then all figures."""
    if "elo_pair_interval" not in results:
        return results_html(results)
    low, high = results["elo_pair_interval"]
    side = "above" if results["elo"] >= 0 else "below"
    said = (
        f"{abs(results['elo']):.0f} Elo {side} {results['against']} ({low:+.0f} to {high:+.0f}): "
        f"{results['wins']} wins, {results['draws']} draws, {results['losses']} losses"
    )
    test = f"<p>{escape(sprt_text(results['sprt']).capitalize())}.</p>" if "sprt" in results else ""
    note = '<p class="quiet">Interval of 95 %, with the games of one opening as one trial.</p>'
    return f'<p class="lead">{escape(said)}</p>{note}{test}{results_html(results)}'


def _tournament(results: Mapping[str, Any]) -> str:
    single = {key: results[key] for key in ("kind", "games", "openings", "truncated") if key in results}
    return facts(list(single.items())) + standings_html(results)


def _ladder(results: Mapping[str, Any]) -> str:
    header = ["level", "wins", "draws", "losses", "score", "Elo difference"]
    elos = [_elo(row) for row in results.get("table", [])]
    rows = [
        [row.level, row.wins, row.draws, row.losses, row.text, elo]
        for row, elo in zip(ladder_rows(results), elos, strict=True)
    ]
    agent = f"<p>Agent: <code>{escape(shown(results.get('agent', '')))}</code></p>"
    drawn = ""
    rated = ladder_rows_of(results)
    if rated:
        anchor = results.get("anchor")
        scale = f"{anchor} is 0" if anchor else "levels held at the ratings given"
        drawn = (
            f'<p class="lead">{escape(place_line(results))}</p><figure>{ladder_chart(rated)}'
            f'<figcaption class="quiet">Elo with 95 % intervals; {escape(scale)}. Pale levels were not met: they stand '
            "where they would be expected.</figcaption></figure>"
        )
    return agent + drawn + (f'<div class="wide">{table(header, rows)}</div>' if rows else "")


def _elo(row: Mapping[str, Any]) -> str:
    if "elo" not in row or "elo_interval" not in row:
        return ""
    low, high = row["elo_interval"]
    return f"{row['elo']:+.0f} ({low:+.0f} to {high:+.0f})"


def _charts(log: LogEntries) -> str:
    names = log.names()
    ends = {f"{name}/{end}" for name in names for end in ("low", "high")}
    curves = {name: log.curve(name) for name in names if name not in ends}
    bands = {
        name: [
            (x, low, high)
            for (x, low), (_, high) in zip(log.curve(f"{name}/low"), log.curve(f"{name}/high"), strict=False)
        ]
        for name in curves
        if f"{name}/low" in names
    }
    changing = [name for name, points in curves.items() if len({value for _, value in points}) > 1]
    groups: list[list[str]] = []
    for name in changing:
        family = next((group for group in SHARED_CHARTS if name in group), (name,))
        members = [member for member in family if member in changing]
        if members not in groups:
            groups.append(members)
    figures: list[str] = []
    aside: list[str] = []
    for group in groups:
        chart = line_chart({name: curves[name] for name in group}, label=", ".join(group), bands=bands)
        if chart:
            figure = f"<figure><figcaption>{escape(' and '.join(group))}</figcaption>{chart}</figure>"
            (aside if group[0].startswith(ASIDE) else figures).append(figure)
    html = f'<div class="charts">{"".join(figures)}</div>' if figures else ""
    if aside:
        html += f'<details><summary>more curves</summary><div class="charts">{"".join(aside)}</div></details>'
    return html


RESULTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "evaluate": _series,
    "ladder": _ladder,
    "tournament": _tournament,
}
"""Stages whose results have a look of their own."""
