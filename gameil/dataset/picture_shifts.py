"""Pictures moved by a few pixels at random: augmentation for games that are seen as pictures.

Yarats et al., "Image augmentation is all you need" (2020), section 3.1: the picture is padded by its own edge and
cut out at a random place.
"""

from dataclasses import replace

import numpy as np

from gameil.positions.position_batch import PositionBatch


def shifted(batch: PositionBatch, most: int, rng: np.random.Generator) -> PositionBatch:
    """Each observation ``[C, H, W]`` moved by up to ``most`` pixels along both sides, its edges repeated."""
    size, _, height, width = batch.observations.shape
    moves = rng.integers(-most, most + 1, (size, 2))
    rows = np.clip(np.arange(height) + moves[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width) + moves[:, 1:], 0, width - 1)
    places = np.arange(size)[:, None, None, None], np.arange(batch.observations.shape[1])[None, :, None, None]
    moved = batch.observations[places[0], places[1], rows[:, None, :, None], columns[:, None, None, :]]
    return replace(batch, observations=moved)
