"""The ``gameil`` command: finds the subcommand, imports only that one, and turns errors into one line and an exit code.

Exit codes: 0 done, 1 something failed inside gameil, 2 the input was wrong, 130 interrupted (go on with ``--resume``).
"""

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from gameil import __version__
from gameil.errors import GameilError

COMMANDS: dict[str, tuple[str, str]] = {
    "ingest": ("gameil.cli.ingest", "read game records (PGN, SGF, WTHOR and more) into a dataset"),
    "data": ("gameil.cli.data", "look into datasets; verify, export, filter, merge them, or forget a player"),
    "pretrain": ("gameil.cli.pretrain", "learn to imitate the moves of a dataset"),
    "learning-rate": ("gameil.cli.learning_rate", "look for a learning rate before a long pretraining"),
    "compare": ("gameil.cli.compare", "train by several methods and compare what comes out"),
    "imitate": ("gameil.cli.imitate", "imitate people by a reward learned from their games: GAIL, AIRL, guided cost"),
    "finetune": ("gameil.cli.finetune", "improve a pretrained agent by playing against its past selves"),
    "league": ("gameil.cli.league", "let agents learn by beating each other in a league, on one machine or many"),
    "dagger": ("gameil.cli.dagger", "let an expert label the positions an agent gets into, and learn from them"),
    "improve": ("gameil.cli.improve", "play against oneself with search and learn what it found (expert iteration)"),
    "label": ("gameil.cli.label", "choose positions of a dataset for people to label in the browser"),
    "record": ("gameil.cli.record", "write down games that agents play against each other"),
    "evaluate": ("gameil.cli.evaluate", "measure one agent against another over paired games"),
    "ladder": ("gameil.cli.ladder", "find an agent's place among built-in levels or any agents"),
    "tournament": ("gameil.cli.tournament", "let many agents play each other: round robin, gauntlet or Swiss"),
    "accuracy": ("gameil.cli.accuracy", "measure how often an agent chooses the move that people played"),
    "analyse": ("gameil.cli.analyse", "show what an agent thinks of a position: moves, visits, values, lines"),
    "export": ("gameil.cli.export", "write a snapshot's network as an ONNX file"),
    "run": ("gameil.cli.run", "run a pipeline of stages from one file"),
    "report": ("gameil.cli.report", "write a run's self-contained HTML report"),
    "play": ("gameil.cli.play", "play against an agent in the terminal"),
    "serve": ("gameil.cli.serve", "play against agents, watch games, collect and label in a browser"),
    "gtp": ("gameil.cli.gtp", "be a GTP Go engine that plays as an agent, for any board program"),
    "uci": ("gameil.cli.uci", "be a UCI chess engine that plays as an agent, for any board program"),
    "download": ("gameil.cli.download", "fetch public collections of records, with their terms"),
    "doctor": ("gameil.cli.doctor", "say which games, engines and backends are found here"),
}
"""Subcommand -> (module with ``main(argv) -> int``, one line of help)."""

TELEMETRY_SWITCHES: dict[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OPENVINO_TELEMETRY_DISABLE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Set before anything else is imported: nothing that gameil uses may call home."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: the process's own) and returns its exit code."""
    # mlflow reads DO_NOT_TRACK as the word "true", others take any value.
    os.environ.update(TELEMETRY_SWITCHES)
    # Read once, when torch is imported: threads that spin while they wait nearly stop on cores that others use too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader (head, less) has gone. Nothing more can be written, not even by the interpreter's own last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _complain("gameil: interrupted; the same command with --resume goes on from what was saved")
        return 130
    except GameilError as error:
        if debug:
            traceback.print_exc()
        _complain(f"gameil: error: {_one_line(error)}")
        return 2
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except Exception as error:
        if debug:
            traceback.print_exc()
        where = "" if debug else " (run with --debug for the traceback)"
        _complain(f"gameil: internal error: {type(error).__name__}: {_one_line(error)}{where}")
        return 1


def help_text() -> str:
    """What ``gameil --help`` prints."""
    width = max(len(name) for name in COMMANDS)
    lines = [
        f"gameil {__version__}: turns records of games that people played into agents that play them, then past them.",
        "",
        "usage: gameil COMMAND [ARGUMENTS]      gameil COMMAND --help explains one command",
        "",
        *(f"  {name:<{width}}  {line}" for name, (_, line) in COMMANDS.items()),
        "",
        "  --help, --version; --debug with any command shows the traceback of an error",
    ]
    return "\n".join(lines)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"gameil {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "gameil --help lists them"
        raise GameilError(f"unknown command {name!r}: {hint}")
    module = importlib.import_module(COMMANDS[name][0])
    code: int = module.main(arguments[1:])
    return code


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
