"""How every page looks: colours, header, menu; light and dark, from phones to wide screens."""

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

MENU: dict[str, str] = {"Play": "/", "Watch": "/watch"}
"""Entries of the menu: title -> path. Page modules add theirs in ``register``."""
DARK_COOKIE = "gameil-dark"
_ACCENT = "#2f7d62"

CSS = """
:root { --ink: #22252b; --soft: #6b7280; --page: #f6f4ef; --card: #ffffff; --line: #e3dfd6; --accent: #2f7d62;
  --good: #2f7d62; --warm: #c9762b; }
.body--dark { --ink: #e8e6e1; --soft: #9aa1ab; --page: #17191d; --card: #212429; --line: #34383f; --accent: #58b895;
  --good: #58b895; --warm: #e09a56; }
body { background: var(--page) !important; color: var(--ink); }
.q-header { background: var(--card) !important; color: var(--ink); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; font-size: 1.15rem; letter-spacing: .02em; color: var(--accent); text-decoration: none; }
.page a { color: var(--accent); }
.page a.game-card { color: var(--ink); }
.body--dark .q-btn.text-primary, .body--dark .q-radio__inner--truthy { color: var(--accent) !important; }
.menu a { color: var(--ink); text-decoration: none; padding: .3rem .6rem; border-radius: 8px; }
.menu a:hover { background: var(--page); }
.page { max-width: 1180px; margin: 0 auto; padding: 1rem; gap: 1rem; width: 100%; }
.panel, .q-card { background: var(--card); color: var(--ink); border: 1px solid var(--line); border-radius: 14px;
  padding: 1rem; box-shadow: none; }
h1, .title { font-size: 1.5rem; font-weight: 650; line-height: 1.2; margin: 0; }
.soft { color: var(--soft); }
.games { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px; width: 100%; }
.game-card { display: flex; flex-direction: column; gap: .5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; padding: 12px; color: var(--ink); text-decoration: none; transition: transform .12s; }
.game-card:hover, .game-card:focus-visible { transform: translateY(-3px); border-color: var(--accent); }
.game-card svg { width: 100%; aspect-ratio: 1; pointer-events: none; }
.game-card { text-align: center; } .game-card b { font-weight: 600; }
.play { display: grid; grid-template-columns: minmax(0, 1fr) 350px; gap: 18px; width: 100%; align-items: start; }
.board-area { display: grid; grid-template-columns: 16px minmax(0, 1fr); gap: 10px; align-items: stretch; width: 100%;
  max-width: calc((100dvh - 150px) * var(--aspect, 1) + 26px); justify-self: center; }
.board-box { gap: .5rem; }
.board-frame { outline: none; border-radius: 10px; width: 100%; display: flex; flex-direction: column;
  align-items: center; }
.board-frame:focus-visible { box-shadow: 0 0 0 3px var(--accent); }
.board-frame svg.board { width: 100%; display: block; touch-action: manipulation;
  user-select: none; }
pre.board { font: 14px/1.35 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--card); padding: 1rem;
  border: 1px solid var(--line); border-radius: 12px; overflow: auto; width: 100%; margin: 0; max-height: 70vh;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.edge { font: 11px system-ui, sans-serif; fill: var(--soft); } .edge.on-wood { fill: #5d4a26; }
.edge.on-frame { fill: #e9dcc0; }
.hit { fill: transparent; } .hit.live { cursor: pointer; }
.hit.live:hover { fill: rgba(88, 184, 149, .35); }
.hit.cursor { stroke: #2f7dd0; stroke-width: 3; }
.chosen { fill: rgba(88, 184, 149, .45); } .goal { fill: rgba(47, 125, 98, .75); pointer-events: none; }
.chosen, .hint, .hint-head { pointer-events: none; }
.hint { fill: none; stroke: #2f7dd0; stroke-width: 4; opacity: .85; } .hint-head { fill: #2f7dd0; opacity: .85; }
.dice { font-size: 2.6rem; line-height: 1; text-align: center; }
.evaluation { background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; width: 16px;
  height: 100%; min-height: 120px; display: flex; flex-direction: column; justify-content: flex-end; }
.evaluation > div { background: var(--accent); transition: height .4s; width: 100%; }
.evaluation.off { visibility: hidden; }
.action-row { gap: .4rem; } .action { min-width: 3rem; }
.side { gap: .8rem; } .side .q-btn { border-radius: 10px; }
.who { display: flex; align-items: center; gap: .6rem; width: 100%; padding: .25rem .4rem; border-radius: 10px; }
.who.turn { background: color-mix(in srgb, var(--accent) 16%, transparent); }
.who .dot { width: 14px; height: 14px; border-radius: 50%; border: 1px solid var(--soft); flex: none; }
.status { font-weight: 600; min-height: 1.5em; }
.moves { max-height: 210px; overflow-y: auto; line-height: 1.9; width: 100%; }
.moves .move, .moves .chance { cursor: pointer; padding: .1rem .3rem; border-radius: 6px; }
.moves .move:hover { background: var(--page); } .moves .now { background: var(--accent); color: #fff; }
.moves .number, .moves .chance { color: var(--soft); } .moves .chance { font-size: .8em; }
table.thoughts { width: 100%; border-collapse: collapse; font-size: .9rem; }
.thoughts caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
.thoughts th { text-align: left; font-weight: 500; color: var(--soft); } .thoughts td { position: relative;
  padding: .15rem .4rem .15rem 0; white-space: nowrap; } .thoughts td:first-child { font-weight: 600; }
.thoughts td:not(:first-child) { width: 36%; } .thoughts td span { position: relative; padding-left: .3rem; }
.bar { position: absolute; left: 0; top: .2rem; bottom: .2rem; border-radius: 4px; max-width: 100%; opacity: .35; }
.bar.policy { background: var(--warm); } .bar.search { background: var(--good); }
.curve { width: 100%; } .curve svg { width: 100%; }
.form { display: grid; grid-template-columns: minmax(0, 340px) minmax(0, 1fr); gap: 18px; width: 100%;
  align-items: start; }
.opponents .q-option-group { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); }
.game-row { padding: .25rem 0; color: var(--ink); border-bottom: 1px solid var(--line); }
@media (max-width: 860px) {
  .q-header { flex-wrap: nowrap; padding: .5rem .6rem; }
  .menu { overflow-x: auto; flex-wrap: nowrap; gap: 0; min-width: 0; }
  .menu a { padding: .3rem .45rem; white-space: nowrap; }
  .play, .form { grid-template-columns: minmax(0, 1fr); }
  .form > .picture { display: none; }
  .page { padding: .6rem; }
  .board-area { grid-template-columns: 10px minmax(0, 1fr); gap: 6px; max-width: none; } .evaluation { width: 10px; }
  .games { grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); }
  .moves { max-height: 130px; }
}
"""

