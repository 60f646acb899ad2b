"""One game on a page: board, evaluation, moves to walk through, thoughts of policy and search. For play and replay."""

import asyncio
from collections.abc import Callable

from nicegui import events, ui

from gameil.errors import GameilError
from gameil.games.game import State
from gameil.reports.svg import Drawing
from gameil.serving.agent_service import AgentService
from gameil.serving.analysis import Analysis
from gameil.serving.boards.board_element import BoardElement
from gameil.serving.boards.game_text import marks_of, move_list, thought_table
from gameil.serving.game_session import GameSession

_PLY_SCRIPT = "(e) => { const c = e.target.closest('[data-ply]'); if (c) emit(c.dataset.ply); }"
_AUTOPLAY_SECONDS = 1.0
_ASPECTS = {"hex": 1.6, "backgammon": 1.25, "connect_four": 1.15}
"""Width over height of boards that are wider than high; where it is not known, text needs no limit."""


class GameView:
    """Shows a session; walks through its positions. Made inside a page; ``side`` is where the page adds its own."""

    def __init__(
        self,
        session: GameSession,
        agents: AgentService,
        *,
        on_action: Callable[[int], None] = lambda action: None,
        seats: tuple[int, ...] = (),
        thinking: bool = False,
        reveal: bool = False,
    ) -> None:
        """
        Args:
            session: the game; call ``refresh`` when it changed.
            agents: who is asked what to think.
            on_action: told the action chosen on the board, in the last position only.
            seats: whose moves are made here; empty: onlookers, who see hidden information only of finished games.
            thinking: evaluation and thoughts are shown from the start.
            reveal: hidden information is shown: a replay.
        """
        self.session = session
        self.ply = len(session.moves)
        self.hint: int | None = None
        self.thinking = thinking
        self._agents = agents
        self._seats = seats
        self._reveal = reveal
        self._thoughts: dict[int, Analysis] = {}
        self._asked: set[int] = set()
        with ui.element("div").classes("play"):
            with ui.element("div").classes("board-area").style(f"--aspect: {_ASPECTS.get(session.game.name, 1.05)}"):
                self._evaluation = ui.html("", sanitize=False)
                self._board = BoardElement(on_action)
            with ui.column().classes("side w-full"):
                self.side = ui.column().classes("w-full")
                with ui.column().classes("panel w-full gap-2"):
                    self._build_walk()
                    self._moves = ui.html("", sanitize=False).classes("moves")
                    self._moves.on("click", self._ply_clicked, js_handler=_PLY_SCRIPT)
                    self._curve = ui.html("", sanitize=False).classes("curve")
                    self._thought = ui.html("", sanitize=False).classes("w-full")
        self._board.turned = self._starts_turned()
        self._timer = ui.timer(_AUTOPLAY_SECONDS, self._autoplay, active=False)
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea", "button"])

    def _build_walk(self) -> None:
        with ui.row().classes("w-full items-center justify-between gap-1"):
            with ui.row().classes("gap-0 no-wrap"):
                for icon, label, step in (
                    ("first_page", "first position", -(10**6)),
                    ("chevron_left", "one back", -1),
                    ("chevron_right", "one on", 1),
                    ("last_page", "last position", 10**6),
                ):
                    ui.button(icon=icon, on_click=lambda _, step=step: self.go(self.ply + step)).props(
                        f'flat dense round aria-label="{label}"'
                    ).mark(label)
                ui.button(icon="play_arrow", on_click=self._toggle_autoplay).props(
                    'flat dense round aria-label="play through"'
                )
            with ui.row().classes("gap-0 no-wrap items-center"):
                ui.button(icon="flip_camera_android", on_click=self.turn).props('flat dense round aria-label="turn"')
                self._switched = ui.switch("Thoughts", value=self.thinking, on_change=self._switch)
                self._switched.props("dense").mark("thoughts")

    def _starts_turned(self) -> bool:
        """The first seat played here is below; drawings that begin otherwise are turned."""
        below = {"breakthrough": 1, "backgammon": 1}.get(self.session.game.name, 0)
        return (self._seats[0] if self._seats else below) != below

    def turn(self) -> None:
        """Shows the board from the other side."""
        self._board.turned = not self._board.turned
        self.refresh(moved=False)

    def go(self, ply: int) -> None:
        """Shows the position after ``ply`` actions."""
        self.ply = min(max(0, ply), len(self.session.moves))
        self.refresh(moved=False)

    def refresh(self, *, moved: bool = True) -> None:
        """Draws everything anew. ``moved``: the game changed, so its last position is shown."""
        session = self.session
        last = len(session.moves)
        if moved:
            self.ply = last
            self.hint = None
            for ply in [ply for ply in self._thoughts if ply > last]:
                del self._thoughts[ply]
            self._asked &= set(range(last + 1))
        self.ply = min(self.ply, last)
        state = session.state if self.ply == last else session.state_at(self.ply)
        before = session.state_at(self._before_last_moves()) if self.ply else None
        self._board.seen_by = self._viewer(state)
        self._board.show(state, before, may_act=self._may_act(), hint=self.hint)
        self._show_texts(state)
        if self.thinking:
            self._ask(state)

    def _may_act(self) -> bool:
        return self.ply == len(self.session.moves) and self.session.mover in self._seats

    def _before_last_moves(self) -> int:
        """The ply before what is marked: the last player's actions, dice not counted."""
        moves, ply = self.session.moves, self.ply
        while ply > 0 and moves[ply - 1].player < 0:
            ply -= 1
        mover = moves[ply - 1].player if ply else None
        while ply > 0 and moves[ply - 1].player == mover:
            ply -= 1
        return ply

    @property
    def _sees_all(self) -> bool:
        return self._reveal or self.session.is_over or self.session.game.capabilities.perfect_information

    def _viewer(self, state: State) -> int | None:
        """Whose view is shown where the game hides something; None once it is over."""
        if self._sees_all:
            return None
        mover = state.current_player()
        return mover if mover in self._seats else (self._seats[0] if self._seats else 0)

    def _show_texts(self, state: State) -> None:
        session = self.session
        hidden = None if self._viewer(state) is None else (self._seats[0] if self._seats else -9)
        self._moves.content = move_list(session.moves, self.ply, marks_of(session.moves, self._thoughts), hidden)
        thought = self._thoughts.get(self.ply)
        shown = self.thinking and thought is not None and state.current_player() >= 0
        self._thought.content = (
            thought_table(state, thought, self._agents.analyst_name(session.game)) if shown and thought else ""
        )
        self._evaluation.content = self._evaluation_bar(thought, state)

    def _evaluation_bar(self, thought: Analysis | None, state: State) -> str:
        if not self.thinking or self.session.game.num_players != 2:
            return '<div class="evaluation off"></div>'
        below = self._seats[0] if self._seats else 0
        value = thought.value_of(below) if thought is not None else None
        if state.is_terminal():
            value = float(max(-1.0, min(1.0, state.returns()[below])))
        height = 50.0 if value is None else 50.0 + 50.0 * value
        text = "not judged yet" if value is None else f"expected return {value:+.2f} for the side below"
        return f'<div class="evaluation" title="{text}"><div style="height:{height:.0f}%"></div></div>'

    def _may_think(self, state: State) -> bool:
        mover = state.current_player()
        if mover < 0:
            return False
        return self._sees_all or mover in self._seats

    def _ask(self, state: State) -> None:
        """Asks for thoughts on the position shown, once."""
        if self.ply in self._thoughts or self.ply in self._asked or not self._may_think(state):
            return
        self._asked.add(self.ply)
        ply = self.ply
        task = asyncio.get_running_loop().create_task(self._think(ply, state))
        task.add_done_callback(lambda done: done.exception())

    async def _think(self, ply: int, state: State) -> None:
        version = self.session.version
        analysis = await self.analysis(state)
        self._asked.discard(ply)
        if analysis is None:
            return
        if self.session.version == version or (ply <= len(self.session.moves) and self._is_still(ply, state)):
            self._thoughts[ply] = analysis
            if ply == self.ply:
                self._show_texts(state)

    def _is_still(self, ply: int, state: State) -> bool:
        return [move.action for move in self.session.moves[:ply]] == list(state.history)[-ply:] if ply else True

    async def analysis(self, state: State) -> Analysis | None:
        """Thoughts on a state; None, told to the person, where nobody can think about it."""
        try:
            return await asyncio.wrap_future(self._agents.analyse(state))
        except GameilError as error:
            with self.side:
                ui.notify(str(error), type="warning")
            return None

    async def show_hint(self) -> None:
        """Shows the move that is advised in the last position."""
        self.go(len(self.session.moves))
        state = self.session.state
        if not self._may_act():
            return
        version = self.session.version
        thought = self._thoughts.get(self.ply) or await self.analysis(state)
        if thought is not None and self.session.version == version:
            self._thoughts[self.ply] = thought
            self.hint = thought.best
            self.refresh(moved=False)

    async def judge_all(self) -> None:
        """Asks about every position and draws how the expected return went."""
        session = self.session
        state = session.game.initial_state(session.start)
        pending: dict[int, asyncio.Future[Analysis]] = {}
        for ply in range(len(session.moves) + 1):
            if ply not in self._thoughts and self._may_think(state):
                pending[ply] = asyncio.wrap_future(self._agents.analyse(state))
            if ply < len(session.moves):
                state.apply(session.moves[ply].action)
        for ply, future in pending.items():
            try:
                self._thoughts[ply] = await future
            except GameilError:  # one that nobody can judge leaves a gap in the curve
                continue
        self.thinking = True
        self._switched.value = True
        self._curve.content = value_curve(self._thoughts, len(session.moves))
        self.refresh(moved=False)

    def _switch(self, event: events.ValueChangeEventArguments[bool | None]) -> None:
        self.thinking = bool(event.value)
        self.refresh(moved=False)

    def _ply_clicked(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, str) and event.args.isdecimal() and len(event.args) < 8:
            self.go(int(event.args))

    def _key(self, event: events.KeyEventArguments) -> None:
        if event.action.keydown and event.key.arrow_left:
            self.go(self.ply - 1)
        elif event.action.keydown and event.key.arrow_right:
            self.go(self.ply + 1)

    def _toggle_autoplay(self) -> None:
        if self.ply == len(self.session.moves):
            self.go(0)
        self._timer.active = not self._timer.active

    def _autoplay(self) -> None:
        self.go(self.ply + 1)
        if self.ply == len(self.session.moves):
            self._timer.active = False


def value_curve(thoughts: dict[int, Analysis], last: int) -> str:
    """The first seat's expected return over the game, 1 at the top."""
    points = [(ply, value) for ply in sorted(thoughts) if (value := thoughts[ply].value_of(0)) is not None]
    if len(points) < 2:
        return ""
    svg = Drawing(320, 70, label="expected return of the first seat, ply by ply")
    svg.line(0, 35, 320, 35, stroke="#8b929c", stroke_width=0.6)
    path = " ".join(f"{320 * ply / max(1, last):.1f},{35 - 32 * value:.1f}" for ply, value in points)
    svg.add("polyline", points=path, fill="none", stroke="#2f9d78", stroke_width=2)
    return str(svg)
