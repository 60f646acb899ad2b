"""Win, draw and loss, moves left, ownership: by hand, with what they leave out."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.outcome import moves_left_loss, outcome_loss, outcome_targets, outcome_value, ownership_loss


def test_outcome_targets_of_results_and_of_estimates() -> None:
    found = outcome_targets(torch.tensor([1.0, 0.0, -1.0, 0.25]))
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.25, 0.75, 0]]


@given(st.floats(-1, 1))
def test_targets_are_a_distribution_with_the_return_as_expectation(z: float) -> None:
    (found,) = outcome_targets(torch.tensor([z], dtype=torch.float64))
    assert float(found.sum()) == pytest.approx(1.0)
    assert float(found[0] - found[2]) == pytest.approx(z)
    assert (found >= 0).all()


def test_value_and_loss_by_hand() -> None:
    logits = torch.log(torch.tensor([[6.0, 3.0, 1.0]]))
    assert float(outcome_value(logits)) == pytest.approx(0.5)
    assert float(outcome_loss(logits, torch.tensor([1.0]), torch.ones(1))) == pytest.approx(-math.log(0.6))
    both = torch.cat([logits, logits])
    ignoring = outcome_loss(both, torch.tensor([1.0, -1.0]), torch.tensor([1.0, 0.0]))
    assert float(ignoring) == pytest.approx(-math.log(0.6))
    with pytest.raises(ShapeError, match=r"\[B, 3\]"):
        outcome_loss(torch.zeros(2, 2), torch.zeros(2), torch.ones(2))


def test_moves_left_by_hand() -> None:
    # 10 plies off are half a unit: 0.125; 40 off are two: 1.5; the third is left out.
    found = moves_left_loss(
        torch.tensor([10.0, 50.0, 7.0]), torch.tensor([20.0, 10.0, 0.0]), torch.tensor([1.0, 1.0, 0.0])
    )
    assert float(found) == pytest.approx((0.125 + 1.5) / 2)
    with pytest.raises(ShapeError, match="differ"):
        moves_left_loss(torch.zeros(2), torch.zeros(3), torch.zeros(3))


def test_ownership_by_hand() -> None:
    # s(0) = 1/2 costs log 2 a cell whoever owns it; s(log 3) = 3/4 costs -log 3/4 for an own cell.
    logits = torch.tensor([[0.0, math.log(3.0)], [9.0, 9.0]])
    found = ownership_loss(logits, torch.tensor([[-1, 1], [0, 0]]), torch.tensor([1.0, 0.0]))
    assert float(found) == pytest.approx((math.log(2.0) - math.log(0.75)) / 2)
    least = ownership_loss(torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1))
    assert float(least) == pytest.approx(math.log(2.0))
