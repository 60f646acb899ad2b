"""The report page: self-contained, escaped, complete for whatever a run directory holds."""

import json
import re
import tomllib
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gameil.cli.main import main
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.records.formats import write_records
from gameil.records.record import PlayerInfo, Provenance
from gameil.reports.boards import board_picture, read_position
from gameil.reports.cross_table_page import standings_html
from gameil.reports.games import notable_games
from gameil.reports.replay import SCRIPT, replay, replays_html
from gameil.reports.report import report_html, write_report
from gameil.reports.reproduce import pipeline_toml, toml_text
from gameil.tracking.run import Run

EVIL = '<script>alert("x")</script>&'
ROW = {"level": "easy", "games": 10, "wins": 6, "draws": 2, "losses": 2, "score": 0.7, "interval": [0.4, 0.9]}


class Checker(HTMLParser):
    """Counts what a self-contained page must not have, and that tags close."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert [each for each in checker.references if not each.startswith("href=#")] == []
    assert not re.search(r"https?://|//[a-z]|@import|url\(", html)
    assert not checker.tags & {"link", "iframe", "object", "embed"}
    for text in re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL):
        assert text == SCRIPT or json.loads(text), "nothing of a run's may become a script"
    return checker


def stage(directory: Path, kind: str, results: dict[str, Any] | None, metrics: dict[str, float] | None = None) -> None:
    config = {"dataset": EVIL, "model": {"channels": 32}}
    with Run.open(directory, config, stage=kind, resume=False, track=False, quiet=True) as run:
        for step in range(5):
            if metrics:
                run.log(step, {name: value / (step + 1) for name, value in metrics.items()})
        if results is not None:
            run.finish(results)


def played(game_id: str, plies: int = 30, *, returns: tuple[float, ...] = (1.0, -1.0), name: str = "a") -> PlayedGame:
    state = make_game(game_id).initial_state()
    rng = np.random.default_rng(1)
    actions = []
    while not state.is_terminal() and len(actions) < plies:
        actions.append(int(rng.choice(state.legal_actions())))
        state.apply(actions[-1])
    return PlayedGame(
        state.game.id,
        np.array(actions, dtype=np.uint32),
        Provenance("test", 0),
        returns=returns,
        result="1-0",
        players=(PlayerInfo(name), PlayerInfo(EVIL)),
    )


@pytest.fixture
def pipeline(runs: Path) -> Path:
    directory = runs / "toy"
    names = [("learn", "pretrain"), ("after-learn", "ladder"), ("never", "dagger"), ("report", "report")]
    tables = [{"kind": kind, "name": name, "note": "", "fields": {}} for name, kind in names]
    config = {"title": EVIL, "game": "connect_four", "agent": "snapshot:x", "stage": tables}
    Run.open(directory, config, stage="pipeline", resume=False, track=False, quiet=True).close()
    stage(
        directory / "learn", "pretrain", {"snapshot": EVIL, "test": {"top1": 0.4321}}, {"loss/policy": 2.0, EVIL: 1.0}
    )
    stage(directory / "after-learn", "ladder", {"agent": "a", "table": [ROW]})
    (directory / "after-learn" / "records").mkdir()
    records = directory / "after-learn" / "records" / "easy.jsonl"
    write_records(records, [to_record(played("connect_four"))])
    return directory


def test_a_pipeline_report_is_complete_and_self_contained(pipeline: Path) -> None:
    html = report_html(pipeline)
    checker = checked(html)
    assert {"svg", "polyline", "table", "figure"} <= checker.tags
    assert html.count("&lt;script&gt;") >= 4
    for text in ("The climb", "70 % (40-90)", "0.4321", "Games", "2 of 2 stages finished", "gameil play --game"):
        assert text in html
    assert "<td>learn</td>" in html


def test_a_single_run_has_a_report_and_an_unfinished_one_says_so(runs: Path) -> None:
    stage(runs / "one", "pretrain", None, {"loss/policy": 2.0})
    html = report_html(runs / "one")
    checked(html)
    assert "Not finished." in html
    assert "The climb" not in html


def test_the_command_writes_the_page_where_it_says(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(pipeline)]) == 0
    assert capsys.readouterr().out.strip() == str(pipeline / "report.html")
    assert (pipeline / "report.html").read_text(encoding="utf-8") == report_html(pipeline)
    out = pipeline.parent / "pages" / "page.html"
    assert main(["report", str(pipeline), "--out", str(out)]) == 0
    assert out.exists()


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_no_run_directory_is_one_line(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / place)]) == 2
    error = capsys.readouterr().err
    assert "not a run directory" in error
    assert error.count("\n") == 1


def test_a_page_that_cannot_be_written_is_one_line(pipeline: Path) -> None:
    (pipeline / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(pipeline, pipeline / "file" / "page.html")


def test_a_torn_record_file_does_not_cost_the_report(pipeline: Path) -> None:
    (pipeline / "after-learn" / "records" / "broken.jsonl").write_bytes(b"")
    (pipeline / "after-learn" / "records" / "noise.pgn").write_bytes(bytes(range(256)) * 10)
    assert 'class="replay"' in report_html(pipeline)


def test_the_games_shown_are_the_best_and_the_worst() -> None:
    def game(plies: int, won: bool, against: str) -> PlayedGame:
        returns = (1.0, -1.0) if won else (-1.0, 1.0)
        return replace(
            played("connect_four", plies, returns=returns), players=(PlayerInfo("agent"), PlayerInfo(against))
        )

    strengths = {"weak": 0.0, "strong": 500.0}
    games = [game(9, True, "weak"), game(14, True, "strong"), game(12, True, "strong"), game(10, False, "strong")]
    games += [game(20, False, "weak"), game(18, False, "weak"), replace(game(8, True, "strong"), returns=None)]
    assert notable_games(games, "agent", strengths) == [("best win", games[2]), ("worst loss", games[5])]
    assert notable_games(games[:2], "agent", strengths) == [("best win", games[1])]
    assert notable_games(games, "nobody", strengths) == []
    assert notable_games(games, None, {}) == [("best win", games[0])]


def _positions(data: dict[str, Any]) -> list[list[str]]:
    """What the page's script makes of the frames."""
    now = list(data["frames"][0])
    found = [now]
    for edits in data["frames"][1:]:
        now = list(now)
        for start, end, parts in edits:
            now[start:end] = parts
        found.append(now)
    return [[data["parts"][number] for number in numbers] for numbers in found]


