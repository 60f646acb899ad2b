"""``report.html``: everything a run left behind on one page that needs nothing else to be read.

Works on one stage's run directory and on a pipeline's, whose stages are the run directories inside it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError
from gameil.reports.charts import climb_chart
from gameil.reports.games import choose_game, move_list, recorded_games, show_game
from gameil.reports.ladder_table import LadderRow, ladder_rows, measured_after
from gameil.reports.page import page, table
from gameil.reports.sections import StageRun, stage_section
from gameil.reports.svg import escape
from gameil.tracking.log import read_log
from gameil.tracking.run import CONFIG_FILE, LOG_FILE, RESULTS_FILE, read_results, read_run_config


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
    sections += [stage_section(run) for run in runs if run.stage != "report"]
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
