"""Cooking in a real browser: keys move the cook, a short game is kept and ingested, two people, watching, pausing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.games.registry import make_game
from tests.serving.browser import browser, chromium, served

SHORT, LONG = "pettingzoo:overcooked(horizon=45)", "pettingzoo:overcooked(layout=coordination_ring)"
HIDE = """() => {
  Object.defineProperty(document, 'hidden', {value: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
"""What a page is told when another tab covers it."""
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(data: Path) -> Iterator[str]:
    pytest.importorskip("pettingzoo", reason="the games extra is not installed")
    chromium()
    flags = ["--data", "served", "--agents", "rookie=random", "--games", SHORT, LONG, "--tick-seconds", "0.12"]
    with served(*flags, "--collection.games", SHORT, cwd=data) as address:
        yield address


@pytest.fixture(scope="module")
def visit(site: str) -> Iterator[Callable[..., Any]]:
    with browser() as function:
        yield function


def begin(page: Any, site: str, game: str, partner: str = "rookie", seat: str = "Blue cook") -> None:
    page.goto(f"{site}/new?game={game}")
    page.get_by_text(partner).first.click()
    page.get_by_role("button", name=seat).click()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".kitchen-box")


def wait_for_status(page: Any, text: str) -> None:
    page.wait_for_function("(text) => document.querySelector('.status').innerText.includes(text)", arg=text)


def place(page: Any, cook: int) -> tuple[float, float]:
    """Where a cook stands, in shares of the kitchen."""
    style = page.locator(".kitchen-box > .cook").nth(cook).evaluate("e => [e.style.left, e.style.top]")
    return float(style[0][:-1]), float(style[1][:-1])


def test_a_short_game_by_keys_is_kept_ingested_and_replayed(
    site: str, visit: Callable[..., Any], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = visit(viewport={"width": 1280, "height": 860})
    begin(page, site, SHORT)
    assert place(page, 0) == (20.0, 50.0)  # column 1 of 5, row 2 of 4
    page.keyboard.press("Space")
    page.wait_for_selector(".veil .count")
    wait_for_status(page, "Cooking")
    page.keyboard.down("ArrowUp")
    page.wait_for_function("() => parseFloat(document.querySelector('.kitchen-box > .cook').style.top) === 25")
    page.keyboard.up("ArrowUp")
    page.keyboard.press("ArrowLeft")  # turns to the onions
    page.wait_for_timeout(200)
    page.keyboard.press("Space")
    wait_for_status(page, "points in 45 steps")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_selector(".q-notification")
    (kept,) = (data / "served" / "games" / "pettingzoo-overcooked").iterdir()

    out = data / "kept.lmdb"
    assert main(["ingest", str(kept), "--game", "pettingzoo:overcooked", "--out", str(out)]) == 0
    capsys.readouterr()
    dataset = Dataset(out)
    assert len(dataset) == 1
    played = dataset.game(0)
    dataset.close()
    assert [player.name for player in played.players] == ["Ann", "rookie"]
    state = make_game(played.game_id).initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    assert state.is_terminal()
    assert played.returns == pytest.approx(state.returns() / 45)
    mine = played.actions[::2].tolist()
    assert 0 in mine
    assert mine[mine.index(3) + 1 :].index(5) >= 0  # north, then west, then the onion

    page.goto(f"{site}/watch")
    page.get_by_text("games/pettingzoo-overcooked").first.click()
    page.get_by_text("Ann – rookie").first.click()
    page.get_by_label("play through").click()
    page.wait_for_function(
        "() => /step[2-9] /.test(document.querySelector('.live-bar').innerText.replaceAll('\\n', ''))"
    )


def test_two_people_wait_for_each_other_and_a_closed_page_stops_the_game(site: str, visit: Callable[..., Any]) -> None:
    host, guest = visit(), visit(**PHONE)
    begin(host, site, LONG, "Another person, by a link", "Red cook")
    assert "Waiting for Friend" in host.locator(".veil").inner_text()
    guest.goto(host.locator("input[readonly]").input_value())
    guest.get_by_role("button", name="Start").click()
    wait_for_status(host, "Cooking")
    assert guest.evaluate("document.documentElement.scrollWidth") <= 390
    before = place(host, 0)
    for key in ("ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"):  # fingers: the guest is the blue cook
        guest.locator(f".pad [data-key={key}]").tap()
        host.wait_for_timeout(300)
        if place(host, 0) != before:
            break
    else:
        raise AssertionError("no finger moves the cook")
    host.evaluate(HIDE)
    wait_for_status(guest, "Paused")
    assert "not to be seen" in guest.locator(".veil").inner_text()
    guest.get_by_role("button", name="Go on").click()
    wait_for_status(host, "Cooking")
    guest.close()
    wait_for_status(host, "Paused")
    assert "not connected" in host.locator(".veil").inner_text() or "Waiting" in host.locator(".veil").inner_text()


def test_agents_cook_for_onlookers(site: str, visit: Callable[..., Any]) -> None:
    page = visit()
    begin(page, site, LONG, seat="neither: watch")
    wait_for_status(page, "Cooking")
    assert page.locator(".pad").count() == 0
    begun = place(page, 0), place(page, 1)
    for _ in range(50):
        if (place(page, 0), place(page, 1)) != begun:
            return
        page.wait_for_timeout(100)
    raise AssertionError("nobody moves")


def test_a_collected_game_is_kept_by_itself(site: str, visit: Callable[..., Any], data: Path) -> None:
    page = visit()
    page.goto(f"{site}/collect")
    page.get_by_label("Your name").fill("Bea")
    page.get_by_text("I agree").click()
    page.locator("label", has_text="Opponent").click()
    page.locator(".q-menu").get_by_text("rookie").click()
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector(".kitchen-box")
    page.get_by_role("button", name="Start").click()
    wait_for_status(page, "Cooking")
    page.keyboard.press("ArrowLeft")
    wait_for_status(page, "has been kept")
    (kept,) = (data / "served" / "collected" / "pettingzoo-overcooked").glob("*/*.jsonl")
    assert '"Bea"' in kept.read_text(encoding="utf-8")
