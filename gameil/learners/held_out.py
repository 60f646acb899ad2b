"""How well a policy predicts moves it has not learned from: the measure of imitation, and of forgetting.

Letters: ``B`` positions, ``L`` all their legal actions in a row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.models.inference import NetworkEvaluator
from gameil.models.memory_inference import MemoryEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision
from gameil.positions.position_batch import PositionBatch


@dataclass(frozen=True, slots=True, eq=False)
class MoveScores:
    """How a policy ranked the moves that were played."""

    better: NDArray[np.int64]
    """``[B]``: legal actions that it found likelier than the one played."""
    tied: NDArray[np.int64]
    """``[B]``: legal actions exactly as likely as the one played, that one included."""
    log_probs: NDArray[np.float32]
    """``[B]``: log-probability of the move played."""

    def top(self, k: int) -> NDArray[np.float64]:
        """``[B]``: chance that the move played is among the ``k`` likeliest, ties being broken at random.

        Without the chance, a policy that finds all moves equally likely would be right always, or by the order of ids.
        """
        chance: NDArray[np.float64] = np.clip((k - self.better) / self.tied, 0.0, 1.0)
        return chance


def score_moves(
    log_probs: NDArray[np.float32], legal: NDArray[np.int32], offsets: NDArray[np.int64], actions: NDArray[np.int64]
) -> MoveScores:
    """Ranks the moves played, from log-probabilities beside the legal actions.

    Args:
        log_probs: ``[L]``.
        legal: ``[L]``.
        offsets: ``[B + 1]``; every position has at least one legal action.
        actions: ``[B]``, each among the legal ones of its position.
    """
    rows = np.repeat(np.arange(len(actions)), np.diff(offsets))
    played = log_probs[legal == actions[rows]]
    starts = offsets[:-1]
    return MoveScores(
        better=np.add.reduceat((log_probs > played[rows]).astype(np.int64), starts),
        tied=np.add.reduceat((log_probs == played[rows]).astype(np.int64), starts),
        log_probs=played,
    )


class BatchEvaluator(Protocol):
    """A network that says what it thinks of batches: ``NetworkEvaluator``, or ``MemoryEvaluator`` of whole games."""

    @property
    def whole_games(self) -> bool:
        """Whether batches must hold whole games, in order."""

    def evaluate_batch(self, batch: PositionBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities beside ``batch.legal [L]`` and values ``[B]``."""


def batch_evaluator(
    model: PolicyValueNet,
    *,
    device: str = "cpu",
    precision: Precision = "auto",
) -> BatchEvaluator:
    """The evaluator that a network wants: with a memory that of whole games."""
    if model.memory is not None:
        return MemoryEvaluator(model, device=device, precision=precision)
    return NetworkEvaluator(model, device=device, precision=precision)


def whole_games(batches: Iterable[PositionBatch]) -> Iterator[PositionBatch]:
    """The same positions, cut where a game ends: what comes in must be game after game."""
    rest: PositionBatch | None = None
    for batch in batches:
        joined = batch if rest is None else PositionBatch.concatenate([rest, batch])
        last = int(np.flatnonzero(joined.game_ids == joined.game_ids[-1])[0])
        rest = joined.take(np.arange(last, len(joined)))
        if last:
            yield joined.take(np.arange(last))
    if rest is not None:
        yield rest


def measure_held_out(
    evaluator: BatchEvaluator, batches: Iterable[PositionBatch], *, max_positions: int | None = None
) -> dict[str, float]:
    """Accuracy of a network on positions it has not learned from.

    Positions with a single legal action count for the value only: there is nothing to predict. Those of weight 0 (of
    others than the players asked for) do not count.

    Args:
        evaluator: the network.
        batches: held-out positions (``Loader.once``), forced moves included where the network has a memory.
        max_positions: stop after so many positions.

    Returns:
        ``top1``, ``top5``, ``nll`` (nats a move), ``value_mse`` (of known outcomes; absent where none is known) and
        ``positions`` (with a choice). Only ``positions`` when there are none.
    """
    sums = {"top1": 0.0, "top5": 0.0, "nll": 0.0}
    value_error = known = 0.0
    positions = seen = 0
    for batch in whole_games(batches) if evaluator.whole_games else batches:
        if max_positions is not None and seen >= max_positions:
            break
        if len(batch) == 0:
            continue
        seen += len(batch)
        counts = batch.num_legal()
        log_probs, values = evaluator.evaluate_batch(batch)
        scores = score_moves(log_probs, batch.legal, batch.offsets, batch.actions)
        choice = (counts > 1) & (batch.weights > 0)
        positions += int(choice.sum())
        sums["top1"] += float(scores.top(1)[choice].sum())
        sums["top5"] += float(scores.top(5)[choice].sum())
        sums["nll"] -= float(scores.log_probs[choice].sum(dtype=np.float64))
        value_error += float((np.square(values - batch.returns) * batch.return_weights).sum(dtype=np.float64))
        known += float(batch.return_weights.sum(dtype=np.float64))
    result = {"positions": float(positions)}
    if positions:
        result |= {name: value / positions for name, value in sums.items()}
    if known:
        result["value_mse"] = value_error / known
    return result
