"""Networks: every kind on every layout of game, the heads' places, folding, size, refusals."""

import copy

import numpy as np
import pytest
import torch

from gameil.errors import ConfigError, ShapeError
from gameil.games.game import BoardLayout
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.heads.board import BoardPolicyHead, score_places
from gameil.models.heads.dense import DensePolicyHead
from gameil.models.layers import BoardPool, ConvNorm, SqueezeExcitation
from gameil.models.policy_value import build_model, model_shapes
from gameil.models.precision import compute_dtype, select_device, use_channels_last
from gameil.models.size import measure_size
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

SMALL = {"channels": 8, "blocks": 1, "squeeze": 4, "policy_channels": 8, "hidden": 16, "value_hidden": 8}
BOARD_GAMES = [
    "tic_tac_toe",
    "connect_four",
    "othello",
    "hex(board_size=5)",
    "go(board_size=9)",
    "chess",
    "breakthrough",
]
VECTOR_GAMES = ["kuhn_poker", "leduc_poker", "backgammon"]


def observation_shape(game_id: str) -> tuple[int, ...]:
    return ObservationEncoder(make_game(game_id), EncoderConfig()).shape


@pytest.mark.parametrize(
    ("kind", "game_id"),
    [("residual", game_id) for game_id in BOARD_GAMES] + [("mlp", game_id) for game_id in BOARD_GAMES + VECTOR_GAMES],
)
def test_every_kind_fits_every_layout(kind: str, game_id: str) -> None:
    game, shape = make_game(game_id), observation_shape(game_id)
    model = build_model(ModelConfig(kind=kind, **SMALL), game, shape).train()  # type: ignore[arg-type]
    observations = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    logits, values = model(observations)[:2]
    assert logits.shape == (4, model.policy.num_scores)
    assert values.shape == (4,)
    assert (values.abs() <= 1).all()
    assert logits.dtype == values.dtype == torch.float32
    (logits.sum() + values.sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_residual_network_needs_a_board() -> None:
    with pytest.raises(ConfigError, match="use 'mlp'"):
        build_model(ModelConfig(kind="residual"), make_game("kuhn_poker"), (11,))


def test_wrong_observations_are_refused_with_both_shapes() -> None:
    model = build_model(ModelConfig(**SMALL), make_game("tic_tac_toe"), (3, 3, 3))
    with pytest.raises(ShapeError, match=r"\(4, 3, 3\), the network takes \(3, 3, 3\)"):
        model(torch.zeros(1, 4, 3, 3))


@pytest.mark.parametrize("field", ["channels", "hidden", "blocks", "layers", "squeeze"])
def test_absurd_sizes_are_refused(field: str) -> None:
    with pytest.raises(ConfigError, match=rf"model\.{field} must be"):
        ModelConfig(**{field: 10**9})
    with pytest.raises(ConfigError, match=rf"model\.{field} must be"):
        ModelConfig(**{field: -1})


def test_an_absurd_product_of_allowed_sizes_is_refused_without_allocating() -> None:
    config = ModelConfig(channels=2048, blocks=128)  # about 10 GB of weights
    with pytest.raises(ConfigError, match="parameters, more than the bound"):
        build_model(config, make_game("tic_tac_toe"), (3, 3, 3))


def test_weights_come_from_the_seed_and_leave_the_global_generator_alone() -> None:
    game, config = make_game("tic_tac_toe"), ModelConfig(**SMALL)
    before = torch.random.get_rng_state()
    first, second = build_model(config, game, (3, 3, 3), seed=1), build_model(config, game, (3, 3, 3), seed=1)
    other = build_model(config, game, (3, 3, 3), seed=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.trunk.stem.conv.weight, other.trunk.stem.conv.weight)


def test_model_shapes_are_those_of_the_model() -> None:
    game, config = make_game("go(board_size=9)"), ModelConfig(**SMALL)
    shapes = model_shapes(config, game, (7, 9, 9))
    state = build_model(config, game, (7, 9, 9)).state_dict()
    assert shapes == {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}


def layout(action_index: list[int], planes: int) -> BoardLayout:
    size = len(action_index)
    cells = np.full((size, 2), -1, dtype=np.int64)
    return BoardLayout(2, 2, planes, np.asarray(action_index), cells, np.arange(4), 0)


def test_planes_reach_the_actions_they_are_indexed_for() -> None:
    # Two planes on 2x2 cells: action 0 is plane 1 cell 2 (index 6), action 1 has no cell, action 2 is plane 0 cell 3.
    # Scores are cell by cell, both planes of each, then the action without a cell.
    head = BoardPolicyHead(1, layout([6, -1, 3], 2), policy_channels=0)
    with torch.no_grad():
        head.planes.weight[:] = torch.tensor([1.0, 10.0]).view(2, 1, 1, 1)
        head.planes.bias.zero_()
        assert head.loose is not None
        head.loose.weight.fill_(100.0)
        head.loose.bias.zero_()
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2)
    # 10 * cell 2 (value 3), 100 * mean 2.5, 1 * cell 3 (value 4)
    scores = head(features)
    assert scores.tolist() == [[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 250.0]]
    assert head.places.tolist() == [5, 8, 6]


