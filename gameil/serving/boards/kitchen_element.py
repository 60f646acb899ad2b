"""A kitchen on a page: its cooks walk, its pots fill, and what has not changed is not sent again."""

from nicegui import ui

from gameil.games.overcooked import Kitchen
from gameil.games.overcooked_view import Numbers
from gameil.reports.kitchen import CELL, cook, place, room, things

CSS = """
.kitchen-box { position: relative; width: 100%; border-radius: 10px; overflow: hidden; user-select: none; }
.kitchen-box > div { position: absolute; inset: 0; } .kitchen-box svg { display: block; width: 100%; height: 100%;
  overflow: visible; }
.kitchen-box > .cook { inset: auto; pointer-events: none;
  transition: left var(--tick, .15s) linear, top var(--tick, .15s) linear; }
"""


class KitchenElement:
    """Shows states of one kitchen. Made inside a page; what is put into ``box`` lies over the picture."""

    def __init__(self, kitchen: Kitchen, *, own: tuple[int, ...] = (), tick_seconds: float = 0.0) -> None:
        """
        Args:
            kitchen: where it is.
            own: the cooks that are played on this page: they get a mark.
            tick_seconds: how long a cook takes from cell to cell; 0 jumps.
        """
        ui.add_css(CSS)
        self._kitchen = kitchen
        self._own = own
        width, height = kitchen.width, kitchen.height
        style = f"aspect-ratio: {width} / {height}; --tick: {tick_seconds:g}s"
        with ui.element("div").classes("kitchen-box").style(style).props('role="img" aria-label="kitchen"') as self.box:
            self._layer(room(kitchen))
            self._things = self._layer("").classes("pointer-events-none")
            self._cooks = [ui.html("", sanitize=False).classes("cook").mark(f"cook {who}") for who in (0, 1)]
        for element in self._cooks:
            element.style(f"width: {100 / width:.4f}%; height: {100 / height:.4f}%")

    def _layer(self, inner: str) -> ui.html:
        return ui.html(self._svg(inner, self._kitchen.width, self._kitchen.height), sanitize=False)

    @staticmethod
    def _svg(inner: str, width: int = 1, height: int = 1) -> str:
        return f'<svg viewBox="0 0 {width * CELL} {height * CELL}">{inner}</svg>'

    def show(self, numbers: Numbers) -> None:
        """Shows a state."""
        kitchen = self._kitchen
        _set(self._things, self._svg(things(kitchen, numbers), kitchen.width, kitchen.height))
        for who, element in enumerate(self._cooks):
            own = who in self._own
            _set(element, self._svg(cook(who, numbers[2 + who], numbers[4 + who], own=own)))
            x, y = place(kitchen, numbers[who])
            element.style(f"left: {100 * x / kitchen.width:.4f}%; top: {100 * y / kitchen.height:.4f}%")


def _set(element: ui.html, content: str) -> None:
    if element.content != content:
        element.content = content
