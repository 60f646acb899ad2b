"""Pipelines at toy size: order, placeholders, resume after a crash, and one line for every mistake."""

import json
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gameil.cli.main import main
from gameil.errors import ConfigError, DatasetError
from gameil.stages import pipeline
from gameil.stages.pipeline import load_stages, read_pipeline
from gameil.tracking.run import Run, read_results, read_run_config

LADDER_ROW = {"level": "easy", "games": 10, "wins": 6, "draws": 2, "losses": 2, "score": 0.7, "low": 0.4, "high": 0.9}


@dataclass(frozen=True)
class ToyConfig:
    __pydantic_config__ = {"extra": "forbid"}
    out: str
    steps: int = 3
    seed: int = 0


class Toys:
    """Stages that count up to ``steps`` in a file, and break once where they are told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool]] = []
        self.break_at: dict[str, BaseException] = {}

    def stage(self, config: ToyConfig, run: Run, *, resume: bool) -> dict[str, Any]:
        name = run.directory.name
        self.calls.append((name, resume))
        count = Path(config.out)
        done = int(count.read_text()) if count.exists() else 0
        while done < config.steps:
            if done == 1 and name in self.break_at:
                raise self.break_at.pop(name)
            done += 1
            count.write_text(str(done))
            run.log(done, {"loss/policy": 1 / done})
        results: dict[str, Any] = {"steps": done, "seed": config.seed}
        return {**results, "table": [LADDER_ROW]} if run.stage == "ladder" else results


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Toys:
    made = Toys()
    module = types.ModuleType("toy_stage")
    module.ToyConfig = ToyConfig  # type: ignore[attr-defined]
    module.toy = made.stage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_stage", module)
    for kind in ("record", "pretrain", "ladder"):
        monkeypatch.setitem(pipeline.STAGES, kind, ("toy_stage", "ToyConfig", "toy"))
    monkeypatch.setattr(pipeline, "TRACKED", ())
    return made


TOML = """
title = "A toy"
game = "tic_tac_toe"
agent = "snapshot:{run}/learn/snapshots/best"
seed = 7
[[stage]]
kind = "record"
out = "{run}/games.txt"
[[stage]]
kind = "pretrain"
name = "learn"
note = "So few games teach little."
out = "{run}/learn.txt"
seed = 1
[[stage]]
kind = "ladder"
name = "measure"
out = "{run}/measure.txt"
[[stage]]
kind = "report"
run = "{run}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TOML)
    return path


def test_stages_run_in_order_and_the_last_lines_say_how_to_go_on(
    toys: Toys, file: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--runs", str(runs)]) == 0
    out = capsys.readouterr().out
    assert toys.calls == [("record", False), ("learn", False), ("measure", False)]
    lines = out.splitlines()
    assert lines[0] == "A toy"
    assert "    So few games teach little." in lines
    assert any(line.split() == ["measure", "70", "%", "(40-90)"] for line in lines)
    assert lines[-2] == f"report:  {runs / 'toy' / 'report.html'}"
    assert lines[-1] == (f"play it: gameil play --game tic_tac_toe --agent snapshot:{runs}/toy/learn/snapshots/best")
    assert (runs / "toy" / "games.txt").exists()
    assert (runs / "toy" / "measure.txt").exists()
    assert (runs / "toy" / "report.html").exists()
    assert read_results(runs / "toy" / "learn")["seed"] == 1
    assert read_results(runs / "toy" / "record")["seed"] == 7
    assert read_run_config(runs / "toy")["config"]["stage"][1]["fields"]["out"] == f"{runs}/toy/learn.txt"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError("cut"), 1), (SystemExit(9), 9)])
