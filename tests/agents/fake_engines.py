"""Small engines with one fault each, run as real processes."""

import sys
from pathlib import Path

from gameil.agents.engine_process import EngineConfig

_UCI = """
import os, subprocess, sys, time
mode, note = sys.argv[1], sys.argv[2]
with open(note, "a") as file:
    file.write(f"{os.getpid()}\\n")
moves = 0
for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if words[0] == "uci":
        if mode == "mute":
            time.sleep(60)
        if mode == "noise":
            while True:
                print("info string noise", flush=True)
        if mode == "child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            with open(note, "a") as file:
                file.write(f"{child.pid}\\n")
        print("id name fake")
        print("option name Skill Level type spin default 20 min 0 max 20")
        print("uciok", flush=True)
    elif words[0] == "isready":
        print("readyok", flush=True)
    elif words[0] == "position":
        position = words
    elif words[0] == "go":
        moves += 1
        with open(note) as file:
            starts = len(file.readlines())
        if mode == "hang":
            time.sleep(60)
        if mode == "crash" or (mode == "crash once" and starts == 1):
            sys.exit(3)
        if mode == "garbage":
            print("\\x00\\xff bestmoove", flush=True)
            time.sleep(60)
        if mode == "illegal":
            print("bestmove e2e5", flush=True)
        elif mode == "empty":
            print("bestmove", flush=True)
        else:
            played = position[3:]
            print("info depth 1")
            print("bestmove", "g1f3" if len(played) % 4 == 0 else "f3g1", flush=True)
"""

_GTP = """
import sys, time
mode = sys.argv[1]
for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if words[0] == "list_commands":
        print("= play\\ngenmove\\n", flush=True)
    elif words[0] == "komi" and mode == "refuse":
        print("? no komi here\\n", flush=True)
    elif words[0] == "genmove":
        if mode == "hang":
            time.sleep(60)
        answer = {"pass": "PASS", "resign": "resign", "illegal": "Z99", "garbage": "%%%"}.get(mode, "A1")
        print(f"= {answer}\\n", flush=True)
    else:
        print("=\\n", flush=True)
"""


def uci_engine(directory: Path, mode: str, timeout_seconds: float = 5.0) -> EngineConfig:
    """A UCI engine with the fault ``mode``; writes its process id into ``directory/started``."""
    return _engine(directory, "uci.py", _UCI, (mode, str(directory / "started")), timeout_seconds)


def gtp_engine(directory: Path, mode: str, timeout_seconds: float = 5.0) -> EngineConfig:
    """A GTP engine with the fault ``mode``."""
    return _engine(directory, "gtp.py", _GTP, (mode,), timeout_seconds)


def _engine(directory: Path, name: str, text: str, arguments: tuple[str, ...], timeout_seconds: float) -> EngineConfig:
    script = directory / name
    script.write_text(text)
    return EngineConfig((sys.executable, "-I", str(script), *arguments), timeout_seconds=timeout_seconds)
