"""The T^2 diagnostic of cloning against DAgger: its exact costs against played ones, and the two slopes."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def horizon(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dagger_horizon", repository / "benchmarks" / "dagger_horizon.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_cost_is_that_of_driving(horizon: ModuleType) -> None:
    rng = np.random.default_rng(0)
    road = horizon.Road.draw(rng)
    policy = road.learned(road.labels(None, 20, 300, rng))
    trips = 4000
    # A step's cost shows where the next one begins: one more step is driven, and the first place is not counted.
    places = np.array([off for off, _ in road.labels(policy, 21, 21 * trips, rng)]).reshape(trips, 21)
    driven = places[:, 1:].sum(axis=1)
    exact = road.cost(policy, 20)
    assert exact == pytest.approx(driven.mean(), abs=4 * driven.std() / np.sqrt(trips))
    assert road.cost(road.right, 20) == 0.0


def test_cloning_errs_with_the_square_of_the_horizon_and_dagger_in_proportion(horizon: ModuleType) -> None:
    found = horizon.compare(labels=4000, seeds=4)
    assert 1.7 < horizon.slope(horizon.HORIZONS, found["cloning"]) <= 2.05
    assert 0.85 < horizon.slope(horizon.HORIZONS, found["dagger"]) < 1.15
    assert all(cost <= bound for cost, bound in zip(found["cloning"], found["bound"], strict=True))
