"""Chooses positions of a dataset for people to label, and queues them for the site that they label on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gameil.checkpoints.snapshot import load_snapshot
from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QueuedPosition, write_queue
from gameil.errors import ConfigError, DatasetError
from gameil.experts.people import people_labels
from gameil.models.inference import NetworkEvaluator
from gameil.seeding import generator
from gameil.stages.label_choice import Choice, Place, candidates, choose, lost_by_the_mover


@dataclass(frozen=True)
class LabelConfig:
    """What people are asked."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: Path
    """Dataset whose positions are labelled; the labels land in it."""
    positions: int = 100
    """Positions to queue."""
    choice: Choice = "all"
    """``all``: at random; ``uncertain``: where the entropy of ``policy`` is greatest; ``disagreeing``: where its policy
    and its value are most at odds; ``losing``: of the side that lost."""
    policy: Path | None = None
    """Snapshot whose uncertainty chooses."""
    games: int = 500
    """Games looked at, drawn at random: the positions are chosen among theirs."""
    round: int | None = None
    """Round that the labels belong to; None: the one after the last that people labelled."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    seed: int = 0
    """Seed of the games and positions drawn."""

    def __post_init__(self) -> None:
        for name in ("positions", "games"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.round is not None and self.round < 0:
            raise ConfigError(f"round must be at least 0, got {self.round}")
        if self.choice in ("uncertain", "disagreeing") and self.policy is None:
            raise ConfigError(f'choice "{self.choice}" needs policy: the snapshot that is {self.choice}')


def label(config: LabelConfig) -> dict[str, Any]:
    """Queues positions of the dataset's training games that nobody has labelled, in place of an older queue.

    Returns ``dataset``, ``positions`` (queued), ``games`` (they are from) and ``round``, as plain JSON values.

    Raises:
        ConfigError, DatasetError, CheckpointError: one line each; there is nothing to label.
    """
    dataset = Dataset(config.dataset)
    try:
        ids = dataset.game_ids("train")  # labels of other games would never be learned
        rng = generator(config.seed, "label", "games")
        if len(ids) > config.games:
            ids = np.sort(rng.choice(ids, config.games, replace=False))
        number = _next_round(dataset) if config.round is None else config.round
        found = candidates(dataset, ids.tolist(), round=number)
        if not found:
            raise DatasetError(f"{config.dataset}: no position with a choice of moves is without a label")
        places = _choose(config, dataset, found)
    finally:
        dataset.close()
    queue = [QueuedPosition(place.game_id, place.ply, number) for place in places]
    write_queue(config.dataset, queue)
    return {
        "dataset": str(config.dataset),
        "positions": len(queue),
        "games": len({position.game_id for position in queue}),
        "round": number,
    }


def _choose(config: LabelConfig, dataset: Dataset, found: list[Place]) -> list[Place]:
    rng = generator(config.seed, "label", "positions")
    if config.choice == "losing":
        found = lost_by_the_mover(dataset, found)
    if config.policy is None:
        chosen = rng.permutation(len(found))[: config.positions]
        return [found[index] for index in np.sort(chosen)]
    snapshot = load_snapshot(config.policy)
    if snapshot.game.family != dataset.meta.family:
        raise ConfigError(f"policy {config.policy} plays {snapshot.game.family}, not {dataset.meta.family}")
    evaluator = NetworkEvaluator(snapshot.model, device=config.device)
    return choose(
        dataset, found, config.positions, choice=config.choice, evaluator=evaluator, encoder=snapshot.encoder, rng=rng
    )


def _next_round(dataset: Dataset) -> int:
    return max((place.round + 1 for place in people_labels(dataset, dataset.label_counts())), default=0)
