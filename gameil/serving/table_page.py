"""The table: a running game between people and agents."""

from nicegui import events, ui

from gameil.errors import GameilError, NotationError
from gameil.games.typed_moves import read_move, typed_notations
from gameil.reports.svg import escape
from gameil.serving.after_game_page import SMALL, AfterGame
from gameil.serving.boards.game_text import seat_name
from gameil.serving.boards.game_view import GameView
from gameil.serving.live_page import LiveTablePage, invitation
from gameil.serving.live_table import LiveTable
from gameil.serving.menu import title
from gameil.serving.site import Site
from gameil.serving.tables import Place, Table
from gameil.serving.theme import page_frame


def register(site: Site) -> None:
    """Adds ``/table/KEY``."""

    @ui.page("/table/{key}")
    async def table(key: str) -> None:
        place = site.tables.find(key)
        if place is None:
            with page_frame("No table"):
                ui.label("This table is closed.").classes("title")
                ui.link("Choose a game", "/")
            return
        with page_frame(title(place.table.session.game.id)):
            if isinstance(place.table, LiveTable):
                LiveTablePage(site, place, place.table)
            else:
                _TablePage(site, place, place.table)


class _TablePage:
    """One person's view of a table."""

    def __init__(self, site: Site, place: Place, table: Table) -> None:
        self._site = site
        self._place = place
        self._table = table
        self._session = place.table.session
        self._seats = place.seats
        self._view = GameView(self._session, site.agents, on_action=self._act, seats=place.seats)
        with self._view.side, ui.column().classes("panel w-full gap-2"):
            self._people = ui.html("", sanitize=False).classes("w-full")
            self._status = ui.label().classes("status").mark("status")
            self._build_controls()
        client = ui.context.client
        client.on_delete(self._session.listen(self._changed))
        ui.keyboard(on_key=self._key_pressed, ignore=["input", "select", "textarea"])
        self._changed()
        self._table.go_on()

    def _build_controls(self) -> None:
        session = self._session
        with ui.row().classes("w-full gap-2"):
            if self._seats:
                self._hint = (
                    ui.button("Hint", icon="lightbulb", on_click=self._view.show_hint)
                    .props(f"outline {SMALL}")
                    .mark("hint")
                )
                ui.button("Take back", icon="undo", on_click=self._take_back).props(f"outline {SMALL}").mark(
                    "take back"
                )
                self._resign = (
                    ui.button("Resign", icon="flag", on_click=self._give_up).props(f"outline {SMALL}").mark("resign")
                )
        if self._seats:
            with ui.row().classes("w-full items-center no-wrap"):
                typed = ui.input(placeholder="or type a move").props("dense outlined").classes("grow").mark("typed")
                typed.on("keydown.enter", lambda: self._typed(typed))
        self._after = AfterGame(self._site, self._place, self._look_back)
        others = [seat for seat in session.people if seat not in self._seats]
        for seat in others if self._seats else ():
            invitation(self._site, self._table, seat)

    def _changed(self) -> None:
        self._view.refresh()
        session = self._session
        mover = session.mover
        rows = []
        for seat, holder in enumerate(session.seats):
            turn = " turn" if seat == mover else ""
            colour = ("#26272b", "#fbfaf6")[seat % 2] if session.game.name != "chess" else ("#fbfaf6", "#26272b")[seat]
            if session.game.name == "connect_four":
                colour = ("#e4b52c", "#cf4333")[seat % 2]
            you = " (you)" if seat in self._seats and len(self._seats) == 1 else ""
            name = escape(holder.name)
            role = seat_name(session.game.name, seat)
            rows.append(
                f'<div class="who{turn}"><span class="dot" style="background:{colour}"></span>'
                f'<span>{name}{you}</span><span class="soft">{role}</span></div>'
            )
        self._people.content = "".join(rows)
        self._status.text = self._state_text()
        self._after.row.visible = session.is_over or not self._seats
        if self._seats:
            self._resign.visible = not session.is_over and session.game.num_players == 2

    def _state_text(self) -> str:
        session, table = self._session, self._table
        if table.problem:
            return f"The opponent cannot move: {table.problem}"
        if session.is_over:
            return result_text(session.returns(), self._seats, session.game.name, session.resigned)
        mover = session.mover
        if mover in self._seats:
            return "Your move" if len(self._seats) == 1 else f"{seat_name(session.game.name, mover)} to move"
        if mover >= 0 and session.seats[mover].agent is not None:
            return f"{session.seats[mover].name} is thinking …"
        return f"Waiting for {seat_name(session.game.name, mover)}" if mover >= 0 else "Dice are rolling …"

    def _act(self, action: int) -> None:
        session = self._session
        if session.mover not in self._seats:
            return
        try:
            self._table.act(session.mover, action)
        except GameilError as error:
            ui.notify(str(error), type="warning")

    def _typed(self, field: ui.input) -> None:
        text = str(field.value or "").strip()[:100]
        session = self._session
        if not text or session.mover not in self._seats:
            return
        try:
            action = read_move(session.state, text, typed_notations(session.game.name))
        except NotationError as error:
            ui.notify(str(error), type="warning")
            return
        field.set_value("")
        self._act(action)

    def _own_seat(self) -> int:
        """Whose last move is taken back, or who gives up: whoever is to move, of several seats held here."""
        session = self._session
        if len(self._seats) == 1:
            return self._seats[0]
        moved = [move.player for move in session.moves if move.player in self._seats]
        return moved[-1] if moved else self._seats[0]

    def _take_back(self) -> None:
        if self._seats and not self._table.take_back(self._own_seat()):
            ui.notify("There is nothing to take back.")

    def _give_up(self) -> None:
        seat = self._session.mover if self._session.mover in self._seats else self._own_seat()
        if not self._session.is_over:
            self._session.resign(seat)

    def _look_back(self) -> None:
        ui.button("Look back", icon="insights", on_click=self._view.judge_all).props(f"outline {SMALL}").mark("judge")

    async def _key_pressed(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat or event.modifiers.ctrl or event.modifiers.meta:
            return
        if event.key == "h" and self._seats:
            await self._view.show_hint()
        elif event.key == "u" and self._seats:
            self._take_back()
        elif event.key == "f":
            self._view.turn()


def result_text(
    returns: tuple[float, ...] | None, mine: tuple[int, ...], game_name: str, resigned: int | None = None
) -> str:
    """How a game ended, for people."""
    if returns is None:
        return "Stopped" if resigned is None else f"{seat_name(game_name, resigned)} gives up"
    best = max(returns)
    winners = [seat for seat, value in enumerate(returns) if value == best]
    if len(winners) == len(returns):
        return "A draw"
    how = " (the opponent gives up)" if resigned is not None and resigned not in mine else ""
    if len(mine) == 1:
        return f"You win!{how}" if mine[0] in winners else "You lose"
    return f"{' and '.join(seat_name(game_name, seat) for seat in winners)} won"
