"""Ray's workers on a local cluster of two nodes: as local ones, through the death of an actor and of a node."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gameil.errors import ConfigError
from gameil.rollout.ray_workers import RayWorkers
from tests.rollout import worker_jobs

HAS_RAY = importlib.util.find_spec("ray") is not None


@pytest.mark.skipif(not HAS_RAY, reason="ray is not installed")
@pytest.mark.timeout(280)
def test_a_cluster_of_two_nodes(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rollout.ray_cluster"],
        cwd=repository,
        capture_output=True,
        timeout=270,
        check=False,
    )
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("{")]
    assert lines, done.stderr.decode()[-2000:]
    found = json.loads(lines[-1])
    assert found["alive"] == 2
    assert found["values"] == {**{f"square-{number}": number**2 for number in range(6)}, "read": ["weights"]}
    assert found["errors"] == {"refuse": "error"}
    assert found["dead"] == ["lost"]
    assert found["after a node died"] == [4, True, True]


@pytest.mark.skipif(HAS_RAY, reason="ray is installed")
def test_without_ray_the_extra_is_named() -> None:
    with pytest.raises(ConfigError, match=r"gameil\[ray\]"):
        RayWorkers(worker_jobs.start, 1)
