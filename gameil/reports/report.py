"""``report.html``: everything a run left behind on one page that needs nothing else to be read.

Works on one stage's run directory and on a pipeline's, whose stages are the run directories inside it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError, GameilError
from gameil.reports.charts import climb_chart
from gameil.reports.games import agent_of, notable_games, note_of, recorded_games, strengths_of
from gameil.reports.ladder_table import LadderRow, ladder_rows, measured_after
from gameil.reports.league_page import league_section
from gameil.reports.page import page, table
from gameil.reports.replay import SCRIPT, Replay, replay, replays_html
from gameil.reports.reproduce import reproduce_html
from gameil.reports.sections import StageRun, dataset_section, stage_section
from gameil.reports.svg import escape
from gameil.tracking.log import read_log
from gameil.tracking.run import CONFIG_FILE, LOG_FILE, RESULTS_FILE, read_results, read_run_config

MOST_REPLAYS = 6
"""Games shown on one page."""


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
    stages = [_stage(run) for run in runs if run.stage != "report"]
    games = [_play_section(config or {}), _games_section(runs)]
    # Answers first: of one stage its results, of many the climb.
    sections = [*stages, *games] if len(runs) == 1 else [_climb_section(runs), *games, *stages]
    sections.append(dataset_section(runs))
    sections.append(reproduce_html(str(top.get("stage", "")), config or {}, str(top.get("gameil", ""))))
    return page(title, subtitle, sections, script=SCRIPT if any('class="replay"' in each for each in sections) else "")


def _stage(run: StageRun) -> str:
    return (league_section(run.directory) if run.stage == "league" else "") + stage_section(run)


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
    if not climb or len(runs) == 1:
        return ""
    levels = list(dict.fromkeys(row.level for _, rows in climb for row in rows))
    cells: list[list[object]] = []
    for name, rows in climb:
        by_level: dict[str, LadderRow] = {row.level: row for row in rows}
        cells.append([name, *(by_level[level].text if level in by_level else "" for level in levels)])
    games = sorted({row.games for _, rows in climb for row in rows})
    note = f"{games[0]}" if len(games) == 1 else f"{games[0]} to {games[-1]}"
    return (
        '<h2 id="climb">The climb</h2>'
        f'<p class="quiet">Score against each built-in level, with 95 % intervals; {note} games each, in pairs with '
        "seats swapped; a draw counts half.</p>"
        f"<figure>{climb_chart(climb)}</figure>{table(['agent after', *levels], cells)}"
    )


def _play_section(config: Mapping[str, Any]) -> str:
    if not (config.get("game") and config.get("agent")):
        return ""
    command = f"gameil play --game {config['game']} --agent {config['agent']}"
    return f"<p>Play against it: <code>{escape(command)}</code></p>"


def _games_section(runs: Sequence[StageRun]) -> str:
    """The best and the worst game of every stage that measured somebody, the last stage first."""
    replays: list[Replay] = []
    for run in reversed(runs):
        found = notable_games(
            recorded_games(run.directory), agent_of(run.config, run.results), strengths_of(run.results)
        )
        for kind, played in found:
            if len(replays) == MOST_REPLAYS:
                break
            note = note_of(kind, played) + (f" From {run.name}." if len(runs) > 1 else "")
            try:
                replays.append(replay(played, note=note))
            except GameilError:  # written by another version, or damaged: others can be shown
                continue
    if not replays:
        return ""
    hint = "Click a move, or use the arrow keys, to walk through a game."
    return f'<h2 id="games">Games</h2><p class="quiet">{hint}</p>{replays_html(replays)}'