BOARD_KEYS = """
(() => {
  const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  const at = (frame) => frame.querySelector(`[data-at="${frame.dataset.cursor}"]`);
  const mark = (frame) => {
    frame.querySelectorAll('.cursor').forEach((cell) => cell.classList.remove('cursor'));
    const cell = at(frame);
    if (cell) cell.classList.add('cursor');
  };
  document.addEventListener('keydown', (event) => {
    const frame = event.target.closest && event.target.closest('.board-frame');
    if (!frame || !frame.querySelector('[data-at]')) return;
    if (step[event.key]) {
      const now = at(frame) || frame.querySelector('.hit.live') || frame.querySelector('.hit');
      const [row, column] = now.dataset.at.split(',').map(Number);
      const next = frame.dataset.cursor ? [row + step[event.key][0], column + step[event.key][1]] : [row, column];
      if (frame.querySelector(`[data-at="${next.join(',')}"]`)) frame.dataset.cursor = next.join(',');
      mark(frame);
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter' || event.key === ' ') {
      const cell = at(frame);
      if (cell) cell.dispatchEvent(new MouseEvent('click', {bubbles: true}));
      event.preventDefault();
    }
  }, true);
  new MutationObserver((changes) => {
    for (const change of changes) {
      const frame = change.target.closest && change.target.closest('.board-frame');
      if (frame && frame.dataset.cursor && document.activeElement === frame) mark(frame);
    }
  }).observe(document.documentElement, {childList: true, subtree: true});
})();
"""
"""Arrow keys walk over a board that has the focus, Enter clicks; the server knows cells only."""


@contextmanager
def page_frame(title: str) -> Iterator[None]:
    """Header with the menu around what is built inside the ``with`` block."""
    ui.page_title(f"{title} · gameil")
    ui.colors(primary=_ACCENT)
    ui.add_css(CSS)
    ui.add_body_html(f"<script>{BOARD_KEYS}</script>")
    request = ui.context.client.request
    wanted = request.cookies.get(DARK_COOKIE) if request is not None else None
    dark = ui.dark_mode({"1": True, "0": False}.get(wanted or ""))

    def toggle() -> None:
        dark.value = not dark.value
        number = int(bool(dark.value))
        ui.run_javascript(f"document.cookie = '{DARK_COOKIE}={number};path=/;max-age=31536000;samesite=lax'")

    with ui.header().classes("items-center justify-between q-py-sm"):
        with ui.row().classes("items-center no-wrap menu"):
            ui.link("gameil", "/").classes("brand")
            for name, path in MENU.items():
                ui.link(name, path)
        ui.button(icon="contrast", on_click=toggle).props('flat round dense aria-label="light or dark"')
    with ui.column().classes("page"):
        yield
