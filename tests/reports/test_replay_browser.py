"""A report in a real browser: its replays step, its script runs without a complaint, light and dark."""

import shutil
from pathlib import Path

import pytest

from gameil.cli.main import main


def test_replays_step_through_a_game(runs: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    agents = ["--agent", "mcts:20", "--against", "random", "--games", "4"]
    assert main(["evaluate", "--game", "connect_four", *agents, "--runs", str(runs), "--name", "r", "--quiet"]) == 0
    assert main(["report", str(runs / "r")]) == 0
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(color_scheme="dark")
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((runs / "r" / "report.html").as_uri())
        box = page.locator(".replay").first
        told, board = box.locator("output"), box.locator(".stage svg")
        last = int(told.inner_text().split(" / ")[1])
        end = board.inner_html()
        box.locator('[data-step="first"]').click()
        assert told.inner_text() == f"0 / {last}"
        assert board.locator('circle[fill="#e4b52c"]').count() == 0
        box.press("ArrowRight")
        assert board.locator('circle[fill="#e4b52c"]').count() == 1
        box.locator(".moves a").last.click()
        assert told.inner_text() == f"{last} / {last}"
        assert board.inner_html() == end
        box.locator('[data-step="-1"]').click()
        assert told.inner_text() == f"{last - 1} / {last}"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
        assert complaints == []
        chromium.close()
