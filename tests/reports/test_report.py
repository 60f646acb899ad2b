"""The report page: self-contained, escaped, complete for whatever a run directory holds."""

import re
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
from gameil.reports.games import choose_game, move_list, show_game
from gameil.reports.report import report_html, write_report
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
    assert checker.references == []
    assert not re.search(r"https?://|//[a-z]|@import|url\(", html)
    assert not checker.tags & {"script", "link", "iframe", "object", "embed"}
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
    for text in ("The climb", "70 % (40-90)", "0.4321", "A game", "2 of 2 stages finished", "gameil play --game"):
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
    assert "A game" in report_html(pipeline)


def test_the_game_shown_is_one_that_the_agent_won() -> None:
    won = played("connect_four", 12, name="agent")
    lost = played("connect_four", 20, returns=(-1.0, 1.0), name="agent")
    assert choose_game(iter([lost, won]), "agent") is won
    assert choose_game(iter([lost]), "agent") is lost
    assert choose_game(iter([]), "agent") is None


@pytest.mark.parametrize("game_id", ["chess", "go(board_size=9)", "backgammon", "leduc_poker", "tic_tac_toe"])
def test_games_with_and_without_a_drawing_are_shown(game_id: str) -> None:
    state = make_game(game_id).initial_state()
    rng = np.random.default_rng(2)
    actions = []
    decisions = 0
    while not state.is_terminal() and len(actions) < 24:
        if state.current_player() < 0:
            outcomes = state.chance_outcomes()
            actions.append(outcomes[int(rng.integers(len(outcomes)))][0])
        else:
            decisions += 1
            actions.append(int(rng.choice(state.legal_actions())))
        state.apply(actions[-1])
    game = PlayedGame(state.game.id, np.array(actions, dtype=np.uint32), Provenance("test", 0))
    shown = show_game(game, num_pictures=4)
    assert len(shown.moves) == decisions
    assert shown.pictures[-1][0] == "the end"
    checked("".join(f"<div>{picture}</div>" for _, picture in shown.pictures))


def test_moves_are_numbered_by_pairs() -> None:
    text = re.sub(r"<[^>]*>", "", move_list(((0, "e4"), (1, "e5"), (0, "<Nf3>"))))
    assert text == "1. e4 e5 2. &lt;Nf3&gt;"
