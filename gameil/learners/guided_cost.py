"""Guided cost learning's estimate of the partition function: segments of the newest policies and of people.

Finn, Levine and Abbeel, "Guided Cost Learning" (2016): sections 4.1 (the loss), 4.2 (the sampling distribution is the
policy that follows the cost) and 4.3 (all samples are weighed by the mixture of what generated them; demonstrations are
among them, with a density cloned from themselves). Segments of bounded length, since weights over whole games
degenerate; the number of segments that still count is logged.

Letters: ``T`` decisions of a segment, ``M`` segments that estimate Z, ``K`` densities.
"""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.reward_network import RewardNetwork
from gameil.learners.seat_trajectories import legal_places
from gameil.losses.adversarial import guided_cost_loss, mixture_log_densities
from gameil.losses.importance import effective_sample_size
from gameil.models.inference import NetworkEvaluator
from gameil.rollout.trajectories import Trajectories, take_trajectories


class GuidedCostConfig(Protocol):
    """What is needed of ``learners.adversarial.AdversarialConfig``."""

    @property
    def minibatch(self) -> int: ...

    @property
    def segment(self) -> int: ...

    @property
    def policies(self) -> int: ...


class GuidedCost:
    """The policies that sampled, with some trajectories of each."""

    def __init__(self, shown: Trajectories, density: NetworkEvaluator | None, config: GuidedCostConfig) -> None:
        if density is None:
            raise ConfigError("guided cost learning needs the density of people's play: init or density")
        self.config = config
        self._samples: list[tuple[NetworkEvaluator, Trajectories]] = [(density, shown)]
        """People first, then the newest policies."""

    def remember(self, policy: NetworkEvaluator, batch: Trajectories) -> None:
        """Another policy and what it played; the oldest beyond ``policies`` is forgotten."""
        few = take_trajectories(batch, np.arange(min(len(batch.starts) - 1, self.config.minibatch)))
        self._samples.append((policy, few))
        del self._samples[1 : len(self._samples) - self.config.policies]

    def loss(self, rewards: RewardNetwork, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """The loss on newly drawn segments, and how many of them still count."""
        number = max(2, self.config.minibatch // (self.config.segment * len(self._samples)))
        costs, densities = [], []
        for _, batch in self._samples:
            chosen, owners = draw_segments(batch, number, self.config.segment, rng)
            places, rows, action_places = legal_places(batch, chosen)
            arguments = (batch.observations[chosen], batch.legal[places], rows, action_places)
            each, _ = rewards(*arguments)
            there = torch.from_numpy(owners).to(each.device)
            costs.append(-each.new_zeros(number).index_add(0, there, each))
            densities.append(
                torch.stack([self._log_density(policy, arguments, owners, number) for policy, _ in self._samples])
            )
        shares = torch.full((len(self._samples),), 1.0 / len(self._samples))
        log_q = mixture_log_densities(torch.cat(densities, dim=1), shares).to(costs[0].device)
        sampled = torch.cat(costs)
        loss = guided_cost_loss(costs[0], sampled, log_q)
        return loss, {"guided_cost/effective": float(effective_sample_size(-sampled.detach() - log_q))}

    def _log_density(
        self,
        policy: NetworkEvaluator,
        arguments: tuple[NDArray[np.float16], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
        owners: NDArray[np.int64],
        number: int,
    ) -> Tensor:
        """log q_k of the segments ``[number]``: the sum over the seat's own actions."""
        observations, legal, rows, action_places = arguments
        log_probs, _ = policy.evaluate_legal(observations, legal, rows)
        return torch.from_numpy(np.bincount(owners, log_probs[action_places], minlength=number).astype(np.float32))


def draw_segments(
    batch: Trajectories, number: int, length: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Decisions of ``number`` segments of at most ``length`` in a row, and the segment 0 .. number - 1 of each.

    A segment begins at any decision, drawn uniformly, and ends with its trajectory.
    """
    first = rng.integers(len(batch), size=number)
    ends = batch.starts[1:][np.searchsorted(batch.starts, first, side="right") - 1]
    lengths = np.minimum(length, ends - first)
    owners = np.repeat(np.arange(number), lengths)
    offsets = np.cumsum(lengths) - lengths
    return first[owners] + np.arange(len(owners)) - offsets[owners], owners
