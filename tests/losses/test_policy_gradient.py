"""The policy gradient against derivatives of the true objective, found by enumeration and by finite differences."""

import itertools
import math

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.policy_gradient import entropy, normalised_advantages, policy_gradient_loss
from gameil.losses.regularisers import teacher_kl

# A game of two decisions: three actions, then two in a state that depends on the first one. Return by (first, second).
RETURNS = torch.tensor([[1.0, -1.0], [0.5, 0.0], [-1.0, 1.0]], dtype=torch.float64)


def _log_probs(parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.log_softmax(parameters[:3], 0), torch.log_softmax(parameters[3:].view(3, 2), 1)


def _objective(parameters: torch.Tensor) -> torch.Tensor:
    first, second = _log_probs(parameters)
    return ((first[:, None] + second).exp() * RETURNS).sum()


@pytest.mark.parametrize("baselines", [(0.0, 0.0), (0.3, -0.7)])
def test_expected_gradient_is_the_gradient_of_the_objective(baselines: tuple[float, float]) -> None:
    """Enumerates all games; a baseline that depends on the state only changes nothing in expectation."""
    torch.manual_seed(3)
    parameters = torch.randn(9, dtype=torch.float64, requires_grad=True)
    first, second = _log_probs(parameters)
    loss = torch.zeros((), dtype=torch.float64)
    for a, b in itertools.product(range(3), range(2)):
        taken = torch.stack([first[a], second[a, b]])
        advantages = RETURNS[a, b] - torch.tensor(baselines, dtype=torch.float64)
        # Mean over the game's two decisions: times two is their sum, which the theorem speaks of.
        loss = loss + taken.sum().detach().exp() * 2 * policy_gradient_loss(taken, advantages)
    (gradient,) = torch.autograd.grad(loss, parameters)

    numerical = torch.empty(9, dtype=torch.float64)
    for index in range(9):
        step = torch.zeros(9, dtype=torch.float64)
        step[index] = 1e-5
        numerical[index] = (_objective(parameters.detach() + step) - _objective(parameters.detach() - step)) / 2e-5
    torch.testing.assert_close(-gradient, numerical, atol=1e-8, rtol=1e-6)
    assert numerical.abs().max() > 0.05


def test_advantages_are_not_differentiated() -> None:
    advantages = torch.ones(2, requires_grad=True)
    log_probs = torch.zeros(2, requires_grad=True)
    policy_gradient_loss(log_probs, advantages).backward()
    assert advantages.grad is None
    torch.testing.assert_close(log_probs.grad, torch.tensor([-0.5, -0.5]))


def test_loss_refuses_shapes_that_would_broadcast() -> None:
    with pytest.raises(ShapeError):
        policy_gradient_loss(torch.zeros(3), torch.zeros(3, 1))


def test_entropy_by_hand() -> None:
    # Two decisions: {1/2, 1/4, 1/4} has 1.5 bits, a sure one has none.
    log_probs = torch.log(torch.tensor([0.5, 0.25, 0.25, 1.0]))
    rows = torch.tensor([0, 0, 0, 1])
    torch.testing.assert_close(entropy(log_probs, rows, 2), torch.tensor([1.5 * math.log(2.0), 0.0]))


def test_kl_by_hand_and_its_direction() -> None:
    # KL({1/2, 1/2} || {1/4, 3/4}) = log 2 / 2 + log(2/3) / 2 = log(4/3) / 2
    teacher = torch.log(torch.tensor([0.5, 0.5]))
    policy = torch.log(torch.tensor([0.25, 0.75]))
    rows = torch.zeros(2, dtype=torch.int64)
    torch.testing.assert_close(teacher_kl(teacher, policy, rows, 1), torch.tensor([math.log(4 / 3) / 2]))
    # The other way round: log(1/2) / 4 + 3 log(3/2) / 4
    other = math.log(0.5) / 4 + 3 * math.log(1.5) / 4
    torch.testing.assert_close(teacher_kl(policy, teacher, rows, 1), torch.tensor([other]))


def test_kl_to_itself_is_zero_with_no_gradient() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
    log_probs = torch.log_softmax(logits, 0)
    kl = teacher_kl(log_probs, log_probs, torch.zeros(3, dtype=torch.int64), 1)
    torch.testing.assert_close(kl, torch.zeros(1))
    (gradient,) = torch.autograd.grad(kl.sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros(3), atol=1e-6, rtol=0.0)


def test_kl_gradient_is_policy_less_teacher() -> None:
    """d KL(p || softmax z) / dz = softmax z - p: the teacher is the target of a cross-entropy."""
    logits = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
    teacher = torch.log(torch.tensor([0.2, 0.5, 0.3]))
    kl = teacher_kl(teacher, torch.log_softmax(logits, 0), torch.zeros(3, dtype=torch.int64), 1)
    (gradient,) = torch.autograd.grad(kl.sum(), logits)
    torch.testing.assert_close(gradient, torch.softmax(logits.detach(), 0) - teacher.exp())


def test_kl_refuses_other_numbers_of_actions() -> None:
    with pytest.raises(ShapeError, match=r"3.*2"):
        teacher_kl(torch.zeros(3), torch.zeros(2), torch.zeros(2, dtype=torch.int64), 1)


def test_normalised_advantages_keep_signs_and_have_unit_scale() -> None:
    advantages = torch.tensor([-3.0, 1.0, 1.0, 1.0])
    normalised = normalised_advantages(advantages)
    torch.testing.assert_close(normalised, advantages / math.sqrt(3.0))
    torch.testing.assert_close(normalised_advantages(torch.zeros(2)), torch.zeros(2))