def test_bad_layouts_are_refused() -> None:
    with pytest.raises(ShapeError, match="share one place"):
        score_places(layout([0, 0], 1))
    with pytest.raises(ShapeError, match="outside"):
        score_places(layout([0, 4], 1))


@pytest.mark.parametrize("game_id", BOARD_GAMES)
def test_every_action_has_a_place_of_its_own(game_id: str) -> None:
    board = make_game(game_id).board
    assert board is not None
    places = score_places(board)
    assert len(np.unique(places)) == len(places)


def test_a_board_without_placed_actions_gets_a_dense_head() -> None:
    game = make_game("tic_tac_toe")

    class WithoutPlaces:
        id, num_actions, board = game.id, 9, None

    model = build_model(ModelConfig(**SMALL), WithoutPlaces(), (3, 3, 3))  # type: ignore[arg-type]
    assert isinstance(model.policy, DensePolicyHead)
    assert model(torch.zeros(2, 3, 3, 3)).scores.shape == (2, 9)


def test_folding_changes_no_output() -> None:
    block = ConvNorm(3, 5, 3)
    planes = torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    block(planes)  # moves the running statistics away from 0 and 1
    block.eval()
    folded = copy.deepcopy(block)
    folded.fold()
    torch.testing.assert_close(folded(planes), block(planes), atol=1e-5, rtol=1e-5)
    assert sum(1 for _ in folded.modules() if isinstance(_, torch.nn.BatchNorm2d)) == 0


def test_squeeze_excitation_by_hand() -> None:
    layer = SqueezeExcitation(1, 1)
    with torch.no_grad():
        layer.squeeze.weight.fill_(1.0)
        layer.squeeze.bias.zero_()
        layer.excite.weight[:] = torch.tensor([[0.0], [2.0]])
        layer.excite.bias.zero_()
    # mean 2, so scale sigmoid(0) = 1/2 and shift 2 * 2 = 4
    assert layer(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)).flatten().tolist() == [4.5, 5.5]


def test_pooling_the_board_by_hand() -> None:
    planes = torch.tensor([[[[1.0, 2.0], [3.0, -6.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    assert BoardPool()(planes).tolist() == [[0.0, 2.0, 3.0, 8.0]]
    assert BoardPool()(torch.cat([planes, planes], dim=2)).tolist() == [[0.0, 2.0, 3.0, 8.0]], "whatever the size"


def test_size_by_hand() -> None:
    # One plane in, one 3x3 convolution of 9 weights: 2 * 9 operations on each of 9 cells and so on down the network.
    config = ModelConfig(
        channels=1, blocks=0, squeeze=0, policy_channels=0, value_channels=1, value_hidden=1, stem_kernel=3
    )
    size = measure_size(build_model(config, make_game("tic_tac_toe"), (1, 3, 3)))
    # stem 9 + norm 2; planes 1 + 1; reduce 1 + norm 2; hidden 9 + 1; value 1 + 1
    assert size.parameters == 28
    # stem 162, planes 18, reduce 18, hidden 18, value 2
    assert size.mflops == pytest.approx(218 / 1e6)


def test_channels_last_changes_no_output() -> None:
    model = build_model(ModelConfig(**SMALL), make_game("othello"), (5, 8, 8)).eval()
    observations = torch.randn(3, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = model(observations)
    use_channels_last(model)
    assert model.trunk.stem.conv.weight.is_contiguous(memory_format=torch.channels_last)
    actual = model(observations.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(actual.scores, expected.scores, atol=1e-5, rtol=1e-5)


def test_devices_and_precisions() -> None:
    cpu = select_device("cpu")
    assert compute_dtype("float32", cpu, convolutional=True) == torch.float32
    assert compute_dtype("bfloat16", cpu, convolutional=False) == torch.bfloat16
    assert compute_dtype("auto", cpu, convolutional=False) == torch.float32
    for name in ("cuda:99", "tpu", "mps"):
        with pytest.raises(ConfigError, match=name):
            select_device(name)
