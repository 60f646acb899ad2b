"""Looks for a learning rate for a pretraining configuration, in a hundred updates."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from gameil.dataset.dataset import Dataset
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.learning_rate_range import search_learning_rate
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import PositionBatch
from gameil.seeding import stream_seed
from gameil.stages.pretrain import PretrainConfig
from gameil.stages.training_start import initial_model, training_batches

STEPS = 100
"""Updates of the search."""


def learning_rate(config: PretrainConfig) -> dict[str, Any]:
    """Searches with fresh weights on the first batches of the run.

    Returns:
        ``suggestion``, ``configured`` (``learner.learning_rate``), ``rates`` and ``losses`` (running policy loss).

    Raises:
        ConfigError: the network has a memory, or the configuration is bad.
    """
    if config.model.memory != "none":
        raise ConfigError("the search for a learning rate takes networks without a memory")
    dataset = Dataset(config.dataset)
    with closing(dataset):
        game = make_game(dataset.meta.family)
    encoder = ObservationEncoder(game, config.encoder)
    model = initial_model(config.model, encoder, init=config.init, seed=stream_seed(config.seed, "weights"))
    learner = BehaviouralCloning(
        model, replace(config.learner, warmup_steps=0, ema_decay=0.0), total_steps=STEPS, device=config.device
    )
    with training_batches(config.dataset, encoder, config.loader, None, augment=config.augment) as batches:
        found = search_learning_rate(learner, _positions(batches), steps=STEPS)
    return {
        "suggestion": found.suggestion,
        "configured": config.learner.learning_rate,
        "rates": found.rates,
        "losses": found.losses,
    }


def _positions(batches: Any) -> Iterator[PositionBatch]:
    while True:
        yield next(batches)
