"""The pages of runs: which there are and how far they are; one run's curves, ladders and tables, as they grow."""

import asyncio
import time

from nicegui import ui

from gameil.errors import GameilError
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
.report { width: 100%; overflow-x: auto; }
.report h2 { font-size: 1.2rem; font-weight: 650; line-height: 1.3; margin: 1.2rem 0 .5rem; }
.report h3 { font-size: 1rem; font-weight: 600; line-height: 1.3; margin: 1rem 0 .3rem; }
.report .quiet, .report figcaption { color: var(--soft); font-size: .9rem; }
.report table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; font-size: .92rem; }
.report th { text-align: left; color: var(--soft); border-bottom: 2px solid var(--line); font-weight: 600; }
.report th, .report td { padding: .25rem 1rem .25rem 0; vertical-align: top; }
.report td { border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.report td.n, .report th.n { text-align: right; }
.report .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: .5rem 1.2rem; }
.report .facts dt { font-size: .8rem; color: var(--soft); } .report .facts dd { margin: 0; overflow-wrap: anywhere; }
.report .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 1rem 1.4rem; }
.report figure { margin: 0; } .report svg { display: block; width: 100%; height: auto; }
.report svg.climb { max-width: 820px; }
.report .rule { stroke: var(--line); stroke-width: 1; } .report .even { stroke: var(--soft); stroke-dasharray: 4 3; }
.report .tick { font: 10.5px system-ui, sans-serif; fill: var(--soft); }
.report .name { font: 12px system-ui, sans-serif; fill: var(--ink); }
.report code { font: .9em ui-monospace, monospace; background: var(--page); padding: 0 .3em; border-radius: 4px; }
.report summary { cursor: pointer; color: var(--accent); margin: .5rem 0; }
.body--dark .report svg polyline, .body--dark .report svg circle { filter: brightness(1.5); }
@media (max-width: 600px) { .runs .wide { display: none; } }
"""


def register(site: Site) -> None:
    """Adds ``/runs`` and a page for each run."""
    runs = Runs(site.config.runs)
    MENU["Runs"] = "/runs"

    @ui.page("/runs")
    def every() -> None:
        with page_frame("Runs"):
            ui.add_css(CSS)
            with ui.column().classes("panel w-full"):
                ui.label("Runs").classes("title")
                table = ui.html("", sanitize=False).classes("w-full")

            async def look() -> None:
                table.content = _list(await asyncio.to_thread(runs.entries))

            table.content = _list(runs.entries())
            ui.timer(_LIST_SECONDS, look)

    @ui.page("/runs/{name}")
    def one(name: str) -> None:
        with page_frame("Run"):
            ui.add_css(CSS)
            _RunView(runs, name)


class _RunView:
    """One run, drawn anew when it has written something."""

    def __init__(self, runs: Runs, name: str) -> None:
        self._runs, self._name = runs, name
        self._version = -1.0
        with ui.column().classes("panel w-full"):
            ui.link("all runs", "/runs").classes("soft")
            ui.label(name[:200]).classes("title")
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


def _list(entries: list[RunEntry]) -> str:
    """The table of runs."""
    if not entries:
        return '<p class="soft">No runs yet: gameil pretrain makes one.</p>'
    now = time.time()
    rows = "".join(
        f'<tr><td><a href="/runs/{_in_link(entry.name)}">{escape(entry.name)}</a></td><td>{escape(entry.stage)}</td>'
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
