"""The page where people label positions: a position, a click or several, the next one."""

import asyncio
from pathlib import Path

from nicegui import events, ui

from gameil.errors import GameilError
from gameil.serving.access import visitor_of
from gameil.serving.boards.board_element import BoardElement
from gameil.serving.boards.game_text import seat_name
from gameil.serving.game_session import move_text
from gameil.serving.label_desk import LabelDesk, Task
from gameil.serving.site import Site
from gameil.serving.theme import MENU, page_frame

VALUES: dict[float | None, str] = {
    None: "not said",
    1.0: "won",
    0.5: "better",
    0.0: "even",
    -0.5: "worse",
    -1.0: "lost",
}
"""What people may say of the mover's prospects."""


def register(site: Site) -> None:
    """Adds ``/label`` where the site has a dataset to label."""
    dataset: Path | None = site.config.labels
    if dataset is None:
        return
    desk = LabelDesk(dataset, people_per_position=site.config.people_per_position)
    MENU["Label"] = "/label"

    @ui.page("/label")
    def label() -> None:
        with page_frame("Label positions"):
            _LabelView(desk)


class _LabelView:
    """One browser's view of the desk."""

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk
        self._visitor = visitor_of(ui.context.client.request.headers.get("cookie", ""))
        self._name = ""
        self._task: Task | None = None
        self._chosen: list[int] = []
        self._busy = False
        with ui.column().classes("panel w-full max-w-xl mx-auto") as self._welcome:
            ui.label("What would you play?").classes("title")
            ui.label(
                "You are shown positions that a program is unsure of. Choose the move that you would make, or several "
                "that you find equally good. Programs learn from your answers, which are stored with your name."
            ).classes("soft")
            self._name_input = ui.input("Your name").props('maxlength=40 autocomplete="nickname"').classes("w-full")
            self._name_input.on("keydown.enter", self._begin)
            ui.button("Begin", on_click=self._begin).classes("w-full")
        with ui.element("div").classes("play") as self._work:
            with ui.element("div").classes("board-area"):
                ui.element("div")
                self._board = BoardElement(self._choose)
            with ui.column().classes("side w-full"), ui.column().classes("panel w-full"):
                self._turn = ui.label().classes("status").mark("turn")
                self._last_moves = ui.label().classes("soft")
                self._moves = ui.row().classes("w-full gap-1 items-center")
                self._value = ui.select(VALUES, value=None, label="The player to move is…").classes("w-full")
                self._at_once = ui.switch("One move, saved at once").mark("at once")
                with ui.row().classes("w-full no-wrap"):
                    self._save_button = ui.button("Save (s)", on_click=self._save).classes("grow")
                    ui.button("Skip (x)", on_click=self._skip).props("outline")
                    ui.button("Last (z)", on_click=self._last).props('outline aria-label="correct the last one"')
                self._progress = ui.linear_progress(0.0, show_value=False).props('aria-label="labelled so far"')
                self._counts = ui.label().classes("soft").mark("counts")
        with ui.column().classes("panel w-full max-w-xl mx-auto items-center") as self._done:
            ui.label("Nothing to label just now").classes("title")
            ui.label("This page shows new positions as soon as some are queued.").classes("soft")
            self._thanks = ui.label().mark("thanks")
            ui.button("Correct my last label", on_click=self._last).props("outline")
        self._work.set_visibility(False)
        self._done.set_visibility(False)
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])
        ui.timer(5.0, self._look)

    async def _begin(self) -> None:
        self._name = str(self._name_input.value or "")
        if await self._next():
            self._welcome.set_visibility(False)

    async def _next(self) -> bool:
        """Shows the next position; False, told to the person, where none can be had."""
        try:
            task = await asyncio.to_thread(self._desk.take, self._visitor, self._name)
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return False
        self._show(task)
        return True

    def _show(self, task: Task | None) -> None:
        self._task, self._chosen = task, []
        self._value.value = None
        self._work.set_visibility(task is not None)
        self._done.set_visibility(task is None)
        if task is not None:
            state = task.state
            self._turn.text = f"{seat_name(state.game.name, state.current_player())} to move. What would you play?"
            self._last_moves.text = _last_moves(task)
            self._board.turned = _turned(task)
            self._draw()
        self._show_counts()

    def _draw(self) -> None:
        task = self._task
        assert task is not None
        hint = self._chosen[-1] if self._chosen else None
        self._board.show(task.state, None, may_act=True, hint=hint)
        self._moves.clear()
        with self._moves:
            if not self._chosen:
                ui.label("Nothing chosen yet: click on the board.").classes("soft")
            for action in self._chosen:
                text = move_text(task.state, action) or "pass"
                ui.chip(text, removable=True, color="primary", text_color="white").on_value_change(
                    lambda _, action=action: self._drop(action)
                ).mark("chosen")
        self._save_button.set_enabled(bool(self._chosen))

    def _show_counts(self) -> None:
        try:
            counts = self._desk.counts()
        except GameilError as error:
            self._counts.text = str(error)
            return
        mine = dict(counts.by_person).get(" ".join(self._name.split()), 0)
        self._progress.value = counts.labelled / max(1, counts.queued)
        self._counts.text = f"{counts.labelled:,} of {counts.queued:,} positions labelled, {mine:,} by you"
        self._thanks.text = f"Thank you: {self._counts.text}." if counts.queued else ""

    def _choose(self, action: int) -> None:
        if self._task is None:
            return
        if self._at_once.value:
            self._chosen = [action]
            with self._work:
                ui.timer(0.0, self._save, once=True)
        elif action in self._chosen:
            self._drop(action)
        else:
            self._chosen.append(action)
            self._draw()

    def _drop(self, action: int) -> None:
        if self._task is not None and action in self._chosen:
            self._chosen.remove(action)
            self._draw()

    async def _save(self) -> None:
        task, chosen = self._task, list(self._chosen)
        value = self._value.value
        if task is None or not chosen or self._busy:
            return
        self._busy = True
        try:
            await asyncio.to_thread(
                self._desk.label, self._visitor, self._name, task.position, chosen, value if value in VALUES else None
            )
            await self._next()
        except GameilError as error:  # another process writes to the dataset: the choice stays on the board
            ui.notify(f"not saved: {error}", type="negative")
        finally:
            self._busy = False

    async def _skip(self) -> None:
        if self._task is not None:
            self._desk.skip(self._visitor, self._task.position)
            await self._next()

    async def _last(self) -> None:
        try:
            task = await asyncio.to_thread(self._desk.last, self._visitor)
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return
        if task is None:
            ui.notify("you have not labelled any of these yet")
        else:
            self._show(task)

    async def _look(self) -> None:
        """New positions appear by themselves."""
        if self._name and self._task is None and not self._welcome.visible:
            await self._next()

    async def _key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat or event.modifiers.ctrl or event.modifiers.meta:
            return
        works = {"s": self._save, "x": self._skip, "z": self._last}
        work = works.get(event.key.name.lower() if event.key.name else "")
        if work is not None and not self._welcome.visible:
            await work()


def _last_moves(task: Task) -> str:
    """The last few moves in words; the board alone does not say how it came to be."""
    state = task.state.game.initial_state()
    texts: list[str] = []
    try:
        for action in task.previous:
            texts.append(move_text(state, action))
            state.apply(action)
    except GameilError:  # from a start of its own
        return ""
    return f"Last moves: {' '.join(text or 'pass' for text in texts[-6:])}" if texts else "The first move of the game"


def _turned(task: Task) -> bool:
    """The player to move is below."""
    below = {"breakthrough": 1, "backgammon": 1}.get(task.state.game.name, 0)
    return task.state.current_player() != below
