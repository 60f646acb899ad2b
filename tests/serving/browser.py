"""A site in a process of its own and a Chromium to look at it with: for tests of pages."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def chromium() -> str:
    """Path of a Chromium that is installed; the test is skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@contextmanager
def served(*arguments: str, cwd: Path) -> Iterator[str]:
    """``gameil serve`` with these arguments on a free port; yields its address."""
    pytest.importorskip("nicegui", reason="the web extra is not installed")
    # NiceGUI starts otherwise where it sees that it is tested.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    command = [sys.executable, "-m", "gameil", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                address = re.search(r"http://127\.0\.0\.1:\d+", line)
                if address:
                    yield address[0]
                    break
            else:
                pytest.fail("the site did not start: " + "".join(lines))
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def browser() -> Iterator[Callable[..., Any]]:
    """A function that opens a page as a new visitor, given what a browser context takes; fails on script errors."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = chromium()
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])

        def visit(**context: Any) -> Any:
            page = chrome.new_context(**context).new_page()
            page.set_default_timeout(30_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            return page

        try:
            yield visit
        finally:
            chrome.close()
    assert errors == []
