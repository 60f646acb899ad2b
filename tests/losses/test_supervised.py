"""Supervised losses against values by hand and torch's own functions."""

import math

import pytest
import torch
from torch.nn import functional as F

from gameil.errors import ShapeError
from gameil.losses.masking import legal_log_softmax, legal_logits, legal_rows
from gameil.losses.supervised import played_targets, policy_loss, smooth_targets, value_loss, weighted_mean

LEGAL = torch.tensor([0, 2, 1, 2, 3])
OFFSETS = torch.tensor([0, 2, 5])
ROWS = legal_rows(OFFSETS)
ACTIONS = torch.tensor([2, 1])


def log_probs_of(logits: torch.Tensor) -> torch.Tensor:
    return legal_log_softmax(legal_logits(logits, LEGAL, ROWS), ROWS, 2)


def test_rows_and_one_hot_targets() -> None:
    assert ROWS.tolist() == [0, 0, 1, 1, 1]
    assert played_targets(ACTIONS, LEGAL, ROWS).tolist() == [0, 1, 1, 0, 0]


def test_an_illegal_action_is_refused_by_name() -> None:
    with pytest.raises(ShapeError, match="position 0 of the batch: action 1 "):
        played_targets(torch.tensor([1, 1]), LEGAL, ROWS)
    # Missing in one position and doubled in the other: the counts alone would look right.
    legal = torch.tensor([0, 0, 1, 2])
    with pytest.raises(ShapeError, match="position 0"):
        played_targets(torch.tensor([0, 3]), legal, torch.tensor([0, 0, 1, 1]))


def test_policy_loss_by_hand() -> None:
    # Uniform over 2 and over 3 legal actions: (ln 2 + 3 ln 3) / 4 with weights 1 and 3.
    loss = policy_loss(
        log_probs_of(torch.zeros(2, 4)), played_targets(ACTIONS, LEGAL, ROWS), ROWS, torch.tensor([1.0, 3.0])
    )
    assert loss.item() == pytest.approx((math.log(2) + 3 * math.log(3)) / 4)


def test_policy_loss_is_torchs_cross_entropy_when_all_is_legal() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    actions = torch.tensor([4, 0, 2, 2])
    legal, rows = torch.arange(5).repeat(4), torch.arange(4).repeat_interleave(5)
    log_probs = legal_log_softmax(legal_logits(logits, legal, rows), rows, 4)
    targets = played_targets(actions, legal, rows)
    for smoothing in (0.0, 0.1):
        loss = policy_loss(log_probs, smooth_targets(targets, rows, 4, smoothing), rows, torch.ones(4))
        torch.testing.assert_close(loss, F.cross_entropy(logits, actions, label_smoothing=smoothing))


def test_soft_one_hot_equals_hard() -> None:
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    soft = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.0])
    hard = played_targets(ACTIONS, LEGAL, ROWS)
    weights = torch.ones(2)
    assert policy_loss(log_probs_of(logits), soft, ROWS, weights) == policy_loss(
        log_probs_of(logits), hard, ROWS, weights
    )


def test_soft_targets_are_least_at_themselves() -> None:
    # Cross-entropy minus entropy is a Kullback-Leibler divergence: zero exactly where policy and target agree.
    target = torch.tensor([0.25, 0.75, 0.5, 0.25, 0.25])
    logits = torch.zeros(2, 4)
    logits[0, [0, 2]] = target[:2].log()
    logits[1, [1, 2, 3]] = target[2:].log()
    logits.requires_grad_()
    policy_loss(log_probs_of(logits), target, ROWS, torch.ones(2)).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_smoothing_stays_on_legal_actions_and_sums_to_one() -> None:
    smoothed = smooth_targets(played_targets(ACTIONS, LEGAL, ROWS), ROWS, 2, 0.3)
    assert smoothed.tolist() == pytest.approx([0.15, 0.85, 0.8, 0.1, 0.1])


def test_value_loss_by_hand() -> None:
    # (0.5 - 1)^2 = 0.25 and (-1 - 1)^2 = 4; the second position's outcome is unknown.
    values, returns = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 1.0])
    assert value_loss(values, returns, torch.tensor([1.0, 0.0])).item() == pytest.approx(0.25)
    assert value_loss(values, returns, torch.ones(2)).item() == pytest.approx(2.125)


def test_no_weight_at_all_gives_zero_and_no_gradient() -> None:
    values = torch.tensor([0.5], requires_grad=True)
    loss = value_loss(values, torch.tensor([1.0]), torch.zeros(1))
    loss.backward()
    assert loss.item() == 0.0
    assert values.grad is not None
    assert values.grad.item() == 0.0


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="returns"):
        value_loss(torch.zeros(2), torch.zeros(3), torch.zeros(2))
    with pytest.raises(ShapeError, match="weights"):
        weighted_mean(torch.zeros(2), torch.zeros(2, 1))
    with pytest.raises(ShapeError, match="targets"):
        policy_loss(torch.zeros(5), torch.zeros(4), ROWS, torch.ones(2))
