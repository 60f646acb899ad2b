"""A board on a page: a picture that answers to clicks, touch and arrow keys, or text with a list of actions."""

import re
from collections.abc import Callable

from nicegui import events, ui

from gameil.errors import GameError
from gameil.games.game import State
from gameil.games.open_spiel import OpenSpielState
from gameil.reports.boards import Position, board_picture, read_position
from gameil.reports.svg import escape
from gameil.serving.boards.clicks import Cell, Clicks
from gameil.serving.boards.overlay import overlay
from gameil.serving.game_session import move_text

_CELL = re.compile(r"(\d{1,3}),(\d{1,3})")
_LISTED = 60
"""Actions that are shown as buttons at once; more are found by typing."""
CLICK_SCRIPT = "(e) => { const c = e.target.closest('[data-cell]'); if (c) emit(c.dataset.cell); }"


class BoardElement:
    """Shows states of one game; tells which action a person chose. Made inside a page."""

    def __init__(self, on_action: Callable[[int], None], *, seen_by: int | None = None) -> None:
        """
        Args:
            on_action: told the action that was chosen in the state shown.
            seen_by: whose view of hidden information is shown; None: everything.
        """
        self._on_action = on_action
        self.seen_by = seen_by
        self.turned = False
        self._state: State | None = None
        self._position: Position | None = None
        self._before: Position | None = None
        self._clicks: Clicks | None = None
        self._hint: int | None = None
        with ui.column().classes("board-box w-full items-stretch"):
            self._picture = ui.html("", sanitize=False).classes("board-frame")
            self._picture.props('tabindex="0" role="application" aria-label="board"')
            self._picture.on("click", self._clicked, js_handler=CLICK_SCRIPT)
            self._buttons = ui.row().classes("action-row w-full justify-center")
        self._chooser = ui.dialog()

    def show(self, state: State, before: State | None, *, may_act: bool, hint: int | None = None) -> None:
        """Shows ``state``, marking what changed since ``before``; ``may_act``: clicks choose actions."""
        name = state.game.name
        self._state = state
        self._position = read_position(name, str(state))
        self._before = read_position(name, str(before)) if before is not None else None
        self._hint = hint
        self._clicks = Clicks(state, self._position) if may_act and self._position is not None else None
        self._draw()
        self._show_buttons(state, may_act)

    def _draw(self) -> None:
        state, position = self._state, self._position
        assert state is not None
        if position is None:
            self._picture.content = f'<pre class="board">{escape(shown_text(state, self.seen_by))}</pre>'
            return
        marked = position.changes(self._before) | vacated(position, self._before)
        clicks = self._clicks
        hint: tuple[Cell, ...] = ()
        if self._hint is not None and self._hint in state.legal_actions():
            cells = Clicks(state, position).cells_of(self._hint)
            hint = _resting(position, cells)
        over = overlay(
            position,
            turned=self.turned,
            live=clicks.next_cells() if clicks is not None else (),
            chosen=clicks.chosen if clicks is not None else (),
            hint=hint,
        )
        label = f"{state.game.name} board after {len(state.history)} actions"
        self._picture.content = board_picture(
            position, str(state), marked, label, turned=self.turned, over=over
        ) + dice_picture(str(state))

    def _show_buttons(self, state: State, may_act: bool) -> None:
        self._buttons.clear()
        if not may_act:
            return
        actions = state.legal_actions() if self._clicks is None else self._clicks.buttons
        with self._buttons:
            if len(actions) > _LISTED:
                texts = {action: move_text(state, action) for action in actions}
                ui.select(texts, with_input=True, label=f"{len(actions)} actions: type to find one").classes(
                    "w-full"
                ).on_value_change(lambda event: self._chosen(state, event.value)).mark("actions")
                return
            for action in actions:
                ui.button(
                    move_text(state, action) or "pass", on_click=lambda _, action=action: self._chosen(state, action)
                ).props("outline no-caps").classes("action").mark("action")

    def _clicked(self, event: events.GenericEventArguments) -> None:
        match = _CELL.fullmatch(event.args) if isinstance(event.args, str) else None
        state, clicks = self._state, self._clicks
        if match is None or clicks is None or state is None:
            return
        found = clicks.click((int(match[1]), int(match[2])))
        if len(found) == 1:
            self._chosen(state, found[0])
        elif found:
            self._choose(state, found)
        else:
            self._draw()

    def _choose(self, state: State, actions: list[int]) -> None:
        """Asks which of several actions is meant: the piece of a promotion, the order of two steps."""
        by_text = {move_text(state, action): action for action in actions}
        self._chooser.clear()
        with self._chooser, ui.card(), ui.row():
            for text, action in by_text.items():
                ui.button(text, on_click=lambda _, action=action: self._chosen(state, action)).props(
                    "no-caps size=lg"
                ).mark("choice")
        self._chooser.open()
        self._draw()

    def _chosen(self, state: State, action: int | None) -> None:
        self._chooser.close()
        # A late click on what is not shown any more means nothing.
        if action is not None and state is self._state and action in state.legal_actions():
            self._on_action(action)


def vacated(position: Position, before: Position | None) -> set[tuple[int, int]]:
    """The cells that a chess move left: marked like the one it went to."""
    if before is None or position.kind != "chess":
        return set()
    return before.changes(position) & {
        (row, column)
        for row, line in enumerate(position.cells)
        for column, cell in enumerate(line)
        if cell == "." and before.cells[row][column] != "."
    }


def _resting(position: Position, cells: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Of connect four's column the cell where a disc would come to rest."""
    if position.kind != "connect_four" or not cells:
        return cells
    column = cells[0][1]
    free = [row for row, line in enumerate(position.cells) if line[column] == "."]
    return ((max(free), column),) if free else cells


def shown_text(state: State, seat: int | None) -> str:
    """The state's text as ``seat`` may see it."""
    if seat is None or state.game.capabilities.perfect_information:
        return str(state)
    try:
        return state.information_state(seat).replace("][", "]\n[")
    except GameError:  # dark chess, hanabi ...: games with observations only
        if isinstance(state, OpenSpielState) and state.game.raw.get_type().provides_observation_string:
            return str(state.raw.observation_string(state.game.raw_player(seat)))
        return "The rules engine has no text of what you can see here."


def dice_picture(text: str) -> str:
    """The dice of a state's text that states them, as characters."""
    dice = re.search(r"^Dice: ([1-6]{1,2})$", text, re.M)
    if dice is None:
        return ""
    faces = " ".join("⚀⚁⚂⚃⚄⚅"[int(die) - 1] for die in dice[1])
    return f'<div class="dice" aria-label="dice {dice[1]}">{faces}</div>'
