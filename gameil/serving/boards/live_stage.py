"""The stage of a game in real time on a page: picture, points, clock, what it waits for, and the keys that steer it."""

from collections.abc import Callable

from nicegui import events, ui

from gameil.reports.kitchen import kitchen_of, numbers_of
from gameil.reports.svg import escape
from gameil.serving.boards.kitchen_element import KitchenElement
from gameil.serving.game_session import GameSession
from gameil.serving.live_table import LiveTable

HELP = (
    "Arrow keys walk and turn, space takes, puts and serves. "
    "Three onions in a pot become a soup: fetch it with a dish, and bring it to the bell."
)

CSS = """
.stage { width: 100%; max-width: calc((100dvh - 215px) * var(--aspect, 1)); min-width: min(100%, 300px);
  justify-self: center; display: flex; flex-direction: column; gap: .5rem; outline: none; }
.live-bar { display: flex; justify-content: space-between; align-items: baseline; width: 100%; font-size: 1.3rem;
  font-weight: 650; font-variant-numeric: tabular-nums; }
.live-bar small { font-size: .85rem; font-weight: 500; color: var(--soft); margin-right: .35rem; }
.clock { height: 6px; width: 100%; border-radius: 3px; background: var(--line); overflow: hidden; }
.clock > div { height: 100%; background: var(--accent); }
.kitchen-box > .veil { display: flex; flex-direction: column; align-items: center; justify-content: center; gap: .6rem;
  background: rgba(24, 26, 31, .42); color: #fff; text-align: center; padding: 1rem; line-height: 1.35;
  border-radius: 10px; }
.veil .words { background: rgba(20, 22, 26, .78); border-radius: 14px; padding: .8rem 1.2rem; max-width: 26rem; }
.veil .large { font-size: clamp(1.3rem, 4vw, 2rem); font-weight: 700; }
.veil .count { text-shadow: 0 0 16px #000; font-size: clamp(3rem, 12vw, 6rem); font-weight: 800; line-height: 1; }
.pad { display: none; grid-template-columns: repeat(3, 64px) 1fr; grid-template-rows: repeat(2, 56px); gap: 6px;
  width: 100%; touch-action: none; }
.pad button { border: 1px solid var(--line); border-radius: 12px; background: var(--card); color: var(--ink);
  font-size: 1.4rem; touch-action: none; user-select: none; }
.pad button:active { background: var(--accent); color: #fff; }
.pad [data-key=ArrowUp] { grid-area: 1 / 2; } .pad [data-key=ArrowLeft] { grid-area: 2 / 1; }
.pad [data-key=ArrowDown] { grid-area: 2 / 2; } .pad [data-key=ArrowRight] { grid-area: 2 / 3; }
.pad [data-key=Space] { grid-area: 1 / 4 / 3 / 5; justify-self: end; width: 112px; border-radius: 56px;
  font-size: 1rem; }
@media (pointer: coarse) { .pad { display: grid; } .stage { max-width: calc((100dvh - 340px) * var(--aspect, 1)); } }
"""
STEERING = """
(() => {
  const names = {ArrowUp: 'ArrowUp', ArrowDown: 'ArrowDown', ArrowLeft: 'ArrowLeft', ArrowRight: 'ArrowRight',
    ' ': 'Space'};
  const down = new Set();
  const fingers = new Map();
  const stage = () => document.querySelector('.stage.steered');
  const send = (text) => {
    const found = stage();
    if (found) found.dispatchEvent(new CustomEvent('steer', {detail: text}));
  };
  const press = (key) => { if (!down.has(key)) { down.add(key); send('down ' + key); } };
  const release = (key) => { if (down.delete(key)) send('up ' + key); };
  const loose = () => { if (down.size) { down.clear(); send('loose'); } };
  const typing = (event) => event.target.closest && event.target.closest('input, textarea, [role=listbox], .q-dialog');
  document.addEventListener('keydown', (event) => {
    const key = names[event.key];
    if (!key || !stage() || event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    event.preventDefault();
    if (!event.repeat) press(key);
  }, true);
  document.addEventListener('keyup', (event) => {
    const key = names[event.key];
    if (!key || !down.has(key)) return;
    event.preventDefault();
    release(key);
  }, true);
  window.addEventListener('blur', loose);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { down.clear(); send('hidden'); }
  });
  const button = (event) => event.target.closest && event.target.closest('.pad [data-key]');
  document.addEventListener('pointerdown', (event) => {
    const found = button(event);
    if (!found) return;
    event.preventDefault();
    fingers.set(event.pointerId, found.dataset.key);
    press(found.dataset.key);
  });
  for (const name of ['pointerup', 'pointercancel']) {
    document.addEventListener(name, (event) => {
      release(fingers.get(event.pointerId));
      fingers.delete(event.pointerId);
    });
  }
})();
"""
"""Tells the server which keys go down and up, once each; the server knows names of keys only."""
PAD = (
    '<button data-key="ArrowUp" aria-label="up">▲</button><button data-key="ArrowLeft" aria-label="left">◀</button>'
    '<button data-key="ArrowDown" aria-label="down">▼</button>'
    '<button data-key="ArrowRight" aria-label="right">▶</button>'
    '<button data-key="Space">take, put</button>'
)


