"""The first pages: choose a game, then an opponent, its strength, a seat."""

import asyncio
import os
from dataclasses import field

from nicegui import binding, ui

from gameil.errors import AgentError, GameilError
from gameil.experts.people import person_name
from gameil.games.game import Game
from gameil.reports.boards import board_picture, read_position
from gameil.reports.kitchen import kitchen_of, kitchen_picture, numbers_of
from gameil.serving.boards.game_text import seat_name
from gameil.serving.game_session import Seat
from gameil.serving.live_game import controls_of
from gameil.serving.menu import title
from gameil.serving.opponents import RATINGS, SIMULATIONS, Choice, Opponent
from gameil.serving.site import Site
from gameil.serving.theme import page_frame

LINK, SCREEN = "link", "screen"
EITHER, NEITHER = -1, -2
_BY_LINK, _AT_SCREEN = "Another person, by a link", "Another person, at this screen"
STRENGTHS = {0: "plays at a glance", 16: "thinks a little", 64: "thinks", 256: "thinks hard"}
assert tuple(STRENGTHS) == SIMULATIONS


def register(site: Site) -> None:
    """Adds ``/`` and ``/new``."""

    @ui.page("/")
    async def lobby() -> None:
        with page_frame("Play"):
            ui.label("What would you like to play?").classes("title")
            pictures = await asyncio.to_thread(_cards, site)
            with ui.element("div").classes("games"):
                for game_id, picture in pictures:
                    with ui.link(target=f"/new?game={game_id}").classes("game-card").mark(f"game {game_id}"):
                        ui.html(picture, sanitize=False)
                        ui.html(f"<b>{title(game_id)}</b>", sanitize=False)
            with ui.column().classes("panel w-full"):
                ui.label("Any other game, by its text").classes("soft")
                ui.select(
                    {name: title(name) for name in site.menu.others()},
                    label="type to find one",
                    with_input=True,
                    on_change=lambda event: ui.navigate.to(f"/new?game={event.value}"),
                ).classes("w-full").mark("others")

    @ui.page("/new")
    async def new(game: str = "") -> None:
        try:
            rules = await asyncio.to_thread(site.menu.game, game)
            offered = site.agents.opponents(rules)
        except GameilError as error:
            with page_frame("Play"):
                ui.label(str(error)).classes("title")
                ui.link("Choose a game", "/")
            return
        with page_frame(title(rules.id)):
            ui.label(title(rules.id)).classes("title")
            with ui.element("div").classes("form"):
                ui.html(_picture(site, rules), sanitize=False).classes("picture board-frame")
                _Form(site, rules, offered)


def _cards(site: Site) -> list[tuple[str, str]]:
    """``(id, picture)`` of the games shown first."""
    return [(game_id, _picture(site, site.menu.game(game_id))) for game_id in site.menu.featured]


def _picture(site: Site, game: Game) -> str:
    kitchen = kitchen_of(game)
    if kitchen is not None:
        return kitchen_picture(kitchen, numbers_of(game.initial_state()), title(game.id))
    text = site.menu.look(game)
    return board_picture(read_position(game.name, text), text, set(), title(game.id))


@binding.bindable_dataclass
class _Wishes:
    """What the form says."""

    opponent: str
    strength: int = 0
    """Place in ``SIMULATIONS``."""
    rating: int = 1400
    as_people: bool = False
    rated: bool = False
    seat: int = 0
    """``EITHER``, or ``NEITHER`` to look on."""
    other: str = ""
    """Who plays the other seat of a game that is only watched."""
    name: str = "Guest"
    people: dict[str, str] = field(default_factory=lambda: {LINK: _BY_LINK, SCREEN: _AT_SCREEN})


