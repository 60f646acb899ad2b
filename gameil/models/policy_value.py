"""The policy-value network and how it is built from its configuration.

Letters: ``B`` batch, ``A`` actions.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from gameil.errors import ConfigError, ShapeError
from gameil.games.game import Game
from gameil.models.config import ModelConfig
from gameil.models.heads import BoardPolicyHead, DensePolicyHead, ValueHead
from gameil.models.layers import ConvNorm, DenseTrunk, ResidualTower

MAX_PARAMETERS = 500_000_000
"""Largest network that is built: bounded widths alone would still allow absurd products."""


class PolicyValue(NamedTuple):
    """What the network says of a batch."""

    logits: Tensor
    """``[B, A]`` float32, of all actions, legal or not."""
    values: Tensor
    """``[B]`` float32 in [-1, 1]: expected return of the mover."""


class PolicyValueNet(nn.Module):
    """A trunk, a policy head and a value head. Observations are in the mover's frame, and so are actions and values."""

    def __init__(
        self,
        trunk: nn.Module,
        policy: BoardPolicyHead | DensePolicyHead,
        value: ValueHead,
        *,
        config: ModelConfig,
        observation_shape: tuple[int, ...],
        num_actions: int,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.policy = policy
        self.value = value
        self.config = config
        self.observation_shape = observation_shape
        self.num_actions = num_actions

    def forward(self, observations: Tensor) -> PolicyValue:
        """Logits of all actions and values, from observations ``[B, *observation_shape]``."""
        if observations.shape[1:] != self.observation_shape:
            raise ShapeError(
                f"observations are {tuple(observations.shape[1:])}, the network takes {self.observation_shape}"
            )
        features = self.trunk(observations)
        return PolicyValue(cast(Tensor, self.policy(features)), cast(Tensor, self.value(features)))


def build_model(
    config: ModelConfig, game: Game, observation_shape: tuple[int, ...], *, seed: int = 0
) -> PolicyValueNet:
    """A network with fresh weights, drawn from ``seed``; the global random state is left as it was.

    Args:
        config: which network.
        game: whose actions it scores.
        observation_shape: what it sees: ``[C, H, W]`` for ``residual``, anything for ``mlp``
            (``positions.encoder.ObservationEncoder.shape``).
        seed: of the initial weights.

    Raises:
        ConfigError: the kind does not fit the observations, or the network would be absurdly large.
    """
    model_shapes(config, game, observation_shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _assemble(config, game, observation_shape)


def model_shapes(
    config: ModelConfig, game: Game, observation_shape: tuple[int, ...]
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shapes and types of the state dict that ``build_model`` would make, found without allocating any of it.

    Raises ``ConfigError`` where it would refuse.
    """
    if config.kind == "residual" and len(observation_shape) != 3:
        raise ConfigError(
            f"model.kind = 'residual' needs board observations [C, H, W], but {game.id} has shape "
            f"{list(observation_shape)}: use 'mlp'"
        )
    with torch.device("meta"):
        model = _assemble(config, game, observation_shape)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters > MAX_PARAMETERS:
        raise ConfigError(f"the model would have {parameters:,} parameters, more than the bound of {MAX_PARAMETERS:,}")
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items()}


def _assemble(config: ModelConfig, game: Game, observation_shape: tuple[int, ...]) -> PolicyValueNet:
    policy: BoardPolicyHead | DensePolicyHead
    trunk: nn.Module
    if config.kind == "mlp":
        trunk = DenseTrunk(math.prod(observation_shape), hidden=config.hidden, layers=config.layers)
        policy = DensePolicyHead(config.hidden, game.num_actions)
        value = ValueHead(config.hidden, config.value_hidden)
    else:
        planes, height, width = observation_shape
        trunk = ResidualTower(
            planes,
            channels=config.channels,
            blocks=config.blocks,
            stem_kernel=config.stem_kernel,
            squeeze=config.squeeze,
        )
        layout = game.board
        if layout is not None and (layout.action_index >= 0).any():
            policy = BoardPolicyHead(config.channels, layout, policy_channels=config.policy_channels)
        else:
            policy = DensePolicyHead(config.channels * height * width, game.num_actions)
        reduce = nn.Sequential(ConvNorm(config.channels, config.value_channels, 1), nn.ReLU())
        value = ValueHead(config.value_channels * height * width, config.value_hidden, reduce=reduce)
    return PolicyValueNet(
        trunk,
        policy,
        value,
        config=config,
        observation_shape=tuple(observation_shape),
        num_actions=game.num_actions,
    )
