"""What learners from self-play read out of seat trajectories: time-major columns, legal actions, the teacher's view.

Letters: ``N`` decisions of a batch, ``n`` of the chosen trajectories, ``G`` chosen trajectories, ``T`` decisions of the
longest one, ``L`` legal actions of decisions in a row.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.losses.returns import lambda_returns
from gameil.models.inference import NetworkEvaluator
from gameil.rollout.trajectories import LEARNER, Trajectories


class TrajectoryColumns:
    """Some trajectories side by side, time first, each with one row more than decisions.

    In that row a trajectory that is over gets its bootstrap as a last reward, with discount 0 and the same value, so
    that all of them, short and long, terminated and cut, end in the same way, and nothing behind it matters.
    """

    def __init__(self, batch: Trajectories, trajectories: NDArray[np.int64]) -> None:
        lengths = batch.lengths()[trajectories]
        self._columns = np.repeat(np.arange(len(lengths)), lengths)
        firsts = np.cumsum(lengths) - lengths
        self._times = np.arange(int(lengths.sum())) - firsts[self._columns]
        self.decisions: NDArray[np.int64] = batch.starts[trajectories][self._columns] + self._times
        """``[n]``: places in the batch, trajectory by trajectory."""
        self._ends = (torch.from_numpy(lengths), torch.arange(len(lengths)))
        self._rows = int(lengths.max(initial=0)) + 1
        self._bootstraps = torch.from_numpy(batch.bootstrap_values[trajectories])
        self.rewards = self.pad(torch.from_numpy(batch.rewards[self.decisions]))
        """``[T + 1, G]``."""
        self.rewards[self._ends] = self._bootstraps
        self.discounts = self.pad(torch.from_numpy(batch.discounts[self.decisions]))
        """``[T + 1, G]``."""

    def pad(self, flat: Tensor) -> Tensor:
        """Numbers of the decisions ``[n]`` as ``[T + 1, G]`` on the CPU, 0 behind the end of each trajectory."""
        padded = torch.zeros(self._rows, len(self._bootstraps))
        padded[self._times, self._columns] = flat.detach().cpu().float()
        return padded

    def values(self, flat: Tensor) -> Tensor:
        """Values of the decisions ``[n]`` as ``[T + 2, G]``, each trajectory's bootstrap behind its last one."""
        padded = torch.cat([self.pad(flat), torch.zeros(1, len(self._bootstraps))])
        padded[self._ends] = self._bootstraps
        return padded

    def flatten(self, padded: Tensor) -> Tensor:
        """The inverse of ``pad``: ``[T + 1, G]`` to ``[n]``."""
        return padded[self._times, self._columns]


def lambda_targets(batch: Trajectories, lambda_: float) -> NDArray[np.float32]:
    """Lambda-returns of every decision, ``[N]``, from the values at acting time."""
    columns = TrajectoryColumns(batch, np.arange(len(batch.starts) - 1))
    values = columns.values(torch.from_numpy(batch.values))
    targets: NDArray[np.float32] = columns.flatten(
        lambda_returns(columns.rewards, columns.discounts, values, lambda_)
    ).numpy()
    return targets


def legal_places(
    batch: Trajectories, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the decisions ``chosen`` ``[B]`` have their legal actions.

    Returns:
        Places in ``batch.legal`` ``[L]``, the row 0 .. B-1 of each ``[L]``, and where among these each decision's own
        action stands ``[B]``.
    """
    counts = np.diff(batch.offsets)[chosen]
    starts = np.cumsum(counts) - counts
    rows = np.repeat(np.arange(len(chosen)), counts)
    places = np.arange(int(counts.sum())) - starts[rows] + batch.offsets[chosen][rows]
    return places, rows, batch.action_places[chosen] - batch.offsets[chosen] + starts


def teacher_log_probs(teacher: NetworkEvaluator, batch: Trajectories, *, at_once: int) -> NDArray[np.float32]:
    """The teacher's log-probabilities beside all legal actions, ``[L]``, ``at_once`` decisions a call."""
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(batch), at_once):
        chosen = np.arange(start, min(start + at_once, len(batch)))
        places, rows, _ = legal_places(batch, chosen)
        log_probs, _ = teacher.evaluate_legal(batch.observations[chosen], batch.legal[places], rows)
        parts.append(log_probs)
    return np.concatenate(parts)


def trajectory_metrics(batch: Trajectories, targets: NDArray[np.float32]) -> dict[str, float]:
    """How the games went, and how much of the targets ``[N]`` the baseline knew."""
    spread = float(targets.var())
    metrics = {
        "value/explained_variance": 1.0 - float((targets - batch.values).var()) / spread if spread > 1e-8 else 0.0,
        "self_play/decisions": float(len(batch)),
        "self_play/decisions_a_game": float(batch.lengths().mean()),
    }
    against_pool = batch.opponents != LEARNER
    if against_pool.any():
        metrics["self_play/score_against_pool"] = float((batch.outcomes[against_pool].mean() + 1.0) / 2.0)
    return metrics
