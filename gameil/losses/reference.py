"""Motion imitation on games: a reward for being where a reference game was at the same ply.

Letters: ``B`` decisions.
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError


def observation_distances(observations: Tensor, references: Tensor) -> Tensor:
    """Squared distance of observations, ``[B]``, within 0 and 1 where no entry is negative.

        d^2 = |o - r|^2 / (|o|^2 + |r|^2),    0 where both are 0

    Normalised, so that it means the same for a game of few planes and one of many. Shapes ``[B, ...]``, both alike.

    Raises:
        ShapeError: the two shapes differ.
    """
    if observations.shape != references.shape:
        raise ShapeError(f"observations {tuple(observations.shape)} and references {tuple(references.shape)} differ")
    own, other = observations.flatten(1).float(), references.flatten(1).float()
    scale = own.square().sum(1) + other.square().sum(1)
    return (own - other).square().sum(1) / scale.clamp(min=torch.finfo(scale.dtype).tiny)


def reference_rewards(
    distances: Tensor,
    known: Tensor,
    goal_rewards: Tensor,
    *,
    sharpness: float = 2.0,
    imitation_weight: float = 0.7,
    goal_weight: float = 0.3,
) -> Tensor:
    """Rewards for imitating a reference game and for the game's own goal, ``[B]``.

        r = w_I exp(-k d^2) + w_G r_G

    Peng et al., "DeepMimic" (2018), equation 4 with their 0.7 and 0.3; k is that of their pose reward.

    Args:
        distances: squared, of ``observation_distances``, ``[B]``.
        known: bool ``[B]``: whether the reference game has this ply; the imitation part is 0 where it has not.
        goal_rewards: the game's, ``[B]``.
        sharpness: k.
        imitation_weight: w_I.
        goal_weight: w_G.

    Raises:
        ShapeError: the shapes differ.
    """
    if not (distances.shape == known.shape == goal_rewards.shape):
        raise ShapeError(
            f"distances {tuple(distances.shape)}, known {tuple(known.shape)} and rewards {tuple(goal_rewards.shape)} "
            "differ in shape"
        )
    return imitation_weight * torch.exp(-sharpness * distances) * known + goal_weight * goal_rewards
