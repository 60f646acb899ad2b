"""Rewards learned from demonstrations: GAIL, AIRL and guided cost learning.

Letters: ``B`` decisions, ``N`` demonstrated trajectories, ``M`` sampled ones, ``K`` policies that sampled them.
``D(s, a)`` is the probability that a decision is demonstrated; ``logits`` are of D.
"""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from gameil.errors import ShapeError

RewardForm = Literal["positive", "negative", "difference"]


def discriminator_loss(demonstration_logits: Tensor, policy_logits: Tensor) -> Tensor:
    """Cross-entropy of telling demonstrations from the policy's own decisions, a scalar.

        L = -mean_demo log D - mean_policy log(1 - D)

    Ho and Ermon, "Generative Adversarial Imitation Learning" (2016), equation 17, with D for demonstrations (theirs is
    for the policy). ``demonstration_logits [B]``, ``policy_logits [B']``.
    """
    return functional.softplus(-demonstration_logits).mean() + functional.softplus(policy_logits).mean()


def adversarial_rewards(logits: Tensor, form: RewardForm) -> Tensor:
    """Rewards of the policy's decisions, ``[B]``, not differentiated.

        positive:    -log(1 - D)            at least 0: a longer game earns more, whatever is done in it
        negative:    log D                  at most 0: a shorter game loses less
        difference:  log D - log(1 - D)     of either sign; AIRL's

    Kostrikov et al., "Discriminator-Actor-Critic" (2019), section 4.1, on what the sign does to the length of episodes.
    """
    logits = logits.detach()
    if form == "positive":
        return functional.softplus(logits)
    if form == "negative":
        return -functional.softplus(-logits)
    return logits


def airl_logits(
    state_action_rewards: Tensor, potentials_tm1: Tensor, potentials_t: Tensor, discounts: Tensor, log_probs: Tensor
) -> Tensor:
    """Logits of AIRL's discriminator, ``[B]``, which are its rewards too.

        f = g(s, a) + d h(s') - h(s),    D = e^f / (e^f + pi(a | s)),    logit D = f - log pi(a | s)

    Fu, Luo and Levine, "Learning Robust Rewards with Adversarial Inverse Reinforcement Learning" (2018), equation 4.
    ``h`` of a terminal state is 0, since its discount is.

    Args:
        state_action_rewards: g, ``[B]``.
        potentials_tm1: h of the state before the action, ``[B]``.
        potentials_t: h of the seat's next state, ``[B]``; anything finite behind a terminal one.
        discounts: gamma times not-terminal, ``[B]``.
        log_probs: log pi(a | s) of the policy that learns, ``[B]``; not differentiated.

    Raises:
        ShapeError: the shapes differ.
    """
    shapes = {tuple(each.shape) for each in (state_action_rewards, potentials_tm1, potentials_t, discounts, log_probs)}
    if len(shapes) > 1:
        raise ShapeError(f"rewards, potentials, discounts and log-probabilities differ in shape: {sorted(shapes)}")
    return state_action_rewards + discounts * potentials_t - potentials_tm1 - log_probs.detach()


def guided_cost_loss(demonstration_costs: Tensor, sample_costs: Tensor, sample_log_densities: Tensor) -> Tensor:
    """Negative log-likelihood of demonstrations under ``p(tau) = e^{-c(tau)} / Z``, a scalar; Z by importance sampling.

        L = mean_demo c + log 1/M sum_samp e^{-c(tau)} / q(tau)

    Finn, Levine and Abbeel, "Guided Cost Learning" (2016), equation 2.

    Args:
        demonstration_costs: c of each, the sum over its decisions, ``[N]``.
        sample_costs: c of each trajectory that estimates Z, ``[M]``; the demonstrations should be among them.
        sample_log_densities: log q of the same, of ``mixture_log_densities``, ``[M]``; not differentiated.

    Raises:
        ShapeError: costs and densities of the samples differ in shape.
    """
    if sample_costs.shape != sample_log_densities.shape:
        raise ShapeError(f"costs {tuple(sample_costs.shape)} and densities {tuple(sample_log_densities.shape)} differ")
    log_partition = torch.logsumexp(-sample_costs - sample_log_densities.detach(), dim=0) - math.log(len(sample_costs))
    return demonstration_costs.mean() + log_partition


def mixture_log_densities(log_densities: Tensor, shares: Tensor) -> Tensor:
    """Log-density of trajectories under all the policies that sampled them together, ``[M]``.

        log q(tau) = log sum_k share_k q_k(tau)

    Finn et al. (2016), section 4.3: weighing by the mixture keeps weights finite where a trajectory's own policy would
    not. Densities are over the seat's own actions: what others and chance did is the same factor in all of them.

    Args:
        log_densities: log q_k of every trajectory under every policy, ``[K, M]``.
        shares: of the samples that each policy gave, summing to one, ``[K]``.

    Raises:
        ShapeError: there is not one share for each policy.
    """
    if log_densities.ndim != 2 or shares.shape != log_densities.shape[:1]:
        raise ShapeError(f"densities {tuple(log_densities.shape)} are not [K, M] for shares {tuple(shares.shape)}")
    return torch.logsumexp(log_densities + shares.log()[:, None], dim=0)


def interpolate(demonstrations: Tensor, samples: Tensor, uniforms: Tensor) -> Tensor:
    """Points between demonstrated and sampled inputs, where the gradient penalty is taken: ``[B, ...]``.

    Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), algorithm 1. ``uniforms [B]`` within 0 and 1.
    """
    if demonstrations.shape != samples.shape or uniforms.shape != demonstrations.shape[:1]:
        raise ShapeError(
            f"demonstrations {tuple(demonstrations.shape)}, samples {tuple(samples.shape)} and uniforms "
            f"{tuple(uniforms.shape)} do not fit"
        )
    share = uniforms.view(-1, *[1] * (samples.ndim - 1))
    return share * demonstrations.detach() + (1.0 - share) * samples.detach()


def gradient_penalty(logits: Tensor, inputs: Tensor, *, norm: float = 1.0) -> Tensor:
    """Keeps the discriminator smooth: ``mean_b (|d logit_b / d input_b| - norm)^2``, a scalar.

    Gulrajani et al. (2017), equation 3; in GAIL with weight 10 by Kostrikov et al. (2019).

    Args:
        logits: of each input by itself, ``[B]``.
        inputs: ``[B, ...]``, requiring gradients.
        norm: 1 as in the paper, or 0 (Mescheder et al. 2018).
    """
    (gradients,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    # The square root has no derivative at 0.
    norms = (gradients.flatten(1).square().sum(1) + 1e-12).sqrt()
    return (norms - norm).square().mean()
