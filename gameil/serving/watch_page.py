"""Watching: the site's collections of games, their lists, and each game replayed on its board."""

import asyncio

from nicegui import ui

from gameil.errors import GameilError
from gameil.reports.svg import escape
from gameil.serving.boards.game_text import seat_name
from gameil.serving.boards.game_view import GameView
from gameil.serving.game_session import GameSession
from gameil.serving.library import MOST_RECORDS, Entry, Source
from gameil.serving.live_game import controls_of
from gameil.serving.live_page import LiveReplay
from gameil.serving.menu import title
from gameil.serving.site import Site
from gameil.serving.table_page import result_text
from gameil.serving.theme import page_frame

_PAGE = 25
"""Games of one page of a list."""


def register(site: Site) -> None:
    """Adds ``/watch`` and what lies below it."""

    @ui.page("/watch")
    async def sources() -> None:
        with page_frame("Watch"):
            ui.label("Games to replay").classes("title")
            found = await asyncio.to_thread(site.library.sources)
            with ui.column().classes("panel w-full gap-1"):
                for number, source in found:
                    with ui.row().classes("items-center gap-2 w-full"):
                        ui.icon("storage" if source.is_dataset else "description").classes("soft")
                        ui.link(source.title, f"/watch/{number}").mark("source")
                if not found:
                    ui.label(
                        "There are none yet: name datasets, runs or files of records with --watch, or keep a game that "
                        "you played."
                    )

    @ui.page("/watch/{number}")
    async def games(number: int, first: int = 0) -> None:
        first = max(0, min(first, 10**9))
        try:
            source = site.library.source(number)
            entries, total = await asyncio.to_thread(site.library.games, number, first, _PAGE)
        except GameilError as error:
            _not_shown(str(error))
            return
        with page_frame(source.title):
            ui.label(source.title).classes("title")
            count = f"{total:,} games" if total is not None else f"the first {MOST_RECORDS:,} games can be reached"
            ui.label(count).classes("soft")
            with ui.column().classes("panel w-full gap-1"):
                for entry in entries:
                    with ui.link(target=f"/watch/{number}/{entry.number}").classes("w-full no-underline").mark("game"):
                        ui.html(_row(entry), sanitize=False)
                if not entries:
                    ui.label("no games here")
            with ui.row():
                if first > 0:
                    ui.link("← earlier", f"/watch/{number}?first={max(0, first - _PAGE)}")
                if (total is not None and first + _PAGE < total) or (total is None and len(entries) == _PAGE):
                    ui.link("later →", f"/watch/{number}?first={first + _PAGE}")

    @ui.page("/watch/{number}/{game}")
    async def replay(number: int, game: int) -> None:
        try:
            source = site.library.source(number)
            session = await asyncio.to_thread(site.library.session, number, game)
        except GameilError as error:
            _not_shown(str(error))
            return
        _replay(site, source, session, number, game)


def _replay(site: Site, source: Source, session: GameSession, number: int, game: int) -> None:
    """One game to be walked through."""
    with page_frame(source.title):
        live = controls_of(session.game) is not None
        view = LiveReplay(session) if live else GameView(session, site.agents, reveal=True)
        with view.side, ui.column().classes("panel w-full gap-2"):
            ui.label(title(session.game.id)).classes("status")
            for seat, holder in enumerate(session.seats):
                role = escape(seat_name(session.game.name, seat))
                ui.html(f'{escape(holder.name)} <span class="soft">{role}</span>', sanitize=False)
            if session.state.is_terminal() and not live:
                ui.label(result_text(session.returns(), (), session.game.name)).classes("soft")
            if isinstance(view, GameView):
                ui.button("Judge every move", icon="insights", on_click=view.judge_all).props(
                    "outline no-caps dense padding='4px 10px'"
                ).mark("judge")
            with ui.row().classes("gap-4"):
                if game > 0:
                    ui.link("← previous game", f"/watch/{number}/{game - 1}")
                ui.link("next game →", f"/watch/{number}/{game + 1}")
        if isinstance(view, GameView):
            view.go(0)


def _row(entry: Entry) -> str:
    return (
        f'<div class="game-row"><span class="soft">{entry.number}</span> <b>{escape(entry.players)}</b> '
        f'<span class="soft">{escape(entry.result)} · {entry.plies} moves · {escape(entry.when)}</span></div>'
    )


def _not_shown(reason: str) -> None:
    with page_frame("Watch"):
        ui.label(reason).classes("title")
        ui.link("All games", "/watch")
