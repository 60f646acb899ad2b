"""Conditions: curves through knots by hand, unknown ones, refusals, and a network that plays as it is told."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.models.conditioning import KNOTS, Conditioning, condition_row, knot_weights
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model


def test_knot_weights_by_hand() -> None:
    knots = torch.tensor([100.0, 200.0, 400.0])
    found = knot_weights(torch.tensor([100.0, 125.0, 300.0, 1.0, 9000.0, 0.0]), knots)
    expected = [[1, 0, 0, 0], [0.75, 0.25, 0, 0], [0, 0.5, 0.5, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


@given(st.floats(0, 10_000), st.sampled_from(sorted(KNOTS)))
def test_knot_weights_are_shares(value: float, name: str) -> None:
    (found,) = knot_weights(torch.tensor([value]), torch.tensor(KNOTS[name], dtype=torch.float32))  # type: ignore[index]
    assert (found >= 0).all()
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-4)
    assert int((found > 0).sum()) <= 2


def test_shifts_add_up_over_conditions() -> None:
    layer = Conditioning(("rating", "year"), 1)
    assert layer(torch.tensor([[1500.0, 2000.0]])).tolist() == [[0.0]]  # starts as if nothing were told
    with torch.no_grad():
        layer.curves[0][:, 0] = torch.arange(len(KNOTS["rating"]) + 1)
        layer.curves[1][:, 0] = 100.0
    # 1500 stands between the knots 1400 and 1600, numbers 4 and 5; an unknown rating is the last number, 13.
    assert layer(torch.tensor([[1500.0, 1990.0], [0.0, 0.0]])).tolist() == [[104.5], [113.0]]


def test_what_is_told_reaches_the_policy() -> None:
    config = ModelConfig(kind="mlp", hidden=8, layers=1, conditions=("rating", "seconds"))
    model = build_model(config, make_game("tic_tac_toe"), (3, 3, 3)).eval()
    with torch.no_grad():
        assert model.conditioning is not None
        model.conditioning.curves[0].copy_(torch.randn(14, 8, generator=torch.Generator().manual_seed(0)))
    observations, legal = np.ones((2, 3, 3, 3), np.float32), [list(range(9))] * 2
    weak, strong, unknown = (
        NetworkEvaluator(model, conditions=told).evaluate(observations, legal).log_probs
        for told in ({"rating": 1000.0}, {"rating": 2400.0}, None)
    )
    assert not np.allclose(weak, strong, atol=1e-3)
    assert not np.allclose(weak, unknown, atol=1e-3)
    # Conditions of the positions themselves take precedence.
    flat, rows = np.tile(np.arange(9), 2), np.repeat([0, 1], 9)
    told = np.array([[1000.0, 0.0], [2400.0, 0.0]], np.float32)
    found, _ = NetworkEvaluator(model, conditions={"rating": 1.0}).evaluate_legal(observations, flat, rows, told)
    np.testing.assert_allclose(found.reshape(2, 9), [weak[0], strong[1]], atol=1e-5)


def test_half_precision_still_tells_ratings_apart() -> None:
    """bfloat16 has eight bits: 1500 would become 1504."""
    config = ModelConfig(channels=8, blocks=1, conditions=("rating",))
    model = build_model(config, make_game("tic_tac_toe"), (3, 3, 3))
    with torch.no_grad():
        assert model.conditioning is not None
        model.conditioning.curves[0].copy_(torch.arange(14.0)[:, None].expand(-1, 8))
    told = torch.tensor([[1496.0], [1500.0]])
    assert float(model.conditioning(told).detach().diff(dim=0)[0, 0]) == pytest.approx(4 / 200)
    half = NetworkEvaluator(model, precision="bfloat16").backend.tensors(  # type: ignore[attr-defined]
        (np.zeros((2, 3, 3, 3), np.float32), told.numpy())
    )
    assert half[0].dtype == torch.bfloat16
    assert half[1].dtype == torch.float32


def test_refusals() -> None:
    assert condition_row(("seconds", "rating"), {"rating": 1500}).tolist() == [0.0, 1500.0]
    with pytest.raises(ConfigError, match="not trained with 'year'; its conditions: rating"):
        condition_row(("rating",), {"year": 2000})
    with pytest.raises(ConfigError, match="its conditions: none"):
        condition_row((), {"rating": 1500})
    with pytest.raises(ConfigError, match="rating must be 1 to 5000, got 9000"):
        condition_row(("rating",), {"rating": 9000})
    with pytest.raises(ConfigError, match="names one twice"):
        ModelConfig(conditions=("year", "year"))
