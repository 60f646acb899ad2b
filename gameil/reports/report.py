"""``report.html``: everything a run left behind on one page that needs nothing else to be read.

Works on one stage's run directory and on a pipeline's, whose stages are the run directories inside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError
from gameil.reports.charts import climb_chart, line_chart
from gameil.reports.games import choose_game, move_list, recorded_games, show_game
from gameil.reports.ladder_table import LadderRow, ladder_rows, measured_after
from gameil.reports.page import flat_values, page, table
from gameil.reports.svg import escape
from gameil.tracking.log import LogEntries, read_log
from gameil.tracking.run import CONFIG_FILE, LOG_FILE, RESULTS_FILE, read_results, read_run_config

GROUPED = (
    ("loss/policy", "validation/loss/policy"),
    ("loss/value", "validation/loss/value"),
    ("accuracy/top1", "accuracy/top5", "accuracy/top3"),
)
"""Curves that share a chart where they are there; every other metric gets its own."""


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


def write_report(directory: Path, out: Path | None = None) -> Path:
    """Writes the report of a run directory, by default as ``report.html`` inside it; returns its path.

    Raises:
        ConfigError: the directory is no run directory, or the page cannot be written.
    """
    html = report_html(directory)
    path = out or directory / "report.html"
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def report_html(directory: Path) -> str:
    """The page as text. Raises ``ConfigError`` where ``directory`` is no run directory."""
    if not directory.is_dir():
        raise ConfigError(f"{directory}: not a run directory")
    top = read_run_config(directory)
    runs = read_runs(directory)
    config = top.get("config") if isinstance(top.get("config"), dict) else {}
    title = str((config or {}).get("title") or f"{directory.resolve().name}: {top.get('stage', 'run')}")
    # The report stage itself is still at work while this is written.
    counted = [run for run in runs if run.stage != "report"]
    finished = sum(1 for run in counted if run.results is not None)
    subtitle = (
        f"run directory {directory} · gameil {top.get('gameil', '')} · {finished} of {len(counted)} stages finished"
    )
    sections = [_climb_section(runs), _play_section(config or {}), _game_section(runs)]
    sections += [_stage_section(run) for run in runs if run.stage != "report"]
    return page(title, subtitle, sections)


def read_runs(directory: Path) -> list[StageRun]:
    """The run itself, or a pipeline's stages in their order; those that have not started are left out."""
    top = read_run_config(directory)
    if top.get("stage") != "pipeline":
        return [_read_run(directory)]
    names = [str(table["name"]) for table in top["config"]["stage"]]
    return [_read_run(directory / name) for name in names if (directory / name / CONFIG_FILE).exists()]


def _read_run(directory: Path) -> StageRun:
    config = read_run_config(directory)
    results = read_results(directory) if (directory / RESULTS_FILE).exists() else None
    return StageRun(
        directory, str(config.get("stage", "")), config.get("config") or {}, read_log(directory / LOG_FILE), results
    )


def _climb_section(runs: Sequence[StageRun]) -> str:
    climb = [
        (measured_after(run.name), ladder_rows(run.results))
        for run in runs
        if run.stage == "ladder" and run.results is not None
    ]
    if not climb:
        return ""
    levels = list(dict.fromkeys(row.level for _, rows in climb for row in rows))
    cells: list[list[object]] = []
    for name, rows in climb:
        by_level: dict[str, LadderRow] = {row.level: row for row in rows}
        cells.append([name, *(by_level[level].text if level in by_level else "" for level in levels)])
    games = sorted({row.games for _, rows in climb for row in rows})
    note = f"{games[0]}" if len(games) == 1 else f"{games[0]} to {games[-1]}"
    return (
        "<h2>The climb</h2>"
        f'<p class="quiet">Score against each built-in level, with 95 % intervals; {note} games each, in pairs with '
        "seats swapped; a draw counts half.</p>"
        f"<figure>{climb_chart(climb)}</figure>{table(['agent after', *levels], cells)}"
    )


def _play_section(config: Mapping[str, Any]) -> str:
    if not (config.get("game") and config.get("agent")):
        return ""
    command = f"gameil play --game {config['game']} --agent {config['agent']}"
    return f"<p>Play against it: <code>{escape(command)}</code></p>"


def _stage_section(run: StageRun) -> str:
    title = run.name if run.name == run.stage else f"{run.name} ({run.stage})"
    parts = [f"<h2>{escape(title)}</h2>"]
    if run.results is None:
        parts.append('<p class="quiet">Not finished.</p>')
    parts.append(_charts(run.log))
    if run.results is not None:
        parts.append(_results(run))
    rows = flat_values(run.config)
    if rows:
        parts.append(f"<details><summary>configuration</summary>{table(['field', 'value'], rows)}</details>")
    return "".join(parts)


def _charts(log: LogEntries) -> str:
    names = [name for name in log.names() if len(log.curve(name)) > 1]
    groups: list[list[str]] = []
    for name in names:
        family = next((group for group in GROUPED if name in group), (name,))
        members = [member for member in family if member in names]
        if members not in groups:
            groups.append(members)
    figures = []
    for group in groups:
        chart = line_chart({name: log.curve(name) for name in group}, label=", ".join(group))
        if chart:
            figures.append(f"<figure><figcaption>{escape(' and '.join(group))}</figcaption>{chart}</figure>")
    return f'<div class="charts">{"".join(figures)}</div>' if figures else ""


def _ladder_table(results: Mapping[str, Any]) -> str:
    header = ["level", "wins", "draws", "losses", "score", "Elo difference"]
    elos = [_elo(row) for row in results.get("table", [])]
    rows = [
        [row.level, row.wins, row.draws, row.losses, row.text, elo]
        for row, elo in zip(ladder_rows(results), elos, strict=True)
    ]
    return table(header, rows) if rows else ""


def _elo(row: Mapping[str, Any]) -> str:
    if "elo" not in row or "elo_interval" not in row:
        return ""
    low, high = row["elo_interval"]
    return f"{row['elo']:+.0f} ({low:+.0f} to {high:+.0f})"


def _results(run: StageRun) -> str:
    """The results as tables: lists of rows as they are, everything else as names and values."""
    assert run.results is not None
    if run.stage == "ladder":
        return f"<p>Agent: <code>{escape(str(run.results.get('agent', '')))}</code></p>" + _ladder_table(run.results)
    parts = []
    plain = {}
    for name, value in run.results.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            header = list(dict.fromkeys(key for row in value for key in row if _is_plain(row[key])))
            cells = [[row.get(key) for key in header] for row in value]
            parts.append((f"<h3>{escape(name)}</h3>" if name != "table" else "") + table(header, cells))
        else:
            plain[name] = value
    rows = flat_values(plain)
    if rows:
        parts.insert(0, table(["result", "value"], rows))
    return "".join(parts)


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _game_section(runs: Sequence[StageRun]) -> str:
    """One game of the last stage that recorded any, preferably one that the measured agent won."""
    for run in reversed(runs):
        agent = run.config.get("agent")
        played = choose_game(recorded_games(run.directory), str(agent) if agent else None)
        if played is None:
            continue
        shown = show_game(played)
        figures = "".join(
            f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"
            for caption, picture in shown.pictures
        )
        return (
            f"<h2>A game</h2><p>{escape(shown.title)} <span class='quiet'>(from {escape(run.name)})</span></p>"
            f'<div class="boards">{figures}</div><p class="moves">{move_list(shown.moves)}</p>'
        )
    return ""
