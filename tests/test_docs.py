"""The pages tell the truth about names: files that they mention exist, commands and make targets too."""

import re
from collections.abc import Iterator
from pathlib import Path

from gameil.cli.main import COMMANDS

PLACES = ("", "gameil", "docs", "tests")
"""A file may be named from the root of the repository or, for short, from inside these."""

FILE = re.compile(r"(?<![\w/.{*])((?:[\w.-]+/)*[\w.-]+\.(?:py|md|toml|txt|cff))(?![\w*])")
COMMAND = re.compile(r"^\s*(?:\$ )?gameil ([a-z]+(?:-[a-z]+)*)\b|  gameil ([a-z]+(?:-[a-z]+)*)\b")
TARGET = re.compile(r"(?:^|`)make ([a-z]+)\b")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
MADE_BY_USERS = ("runs/", "data/", "NAME", "CONFIG.toml", "PIPELINE.toml")
"""Places and names that stand for what a user has, not for a file of the repository."""


def pages(repository: Path) -> list[Path]:
    return sorted([*repository.glob("*.md"), *(repository / "docs").glob("*.md"), *repository.glob("*/README.md")])


def code(text: str) -> Iterator[str]:
    """What stands in backticks, and the lines of fenced blocks without their comments."""
    for block in re.findall(r"```[a-z]*\n(.*?)```", text, re.S):
        yield from (line.split("#")[0] for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def missing_files(text: str, repository: Path, page: Path) -> list[str]:
    mentioned = {name for piece in code(text) for name in FILE.findall(piece) if "/" in name}
    links = {link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")}
    found = [name for name in mentioned if not any((repository / place / name).exists() for place in PLACES)]
    found += [link for link in links if not (page.parent / link).exists()]
    return sorted(name for name in found if not any(word in name for word in MADE_BY_USERS))


def unknown_commands(text: str) -> list[str]:
    """Names after ``gameil`` at the start of a line or of a column; within a sentence it is no command."""
    return sorted({a or b for piece in code(text) for a, b in COMMAND.findall(piece)} - set(COMMANDS))


def unknown_targets(text: str, repository: Path) -> list[str]:
    targets = set(re.findall(r"^([a-z]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {"run", "test", "check", "bench"} <= targets
    return sorted({name for piece in code(text) for name in TARGET.findall(piece)} - targets)


def test_pages_name_what_exists(repository: Path) -> None:
    found = pages(repository)
    assert len(found) > 5
    complaints = {}
    for page in found:
        text = page.read_text(encoding="utf-8")
        wrong = missing_files(text, repository, page) + unknown_commands(text) + unknown_targets(text, repository)
        if wrong:
            complaints[page.relative_to(repository).as_posix()] = wrong
    assert complaints == {}


BAD = """See [the page](docs/nowhere.md) and `games/no_such.py`, not `games/game.py`, nor `runs/x/made.toml`.

```
make tests          # make nothing of this
gameil pretain x    gameil run configs/pipelines
```
"""


def test_a_page_with_wrong_names_is_found_out(repository: Path) -> None:
    assert missing_files(BAD, repository, repository / "README.md") == ["docs/nowhere.md", "games/no_such.py"]
    assert unknown_commands(BAD) == ["pretain"]
    assert unknown_targets(BAD, repository) == ["tests"]
