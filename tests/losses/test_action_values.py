"""Q-learning over legal actions: by hand, against dense arrays, and what the margin is for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.action_values import best_values, double_q_values, greedy_places, huber_loss, large_margin_loss

ROWS = torch.tensor([0, 0, 0, 2, 2])  # decision 1 is terminal
ONLINE = torch.tensor([0.1, 0.5, 0.5, -0.3, -0.2])
TARGET = torch.tensor([7.0, 8.0, 9.0, 1.0, -1.0])


def test_double_q_by_hand() -> None:
    """The online network's choice, the first of equals; the target network's value of it; 0 in a terminal state."""
    assert greedy_places(ONLINE, ROWS, 3).tolist() == [1, 5, 4]
    torch.testing.assert_close(double_q_values(ONLINE, TARGET, ROWS, 3), torch.tensor([8.0, 0.0, -1.0]))
    torch.testing.assert_close(best_values(ONLINE, ROWS, 3), torch.tensor([0.5, 0.0, -0.2]))


@given(st.integers(0, 10_000))
def test_flat_and_dense_agree(seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    mask = torch.rand(4, 6, generator=stream) < 0.6
    mask[:, 0] = True
    online, target = torch.randn(2, 4, 6, generator=stream)
    rows = mask.nonzero()[:, 0]
    dense = online.masked_fill(~mask, -1e9).argmax(1)
    expected = target.gather(1, dense[:, None])[:, 0]
    torch.testing.assert_close(double_q_values(online[mask], target[mask], rows, 4), expected)


def test_double_q_does_not_overestimate_what_plain_maximisation_does() -> None:
    """True values are all 0 and the estimates two independent noises: max has mean 0.85 (of three), double has 0."""
    stream = torch.Generator().manual_seed(0)
    rows = torch.arange(20_000).repeat_interleave(3)
    online, target = torch.randn(2, 60_000, generator=stream)
    assert float(best_values(target, rows, 20_000).mean()) == pytest.approx(0.846, abs=0.03)  # E max of 3 normals
    assert float(double_q_values(online, target, rows, 20_000).mean()) == pytest.approx(0.0, abs=0.03)  # 4 sigma


def test_huber_by_hand() -> None:
    torch.testing.assert_close(huber_loss(torch.tensor([0.5, -3.0])), torch.tensor([0.125, 2.5]))


def test_large_margin_by_hand() -> None:
    """Decision 0 demonstrates 0.1: 0.5 + 0.8 - 0.1 = 1.2. Decision 1 leads by exactly the margin: nothing to lose."""
    values = torch.tensor([0.1, 0.5, 1.0, 0.2], requires_grad=True)
    rows = torch.tensor([0, 0, 1, 1])
    loss = large_margin_loss(values, rows, torch.tensor([0, 2]))
    torch.testing.assert_close(loss.detach(), torch.tensor([1.2, 0.0]))
    (gradient,) = torch.autograd.grad(loss.sum(), values)
    torch.testing.assert_close(gradient, torch.tensor([-1.0, 1.0, 0.0, 0.0]))


@given(st.integers(0, 10_000))
def test_margin_loss_is_zero_exactly_when_the_demonstration_leads(seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    values = torch.randn(5, generator=stream)
    place = int(torch.randint(5, (1,), generator=stream))
    loss = float(large_margin_loss(values, torch.zeros(5, dtype=torch.int64), torch.tensor([place]), 0.4))
    others = torch.cat([values[:place], values[place + 1 :]])
    lead = float(values[place] - others.max())
    assert loss == pytest.approx(max(0.0, 0.4 - lead), abs=1e-5)


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="other decisions"):
        large_margin_loss(torch.zeros(4), torch.tensor([0, 0, 1, 1]), torch.tensor([2, 0]))
    with pytest.raises(ShapeError, match="differ"):
        double_q_values(torch.zeros(4), torch.zeros(3), torch.tensor([0, 0, 1, 1]), 2)
