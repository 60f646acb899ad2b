"""A network that says what a decision is worth, learned from demonstrations: the reward of GAIL, AIRL and guided cost
learning, for any game that has a policy-value network.

    g(s, a) = log p(a | s) + log |A(s)| + x(s),    h(s) = y(s)

p is the policy head's distribution over the legal actions A(s), x and y are two of the three outcome logits of the
value head: any function of state and action can be written so, whatever the heads are made of.

Letters: ``B`` decisions, ``L`` their legal actions in a row.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.games.game import Game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.models.precision import host_tensor, observation_tensor, select_device


class RewardNetwork(nn.Module):
    """Rewards of state and action, potentials of states, and one number for the state that follows a game's end."""

    def __init__(self, network: PolicyValueNet, device: torch.device) -> None:
        super().__init__()
        self.network = network.to(device).eval()
        self.absorbing = nn.Parameter(torch.zeros((), device=device))
        """Logit of D in the absorbing state."""
        self.device = device

    def forward(
        self,
        observations: NDArray[np.float16] | Tensor,
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
        action_places: NDArray[np.int64],
    ) -> tuple[Tensor, Tensor]:
        """Rewards g of the actions taken and potentials h of the states, ``[B]`` each.

        Args:
            observations: ``[B, *shape]``; a tensor where gradients by it are wanted.
            legal: ``[L]``.
            rows: decision of each, ``[L]``.
            action_places: where each decision's action stands in ``legal``, ``[B]``.
        """
        if not isinstance(observations, Tensor):
            observations = observation_tensor(observations, self.device, torch.float32)
        scores, _, state, *_ = self.network(observations)
        assert state is not None
        log_probs = self.network.log_probs(scores, self._there(legal), self._there(rows))
        counts = self._there(np.bincount(rows, minlength=len(action_places)).astype(np.float32))
        rewards = log_probs.index_select(0, self._there(action_places)) + counts.log() + state[:, 0]
        return rewards, state[:, 1]

    def _there(self, array: NDArray[np.int64] | NDArray[np.float32]) -> Tensor:
        return host_tensor(array).to(self.device)


def build_reward_network(
    config: ModelConfig, game: Game, observation_shape: tuple[int, ...], *, seed: int, device: str
) -> RewardNetwork:
    """A reward network with fresh weights of the shape ``config``."""
    config = replace(config, value="outcome", conditions=(), memory="none", moves_left=False, ownership=False, modes=1)
    return RewardNetwork(build_model(config, game, observation_shape, seed=seed), select_device(device))
