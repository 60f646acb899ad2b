"""The trunk for pictures: any size, features that see the whole picture, built and saved like the others."""

import numpy as np
import pytest
import torch

from gameil.dataset.picture_shifts import shifted
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.pixels import PixelTrunk
from gameil.models.policy_value import build_model
from gameil.positions.position_batch import PositionBatch


@pytest.mark.parametrize("size", [(4, 5), (28, 35), (46, 80), (83, 84)])
def test_any_size_goes_down_to_one_vector(size: tuple[int, int]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = PixelTrunk((3, *size), channels=16, hidden=8).eval()
    picture = torch.zeros(2, 3, *size)
    picture[1, :, -1, -1] = 50.0
    found = trunk(picture)
    assert found.shape == (2, 8)
    before = trunk.layers(picture)
    assert not torch.equal(before[0], before[1])  # the last pixel counts


def test_a_fresh_trunk_hands_on_what_differs() -> None:
    """Reinforcement learning from nothing leaves batch normalisation as it is, so the weights alone must keep the
    scale: with torch's own, features of random pictures differ a thousand times less than the pictures."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = PixelTrunk((3, 48, 48), channels=16, hidden=64).eval()
        pictures = torch.rand(32, 3, 48, 48)
    with torch.inference_mode():
        features = trunk(pictures)
    assert float(features.std(dim=0).mean()) > 0.3 * float(pictures.std(dim=0).mean())


def test_networks_of_pictures_are_built_and_refused() -> None:
    game = make_game("pettingzoo:overcooked(view=pixels)")
    config = ModelConfig(kind="pixels", size="tiny", value="scalar")
    model = build_model(config, game, game.observation_shape).eval()
    outputs = model(torch.zeros(3, *game.observation_shape))
    assert outputs.scores.shape == (3, 6)
    assert outputs.values.shape == (3,)
    leduc = make_game("kuhn_poker")
    with pytest.raises(ConfigError, match="needs board observations"):
        build_model(config, leduc, leduc.observation_shape)
    with pytest.raises(ConfigError, match="needs a trunk with a board"):
        ModelConfig(kind="pixels", ownership=True)


def test_shifted_pictures_keep_their_pixels() -> None:
    rng = np.random.default_rng(0)
    picture = rng.random((1, 2, 5, 6)).astype(np.float16)
    batch = PositionBatch(
        observations=np.repeat(picture, 200, axis=0),
        legal=np.zeros(200, np.int32),
        offsets=np.arange(201),
        actions=np.zeros(200, np.int64),
        target_probs=None,
        returns=np.zeros(200, np.float32),
        return_weights=np.ones(200, np.float32),
        weights=np.ones(200, np.float32),
        game_ids=np.zeros(200, np.uint64),
        plies=np.zeros(200, np.int32),
        ratings=np.zeros(200, np.int32),
    )
    moved = shifted(batch, 1, rng).observations
    padded = np.pad(picture[0], ((0, 0), (1, 1), (1, 1)), mode="edge")
    wanted = {padded[:, y : y + 5, x : x + 6].tobytes() for y in range(3) for x in range(3)}
    assert {one.tobytes() for one in moved} == wanted
