"""``gameil doctor``: what is installed and found here, one line each."""

import importlib.metadata
import json
import os
import platform
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gameil import __version__
from gameil.cli.arguments import common_flags, parse

ENGINES = {"stockfish": "uci", "fairy-stockfish": "uci", "gnugo": "gtp", "gnubg": "external"}
"""Programs that agents can be built from -> the kind of agent, as its spec begins."""


@dataclass(frozen=True)
class DoctorArguments:
    """``gameil doctor`` takes no arguments of its own."""

    __pydantic_config__ = {"extra": "forbid"}


@dataclass(frozen=True)
class Finding:
    """One thing looked for."""

    name: str
    found: bool
    detail: str
    needed: bool = True
    """gameil does not work without it."""


def main(argv: Sequence[str]) -> int:
    """Prints the findings; 1 where something needed is missing."""
    flags, rest = common_flags(argv)
    parse(DoctorArguments, rest, prog="gameil doctor", description="Says what is installed and found here.")
    findings = examine()
    if flags.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            mark = "ok" if finding.found else "MISSING" if finding.needed else "-"
            print(f"{mark:<8}{finding.name:<{width}}  {finding.detail}")
    return 1 if any(finding.needed and not finding.found for finding in findings) else 0


def examine() -> list[Finding]:
    """Everything that is looked for, in the order printed."""
    findings = [
        Finding("gameil", True, __version__),
        Finding("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    findings += [_package(name, needed=needed) for name, needed in declared_packages()]
    findings.append(_games())
    findings += _backends()
    findings += [_engine(name, protocol) for name, protocol in ENGINES.items()]
    return findings


def declared_packages() -> list[tuple[str, bool]]:
    """``(distribution, needed)`` as gameil's own metadata declares them; those of the ``games`` extra are optional."""
    declared = importlib.metadata.requires("gameil") or []
    names = [(re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0], line) for line in declared]
    needed = [(name, True) for name, line in names if "extra ==" not in line]
    return needed + [(name, False) for name, line in names if re.search(r"extra == .games.", line)]


def _package(name: str, *, needed: bool) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name), needed)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", needed)


def _games() -> Finding:
    try:
        from gameil.games.registry import known_games

        names = known_games()
    except ImportError as error:
        return Finding("games", False, f"cannot be loaded: {error}")
    outside = sum(1 for name in names if ":" in name)
    return Finding("games", bool(names), f"{len(names) - outside} of OpenSpiel, {outside} of PettingZoo")


def _backends() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        import torch

        from gameil.models.precision import native_bfloat16
    except ImportError as error:
        return [Finding("cpu", False, f"{cores} cores, torch cannot be loaded: {error}")]
    kind = "bfloat16 in hardware" if native_bfloat16(torch.device("cpu")) else "float32 (no bfloat16 in hardware)"
    found = [Finding("cpu", True, f"{cores} cores, {torch.get_num_threads()} torch threads, {kind}")]
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        found.append(Finding("cuda", True, names, needed=False))
    else:
        found.append(Finding("cuda", False, "no device; everything runs on the CPU", needed=False))
    return found


def _engine(name: str, protocol: str) -> Finding:
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path("/usr/games"))])
    path = shutil.which(name, path=places)
    return Finding(name, path is not None, f"{protocol}, {path}" if path else f"{protocol}, not found", needed=False)
