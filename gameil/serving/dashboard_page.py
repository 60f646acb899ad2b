"""The pages of runs: which there are and how far they are; one run's curves, ladders and tables, as they grow."""

import asyncio
import time

from nicegui import ui

from gameil.errors import GameilError
from gameil.reports.page import STYLE
from gameil.reports.svg import escape
from gameil.serving.dashboard import RunEntry, Runs
from gameil.serving.site import Site
from gameil.serving.theme import MENU, page_frame

_LIST_SECONDS = 5.0
_RUN_SECONDS = 3.0
CSS = """
.runs { width: 100%; border-collapse: collapse; } .runs th { text-align: left; color: var(--soft); font-weight: 500; }
.runs th, .runs td { padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
.runs a { color: var(--accent); font-weight: 600; text-decoration: none; overflow-wrap: anywhere; }
.runs .n { font-variant-numeric: tabular-nums; }
.badge { border-radius: 99px; padding: .1rem .6rem; font-size: .85rem; border: 1px solid var(--line);
  white-space: nowrap; }
.badge.work { background: color-mix(in srgb, var(--accent) 22%, transparent); border-color: var(--accent); }
.badge.stopped { background: color-mix(in srgb, var(--warm) 22%, transparent); border-color: var(--warm); }
.report-frame { width: 100%; --quiet: var(--soft); --mine: color-mix(in srgb, var(--accent) 16%, transparent); }
.report { --soft: var(--line); --paper: var(--card); overflow-x: auto; }
.report h2, .report h3 { font-weight: 600; line-height: 1.3; }
.report h2:first-of-type { border-top: none; margin-top: 0; }
.body--dark .report svg polyline { filter: brightness(1.5); }
@media (max-width: 600px) { .runs .wide { display: none; } }
"""
REPORT_CSS = f".report {{ {STYLE} }}"
"""The report's own looks, inside the page's: what it says of the whole document has no meaning there."""


def register(site: Site) -> None:
    """Adds ``/runs``, and a page for each run and each league."""
    runs, leagues = Runs(site.config.runs), Runs(site.config.leagues)
    MENU["Runs"] = "/runs"

    def lists() -> str:
        found = _list(runs.entries(), "runs") or '<p class="soft">No runs yet: gameil pretrain makes one.</p>'
        played = _list(leagues.entries(), "league")
        return found + (f'<h2 class="title">Leagues</h2>{played}' if played else "")

    @ui.page("/runs")
    def every() -> None:
        with page_frame("Runs"):
            ui.add_css(CSS)
            with ui.column().classes("panel w-full"):
                ui.label("Runs").classes("title")
                table = ui.html("", sanitize=False).classes("w-full")

            async def look() -> None:
                table.content = await asyncio.to_thread(lists)

            table.content = lists()
            ui.timer(_LIST_SECONDS, look)

    @ui.page("/runs/{name}")
    def run(name: str) -> None:
        with page_frame("Run"):
            _RunView(runs, name)

    @ui.page("/league/{name}")
    def league(name: str) -> None:
        with page_frame("League"):
            _RunView(leagues, name)


class _RunView:
    """One run, drawn anew when it has written something."""

    def __init__(self, runs: Runs, name: str) -> None:
        self._runs, self._name = runs, name
        self._version = -1.0
        ui.add_css(CSS + REPORT_CSS)
        with ui.column().classes("panel w-full"):
            ui.link("all runs", "/runs").classes("soft")
            ui.label(name[:200]).classes("title")
            with ui.element("div").classes("report-frame"):
                self._report = ui.html("", sanitize=False).classes("report").mark("report")
        ui.timer(_RUN_SECONDS, self._look)

    async def _look(self) -> None:
        try:
            version = await asyncio.to_thread(self._runs.version, self._name)
            if version != self._version:
                self._version = version
                self._report.content = await asyncio.to_thread(self._runs.sections, self._name)
        except (GameilError, OSError) as error:  # none of that name, or one that is being removed
            self._report.content = f"<p>{escape(str(error))}</p>"


def _list(entries: list[RunEntry], place: str) -> str:
    """The table of runs, each a link; empty where there are none."""
    if not entries:
        return ""
    now = time.time()
    rows = "".join(
        f'<tr><td><a href="/{place}/{_in_link(entry.name)}">{escape(entry.name)}</a></td><td>{escape(entry.stage)}</td>'
        f'<td><span class="badge {entry.status.split()[-1]}">{entry.status}</span></td>'
        f'<td class="n wide">{escape(entry.headline)}</td><td class="wide">{_ago(now - entry.written)}</td></tr>'
        for entry in entries
    )
    head = '<th>run</th><th>stage</th><th></th><th class="wide">latest</th><th class="wide">written</th>'
    return f'<table class="runs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _in_link(name: str) -> str:
    """A directory's name as part of an address."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    return "".join(char if char in plain else "".join(f"%{byte:02X}" for byte in char.encode()) for char in name)


def _ago(seconds: float) -> str:
    """A time span in words."""
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {word}{'s' if number > 1 else ''} ago"
    return "just now"
