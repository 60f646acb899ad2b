"""Pages of games in real time: the table, where people steer or look on, and the replay."""

from nicegui import ui

from gameil.reports.kitchen import COOK_COLOURS, kitchen_of, numbers_of
from gameil.reports.svg import escape
from gameil.serving.after_game_page import SMALL, AfterGame
from gameil.serving.boards.game_text import seat_name
from gameil.serving.boards.kitchen_element import KitchenElement
from gameil.serving.boards.live_stage import CSS, HELP, LiveView, bar, live_assets, points_of
from gameil.serving.game_session import GameSession
from gameil.serving.live_game import TICK_SECONDS
from gameil.serving.live_table import LiveTable
from gameil.serving.site import Site
from gameil.serving.tables import AnyTable, Place


class LiveTablePage:
    """One person's view of a table in real time."""

    def __init__(self, site: Site, place: Place, table: LiveTable) -> None:
        self._site = site
        self._place = place
        self._table = table
        session = table.session
        live_assets()
        with ui.element("div").classes("play"):
            holder = ui.element("div").classes("contents")
            with ui.column().classes("side w-full"), ui.column().classes("panel w-full gap-2"):
                ui.html(cooks_list(session, place.seats), sanitize=False).classes("w-full")
                self._status = ui.label().classes("status").mark("status")
                if place.seats:
                    ui.label(HELP).classes("soft text-sm")
                self._build_controls()
                for seat in session.people if place.seats else ():
                    if seat not in place.seats:
                        invitation(site, table, seat)
            with holder:
                LiveView(table, place.seats, self._changed)

    def _build_controls(self) -> None:
        with ui.row().classes("w-full gap-2"):
            if self._place.seats:
                self._pause = ui.button("Pause", icon="pause", on_click=lambda: self._table.pause("")).props(
                    f"outline {SMALL}"
                )
                self._stop = (
                    ui.button("End", icon="stop", on_click=self._table.stop).props(f"outline {SMALL}").mark("end")
                )
        self._after = AfterGame(self._site, self._place)

    def _changed(self) -> None:
        table, over = self._table, self._table.phase == "over"
        self._status.text = status_text(table)
        self._after.row.set_visibility(over)
        worth = table.worth_keeping or not table.session.people
        for button in self._after.keepers:
            button.set_visibility(worth)
        if self._place.seats:
            self._pause.set_visibility(table.phase in ("countdown", "running"))
            self._stop.set_visibility(not over)


class LiveReplay:
    """A finished game, to be walked and played through. Made inside a page; ``side`` is where the page adds its own."""

    def __init__(self, session: GameSession) -> None:
        kitchen = kitchen_of(session.game)
        assert kitchen is not None
        ui.add_css(CSS)
        self._frames = frames_of(session)
        with ui.element("div").classes("play"):
            with ui.element("div").classes("stage").style(f"--aspect: {kitchen.width / kitchen.height:.3f}"):
                self._bar = ui.html("", sanitize=False).classes("live-bar")
                self._kitchen = KitchenElement(kitchen, tick_seconds=TICK_SECONDS)
                with ui.row().classes("w-full items-center no-wrap"):
                    self._button = ui.button(icon="play_arrow", on_click=self._toggle).props(
                        'round dense aria-label="play through"'
                    )
                    self._slider = ui.slider(
                        min=0, max=len(self._frames) - 1, step=1, value=0, on_change=self._show
                    ).mark("steps")
            self.side = ui.column().classes("side w-full")
        self._timer = ui.timer(TICK_SECONDS, self._advance, active=False)
        self._show()

    def _show(self) -> None:
        value = self._slider.value
        step = min(max(0, int(value)), len(self._frames) - 1) if isinstance(value, int | float) else 0
        numbers, points = self._frames[step]
        self._kitchen.show(numbers)
        self._bar.content = bar(points, "step", f"{step} / {len(self._frames) - 1}")

    def _toggle(self) -> None:
        if not self._timer.active and self._slider.value >= len(self._frames) - 1:
            self._slider.value = 0
        self._timer.active = not self._timer.active
        self._button.props(f"icon={'pause' if self._timer.active else 'play_arrow'}")

    def _advance(self) -> None:
        if self._slider.value >= len(self._frames) - 1:
            self._toggle()
        else:
            self._slider.value = int(self._slider.value) + 1


def frames_of(session: GameSession) -> list[tuple[list[int], int]]:
    """The kitchen's numbers and the points so far, before the first step and after each."""
    state = session.game.initial_state(session.start)
    frames = [(numbers_of(state), 0)]
    for done, move in enumerate(session.moves, 1):
        state.apply(move.action)
        if done % session.game.num_players == 0:
            frames.append((numbers_of(state), round(float(state.returns()[0]))))
    return frames


def cooks_list(session: GameSession, seats: tuple[int, ...]) -> str:
    """Who plays which cook, as HTML."""
    rows = []
    for seat, holder in enumerate(session.seats):
        you = " (you)" if seat in seats else ""
        rows.append(
            f'<div class="who"><span class="dot" style="background:{COOK_COLOURS[seat]}"></span><span>'
            f'{escape(holder.name)}{you}</span><span class="soft">{seat_name(session.game.name, seat)}</span></div>'
        )
    return "".join(rows)


def status_text(table: LiveTable) -> str:
    """How it stands, for people; of agents that came too late how often."""
    late = sum(table.late)
    slow = f" (an agent was too late in {late} of {table.steps} steps)" if 10 * late > table.steps > 20 else ""
    texts = {
        "ready": "Not begun",
        "waking": "The partner is on the way",
        "countdown": "Get ready",
        "running": "Cooking",
        "paused": "Paused",
        "over": f"{points_of(table.session)} points in {table.steps} steps",
    }
    return texts[table.phase] + slow


def invitation(site: Site, table: AnyTable, seat: int) -> None:
    """A field with the link for whoever is to play a seat, where that seat has a link of its own."""
    key = site.tables.key_of(table, (seat,))
    if key is None:
        return
    request = ui.context.client.request
    origin = str(request.base_url).rstrip("/") if request is not None else ""
    with ui.column().classes("w-full gap-0"):
        ui.label(f"Send this link to whoever plays {seat_name(table.session.game.name, seat)}:").classes("soft")
        ui.input().props("readonly dense outlined").classes("w-full").mark("invitation").set_value(
            f"{origin}/table/{key}"
        )
