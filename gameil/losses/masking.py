"""Policies over legal actions only: illegal logits get ``finfo.min``, never ``-inf``, and no gradient.

Letters: ``B`` positions, ``A`` actions, ``L`` all legal actions of a batch in one row.

Two routes to the same numbers: *dense*, with a bool mask ``[B, A]`` (True = legal), and *flat*, with the legal
actions of all positions behind each other (``legal [L]``, ``offsets [B + 1]``; position ``b`` has
``legal[offsets[b]:offsets[b + 1]]``). The flat one touches ``L`` numbers instead of ``B * A``: for chess 150 times
fewer.
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError


def mask_logits(logits: Tensor, legal_action_mask: Tensor) -> Tensor:
    """Logits with ``finfo.min`` where an action is illegal, ``[..., A]``; no gradient flows to those.

    ``-inf`` would turn into NaN as soon as it meets a zero (``0 * -inf`` in an entropy); ``finfo.min`` does not.
    """
    if logits.shape != legal_action_mask.shape:
        raise ShapeError(f"logits {tuple(logits.shape)} and mask {tuple(legal_action_mask.shape)} differ in shape")
    return torch.where(legal_action_mask, logits, torch.finfo(logits.dtype).min)


def masked_log_softmax(logits: Tensor, legal_action_mask: Tensor) -> Tensor:
    """Log-probabilities over the legal actions, ``[..., A]`` float32; ``finfo.min`` where illegal.

        log p(a) = z_a - log sum_{b legal} exp z_b

    Args:
        logits: unnormalised, ``[..., A]``; half precision is widened to float32 first.
        legal_action_mask: bool ``[..., A]``, True = legal; a row without any True gives ``finfo.min`` throughout.
    """
    logits = logits.float()
    log_probs = torch.log_softmax(mask_logits(logits, legal_action_mask), dim=-1)
    return torch.where(legal_action_mask, log_probs, torch.finfo(log_probs.dtype).min)


def legal_rows(offsets: Tensor) -> Tensor:
    """Which position each flat legal action belongs to: int64 ``[L]``, from ``offsets [B + 1]``."""
    counts = offsets[1:] - offsets[:-1]
    return torch.repeat_interleave(torch.arange(len(counts), device=offsets.device), counts)


def legal_mask(legal: Tensor, offsets: Tensor, num_actions: int) -> Tensor:
    """The dense mask of flat legal actions: bool ``[B, num_actions]``, True = legal."""
    batch = len(offsets) - 1
    mask = torch.zeros(batch * num_actions, dtype=torch.bool, device=legal.device)
    mask[legal_rows(offsets) * num_actions + legal] = True
    return mask.view(batch, num_actions)


def legal_logits(logits: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
    """The logits of the legal actions, float32 ``[L]``, out of ``[B, A]``. ``rows`` as of ``legal_rows``."""
    if legal.shape != rows.shape:
        raise ShapeError(f"{len(legal)} legal actions but offsets that end at {len(rows)}")
    return logits.flatten().index_select(0, rows * logits.shape[1] + legal).float()


def legal_log_softmax(logits: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Log-probabilities within each position, ``[L]`` from ``legal_logits [L]``.

        log p_i = z_i - m_b - log sum_{j in b} exp(z_j - m_b),    m_b = max_{j in b} z_j

    Equal to ``masked_log_softmax`` at the legal actions (a test holds it).

    Args:
        logits: of legal actions only, float32 ``[L]``.
        rows: position of each, int64 ``[L]``.
        batch: number of positions ``B``.
    """
    highest = torch.full((batch,), torch.finfo(logits.dtype).min, dtype=logits.dtype, device=logits.device)
    highest = highest.scatter_reduce(0, rows, logits.detach(), "amax")
    shifted = logits - highest.index_select(0, rows)
    return shifted - segment_sum(shifted.exp(), rows, batch).log().index_select(0, rows)


def flat_log_probs(logits: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
    """Log-probabilities of the legal actions ``[L]`` out of one logit an action, ``[B, A]``."""
    return legal_log_softmax(legal_logits(logits, legal, rows), rows, len(logits))


def segment_sum(values: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Sums the flat ``values [L]`` of each position: ``[B]``."""
    return values.new_zeros(batch).index_add(0, rows, values)
