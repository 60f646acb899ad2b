"""The policy-value network and how it is built from its configuration.

Letters: ``B`` batch, ``S`` scores, ``L`` legal actions of a batch in a row, ``K`` conditions, ``N`` cells.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from gameil.errors import ConfigError, ShapeError
from gameil.games.game import Game
from gameil.models.conditioning import Conditioning
from gameil.models.config import ModelConfig
from gameil.models.heads.auxiliary import MovesLeftHead, OwnershipHead
from gameil.models.heads.policy import build_policy
from gameil.models.heads.policy_head import PolicyHead
from gameil.models.heads.value import ValueHead
from gameil.models.layers import BoardPool, ConvNorm, DenseTrunk, ResidualTower
from gameil.models.memory import CausalCore, GameMemory, LstmCore
from gameil.models.pixels import PixelTrunk
from gameil.models.transformer import BoardTransformer

MAX_PARAMETERS = 500_000_000
"""Largest network that is built: bounded widths alone would still allow absurd products."""


class PolicyValue(NamedTuple):
    """What the network says of a batch."""

    scores: Tensor
    """``[B, S]`` float32: what the policy head says; only ``PolicyValueNet.log_probs`` knows how to read it."""
    values: Tensor
    """``[B]`` float32 in [-1, 1]: expected return of the mover."""
    outcome_logits: Tensor | None = None
    """``[B, 3]`` float32 of win, draw, loss, where the value is made of them."""
    moves_left: Tensor | None = None
    """``[B]`` float32: plies still to come, where it is trained."""
    ownership: Tensor | None = None
    """``[B, N]`` float32: logits of the mover owning each cell in the end, where it is trained."""


class PolicyValueNet(nn.Module):
    """A trunk, a policy head and a value head. Observations are in the mover's frame, and so are actions and values."""

    def __init__(
        self,
        trunk: nn.Module,
        policy: nn.Module,
        value: ValueHead,
        *,
        conditioning: Conditioning | None = None,
        memory: GameMemory | None = None,
        moves_left: MovesLeftHead | None = None,
        ownership: OwnershipHead | None = None,
        config: ModelConfig,
        observation_shape: tuple[int, ...],
        num_actions: int,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.policy = policy
        self.value = value
        self.conditioning = conditioning
        self.memory = memory
        self.moves_left = moves_left
        self.ownership = ownership
        self.config = config
        self.observation_shape = observation_shape
        self.num_actions = num_actions

    def forward(self, observations: Tensor, conditions: Tensor | None = None, steps: int = 1) -> PolicyValue:
        """Scores of all actions, values, and what else is trained.

        Args:
            observations: ``[B, *observation_shape]``.
            conditions: ``[B, K]`` in the order of ``config.conditions``, 0 where unknown; None for all unknown. A
                network without conditions takes None.
            steps: for a network with a memory, the number ``T`` of steps that the batch holds of each game: step ``t``
                of game ``b`` is row ``t * games + b``. 1: every position by itself.
        """
        features = self.features(observations, conditions)
        if self.memory is not None:
            features = self.memory(features, steps)
        return self.heads(features)

    def heads(self, features: Tensor) -> PolicyValue:
        """What the heads make of features."""
        values, outcome_logits = self.value(features)
        return PolicyValue(
            self.policy(features),
            values,
            outcome_logits,
            self.moves_left(features) if self.moves_left is not None else None,
            self.ownership(features) if self.ownership is not None else None,
        )

    def features(self, observations: Tensor, conditions: Tensor | None = None) -> Tensor:
        """What the trunk makes of a batch, without the memory; arguments as of ``forward``."""
        if observations.shape[1:] != self.observation_shape:
            raise ShapeError(
                f"observations are {tuple(observations.shape[1:])}, the network takes {self.observation_shape}"
            )
        if self.conditioning is None:
            return cast(Tensor, self.trunk(observations))
        if conditions is None:
            conditions = observations.new_zeros(observations.shape[0], len(self.config.conditions))
        return cast(Tensor, self.trunk(observations, self.conditioning(conditions)))

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        """Log-probabilities of the legal actions, float32 ``[L]``, summing to one in each position.

        Args:
            scores: of ``forward``, ``[B, S]``.
            legal: flat legal actions, int64 ``[L]``.
            rows: position of each, int64 ``[L]``.
        """
        return cast(PolicyHead, self.policy).log_probs(scores, legal, rows)

    def for_play(self) -> None:
        """Drops, in place, the heads that only training uses."""
        self.moves_left = None
        self.ownership = None


def build_model(
    config: ModelConfig, game: Game, observation_shape: tuple[int, ...], *, seed: int = 0
) -> PolicyValueNet:
    """A network with fresh weights, drawn from ``seed``; the global random state is left as it was.

    Args:
        config: which network; what it leaves to the named size is spelled out in the network's own ``config``.
        game: whose actions it scores.
        observation_shape: what it sees: ``[C, H, W]``, or anything for ``mlp``
            (``positions.encoder.ObservationEncoder.shape``).
        seed: of the initial weights.

    Raises:
        ConfigError: the trunk or a head does not fit the game, or the network would be absurdly large.
    """
    model_shapes(config, game, observation_shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _assemble(config.resolved(), game, observation_shape)


def model_shapes(
    config: ModelConfig, game: Game, observation_shape: tuple[int, ...]
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shapes and types of the state dict that ``build_model`` would make, found without allocating any of it.

    Raises ``ConfigError`` where it would refuse.
    """
    config = config.resolved()
    if config.kind != "mlp" and len(observation_shape) != 3:
        raise ConfigError(
            f"model.kind = {config.kind!r} needs board observations [C, H, W], but {game.id} has shape "
            f"{list(observation_shape)}: use 'mlp'"
        )
    with torch.device("meta"):
        model = _assemble(config, game, observation_shape)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters > MAX_PARAMETERS:
        raise ConfigError(f"the model would have {parameters:,} parameters, more than the bound of {MAX_PARAMETERS:,}")
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items()}


def _assemble(config: ModelConfig, game: Game, observation_shape: tuple[int, ...]) -> PolicyValueNet:
    trunk, features = _trunk(config, observation_shape)
    channels = features[0]
    if len(features) == 1:
        value = ValueHead(channels, config.value_hidden, outcomes=config.value == "outcome")
    else:
        layers = [ConvNorm(channels, config.value_channels, 1), nn.ReLU()]
        inputs = config.value_channels * (2 if config.value_pool else features[1] * features[2])
        value = ValueHead(
            inputs,
            config.value_hidden,
            outcomes=config.value == "outcome",
            reduce=nn.Sequential(*layers, BoardPool()) if config.value_pool else nn.Sequential(*layers),
        )
    return PolicyValueNet(
        trunk,
        build_policy(config, game, features),
        value,
        conditioning=Conditioning(
            config.conditions, channels, opening_actions=game.num_actions if config.opening else 0
        )
        if config.conditions or config.opening
        else None,
        memory=_memory(config, features),
        moves_left=MovesLeftHead(channels, config.value_hidden) if config.moves_left else None,
        ownership=OwnershipHead(channels) if config.ownership else None,
        config=config,
        observation_shape=tuple(observation_shape),
        num_actions=game.num_actions,
    )


def _memory(config: ModelConfig, features: tuple[int, ...]) -> GameMemory | None:
    if config.memory == "none":
        return None
    width, layers = config.memory_width, config.memory_layers
    if config.memory == "lstm":
        return GameMemory(features, width, LstmCore(width, layers))
    core = CausalCore(width, layers, heads=config.attention_heads, window=config.memory_window)
    return GameMemory(features, width, core)


def _trunk(config: ModelConfig, observation_shape: tuple[int, ...]) -> tuple[nn.Module, tuple[int, ...]]:
    """The trunk of a resolved configuration, and the shape of its features without the batch."""
    if config.kind == "mlp":
        assert config.hidden is not None
        assert config.layers is not None
        trunk = DenseTrunk(math.prod(observation_shape), hidden=config.hidden, layers=config.layers)
        return trunk, (config.hidden,)
    assert config.channels is not None
    if config.kind == "pixels":
        assert config.hidden is not None
        return PixelTrunk(observation_shape, channels=config.channels, hidden=config.hidden), (config.hidden,)
    assert config.blocks is not None
    planes, height, width = observation_shape
    features = (config.channels, height, width)
    if config.kind == "transformer":
        return BoardTransformer(
            planes, height, width, channels=config.channels, blocks=config.blocks, heads=config.attention_heads
        ), features
    return ResidualTower(
        planes,
        channels=config.channels,
        blocks=config.blocks,
        stem_kernel=config.stem_kernel,
        squeeze=config.squeeze,
        global_pooling=config.global_pooling,
    ), features
