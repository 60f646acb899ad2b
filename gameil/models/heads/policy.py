"""Which policy head a configuration means."""

import math

from torch import nn

from gameil.errors import ConfigError
from gameil.games.game import BoardLayout, Game, HasRealActions
from gameil.models.config import ModelConfig
from gameil.models.heads.board import BoardPolicyHead
from gameil.models.heads.dense import DensePolicyHead
from gameil.models.heads.factored import FactoredPolicyHead
from gameil.models.heads.from_to import FromToPolicyHead
from gameil.models.heads.gaussian_mixture import GaussianMixtureHead
from gameil.models.heads.latent import LatentPolicyHead


def build_policy(config: ModelConfig, game: Game, features: tuple[int, ...]) -> nn.Module:
    """The policy head of ``config`` on features of a shape: ``(channels, H, W)`` or ``(width,)``.

    Raises ``ConfigError`` where the game's actions have no such structure.
    """
    board = game.board if len(features) == 3 else None
    places = board is not None and bool((board.action_index >= 0).any())
    kind = config.policy
    if kind == "auto":
        kind = "planes" if places else "flat"
    head: nn.Module
    width = math.prod(features)
    if kind == "gaussian":
        values = game.action_values if isinstance(game, HasRealActions) else None
        if values is None:
            raise ConfigError(f"model.policy = 'gaussian' needs actions of real numbers, which {game.id} has not")
        head = GaussianMixtureHead(width, values, components=config.components)
    elif kind == "flat" or board is None or not places:
        if kind != "flat":
            raise ConfigError(f"model.policy = {kind!r} needs a board with actions on it, which {game.id} has not here")
        head = DensePolicyHead(width, game.num_actions)
    elif kind == "planes":
        head = BoardPolicyHead(features[0], board, policy_channels=config.policy_channels)
    elif kind == "from_to":
        head = FromToPolicyHead(features[0], _with_sources(board, game), width=config.policy_channels or features[0])
    else:
        head = FactoredPolicyHead(features[0], board, width=config.policy_channels or features[0])
    return LatentPolicyHead(head, features[0], modes=config.modes) if config.modes > 1 else head


def _with_sources(board: BoardLayout, game: Game) -> BoardLayout:
    if not ((board.action_cells >= 0).all(axis=1)).any():
        raise ConfigError(f"model.policy = 'from_to' needs actions that go from a cell to a cell; {game.id} has none")
    return board
