"""The dispatcher: fast help, one line an error, the right exit code, nothing heavy imported, no telemetry."""

import os
import subprocess
import sys
import types
from collections.abc import Callable, Sequence

import pytest

from gameil.cli import main as cli
from gameil.errors import ConfigError

HEAVY = ("torch", "mlflow", "pyspiel", "open_spiel", "matplotlib", "numpy", "pydantic", "rich", "lmdb")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Sequence[str]], int]], None]:
    """Registers a function as the command ``toy``."""

    def register(function: Callable[[Sequence[str]], int]) -> None:
        module = types.ModuleType("toy_command")
        module.main = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "toy_command", module)
        monkeypatch.setitem(cli.COMMANDS, "toy", ("toy_command", "for tests"))

    return register


def test_help_is_fast_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gameil.cli.main import main; assert main(['--help']) == 0; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    # Processor time, which a busy machine does not stretch.
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    lines = done.stdout.splitlines()
    assert lines[-1] == "[]"
    assert all(any(line.strip().startswith(name) for line in lines) for name in cli.COMMANDS)
    assert seconds < 1.0


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in cli.COMMANDS:
        assert cli.main([name, "--help"]) == 0, name
        assert "usage: gameil" in capsys.readouterr().out


def test_modules_of_commands_import_nothing_heavy() -> None:
    modules = [module for module, _ in cli.COMMANDS.values()]
    heavy = ("torch", "mlflow", "pyspiel", "open_spiel", "matplotlib")
    code = (
        f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "gameil 0.1.0\n"


@pytest.mark.parametrize(("word", "hint"), [("pretain", "did you mean pretrain?"), ("zzz", "gameil --help lists them")])
def test_unknown_command(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 2
    assert capsys.readouterr().err == f"gameil: error: unknown command {word!r}: {hint}\n"


def raiser(error: BaseException) -> Callable[[Sequence[str]], int]:
    def main(argv: Sequence[str]) -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("lr is -1,\nnot above 0"), 2, "gameil: error: lr is -1, not above 0"),
        (
            ZeroDivisionError("by zero"),
            1,
            "gameil: internal error: ZeroDivisionError: by zero (run with --debug for the traceback)",
        ),
        (
            KeyboardInterrupt(),
            130,
            "gameil: interrupted; the same command with --resume goes on from what was saved",
        ),
    ],
)
def test_errors_are_one_line(
    error: BaseException,
    code: int,
    line: str,
    command: Callable[[Callable[[Sequence[str]], int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command(raiser(error))
    assert cli.main(["toy"]) == code
    assert capsys.readouterr().err == line + "\n"


def test_debug_shows_the_traceback_wherever_it_stands(
    command: Callable[[Callable[[Sequence[str]], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raiser(ConfigError("bad")))
    for argv in (["toy", "--debug"], ["--debug", "toy"]):
        assert cli.main(argv) == 2
        assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet() -> None:
    code = (
        "import sys; from gameil.cli import main as cli\n"
        "cli.help_text = lambda: 'x' * 10_000_000\n"
        "sys.exit(cli.main(['--help']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_telemetry_is_off_before_a_command_is_imported(
    command: Callable[[Callable[[Sequence[str]], int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for name in cli.TELEMETRY_SWITCHES:
        monkeypatch.setenv(name, "on, please")
    seen: dict[str, str] = {}

    def main(argv: Sequence[str]) -> int:
        seen.update(os.environ)
        return 0

    command(main)
    assert cli.main(["toy"]) == 0
    assert {name: seen[name] for name in cli.TELEMETRY_SWITCHES} == cli.TELEMETRY_SWITCHES
