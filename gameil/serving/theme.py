"""How every page looks: colours, header, menu; light and dark, from phones to wide screens."""

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

MENU: dict[str, str] = {"Play": "/", "Watch": "/watch"}
"""Entries of the menu: title -> path. Page modules add theirs in ``register``."""


@contextmanager
def page_frame(title: str) -> Iterator[None]:
    """Header with the menu around what is built inside the ``with`` block."""
    ui.page_title(f"{title} · gameil")
    with ui.header():
        for name, path in MENU.items():
            ui.link(name, path)
    with ui.column().classes("page"):
        yield
