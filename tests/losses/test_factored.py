"""Factored policies: by hand, normalised over any legal set, equal to a plain softmax where one factor says all."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.factored import factored_log_softmax
from gameil.losses.masking import legal_log_softmax, segment_sum


def test_by_hand() -> None:
    # One position, actions (0, 0), (0, 1), (2, 0). First choices score log 1 and log 3: p(0) = 1/4, p(2) = 3/4, the
    # two actions that begin with 0 counting once. Given 0, second choices score log 1 and log 4: 1/5 and 4/5.
    scores = torch.log(torch.tensor([[1.0, 1.0], [1.0, 4.0], [3.0, 7.0]]))
    choices = torch.tensor([[0, 0], [0, 1], [2, 0]])
    found = factored_log_softmax(scores, choices, torch.zeros(3, dtype=torch.long), 1)
    torch.testing.assert_close(found.exp(), torch.tensor([1 / 20, 4 / 20, 3 / 4]))


def brute_force(
    table: list[dict[tuple[int, ...], float]], legal: list[tuple[int, ...]], action: tuple[int, ...]
) -> float:
    """Probability by walking down the tree of choices."""
    probability = 1.0
    for factor in range(len(action)):
        prefix = action[:factor]
        after = {other[: factor + 1] for other in legal if other[:factor] == prefix}
        weights = {choice: math.exp(table[factor][choice]) for choice in after}
        probability *= weights[action[: factor + 1]] / sum(weights.values())
    return probability


@given(st.integers(0, 10_000))
def test_against_a_walk_down_the_tree_of_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors, batch = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    everything = [
        tuple(row) for row in np.stack(np.unravel_index(np.arange(3**factors), (3,) * factors), axis=1).tolist()
    ]
    legal_sets, scores, choices, rows, expected = [], [], [], [], []
    for row in range(batch):
        picked = rng.choice(len(everything), size=rng.integers(1, len(everything) + 1), replace=False)
        legal = sorted(everything[index] for index in picked)
        table = [
            {prefix: float(rng.normal()) for prefix in {action[: factor + 1] for action in everything}}
            for factor in range(factors)
        ]
        legal_sets.append(legal)
        for action in legal:
            scores.append([table[factor][action[: factor + 1]] for factor in range(factors)])
            choices.append(action)
            rows.append(row)
            expected.append(brute_force(table, legal, action))
    flat_rows = torch.tensor(rows)
    found = factored_log_softmax(torch.tensor(scores), torch.tensor(choices), flat_rows, batch)
    np.testing.assert_allclose(found.exp().numpy(), expected, rtol=1e-4)
    torch.testing.assert_close(segment_sum(found.exp(), flat_rows, batch), torch.ones(batch))


def test_one_factor_is_a_softmax() -> None:
    scores, rows = torch.randn(7, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 0, 0, 1, 2, 2, 2])
    choices = torch.tensor([4, 5, 6, 4, 1, 2, 3])[:, None]
    torch.testing.assert_close(
        factored_log_softmax(scores[:, None], choices, rows, 3), legal_log_softmax(scores, rows, 3)
    )


def test_the_gradient_is_that_of_the_probabilities() -> None:
    scores = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    choices, rows = torch.tensor([[0, 0], [0, 1], [1, 0], [0, 0], [1, 1]]), torch.tensor([0, 0, 0, 1, 1])
    # Actions that begin alike have equal first scores: only one of them is an independent number.
    shared = torch.tensor([0, 0, 2, 3, 4])

    def log_probs(free: torch.Tensor) -> torch.Tensor:
        tied = torch.stack([free[shared, 0], free[:, 1]], dim=1)
        return factored_log_softmax(tied, choices, rows, 2)

    assert torch.autograd.gradcheck(log_probs, (scores.requires_grad_(),))


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 2\).*\(3, 1\)"):
        factored_log_softmax(
            torch.zeros(3, 2), torch.zeros(3, 1, dtype=torch.long), torch.zeros(3, dtype=torch.long), 1
        )
