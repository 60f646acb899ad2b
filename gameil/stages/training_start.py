"""What training starts from: weights and batches."""

from pathlib import Path

from gameil.checkpoints.snapshot import load_snapshot
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.dataset.sequences import SequenceBatch, SequenceConfig, SequenceLoader
from gameil.dataset.training_source import TrainingSource, training_source
from gameil.errors import ConfigError
from gameil.models.config import ModelConfig
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import ObservationEncoder

Batches = TrainingSource | PrefetchedLoader[SequenceBatch]
"""Endless batches of positions, or of windows of games."""


def initial_model(config: ModelConfig, encoder: ObservationEncoder, *, init: Path | None, seed: int) -> PolicyValueNet:
    """Fresh weights, or those of the snapshot ``init``. Raises ``ConfigError`` where it is of another shape."""
    if init is None:
        return build_model(config, encoder.game, encoder.shape, seed=seed)
    snapshot = load_snapshot(init, game=encoder.game.id)
    if snapshot.card.model.resolved() != config.resolved():
        raise ConfigError(f"init: {init} has {snapshot.card.model}, the configuration says {config.resolved()}")
    if snapshot.card.encoder != encoder.config:
        raise ConfigError(f"init: {init} has {snapshot.card.encoder}, the configuration says {encoder.config}")
    return snapshot.model


def training_batches(
    dataset: Path,
    encoder: ObservationEncoder,
    loader: LoaderConfig,
    sequences: SequenceConfig | None,
    *,
    augment: bool,
) -> Batches:
    """Batches of the train split, made in processes of their own; with ``sequences`` windows of games."""
    if sequences is None:
        return training_source(dataset, encoder.game.family, encoder.config, loader, augment=augment)
    if loader.also:
        raise ConfigError("loader.also: a network with a memory learns from windows of one dataset")
    windows = SequenceLoader(dataset, "train", encoder.config, loader, sequences, augment=augment)
    return PrefetchedLoader(windows, workers=loader.workers)
