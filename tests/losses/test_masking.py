"""Masked softmax: values by hand, the flat route against the dense one, and no gradient for illegal actions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.masking import (
    legal_log_softmax,
    legal_logits,
    legal_mask,
    legal_rows,
    mask_logits,
    masked_log_softmax,
    segment_sum,
)


def test_masked_log_softmax_by_hand() -> None:
    # Over the legal logits ln 1 and ln 3 the probabilities are 1/4 and 3/4; the illegal one would have won.
    logits = torch.tensor([[math.log(1.0), 100.0, math.log(3.0)]])
    mask = torch.tensor([[True, False, True]])
    log_probs = masked_log_softmax(logits, mask)
    assert log_probs[0, [0, 2]].exp().tolist() == pytest.approx([0.25, 0.75])
    assert log_probs[0, 1].item() == torch.finfo(torch.float32).min


def test_illegal_logits_are_finite_and_get_no_gradient() -> None:
    logits = torch.tensor([[1.0, float("inf"), -2.0]], requires_grad=True)
    mask = torch.tensor([[True, False, True]])
    log_probs = masked_log_softmax(logits, mask)
    assert torch.isfinite(log_probs).all()
    (-log_probs[0, 0]).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1].item() == 0.0
    assert logits.grad[0, 0].item() == pytest.approx(-(1 - 1 / (1 + math.exp(-3.0))))


def test_a_row_without_legal_actions_is_no_nan() -> None:
    log_probs = masked_log_softmax(torch.zeros(1, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert (log_probs == torch.finfo(torch.float32).min).all()


def test_half_precision_is_widened() -> None:
    log_probs = masked_log_softmax(torch.zeros(1, 300, dtype=torch.bfloat16), torch.ones(1, 300, dtype=torch.bool))
    assert log_probs.dtype == torch.float32
    assert log_probs[0, 0].item() == pytest.approx(-math.log(300), rel=1e-6)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(1, 3\) and mask \(1, 2\)"):
        mask_logits(torch.zeros(1, 3), torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(ShapeError, match="2 legal actions"):
        legal_logits(torch.zeros(1, 3), torch.tensor([0, 1]), torch.tensor([0]))


@st.composite
def flat_legal(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits ``[B, A]`` with at least one legal action a position, and the legal actions, flat."""
    batch, actions = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    sets = [sorted(draw(st.sets(st.integers(0, actions - 1), min_size=1, max_size=actions))) for _ in range(batch)]
    values = st.floats(-30, 30, width=32)
    logits = torch.tensor([draw(st.lists(values, min_size=actions, max_size=actions)) for _ in range(batch)])
    legal = torch.tensor([action for legal in sets for action in legal])
    offsets = torch.tensor([0, *[len(legal) for legal in sets]]).cumsum(0)
    return logits, legal, offsets


@given(flat_legal())
def test_flat_and_dense_routes_agree(example: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, legal, offsets = example
    batch, actions = logits.shape
    rows = legal_rows(offsets)
    dense_in, flat_in = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    mask = legal_mask(legal, offsets, actions)
    dense = masked_log_softmax(dense_in, mask)
    flat = legal_log_softmax(legal_logits(flat_in, legal, rows), rows, batch)
    torch.testing.assert_close(flat, dense[rows, legal], atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(segment_sum(flat.exp(), rows, batch), torch.ones(batch))
    assert mask.sum() == len(legal)
    weights = torch.arange(1.0, len(legal) + 1.0)
    (dense[rows, legal] * weights).sum().backward()
    (flat * weights).sum().backward()
    torch.testing.assert_close(flat_in.grad, dense_in.grad, atol=1e-3, rtol=1e-4)
    assert flat_in.grad is not None
    assert (flat_in.grad[~mask] == 0).all()


@given(flat_legal(), st.floats(-50, 50))
def test_adding_a_constant_changes_nothing(
    example: tuple[torch.Tensor, torch.Tensor, torch.Tensor], constant: float
) -> None:
    logits, legal, offsets = example
    rows = legal_rows(offsets)
    first = legal_log_softmax(legal_logits(logits, legal, rows), rows, len(logits))
    second = legal_log_softmax(legal_logits(logits + constant, legal, rows), rows, len(logits))
    torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)
