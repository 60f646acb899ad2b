"""The past selves that a learner plays against, as frozen networks and as snapshots of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gameil.checkpoints.snapshot import Snapshot, SnapshotCard, load_snapshot, save_snapshot
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.trajectories import Trajectories
from gameil.stages.self_play_config import PoolConfig

START = "start"


class OpponentPool:
    """The start, and past selves that were good enough."""

    def __init__(
        self,
        config: PoolConfig,
        start: NetworkEvaluator,
        directory: Path,
        freeze: Callable[[PolicyValueNet], NetworkEvaluator],
        *,
        start_path: Path,
        partners: Sequence[Snapshot] = (),
    ) -> None:
        """With ``partners`` the pool is these, to the end."""
        self.config = config
        self.evaluators: dict[str, NetworkEvaluator] = {START: start}
        """By name, oldest first."""
        self._paths = {START: start_path}
        self._fixed = bool(partners)
        if partners:
            named = {f"partner-{number}": partner for number, partner in enumerate(partners)}
            self.evaluators = {name: freeze(partner.model) for name, partner in named.items()}
            self._paths = {name: partner.path for name, partner in named.items()}
        self._score = [0.0, 0.0]
        """Sum of the learner's scores since the last chance to join, and their number."""
        self._directory = directory
        self._freeze = freeze

    def __len__(self) -> int:
        return len(self.evaluators)

    def paths(self) -> dict[str, Path]:
        """Of the snapshots, by name."""
        return {name: self._paths.get(name, self._directory / name) for name in self.evaluators}

    def hear(self, batch: Trajectories) -> None:
        """Counts an iteration's results."""
        outcomes = batch.outcomes[batch.opponents >= 0]
        self._score[0] += float((outcomes + 1.0).sum() / 2.0)
        self._score[1] += len(outcomes)

    def update(self, iteration: int, model: PolicyValueNet, card: SnapshotCard) -> None:
        """Lets the learner in when it is time and it is good enough."""
        config = self.config
        if self._fixed or config.size == 1 or iteration % config.every:
            return
        scored, games = self._score
        self._score = [0.0, 0.0]
        if games and scored / games < config.min_score:
            return
        name = f"past-{iteration:06d}"
        save_snapshot(self._directory / name, model, card)
        self.evaluators[name] = self._freeze(model)
        if len(self.evaluators) > config.size:
            del self.evaluators[next(name for name in self.evaluators if name != START)]

    def state(self) -> dict[str, Any]:
        """Plain values; past selves are snapshots of their own, named in it."""
        return {"names": list(self.evaluators), "score": self._score}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a ``state``."""
        if self._fixed:
            return
        self.evaluators = {
            name: self.evaluators[START] if name == START else self._freeze(load_snapshot(self._directory / name).model)
            for name in state["names"]
        }
        self._score = [float(value) for value in state["score"]]
