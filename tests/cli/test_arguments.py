"""Typed flags, configuration files below them, and one line for every mistake."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from gameil.cli.arguments import CommonFlags, common_flags, parse
from gameil.cli.stage_command import run_directory, run_stage
from gameil.errors import ConfigError
from gameil.tracking.run import Run, read_results


@dataclass(frozen=True)
class InnerConfig:
    __pydantic_config__ = {"extra": "forbid"}
    rate: float = 0.1
    """Rate."""
    steps: int | None = None
    """Steps."""


@dataclass(frozen=True)
class OuterConfig:
    __pydantic_config__ = {"extra": "forbid"}
    game: str
    """Game."""
    inner: InnerConfig = field(default_factory=InnerConfig)
    """Inner."""
    kind: Literal["mlp", "residual"] = "mlp"
    """Kind."""
    sources: tuple[str, ...] = ()
    """Sources."""

    def __post_init__(self) -> None:
        if self.game == "none":
            raise ConfigError("game none is no game")


def parsed(*argv: str) -> OuterConfig:
    return parse(OuterConfig, argv, prog="gameil toy", description="A toy.", config_file=True)


def test_flags_override_the_file_which_overrides_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text('game = "chess"\nsources = ["a"]\n[inner]\nrate = 0.5\nsteps = 7\n')
    assert parsed(str(file), "--inner.rate", "0.25", "--kind", "residual") == OuterConfig(
        "chess", InnerConfig(0.25, 7), "residual", ("a",)
    )


def test_a_required_field_may_come_from_the_file_or_the_flags(tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text("[inner]\nrate = 0.5\n")
    assert parsed(str(file), "--game", "go") == OuterConfig("go", InnerConfig(0.5))
    with pytest.raises(ConfigError, match="missing --game"):
        parsed(str(file))


def test_flags_mend_what_the_checks_would_refuse_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text('game = "none"\n')
    assert parsed(str(file), "--game", "go") == OuterConfig("go")
    with pytest.raises(ConfigError, match="game none is no game"):
        parsed(str(file))


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--gme", "chess"], "missing --game"),
        (["--game", "chess", "--inner.rat", "1"], r"--inner\.rat.*did you mean --inner\.rate\?"),
        (["--game", "chess", "--inner.rate", "fast"], "--inner.rate.*'fast'"),
        (["--game", "chess", "--kind", "cnn"], "'cnn'.*'mlp', 'residual'"),
        (["--game"], "--game"),
        (["--game", "chess", "stray"], "stray"),
        (["--game", "none"], "game none is no game"),
        (["nowhere.toml", "--game", "chess"], "nowhere.toml: cannot be read"),
    ],
)
def test_mistakes_are_one_line(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        parsed(*argv)
    assert "\n" not in str(caught.value)
    assert "│" not in str(caught.value)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('game = "go"\nspeed = 1', "speed: unknown key"),
        ("speed = 1", "speed: unknown key"),
        ('game = "go"\n[inner]\nspeed = 1', r"inner\.speed: unknown key"),
        ("[inner]\nrate = 'fast'", r"inner\.rate: Input should be a valid number"),
        ("game = ", "not valid TOML"),
    ],
)
def test_mistakes_in_files_name_file_and_field(toml: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError, match=rf"toy\.toml: .*{text}|toy\.toml: {text}"):
        parsed(str(file))


def test_common_flags_are_taken_out_wherever_they_stand() -> None:
    flags, rest = common_flags(["a.toml", "--resume", "--game", "go", "--name", "x", "--runs=out", "--json", "--debug"])
    assert flags == CommonFlags(resume=True, name="x", runs=Path("out"), json=True)
    assert rest == ["a.toml", "--game", "go"]


@pytest.mark.parametrize("argv", [["--name"], ["--name", "a/b"], ["--name", ".."], ["--name="]])
def test_bad_run_names_are_refused(argv: list[str]) -> None:
    with pytest.raises(ConfigError, match="--name"):
        common_flags(argv)


def test_run_directories_are_numbered_unless_named(tmp_path: Path) -> None:
    flags = CommonFlags(runs=tmp_path)
    assert run_directory(flags, "ladder") == tmp_path / "ladder-1"
    for number in (1, 2, 10):
        (tmp_path / f"ladder-{number}").mkdir()
    (tmp_path / "ladder-old").mkdir()
    assert run_directory(flags, "ladder") == tmp_path / "ladder-11"
    assert run_directory(CommonFlags(runs=tmp_path, resume=True), "ladder") == tmp_path / "ladder-10"
    assert run_directory(CommonFlags(runs=tmp_path, name="mine"), "ladder") == tmp_path / "mine"


def toy_stage(config: OuterConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    run.say(f"playing {config.game}")
    return {"game": config.game, "resumed": resume}


def test_a_stage_command_runs_once_and_shows_its_results_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--game", "go", "--runs", str(tmp_path), "--name", "x"]
    assert run_stage("toy", OuterConfig, toy_stage, argv, description="A toy.") == 0
    assert "playing go" in capsys.readouterr().out
    assert read_results(tmp_path / "x") == {"game": "go", "resumed": False}
    assert run_stage("toy", OuterConfig, toy_stage, [*argv, "--resume", "--json"], description="A toy.") == 0
    assert capsys.readouterr().out == f'{{"run": "{tmp_path / "x"}", "game": "go", "resumed": false}}\n'
