"""What a table offers when its game is over: again, keep, download."""

from collections.abc import Callable

from nicegui import ui

from gameil.errors import GameilError
from gameil.serving.kept_games import game_file, keep_game
from gameil.serving.site import Site
from gameil.serving.tables import Place

SMALL = "no-caps dense padding='4px 10px'"
"""Properties of the small buttons beside a board."""


class AfterGame:
    """A row of buttons, made inside a page."""

    def __init__(self, site: Site, place: Place, more: Callable[[], object] = lambda: None) -> None:
        """``more`` adds the page's own buttons behind the first."""
        self._site = site
        self._place = place
        with ui.row().classes("w-full gap-2") as self.row:
            ui.button("Again", icon="replay", on_click=self._again).props(SMALL).mark("again")
            more()
            self.keepers = [
                ui.button("Keep", icon="bookmark_add", on_click=self._keep).props(f"outline {SMALL}").mark("keep"),
                ui.button("Download", icon="download", on_click=self._download).props(f"outline {SMALL}"),
            ]
            """Keep and download."""

    def _again(self) -> None:
        """The same game with the seats of two players exchanged."""
        try:
            key = self._site.tables.again(self._place)
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return
        ui.navigate.to(f"/table/{key}")

    def _keep(self) -> None:
        try:
            path = keep_game(self._site.data, self._place.table.played())
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return
        ui.notify(f"kept as {path}", type="positive")

    def _download(self) -> None:
        try:
            name, text = game_file(self._place.table.played())
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return
        ui.download.content(text, name)