class _Form:
    """Opponent, dials, seat, name, start."""

    def __init__(self, site: Site, game: Game, offered: list[Opponent]) -> None:
        self._site = site
        self._game = game
        # Who people are called and agents are kept apart by what stands before the colon.
        self._offered = {f"agent:{opponent.name}": opponent for opponent in offered}
        first = next((key for key, one in self._offered.items() if one.kind == "snapshot"), None)
        easy = next((key for key in self._offered if key == "agent:easy"), LINK)
        live = controls_of(game) is not None
        self._wishes = _Wishes(first or easy, as_people=live)  # whoever always does the likeliest gets stuck
        if live and not first and offered:
            self._wishes.opponent = next(iter(self._offered))
        self._wishes.other = self._wishes.opponent
        if live or not game.capabilities.perfect_information:  # two at one screen would see each other's cards
            del self._wishes.people[SCREEN]
        with ui.column().classes("panel w-full gap-4"):
            with ui.element("div").classes("w-full opponents"):
                ui.label("Cook with" if live else "Play against").classes("soft")
                options = {key: _line(one) for key, one in self._offered.items()} | self._wishes.people
                ui.radio(options, on_change=self._dials.refresh).bind_value(self._wishes, "opponent").mark("opponent")
            self._dials()
            with ui.element("div").classes("w-full"):
                ui.label("You play").classes("soft")
                seats = {seat: seat_name(game.name, seat) for seat in range(game.num_players)} | {EITHER: "either"}
                if live:
                    seats[NEITHER] = "neither: watch"
                toggle = ui.toggle(seats).props("no-caps unelevated").bind_value(self._wishes, "seat").mark("seat")
                if live:
                    ui.select({key: one.name for key, one in self._offered.items()}, label="together with").classes(
                        "w-full"
                    ).bind_value(self._wishes, "other").bind_visibility_from(
                        toggle, "value", lambda seat: seat == NEITHER
                    ).mark("other")
            ui.input("Your name", validation=_name_problem).props("maxlength=60").bind_value(self._wishes, "name").mark(
                "name"
            )
            ui.button("Start", icon="play_arrow", on_click=self._start).props("size=lg no-caps").mark("start")

    @ui.refreshable_method
    def _dials(self) -> None:
        opponent = self._offered.get(self._wishes.opponent)
        if opponent is None or not (opponent.has_strength or opponent.has_rating or self._varied(opponent)):
            return
        wishes = self._wishes
        with ui.column().classes("w-full gap-1"):
            if opponent.has_strength:
                ui.label("Strength").classes("soft")
                with ui.row().classes("w-full items-center no-wrap"):
                    ui.slider(min=0, max=len(SIMULATIONS) - 1, step=1).props("markers snap").classes(
                        "max-w-80"
                    ).bind_value(wishes, "strength").mark("strength")
                    ui.label().bind_text_from(wishes, "strength", lambda place: STRENGTHS[SIMULATIONS[place]]).classes(
                        "whitespace-nowrap"
                    )
            if opponent.has_rating:
                rated = ui.switch("Play as people of a rating").bind_value(wishes, "rated")
                with ui.row().classes("w-full items-center no-wrap").bind_visibility_from(rated, "value"):
                    ui.slider(min=RATINGS[0], max=RATINGS[-1], step=RATINGS.step).classes("max-w-80").bind_value(
                        wishes, "rating"
                    )
                    ui.label().bind_text_from(wishes, "rating")
            ui.switch("Vary its moves as people do").bind_value(wishes, "as_people")

    def _varied(self, opponent: Opponent) -> bool:
        """Whether it is asked how its moves are drawn though it has no other dial."""
        return opponent.kind == "snapshot" and controls_of(self._game) is not None

    def _start(self) -> None:
        wishes, game = self._wishes, self._game
        try:
            name = person_name(wishes.name)
            if wishes.seat == NEITHER and controls_of(game) is not None:
                self._watch(wishes)
                return
            mine = wishes.seat if 0 <= wishes.seat < game.num_players else os.urandom(1)[0] % game.num_players
            other = self._other(wishes, wishes.opponent)
            seats = [Seat(name) if seat == mine else other for seat in range(game.num_players)]
            held: list[tuple[int, ...]] = [(mine,)]
            if wishes.opponent == SCREEN:
                held = [tuple(range(game.num_players))]
            elif wishes.opponent == LINK:
                held += [(seat,) for seat in range(game.num_players) if seat != mine]
            key = self._site.tables.open(game, seats, held)[0]
        except GameilError as error:
            ui.notify(str(error), type="warning")
            return
        ui.navigate.to(f"/table/{key}")

    def _watch(self, wishes: _Wishes) -> None:
        """Opens a game of agents. Raises ``GameilError``."""
        seats = [self._other(wishes, key) for key in (wishes.opponent, wishes.other)]
        if any(seat.agent is None for seat in seats):
            raise AgentError("choose an agent for both")
        ui.navigate.to(f"/table/{self._site.tables.open(self._game, seats, [()])[0]}")

    def _other(self, wishes: _Wishes, key: str) -> Seat:
        opponent = self._offered.get(key)
        if opponent is None:
            return Seat("Guest 2" if wishes.opponent == SCREEN else "Friend")
        choice = Choice(
            opponent.name,
            simulations=SIMULATIONS[wishes.strength] if opponent.has_strength else 0,
            rating=wishes.rating if opponent.has_rating and wishes.rated else None,
            human=opponent.kind == "snapshot" and wishes.as_people,
        )
        return Seat(opponent.name, choice)


def _line(opponent: Opponent) -> str:
    return f"{opponent.name} · {opponent.about}"


def _name_problem(text: str) -> str | None:
    try:
        person_name(text)
    except GameilError as error:
        return str(error)
    return None
