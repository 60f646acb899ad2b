"""Muon against the singular value decomposition and against its formula, and what each optimiser moves."""

import pytest
import torch

from gameil.games.registry import make_game
from gameil.learners.optimizer import Kind, Muon, Optimizer, orthogonalised
from gameil.models.config import ModelConfig
from gameil.models.policy_value import PolicyValueNet, build_model

RESIDUAL = ModelConfig(channels=8, blocks=1, squeeze=4, policy_channels=0)
TRANSFORMER = ModelConfig(kind="transformer", channels=8, blocks=1, attention_heads=2)


def network(config: ModelConfig = RESIDUAL) -> PolicyValueNet:
    return build_model(config, make_game("connect_four"), (3, 6, 7), seed=1)


def optimizer(model: PolicyValueNet, kind: Kind, weight_decay: float = 0.0) -> Optimizer:
    return Optimizer(
        model, kind, learning_rate=1e-3, muon_scale=10.0, muon_momentum=0.95, beta2=0.99, weight_decay=weight_decay
    )


@pytest.mark.parametrize(("rows", "columns"), [(6, 40), (40, 6), (16, 16)])
def test_orthogonalised_is_near_the_orthogonal_factor(rows: int, columns: int) -> None:
    matrices = torch.randn(3, rows, columns, generator=torch.Generator().manual_seed(0))
    found = orthogonalised(matrices)
    left, singular, right = torch.linalg.svd(matrices, full_matrices=False)
    # What the iteration makes of each singular value: between 0.6 and 1.3 but for the smallest ones of square matrices.
    values = torch.linalg.svdvals(found)
    assert (values < 1.3).all()
    assert (values[singular > 0.2 * singular.amax(dim=1, keepdim=True)] > 0.6).all()
    # The singular vectors stay: U^T X V is diagonal, but for the rounding of bfloat16.
    inside = left.mT @ found @ right.mT
    inside.diagonal(dim1=1, dim2=2).zero_()
    assert inside.abs().max() < 0.05


def test_a_step_is_the_formula() -> None:
    weight = torch.nn.Parameter(torch.eye(4, 2) * 3.0)
    muon = Muon([weight], momentum=0.5, weight_decay=0.1)
    first, second = torch.tensor([[1.0, 0], [0, 0], [0, 0], [0, 0]]), torch.tensor([[0.0, 0], [0, 2], [0, 0], [0, 0]])
    weight.grad = first
    muon.step(0.01)
    # M = G / 2, looked ahead (G + M) / 2 = 3/4 G; orthogonalised it keeps its direction; sqrt(4 / 2) scales it.
    moved = 3.0 * torch.eye(4, 2) * (1 - 0.01 * 0.1)
    change = (moved - weight.detach()) / (0.01 * 2**0.5)
    assert 0.6 < float(change[0, 0]) < 1.3
    assert change[1:].abs().max() < 1e-5
    assert torch.equal(muon.momentum[weight], first / 2)
    weight.grad = second
    muon.step(0.01)
    assert torch.equal(muon.momentum[weight], first / 4 + second / 2)


def test_muon_moves_the_trunks_matrices_and_adamw_the_rest() -> None:
    for config in (RESIDUAL, TRANSFORMER):
        model = network(config)
        state = _after_a_step(model, optimizer(model, "muon")).state_dict()
        by_muon = {name.removeprefix("momentum.") for name in state if name.startswith("momentum.")}
        by_adamw = {name.removeprefix("exp_avg.") for name in state if name.startswith("exp_avg.")}
        assert by_muon | by_adamw == {name for name, _ in model.named_parameters()}
        assert not by_muon & by_adamw
        assert all(name.startswith("trunk.") and name.endswith("weight") for name in by_muon)
        assert "trunk.places" not in by_muon
    assert not any(name.startswith("momentum.") for name in optimizer(network(), "adamw").state_dict())


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_weight_decay_is_for_matrices_only(kind: Kind) -> None:
    model, decayed = network(), network()
    for each, decay in ((model, 0.0), (decayed, 0.5)):
        _after_a_step(each, optimizer(each, kind, decay))
    for (name, plain), other in zip(model.named_parameters(), decayed.parameters(), strict=True):
        assert torch.equal(plain, other) == (plain.ndim == 1), name


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_goes_on_bit_for_bit(kind: Kind) -> None:
    straight = network()
    running = _after_a_step(straight, optimizer(straight, kind))
    resumed = network()
    resumed.load_state_dict(straight.state_dict())
    again = optimizer(resumed, kind)
    again.load_state_dict({name: tensor.clone() for name, tensor in running.state_dict().items()})
    _after_a_step(straight, running, seed=1)
    _after_a_step(resumed, again, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))


def _after_a_step(model: PolicyValueNet, optimizer: Optimizer, seed: int = 0) -> Optimizer:
    optimizer.zero_grad()
    observations = torch.randn(8, 3, 6, 7, generator=torch.Generator().manual_seed(seed))
    outputs = model(observations)
    (outputs.scores.square().sum() + outputs.values.square().sum()).backward()
    optimizer.step(1e-3)
    return optimizer