def live_assets() -> None:
    """What pages of games in real time need, told before their browser has them."""
    ui.add_css(CSS)
    ui.add_body_html(f"<script>{STEERING}</script>")


class LiveView:
    """The stage of a table in real time: picture, points, clock, what it waits for. Made inside a page."""

    def __init__(self, table: LiveTable, seats: tuple[int, ...], on_change: Callable[[], None] = lambda: None) -> None:
        """
        Args:
            table: what is shown.
            seats: whose keys these are; none: an onlooker's page.
            on_change: told after every change.
        """
        self._table = table
        self._seats = seats
        self._on_change = on_change
        self._here = 0
        """Connections of this page."""
        self._closed = False
        self._shown: tuple[object, ...] = ()
        kitchen = kitchen_of(table.session.game)
        assert kitchen is not None
        with ui.element("div").classes("stage").style(f"--aspect: {kitchen.width / kitchen.height:.3f}") as stage:
            self._bar = ui.html("", sanitize=False).classes("live-bar")
            self._clock = ui.html("", sanitize=False).classes("clock")
            self._kitchen = KitchenElement(kitchen, own=seats, tick_seconds=table.tick_seconds)
            with self._kitchen.box, ui.element("div").classes("veil") as self._veil:
                self._words = ui.html("", sanitize=False)
                self._begin = ui.button("Start", icon="play_arrow", on_click=table.start).props("no-caps size=lg")
                self._begin.mark("begin")
            if seats:
                ui.html(PAD, sanitize=False).classes("pad")
        if seats:
            stage.classes("steered").on("steer", self._steered, js_handler="(event) => emit(event.detail)")
        self._client = ui.context.client
        self._stop_listening = table.session.listen(self._changed)
        self._client.on_connect(self._arrive)
        self._client.on_disconnect(self._depart)
        self._client.on_delete(self.close)
        if self._client.has_socket_connection:
            self._arrive()
        self._changed()

    def _arrive(self) -> None:
        if not self._closed:
            self._here += 1
            self._table.arrive(self._seats)

    def _depart(self) -> None:
        if self._here:
            self._here -= 1
            self._table.depart(self._seats)

    def close(self) -> None:
        """The page shows something else from now on."""
        self._closed = True
        self._stop_listening()
        while self._here:
            self._depart()

    def _steered(self, event: events.GenericEventArguments) -> None:
        what, _, key = event.args.partition(" ") if isinstance(event.args, str) else ("", "", "")
        table, seat = self._table, self._seats[0]
        if what == "down" and key == "Space" and table.phase in ("ready", "paused"):
            table.start()
        elif what == "down":
            table.press(seat, key)
        elif what == "up":
            table.release(seat, key)
        elif what == "loose":
            table.release_all(seat)
        elif what == "hidden":
            table.pause("the page was not to be seen")

    def _changed(self) -> None:
        table, session = self._table, self._table.session
        self._kitchen.show(numbers_of(session.state))
        points, left = points_of(session), round((table.horizon - table.steps) * table.tick_seconds)
        now = (table.phase, table.count, table.notice, table.problem, points, left, tuple(table.missing))
        if now != self._shown:
            self._shown = now
            self._bar.content = bar(points, "left", clock(left))
            share = 100.0 * (1.0 - table.steps / table.horizon)
            self._clock.content = f'<div style="width:{share:.1f}%"></div>'
            self._show_veil(points)
        self._on_change()

    def _show_veil(self, points: int) -> None:
        table = self._table
        waits = [table.session.seats[seat].name for seat in table.missing]
        may_start = bool(self._seats) and not waits and table.phase in ("ready", "paused")
        self._veil.set_visibility(table.phase != "running")
        self._begin.set_visibility(may_start)
        self._begin.text = "Start" if table.phase == "ready" else "Go on"
        large, small = {
            "ready": ("Ready?", HELP if self._seats else "The game has not begun."),
            "waking": ("The partner is on the way …", ""),
            "countdown": ("", ""),
            "running": ("", ""),
            "paused": ("Paused", table.problem or table.notice),
            "over": (f"{points} points", "The game was ended early." if table.session.stopped else "Time is up."),
        }[table.phase]
        if waits and table.phase in ("ready", "paused"):
            small = f"Waiting for {' and '.join(waits)} …"
        if table.phase == "countdown":
            self._words.content = f'<div class="count">{table.count}</div>'
        else:
            self._words.content = (
                f'<div class="words"><div class="large">{escape(large)}</div><div>{escape(small)}</div></div>'
            )


def points_of(session: GameSession) -> int:
    """What the team has earned so far."""
    return round(float(session.state.returns()[0]))


def bar(points: int, what: str, value: str) -> str:
    """Points, and where in the game one is, as HTML."""
    return f"<span><small>points</small>{points}</span><span><small>{what}</small>{value}</span>"


def clock(seconds: int) -> str:
    """Minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02d}"
