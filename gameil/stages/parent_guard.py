"""Finds out early that a learner has become weaker than what it started from, and puts it back.

A sequential probability ratio test (``ratings.sprt``) over paired games between the learner's averaged weights and its
parent, both by their likeliest moves: few games where the answer is plain. "I pretrained, then reinforcement learning
destroyed it" costs the iterations since the last test then, not the night.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.arena.series import SeriesResult
from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.learners.self_play_learner import SelfPlayLearner
from gameil.ratings.sprt import SprtConfig
from gameil.stages.self_play_config import GuardConfig

Series = Callable[[str, Agent, Agent, int, SprtConfig | None, int], SeriesResult]
"""Description, agent, opponent, games, sequential test, number in the random stream."""


class ParentGuard:
    """Tests the learner, remembers where it was last no weaker than its parent, counts how often it was put back."""

    def __init__(self, config: GuardConfig, directory: Path) -> None:
        self.config = config
        self.rollbacks = 0
        self.good: str | None = None
        """Snapshot of the last learner that was no weaker; None: the start."""
        self._directory = directory

    @property
    def gave_up(self) -> bool:
        """Training had better end."""
        return self.rollbacks >= self.config.rollbacks

    def due(self, iteration: int, learner: SelfPlayLearner) -> bool:
        """Whether it is time for a test."""
        return self.config.every > 0 and iteration % self.config.every == 0 and not learner.warming_up

    def test(
        self,
        iteration: int,
        learner: SelfPlayLearner,
        agent: Agent,
        parent: Agent,
        series: Series,
        card: SnapshotCard,
        start: Path,
    ) -> dict[str, float]:
        """Plays a test; puts the learner back where it was lost. Returns metrics.

        Args:
            iteration: number of the iteration, which names the snapshot.
            agent: the learner as it is measured.
            parent: the same of what it started from.
            series: plays.
            card: of a snapshot of the learner.
            start: snapshot that training started from.
        """
        config = self.config
        test = SprtConfig(elo0=config.elo0, elo1=config.elo1, alpha=config.error, beta=config.error)
        result = series("test against the parent", agent, parent, config.games, test, iteration)
        lost = result.sprt is not None and result.sprt.decision == "H0"
        if lost:
            self.rollbacks += 1
            back = start if self.good is None else self._directory / self.good
            learner.network.restart(load_snapshot(back).model, rate=0.5)
        else:
            before, self.good = self.good, f"good-{iteration:06d}"
            save_snapshot(self._directory / self.good, learner.evaluation_model(), card)
            self._forget(before)
        return {
            "guard/score": result.score,
            "guard/games": float(result.games),
            "guard/rollbacks": float(self.rollbacks),
        }

    def _forget(self, newest: str | None) -> None:
        """Removes snapshots older than the last but one, which the newest checkpoint may still name."""
        for path in sorted(self._directory.glob("good-*")):
            if newest is not None and path.name < newest:
                shutil.rmtree(path, ignore_errors=True)

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {"rollbacks": self.rollbacks, "good": self.good}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a ``state``."""
        self.rollbacks, self.good = int(state["rollbacks"]), state["good"]