@pytest.mark.parametrize("game_id", ["chess", "go(board_size=9)", "othello", "hex", "backgammon", "leduc_poker"])
def test_a_replay_shows_every_position(game_id: str) -> None:
    state = make_game(game_id).initial_state()
    rng = np.random.default_rng(2)
    actions = []
    texts = [str(state)]
    while not state.is_terminal() and len(actions) < 24:
        if state.current_player() < 0:
            outcomes = state.chance_outcomes()
            actions.append(outcomes[int(rng.integers(len(outcomes)))][0])
        else:
            actions.append(int(rng.choice(state.legal_actions())))
        state.apply(actions[-1])
        texts.append(str(state))
    shown = replay(PlayedGame(state.game.id, np.array(actions, dtype=np.uint32), Provenance("test", 0)))
    if game_id == "leduc_poker":
        assert shown.data["texts"] == texts
    else:
        positions = _positions(shown.data)
        assert len(positions) == len(texts)
        for text, parts in zip(texts, positions, strict=True):
            plain = board_picture(read_position(state.game.name, text), text, set(), "x")
            unmarked = [part for part in parts if 'fill="none"' not in part and "#f4d774" not in part]
            missing = [part for part in unmarked if part not in plain]
            assert len(missing) <= (2 if game_id == "chess" else 0), "only marks may be added"
    assert len(shown.data["moves"]) <= len(actions)
    checked(replays_html([shown]))


def test_a_configuration_comes_back_from_its_file() -> None:
    config = {"a": 1, "b": {"c": [1.5, 'x"\x7f\n'], "d": None, "e": {}}, "odd key": True, "list": [{"k": "v"}]}
    assert tomllib.loads(toml_text(config)) == {
        "a": 1,
        "b": {"c": [1.5, 'x"\x7f\n'], "e": {}},
        "odd key": True,
        "list": [{"k": "v"}],
    }
    table = {"kind": "ladder", "name": "n", "note": "", "fields": {"game": "chess", "levels": ["easy"]}}
    read = tomllib.loads(pipeline_toml({"title": "T", "stage": [table]}))
    assert read == {"title": "T", "stage": [{"kind": "ladder", "name": "n", "game": "chess", "levels": ["easy"]}]}


@pytest.mark.parametrize("kind", ["tournament", "ladder", "evaluate"])
def test_what_the_arena_leaves_is_reported(runs: Path, kind: str) -> None:
    specs = {
        "tournament": ["--agents", "random", "mcts:5", "mcts:20", "--games", "4"],
        "ladder": ["--agent", "mcts:5", "--levels", "random", "mcts:20", "--adaptive.most-games", "32"],
        "evaluate": ["--agent", "mcts:20", "--against", "random", "--games", "6"],
    }
    arguments = [kind, "--game", "tic_tac_toe", *specs[kind], "--runs", str(runs), "--name", "r", "--quiet"]
    assert main(arguments) == 0
    html = report_html(runs / "r")
    checked(html)
    assert html.count('<section class="replay"') >= 1
    said = {"tournament": 'class="cross"', "ladder": 'class="ladder"', "evaluate": "wins"}
    assert said[kind] in html
    config = json.loads((runs / "r" / "config.json").read_text())["config"]
    (file,) = re.findall(r'<pre class="file">(.*?)</pre>', html, re.DOTALL)
    (runs / "again.toml").write_text(unescape(file))
    assert main([kind, str(runs / "again.toml"), "--runs", str(runs), "--name", "again", "--quiet"]) == 0
    assert json.loads((runs / "again" / "config.json").read_text())["config"] == config


def test_failures_of_a_tournament_are_seen() -> None:
    row = {"agent": EVIL, "points": 1.0, "games": 2, "against": {"b": [1, 0, 1]}, "elo": 5.0, "elo_interval": [0, 9]}
    other = {"agent": "b", "points": 1.0, "games": 2, "against": {EVIL: [1, 0, 1]}}
    failure = {"match": 3, "agent": EVIL, "kind": "crash", "reason": "died"}
    html = standings_html({"table": [row, other], "failures": [failure]})
    checked(html)
    assert "1 games failed and count for nobody" in html
    assert "died" in html
