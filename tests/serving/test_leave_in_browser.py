"""What people leave, in a real browser: labels found in LMDB, games of two at once ingested; dashboards seen."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.positions.replay import replay
from tests.serving.browser import browser, chromium, served
from tests.serving.test_dashboard import write_run
from tests.stages.toy_start import write_games

DESKTOP = {"viewport": {"width": 1200, "height": 850}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[str]:
    chromium()
    labels = write_games(place / "toy.lmdb", 40)
    assert main(["label", "--dataset", str(labels), "--positions", "12", "--round", "4"]) == 0
    write_run(place / "runs" / "first", results={"test": {"top1": 0.25}})
    row = {"level": "easy", "games": 4, "wins": 3, "draws": 0, "losses": 1, "score": 0.75, "interval": [0.3, 0.9]}
    write_run(place / "runs" / "climb", stage="ladder", results={"agent": "x", "table": [row]})
    flags = ["--data", "data", "--runs", "runs", "--labels", "toy.lmdb", "--agents", "rookie=random"]
    with served(*flags, "--collection.games", "tic_tac_toe", "connect_four", cwd=place) as address:
        yield address


@pytest.fixture(scope="module")
def visit(site: str) -> Iterator[Callable[..., Any]]:
    with browser() as function:
        yield function


def count(page: Any) -> int:
    """Positions labelled, as the page says."""
    found = re.match(r"([\d,]+) of", page.locator(".panel .soft", has_text="positions labelled").first.inner_text())
    return int(found[1]) if found else -1


def wait_for_count(page: Any, number: int) -> None:
    page.get_by_text(f"{number} of 12 positions labelled").first.wait_for()


def test_five_labels_are_found_in_the_dataset(site: str, visit: Callable[..., Any], place: Path) -> None:
    page = visit(**DESKTOP)
    page.goto(f"{site}/label")
    page.get_by_label("Your name").fill("<b>nobody</b>")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("a name consists of").wait_for()
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Begin").click()
    for number in range(5):
        wait_for_count(page, number)
        page.locator(".hit.live").last.click()
        page.locator(".q-chip").first.wait_for()
        if number == 1:  # two moves share this label
            page.locator(".hit.live").first.click()
            page.locator(".q-chip").nth(1).wait_for()
        if number == 2:
            page.get_by_role("button", name="Save").click()
        else:
            page.keyboard.press("s")
    wait_for_count(page, 5)
    page.keyboard.press("x")  # a skipped position is nobody's label
    page.wait_for_timeout(300)

    dataset = Dataset(place / "toy.lmdb")
    found = [(game, ply, label) for game in dataset.label_counts() for ply, label in dataset.all_labels(game)]
    assert len(found) == 5
    assert {(label.expert, label.round) for _, _, label in found} == {("people:Ann", 4)}
    assert sorted(len(label.actions) for _, _, label in found) == [1, 1, 1, 1, 2]
    for game_id, ply, label in found:
        (legal,) = (state.legal_actions() for at, state, _ in replay(dataset.game(game_id)) if at == ply)
        assert set(label.actions.tolist()) <= set(legal)


def test_a_second_person_labels_what_is_left_on_a_phone_and_corrects(
    site: str, visit: Callable[..., Any], place: Path
) -> None:
    page = visit(**PHONE)
    page.goto(f"{site}/label")
    page.get_by_label("Your name").fill("Bob")
    page.get_by_role("button", name="Begin").click()
    page.locator(".hit.live").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    done = count(page)
    page.get_by_text("One move, saved at once").click()
    page.locator(".hit.live").last.tap()
    wait_for_count(page, done + 1)
    page.get_by_role("button", name="correct the last one").click()
    page.wait_for_timeout(500)
    page.locator(".hit.live").first.tap()
    wait_for_count(page, done + 1)
    dataset = Dataset(place / "toy.lmdb")
    bobs = [
        label for game in dataset.label_counts() for _, label in dataset.all_labels(game) if label.expert[-3:] == "Bob"
    ]
    assert len(bobs) == 1


def join(page: Any, site: str, name: str, opponent: str | None) -> None:
    page.goto(f"{site}/collect")
    page.get_by_role("button", name="Play").click()
    page.get_by_text("agree to the text first").wait_for()
    page.get_by_role("checkbox", name="I agree").click()
    page.get_by_label("Your name").fill(name)
    if opponent is not None:
        page.get_by_label("Opponent").click()
        page.get_by_role("option", name=opponent).click()
    page.get_by_role("button", name="Play").click()


def finish(pages: list[Any]) -> None:
    """All play, each when it is their turn, until all games are over."""
    until = time.monotonic() + 60
    while not all(page.get_by_role("button", name="Play again").is_visible() for page in pages):
        assert time.monotonic() < until
        for page in pages:
            if page.locator(".hit.live").count():
                before = page.locator(".moves .move").count()
                page.locator(".hit.live").first.click()
                page.wait_for_function("(n) => document.querySelectorAll('.moves .move').length > n", arg=before)
        pages[0].wait_for_timeout(50)


def test_two_browsers_at_once_leave_games_that_are_ingested(
    site: str, visit: Callable[..., Any], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [visit(**DESKTOP), visit(**PHONE)]
    join(pages[0], site, "Ann", "rookie")
    join(pages[1], site, "José d'Or", "rookie")
    pages[0].locator(".status").wait_for()
    pages[1].locator(".status").wait_for()
    pages[1].reload()  # the game goes on where it was
    pages[1].locator(".status").wait_for()
    finish(pages)
    for page in pages:
        assert "has been kept" in page.locator(".status").inner_text()
        page.get_by_role("button", name="Play again").click()
    join(pages[0], site, "Ann", None)
    pages[0].get_by_text("Waiting for another person").wait_for()
    join(pages[1], site, "José d'Or", None)
    pages[0].locator(".status").wait_for()
    finish(pages)

    files = sorted(map(str, (place / "data" / "collected" / "tic_tac_toe").glob("*/*.jsonl")))
    assert len(files) == 3
    out = place / "collected.lmdb"
    assert main(["ingest", *files, "--game", "tic_tac_toe", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["games"], told["run"]["rejected"]) == (3, {})
    dataset = Dataset(out)
    names = {player.name for game_id in range(3) for player in dataset.game(game_id).players}
    assert names == {"Ann", "José d'Or", "rookie"}
    assert all(dataset.game(game_id).returns is not None for game_id in range(3))
    assert {path.name for path in place.iterdir()} == {"toy.lmdb", "runs", "data", "collected.lmdb"}


def test_dashboards_are_shown(site: str, visit: Callable[..., Any], place: Path) -> None:
    page = visit(**DESKTOP)
    page.goto(f"{site}/runs")
    page.get_by_role("link", name="first").click()
    page.locator(".report svg.chart").first.wait_for()
    page.get_by_text("top1").first.wait_for()
    log = place / "runs" / "first" / "log.jsonl"
    with log.open("a") as file:
        file.write('{"time": 9, "step": 6, "metrics": {"validation/nll": 1.0}}\n')
        file.write('{"time": 9, "step": 7, "metrics": {"validation/nll": 0.5}}\n')
    page.get_by_text("loss/policy and validation/nll").wait_for()  # it grows while one looks
    phone = visit(**PHONE)
    phone.goto(f"{site}/runs/climb")
    phone.locator("svg.climb").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.evaluate("getComputedStyle(document.body).backgroundColor") != page.evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    phone.goto(f"{site}/runs/nothing")
    phone.get_by_text("there is no such run").wait_for()


def test_an_open_site_is_entered_by_links(visit: Callable[..., Any], tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "first")
    flags = ["--data", "data", "--runs", "runs", "--collection.games", "tic_tac_toe"]
    with served(*flags, "--names", "play.example.org", cwd=tmp_path) as address:
        tokens = json.loads((tmp_path / "data" / "tokens.json").read_text())
        page = visit(**DESKTOP)
        page.goto(f"{address}/collect")
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Come in").click()
        page.get_by_label("Token").fill(tokens["play"])
        page.get_by_role("button", name="Come in").click()
        page.get_by_role("checkbox", name="I agree").wait_for()
        assert tokens["play"] not in page.url
        assert page.goto(f"{address}/runs").status == 403
        assert page.goto(f"{address}/?token={tokens['owner']}").status == 200
        assert page.goto(f"{address}/runs").status == 200
        page.get_by_role("link", name="first").wait_for()
        assert tokens["owner"] not in page.evaluate("document.cookie")  # scripts cannot read it
