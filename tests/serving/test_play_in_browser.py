"""People's whole games in a real browser: clicks, hints, taking back, keys, phone width, two browsers at one table."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord
from tests.serving.browser import browser, chromium, served

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(data: Path) -> Iterator[str]:
    chromium()
    with served("--data", str(data / "served"), "--agents", "rookie=random", cwd=data) as address:
        yield address


@pytest.fixture(scope="module")
def visit(site: str) -> Iterator[Callable[..., Any]]:
    with browser() as function:
        yield function


def start(page: Any, site: str, game: str, opponent: str = "rookie") -> None:
    page.goto(f"{site}/new?game={game}")
    page.get_by_text(opponent).first.click()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".board-frame [data-cell], .board-frame pre")


def wait_for_turn(page: Any) -> str:
    """What the status line says once it is the person's turn or the game is over."""
    page.wait_for_function(
        "() => /^(Your move|You win|You lose|A draw|.* to move$)/.test(document.querySelector('.status').innerText)"
    )
    return str(page.locator(".status").inner_text())


def moves_made(page: Any) -> int:
    return int(page.locator(".moves .move").count())


def one_move(page: Any) -> None:
    """Clicks through the first way that is open until the list of moves has grown."""
    before = moves_made(page)
    if not page.locator(".hit.live").count():
        page.locator(".action-row button").first.click()
    for _ in range(4):
        if not page.locator(".hit.live").count():
            break
        shown = page.locator(".board-frame").inner_html()
        # The one farthest ahead: games end soon.
        ahead = page.eval_on_selector_all(".hit.live", "cells => cells.map(cell => cell.dataset.at)")
        nearest = min(ahead, key=lambda at: tuple(map(int, at.split(","))))
        page.locator(f'.hit.live[data-at="{nearest}"]').click()
        page.wait_for_function("(old) => document.querySelector('.board-frame').innerHTML !== old", arg=shown)
        if page.locator(".q-dialog button").count():
            page.locator(".q-dialog button").first.click()
        if moves_made(page) > before or not page.locator(".chosen").count():
            break
    page.wait_for_function("(n) => document.querySelectorAll('.moves .move').length > n", arg=before)


@pytest.mark.parametrize("game", ["breakthrough", "othello", "connect_four"])
def test_whole_game_with_clicks_hint_and_take_back(game: str, site: str, visit: Callable[..., Any], data: Path) -> None:
    page = visit(viewport={"width": 1280, "height": 860})
    start(page, site, game)
    assert wait_for_turn(page) == "Your move"
    page.get_by_role("button", name="Hint").click()
    page.wait_for_selector(".hint", state="attached")
    one_move(page)
    wait_for_turn(page)
    assert moves_made(page) == 2
    page.get_by_role("button", name="Take back").click()
    page.wait_for_function("() => document.querySelectorAll('.moves .move').length === 0")
    for _ in range(70):
        if wait_for_turn(page) != "Your move":
            break
        one_move(page)
    assert page.locator(".status").inner_text().startswith(("You win", "You lose", "A draw"))
    page.get_by_role("button", name="Keep").click()
    page.wait_for_selector(".q-notification")
    count = moves_made(page)
    (kept,) = (data / "served" / "games" / game).iterdir()
    (record,) = read_records(kept)
    assert isinstance(record, GameRecord)
    assert [player.name for player in record.players] == ["Ann", "rookie"]
    played = transcribe(record)
    assert isinstance(played, PlayedGame)
    assert len(played.actions) == count
    assert played.returns is not None


def test_keys_thoughts_and_a_typed_move_on_a_phone(site: str, visit: Callable[..., Any]) -> None:
    page = visit(**PHONE)
    start(page, site, "tic_tac_toe")
    page.locator(".board-frame").focus()
    page.keyboard.press("ArrowDown")  # the first key shows the cursor, the next ones move it
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.moves .move').length >= 1")
    assert wait_for_turn(page) == "Your move"
    assert page.locator(".moves .move").first.inner_text() == "x(1,1)"
    page.get_by_text("Thoughts").click()
    page.wait_for_selector("table.thoughts")
    page.wait_for_selector(".evaluation[title^='expected return']", state="attached")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390  # nothing hangs over the edge of a phone
    assert "body--dark" in page.locator("body").get_attribute("class")


def test_hidden_cards_by_text_and_buttons(site: str, visit: Callable[..., Any]) -> None:
    page = visit()
    start(page, site, "kuhn_poker")
    wait_for_turn(page)
    assert page.locator("pre.board").inner_text().strip() in ("0", "1", "2")  # the own card, no other
    page.get_by_role("button", name="Pass").click()
    for _ in range(3):
        if wait_for_turn(page) != "Your move":
            break
        page.get_by_role("button", name="Bet").click()
    assert page.locator(".status").inner_text().startswith(("You win", "You lose"))


def test_two_browsers_at_one_table(site: str, visit: Callable[..., Any]) -> None:
    host, guest = visit(), visit()
    start(host, site, "tic_tac_toe", "Another person, by a link")
    link = host.locator("input[readonly]").input_value()
    guest.goto(link)
    guest.wait_for_selector("[data-cell]")
    assert guest.locator(".hit.live").count() == 0
    host.locator('[data-cell="0,0"]').click()
    guest.wait_for_selector(".hit.live", state="attached")
    assert guest.locator(".status").inner_text() == "Your move"
    guest.locator('[data-cell="1,1"]').click()
    host.wait_for_function("() => document.querySelectorAll('.moves .move').length === 2")
    assert host.locator(".status").inner_text() == "Your move"


def test_a_kept_game_is_replayed_and_judged(site: str, visit: Callable[..., Any], data: Path) -> None:
    from gameil.games.registry import make_game
    from gameil.serving.game_session import GameSession, Seat
    from gameil.serving.kept_games import keep_game

    session = GameSession(make_game("tic_tac_toe"), [Seat("Ann"), Seat("Bob")], seed=0)
    for action in (0, 3, 1, 4, 2):
        session.apply(action)
    keep_game(data / "served", session.played())
    page = visit()
    page.goto(f"{site}/watch")
    page.get_by_text("tic_tac_toe").first.click()
    page.get_by_text("Ann – Bob").first.click()
    page.wait_for_selector("svg.board")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".moves .now")
    page.get_by_role("button", name="Judge every move").click()
    page.wait_for_selector(".curve svg", state="attached")
    page.get_by_label("last position").click()
    page.wait_for_function("() => document.querySelector('.moves .now').innerText.startsWith('x(0,2)')")


@pytest.mark.parametrize(
    "path", ["/new?game=go(board_size=999)", "/new?game=../../etc", "/table/0123", "/watch/999", "/watch/0/99999999999"]
)
def test_wrong_addresses_are_answered_in_words(path: str, site: str, visit: Callable[..., Any]) -> None:
    page = visit()
    page.goto(site + path)
    page.wait_for_selector(".title")
    assert page.locator(".title").first.inner_text()
