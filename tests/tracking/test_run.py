"""Run directories: made once, resumed only with the same configuration, finished by their results."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from gameil.errors import ConfigError
from gameil.tracking.log import read_log
from gameil.tracking.progress import Progress, Screen, format_rate, format_seconds
from gameil.tracking.run import Run, read_results, read_run_config


@dataclass(frozen=True)
class OptimiserConfig:
    __pydantic_config__ = {"extra": "forbid"}
    learning_rate: float = 0.1


@dataclass(frozen=True)
class ToyConfig:
    __pydantic_config__ = {"extra": "forbid"}
    seed: int = 3
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)


def open_run(directory: Path, config: object = ToyConfig(), *, resume: bool = False) -> Run:
    return Run.open(directory, config, stage="toy", resume=resume, track=False, quiet=True)


def test_a_run_writes_its_configuration_log_and_results(tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "a"
    with open_run(directory) as run:
        assert not run.finished
        assert not run.resumed
        assert run.seed == 3
        run.log(5, {"loss/policy": 1.5})
        run.say("half way")
        run.finish({"best": Path("x"), "numbers": [1, 2]})
        assert run.finished
    assert read_run_config(directory)["config"] == {"seed": 3, "optimiser": {"learning_rate": 0.1}}
    assert read_results(directory) == {"best": "x", "numbers": [1, 2]}
    assert read_log(directory / "log.jsonl").curve("loss/policy") == [(5, 1.5)]


def test_an_existing_run_is_refused_with_both_ways_on(tmp_path: Path) -> None:
    open_run(tmp_path / "a").close()
    with pytest.raises(ConfigError, match=r"a: a run is there already.*--resume.*--name"):
        open_run(tmp_path / "a")


def test_a_directory_with_other_files_is_refused_even_with_resume(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    for resume in (False, True):
        with pytest.raises(ConfigError, match="not empty and not a run directory"):
            open_run(tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_resume_goes_on_in_the_same_log(tmp_path: Path) -> None:
    with open_run(tmp_path / "a", resume=True) as run:
        assert not run.resumed
        run.log(1, {"loss/policy": 1.0})
    with open_run(tmp_path / "a", resume=True) as run:
        assert run.resumed
        run.log(2, {"loss/policy": 0.5})
    assert read_log(tmp_path / "a" / "log.jsonl").curve("loss/policy") == [(1, 1.0), (2, 0.5)]


def test_resume_with_another_configuration_names_the_field_and_both_values(tmp_path: Path) -> None:
    open_run(tmp_path / "a").close()
    with pytest.raises(ConfigError, match=r"optimiser\.learning_rate was 0\.1 and is now 0\.2"):
        open_run(tmp_path / "a", ToyConfig(optimiser=OptimiserConfig(0.2)), resume=True)


def test_resume_of_another_stage_is_refused(tmp_path: Path) -> None:
    open_run(tmp_path / "a").close()
    with pytest.raises(ConfigError, match="holds a toy run, not pretrain"):
        Run.open(tmp_path / "a", ToyConfig(), stage="pretrain", resume=True, track=False)


def test_a_run_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_run(tmp_path / "file" / "a")


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    with open_run(tmp_path / "a"):
        code = (
            "import sys; from pathlib import Path; from gameil.tracking.run import Run; from gameil.errors import *\n"
            "try: Run.open(Path(sys.argv[1]), {}, stage='toy', resume=True, track=False)\n"
            "except ConfigError as error: print(error)"
        )
        (tmp_path / "a" / "config.json").write_text('{"stage": "toy", "gameil": "", "config": {}}')
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, timeout=60
        )
    assert done.stdout == f"{tmp_path / 'a'}: another process is at work there; wait for it or stop it first\n"
    # Freed when the run is closed.
    Run.open(tmp_path / "a", {}, stage="toy", resume=True, track=False, quiet=True).close()


def test_unfinished_results_are_refused(tmp_path: Path) -> None:
    open_run(tmp_path / "a").close()
    with pytest.raises(ConfigError, match="not a finished run"):
        read_results(tmp_path / "a")
    (tmp_path / "a" / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json: cannot be read"):
        read_run_config(tmp_path / "a")


def test_plain_progress_says_count_rate_and_shown_fields() -> None:
    screen = Screen(console=Console(file=io.StringIO(), width=200, force_terminal=False))
    with Progress(screen, "pretraining", 100, "steps") as bar:
        bar.start_at(40)
        bar.advance(60)
        bar.update(loss=0.51234)
    text = screen.console.file.getvalue()  # type: ignore[attr-defined]
    assert text.startswith("pretraining: 100 steps, ")
    assert text.rstrip().endswith("loss 0.5123")


def test_bars_on_a_terminal_may_be_nested() -> None:
    screen = Screen(console=Console(file=io.StringIO(), width=120, force_terminal=True))
    with Progress(screen, "outer", 2, "games") as outer:
        for _ in range(2):
            with Progress(screen, "inner", None, "moves") as inner:
                inner.advance(5)
            outer.advance()
        screen.say("a line between")
    text = screen.console.file.getvalue()  # type: ignore[attr-defined]
    assert "outer: 2 games" in text
    assert "a line between" in text


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with open_run(tmp_path / "a") as run, run.progress("work", 2, "steps") as bar:
        bar.advance(2)
        run.say("kept in the log only")
    assert capsys.readouterr().out == ""
    assert read_log(tmp_path / "a" / "log.jsonl").lines == ("kept in the log only",)


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07"), (750, "12:30"), (3723, "1:02:03"), (59.6, "1:00")])
def test_seconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("rate", "text"), [(1234.4, "1,234/s"), (3.2, "3.2/s"), (0.05, "3.0/min")])
def test_rates(rate: float, text: str) -> None:
    assert format_rate(rate) == text


def test_results_are_whole_or_absent(tmp_path: Path) -> None:
    with open_run(tmp_path / "a") as run, pytest.raises(TypeError):
        run.finish({"bad": object()})
    assert not (tmp_path / "a" / "results.json").exists()
    assert json.loads((tmp_path / "a" / "config.json").read_text())["stage"] == "toy"


def test_an_estimated_total_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.tracking.progress.PLAIN_SECONDS", 0.0)
    screen = Screen(console=Console(file=io.StringIO(), width=200, force_terminal=False))
    with Progress(screen, "ingesting", None, "records") as bar:
        bar.advance(10)
        bar.estimate(1000)
        bar.advance(10)
    first, second, last = screen.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first.startswith("ingesting: 10 records")
    assert second.startswith("ingesting: 20 of about 1,000 records")
    assert second.endswith("left")
    assert last.startswith("ingesting: 20 records")
