"""The reference-game reward by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.reference import observation_distances, reference_rewards


def test_distances_by_hand() -> None:
    own = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    other = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    # equal; one of three ones differs: 1 / (2 + 1); both empty; nothing in common: 2 / 2
    torch.testing.assert_close(observation_distances(own, other), torch.tensor([0.0, 1 / 3, 0.0, 1.0]))


@given(st.integers(0, 1000))
def test_distances_are_symmetric_and_bounded(seed: int) -> None:
    own, other = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    distances = observation_distances(own, other)
    torch.testing.assert_close(distances, observation_distances(other, own))
    assert ((distances >= 0) & (distances <= 1)).all()


def test_rewards_by_hand() -> None:
    distances, known = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([True, True, False])
    goals = torch.tensor([1.0, 0.0, -1.0])
    expected = torch.tensor([0.7 + 0.3, 0.7 * math.exp(-2.0), -0.3])
    torch.testing.assert_close(reference_rewards(distances, known, goals), expected)
    torch.testing.assert_close(reference_rewards(distances, known, goals, imitation_weight=0.0, goal_weight=1.0), goals)


def test_refuses_shapes_that_would_broadcast() -> None:
    with pytest.raises(ShapeError):
        reference_rewards(torch.zeros(3), torch.zeros(3, dtype=torch.bool), torch.zeros(1))
    with pytest.raises(ShapeError):
        observation_distances(torch.zeros(3, 2), torch.zeros(3, 1))
