"""The page where people play: choose a game and an opponent, then the table."""

from nicegui import ui

from gameil.serving.site import Site
from gameil.serving.theme import page_frame


def register(site: Site) -> None:
    """Adds ``/``."""

    @ui.page("/")
    def lobby() -> None:
        with page_frame("Play"):
            ui.label("gameil")