def test_an_interrupted_pipeline_goes_on_where_it_was(
    error: BaseException, code: int, toys: Toys, file: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.break_at["learn"] = error
    assert main(["run", str(file), "--runs", str(runs)]) == code
    assert not (runs / "toy" / "results.json").exists()
    capsys.readouterr()
    assert main(["run", str(file), "--runs", str(runs), "--resume"]) == 0
    assert toys.calls == [("record", False), ("learn", False), ("learn", True), ("measure", False)]
    out = capsys.readouterr().out
    assert "[1/4] record: finished already" in out
    assert "[2/4] learn (pretrain), resumed" in out
    assert read_results(runs / "toy")["stages"]["learn"] == {"steps": 3, "seed": 1}


def test_a_finished_pipeline_runs_nothing_again(toys: Toys, file: Path, runs: Path) -> None:
    for resume in ([], ["--resume"]):
        assert main(["run", str(file), "--runs", str(runs), "--quiet", *resume]) == 0
    assert len(toys.calls) == 3


def test_an_existing_pipeline_is_refused_without_resume(
    toys: Toys, file: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--runs", str(runs), "--quiet"]) == 0
    assert main(["run", str(file), "--runs", str(runs)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["run", str(file), "--runs", str(runs), "--name", "second", "--quiet"]) == 0


def test_json_prints_one_object(toys: Toys, file: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(file), "--runs", str(runs), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["stages"]["measure"]["table"] == [LADDER_ROW]


def test_an_error_names_the_stage(toys: Toys, file: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.break_at["learn"] = DatasetError("games.lmdb: not a dataset")
    assert main(["run", str(file), "--runs", str(runs)]) == 2
    assert capsys.readouterr().err == "gameil: error: stage 'learn': games.lmdb: not a dataset\n"


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("", "stage: Field required|at least one"),
        ("stage = 3", "stages are written as"),
        ("[[stage]]\nname = 'a'", "stage 1: has no kind; one of ingest"),
        ("[[stage]]\nkind = 'prtrain'\nout = '{run}/a'", "unknown kind 'prtrain'"),
        ("[[stage]]\nkind = 'record'\nname = '../x'\nout = '{run}/a'", "stage name '../x'"),
        (
            "[[stage]]\nkind = 'record'\nout = '{run}/a'\n[[stage]]\nkind = 'record'\nout = '{run}/a'",
            "two stages are named 'record'",
        ),
        ("[[stage]]\nkind = 'record'\nout = '{run}/a'\nspeed = 3", "stage 'record': speed: unknown key"),
        ("[[stage]]\nkind = 'record'", "stage 'record': out: Field required"),
        ("colour = 3\n[[stage]]\nkind = 'record'\nout = '{run}/a'", "colour: unknown key"),
        ("[[stage]]\nkind = 'record'\nout = '{run}/a'\nsteps = 'many'", "stage 'record': steps: "),
    ],
)
def test_mistakes_are_one_line_before_anything_runs(toml: str, text: str, toys: Toys, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError, match=text) as caught:
        load_stages(read_pipeline(file, tmp_path / "run"), str(file))
    assert str(caught.value).startswith(str(file))
    assert str(caught.value).count(str(file)) == 1
    assert "\n" not in str(caught.value)
    assert toys.calls == []


def test_arguments_are_filled_in_from_the_command_line(
    toys: Toys, tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "asks.toml"
    file.write_text('[arguments]\nplace = "where the count goes"\n[[stage]]\nkind = "record"\nout = "{place}/x"\n')
    command = ["run", str(file), "--runs", str(runs), "--quiet"]
    assert main(command) == 2
    assert "needs --set place=VALUE: where the count goes" in capsys.readouterr().err
    assert main([*command, "--set", f"place={tmp_path}", "--set", "plaice=1"]) == 2
    assert "--set plaice: it asks for place" in capsys.readouterr().err
    assert main([*command, "--set", "place"]) == 2
    assert "must be NAME=VALUE" in capsys.readouterr().err
    assert main([*command, "--set", "place=a", "--set", "place=b"]) == 2
    assert "takes one value of place, not 2" in capsys.readouterr().err
    assert list(runs.iterdir()) == []
    assert main([*command, "--set", f"place={tmp_path}"]) == 0
    assert (tmp_path / "x").read_text() == "3"


def test_several_values_become_elements_of_a_list(toys: Toys, tmp_path: Path) -> None:
    file = tmp_path / "asks.toml"
    file.write_text(
        '[arguments]\nfiles = "some"\n'
        '[[stage]]\nkind = "record"\nout = ["first", "{files}", "{here}/last", "{other}"]\n'
    )
    config = read_pipeline(file, tmp_path, {"files": ["a", "b"]})
    assert config.stage[0].fields["out"] == ["first", "a", "b", f"{tmp_path}/last", "{other}"]


def test_a_stage_file_gives_values_that_the_pipeline_overrides(toys: Toys, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("steps = 5\nseed = 4\n[model]\nwidth = 1\ndepth = 2\n")
    file = tmp_path / "pipeline.toml"
    file.write_text(
        '[[stage]]\nkind = "record"\nconfig = "{here}/base.toml"\nout = "{run}/a"\nsteps = 2\nmodel.depth = 3\n'
    )
    assert read_pipeline(file, tmp_path).stage[0].fields == {
        "steps": 2,
        "seed": 4,
        "model": {"width": 1, "depth": 3},
        "out": f"{tmp_path}/a",
    }
    file.write_text('[[stage]]\nkind = "record"\nconfig = "{here}/none.toml"\nout = "{run}/a"\n')
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        read_pipeline(file, tmp_path)


def test_every_kind_names_a_stage_that_exists() -> None:
    import importlib

    for kind, (module_name, class_name, function_name) in pipeline.STAGES.items():
        module = importlib.import_module(module_name)
        assert hasattr(module, class_name), kind
        assert callable(getattr(module, function_name)), kind


@pytest.mark.parametrize("kind", ["evaluate", "record", "ladder", "accuracy"])
@pytest.mark.parametrize("where", ["pipeline", "stage file", "configuration"])
def test_a_file_names_no_programs(
    kind: str, where: str, tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's file and its table of engines beside it: the command in the table must never run."""
    proof = tmp_path / "proof"
    (tmp_path / "e.toml").write_text(f'[engines.x]\ncommand = ["/bin/sh", "-c", "touch {proof}"]\n')
    fields = 'game = "chess"\nagent = "uci:x,processes=1"\ngames = 2\nmax_plies = 2\n'
    fields += {"evaluate": 'against = "random"\n', "record": 'out = "{run}/g.pgn"\n'}.get(kind, "")
    fields = 'agent = "uci:x"\ndataset = "d.lmdb"\n' if kind == "accuracy" else fields
    own = f'engines = "{tmp_path}/e.toml"\n'
    file = tmp_path / "stranger.toml"
    (tmp_path / "stage.toml").write_text(own)
    if where == "configuration":
        file.write_text(fields.replace("{run}", "run") + own)
    elif where == "pipeline":
        file.write_text(f'[[stage]]\nkind = "{kind}"\n{fields}engines = "{{here}}/e.toml"\n')
    else:
        file.write_text(f'[[stage]]\nkind = "{kind}"\n{fields}config = "{{here}}/stage.toml"\n')
    command = kind if where == "configuration" else "run"
    assert main([command, str(file), "--runs", str(runs)]) == 2
    error = capsys.readouterr().err
    assert "engines: set by the command line only (--engines), not by a file" in error
    assert error.count("\n") == 1
    assert not proof.exists()


@pytest.mark.parametrize(
    ("kind", "fields", "out"),
    [
        ("record", 'game = "chess"\nagent = "random"\n', "{here}/precious.pgn"),
        ("record", 'game = "chess"\nagent = "random"\n', "precious.pgn"),
        ("record", 'game = "chess"\nagent = "random"\n', "{run}/../../precious.pgn"),
        ("evaluate", 'game = "chess"\nagent = "random"\nagainst = "random"\n', "{here}/precious.pgn"),
        ("ingest", 'game = "chess"\nsources = ["x.pgn"]\n', "{here}/precious.lmdb"),
        ("report", 'run = "{run}"\n', "{here}/precious.html"),
    ],
)
def test_a_pipeline_writes_inside_its_run_directory(kind: str, fields: str, out: str, tmp_path: Path) -> None:
    file = tmp_path / "stranger.toml"
    file.write_text(f'[[stage]]\nkind = "{kind}"\n{fields}out = "{out}"\n')
    with pytest.raises(ConfigError, match=r"a pipeline writes inside its run directory only") as caught:
        read_pipeline(file, tmp_path / "runs" / "stranger")
    assert "\n" not in str(caught.value)


def test_the_page_of_another_run_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "stranger.toml"
    file.write_text('[[stage]]\nkind = "report"\nrun = "{here}/mine"\n')
    with pytest.raises(ConfigError, match=r"run '.*mine': a pipeline writes inside"):
        read_pipeline(file, tmp_path / "run")
    file.write_text('[[stage]]\nkind = "report"\nrun = "{here}/mine"\nout = "{run}/page.html"\n')
    assert read_pipeline(file, tmp_path / "run").stage[0].kind == "report"


def test_what_the_command_line_names_is_written_but_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "asks.toml"
    file.write_text(
        '[arguments]\nrecords = "games"\n[[stage]]\nkind = "record"\ngame = "chess"\nagent = "random"\n'
        'out = "{records}"\n'
    )
    games = tmp_path / "games.pgn"
    run = tmp_path / "run"
    assert read_pipeline(file, run, {"records": [str(games)]}).stage[0].fields["out"] == str(games)
    games.write_text("precious")
    with pytest.raises(ConfigError, match=r"a file is there already"):
        read_pipeline(file, run, {"records": [str(games)]})
    (run / "record").mkdir(parents=True)
    (run / "record" / "config.json").write_text("{}")  # the run is resumed: the file is its own
    read_pipeline(file, run, {"records": [str(games)]})


def test_every_output_of_a_stage_is_known() -> None:
    import dataclasses
    import importlib

    for kind, (module_name, class_name, _) in pipeline.STAGES.items():
        fields = {field.name for field in dataclasses.fields(getattr(importlib.import_module(module_name), class_name))}
        assert fields & {"out", "output", "to", "save"} == set(pipeline.OUTPUTS.get(kind, ())), kind


def test_a_page_has_a_pages_name(tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "slip.toml"
    file.write_text('[[stage]]\nkind = "report"\nrun = "{run}"\nout = "{run}/config.json"\n')
    assert main(["run", str(file), "--runs", str(runs)]) == 2
    assert "config.json': must end in .html" in capsys.readouterr().err
    assert main(["report", str(runs), "--out", str(file)]) == 2
    assert "must end in .html" in capsys.readouterr().err
    assert file.read_text().startswith("[[stage]]")
