"""The forgetting meter's positions: people's moves that a policy had better still predict after learning from games."""

from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.schema import Split
from gameil.games.game import Game
from gameil.positions.encoder import EncoderConfig
from gameil.positions.position_batch import PositionBatch


def held_out_positions(
    dataset: Path | None, split: Split, game: Game, encoder: EncoderConfig, *, positions: int
) -> list[PositionBatch]:
    """About so many positions of a dataset's split, read once and kept; none without a dataset.

    Raises ``DatasetError`` where the dataset is missing or of another game.
    """
    if dataset is None or positions == 0:
        return []
    Dataset(dataset, family=game.family).close()
    loader = Loader(dataset, split, encoder, LoaderConfig(batch_size=256), augment=False)
    return list(loader.once(max_positions=positions))
