"""The page where many people at once leave games: consent, name and opponent, the game, thanks."""

from nicegui import app, ui

from gameil.errors import GameilError
from gameil.serving.access import visitor_of
from gameil.serving.boards.board_element import BoardElement
from gameil.serving.boards.game_text import move_list, seat_name
from gameil.serving.boards.live_stage import LiveView, live_assets
from gameil.serving.collection import CollectedTable, Collection
from gameil.serving.game_session import GameSession
from gameil.serving.live_game import controls_of
from gameil.serving.live_page import status_text
from gameil.serving.live_table import LiveTable
from gameil.serving.site import Site
from gameil.serving.theme import MENU, page_frame

PERSON = "another person"
_LOOK_SECONDS = 0.25


def register(site: Site) -> None:
    """Adds ``/collect`` where the site collects games."""
    config = site.config.collection
    if not config.games:
        return
    collection = Collection(
        config, site.agents, site.data, seed=site.config.seed, tick_seconds=site.config.tick_seconds
    )
    MENU["Contribute"] = "/collect"
    app.on_shutdown(collection.close)

    @ui.page("/collect")
    def collect() -> None:
        with page_frame("Contribute games"):
            _CollectView(collection)


class _CollectView:
    """One browser's view of the collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._visitor = visitor_of(ui.context.client.request.headers.get("cookie", ""))
        self._shown: tuple[object, ...] | None = None
        self._table: CollectedTable | None = None
        self._board: BoardElement | None = None
        self._live: LiveView | None = None
        if any(controls_of(game) is not None for game in collection.games.values()):
            live_assets()
        with ui.column().classes("panel w-full max-w-2xl mx-auto") as self._join:
            self._build_join()
        with ui.column().classes("panel w-full max-w-xl mx-auto items-center") as self._waiting:
            ui.spinner(size="lg")
            ui.label("Waiting for another person…").classes("title").mark("waiting")
            ui.label("The game begins by itself when somebody comes.").classes("soft")
            ui.button("Do not wait", on_click=self._leave).props("outline")
        self._play = ui.element("div").classes("play")
        self._look()
        ui.timer(_LOOK_SECONDS, self._look)

    def _build_join(self) -> None:
        games = list(self._collection.games)
        ui.label("Contribute games").classes("title")
        for paragraph in self._collection.consent.text.split("\n\n"):
            ui.label(paragraph).classes("soft")
        self._agreed = ui.checkbox("I agree").mark("agree")
        self._name = ui.input("Your name, or a made-up one").props('maxlength=40 autocomplete="nickname"')
        self._name.classes("w-full")
        self._game = ui.select(games, value=games[0], label="Game", on_change=self._show_opponents).classes("w-full")
        self._game.set_visibility(len(games) > 1)
        self._opponent = ui.select([], label="Opponent").classes("w-full").mark("opponent")
        self._show_opponents()
        ui.button("Play", on_click=self._begin).classes("w-full")

    def _show_opponents(self) -> None:
        game_id = self._game.value
        game = self._collection.games.get(game_id) if isinstance(game_id, str) else None
        if game is None:
            return
        names = self._collection.opponents(game.id) if game.id in self._collection.games else []
        names = names or self._collection.opponents(game_id)
        if self._collection.config.people and game.num_players == 2:
            names = [PERSON, *names]
        self._opponent.set_options(names, value=names[0] if names else None)

    def _begin(self) -> None:
        opponent = str(self._opponent.value)
        try:
            self._collection.join(
                self._visitor,
                str(self._name.value or ""),
                str(self._game.value),
                None if opponent == PERSON else opponent,
                agreed=self._agreed.value is True,
            )
        except GameilError as error:
            ui.notify(str(error), type="warning")
        self._look()

    def _leave(self) -> None:
        self._collection.leave(self._visitor)
        self._look()

    def _act(self, action: int) -> None:
        try:
            self._collection.act(self._visitor, action)
        except GameilError as error:  # a click that came too late
            ui.notify(str(error))
        self._look()

    def _resign(self) -> None:
        try:
            self._collection.resign(self._visitor)
        except GameilError as error:
            ui.notify(str(error))
        self._look()

    def _look(self) -> None:
        """Shows what has changed since the last look: the other side's move, a partner who came."""
        self._collection.expire()
        table = self._collection.table(self._visitor)
        waits = self._collection.waits(self._visitor)
        version = (None, 0, "", False) if table is None else (table, table.session.version, table.notice, table.kept)
        if (waits, *version) == self._shown:
            return
        self._shown = (waits, *version)
        self._join.set_visibility(table is None and waits is None)
        self._waiting.set_visibility(table is None and waits is not None)
        self._play.set_visibility(table is not None)
        if table is not self._table and self._live is not None:
            self._live.close()
            self._live = None
        if table is None:
            self._table = None
        else:
            if table is not self._table:
                self._table = table
                self._build_table(table)
            self._show_table(table)

    def _build_table(self, table: CollectedTable) -> None:
        self._play.clear()
        session, seat = table.session, table.seats[self._visitor]
        with self._play:
            if isinstance(table.table, LiveTable):
                self._live = LiveView(table.table, (seat,))
            else:
                with ui.element("div").classes("board-area"):
                    ui.element("div")
                    self._board = BoardElement(self._act, seen_by=seat)
                    below = {"breakthrough": 1, "backgammon": 1}.get(session.game.name, 0)
                    self._board.turned = seat != below
            with ui.column().classes("side w-full"), ui.column().classes("panel w-full"):
                for number, holder in enumerate(session.seats):
                    mine = " (you)" if number == seat else ""
                    ui.label(f"{seat_name(session.game.name, number)}: {holder.name}{mine}")
                self._status = ui.label().classes("status").mark("status")
                self._moves = ui.html("", sanitize=False).classes("moves")
                with ui.row().classes("w-full"):
                    resign = "Resign" if self._live is None else "End"
                    self._resign_button = ui.button(resign, on_click=self._resign).props("outline")
                    self._again = ui.button("Play again", on_click=self._leave).mark("again")

    def _show_table(self, table: CollectedTable) -> None:
        session, seat = table.session, table.seats[self._visitor]
        self._status.text = _status(table, seat)
        self._resign_button.set_visibility(not table.over)
        self._again.set_visibility(table.over)
        if self._live is not None:
            return
        assert self._board is not None
        mine = not table.over and session.mover == seat
        before = session.state_at(len(session.moves) - 1) if session.moves else None
        self._board.show(session.state, before, may_act=mine)
        perfect = session.game.capabilities.perfect_information or session.is_over
        self._moves.content = move_list(session.moves, len(session.moves), {}, None if perfect else seat)


def _status(table: CollectedTable, seat: int) -> str:
    """What the person has to know now."""
    session = table.session
    if isinstance(table.table, LiveTable):
        return _live_status(table, table.table)
    if table.notice:
        return f"The game has ended: {table.notice}."
    if table.over:
        return f"{_outcome(session, seat)} Thank you, your game has been kept."
    if session.mover == seat:
        return "It is your turn."
    name = session.seats[session.mover].name if session.mover >= 0 else "chance"
    return f"{name} is to move…"


def _live_status(table: CollectedTable, live: LiveTable) -> str:
    text = f"{status_text(live)}."
    if table.notice:
        text += f" The game has ended: {table.notice}."
    elif table.over:
        text += " Thank you, your game has been kept." if live.worth_keeping else " It was too short to be kept."
    return text


def _outcome(session: GameSession, seat: int) -> str:
    returns = session.returns()
    if returns is None:
        return "The game is over."
    if returns[seat] == max(returns):
        return "A draw." if returns.count(returns[seat]) > 1 else "You win!"
    return "You lose."
