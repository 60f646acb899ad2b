"""What the workers of the tests do; a module of its own, since other processes import it."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from gameil.errors import ConfigError
from gameil.rollout.workers import Job, JobFunction


def start() -> JobFunction:
    counted = 0

    def function(job: Job, snapshots: Mapping[str, Path]) -> object:
        nonlocal counted
        counted += 1
        match job.payload:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "hang":
                time.sleep(60)
            case "refuse":
                raise ConfigError("this is refused")
            case "fail":
                raise ZeroDivisionError("by nothing")
            case "count":
                return counted
            case "read":
                return [(snapshots[name] / "text").read_text() for name in job.snapshots]
            case int() as number:
                return number * number
            case float() as seconds:
                time.sleep(seconds)
        return None

    return function


def cannot_start() -> JobFunction:
    raise ConfigError("no such thing here")


def dies_at_start() -> JobFunction:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
