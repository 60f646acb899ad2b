"""Snapshots: the same outputs after a round trip, never changed by later training, and nothing strange let in."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gameil.checkpoints.snapshot import CARD, WEIGHTS, SnapshotCard, load_snapshot, read_card, save_snapshot
from gameil.errors import CheckpointError
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig, Policy
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

CONFIG = ModelConfig(channels=8, blocks=1, squeeze=4, policy_channels=8, value_channels=2, value_hidden=8)


def make(game_id: str = "tic_tac_toe", seed: int = 0) -> tuple[PolicyValueNet, SnapshotCard]:
    game, encoder = make_game(game_id), EncoderConfig(last_moves=1)
    model = build_model(CONFIG, game, ObservationEncoder(game, encoder).shape, seed=seed)
    card = SnapshotCard(
        game_id=game_id, model=CONFIG, encoder=encoder, learner_step=7, parent="old", metrics={"validation/top1": 0.5}
    )
    return model, card


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "best"
    save_snapshot(path, *make())
    return path


def change_card(path: Path, **changes: object) -> None:
    values = json.loads((path / CARD).read_text())
    for name, value in changes.items():
        table, _, key = name.rpartition("__")
        (values[table] if table else values)[key] = value
    (path / CARD).write_text(json.dumps(values))


def change_tensors(path: Path, **changes: torch.Tensor | None) -> None:
    tensors = load_file(path / WEIGHTS)
    for name, tensor in changes.items():
        if tensor is None:
            del tensors[name.replace("__", ".")]
        else:
            tensors[name.replace("__", ".")] = tensor
    save_file(tensors, path / WEIGHTS)


def test_round_trip(snapshot: Path) -> None:
    model, card = make()
    loaded = load_snapshot(snapshot, game="tic_tac_toe")
    assert loaded.card == card
    assert loaded.encoder.shape == (4, 3, 3)
    assert not loaded.model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name


def test_outputs_never_change_after_further_training(snapshot: Path) -> None:
    observations, legal = np.random.default_rng(0).random((3, 4, 3, 3), dtype=np.float32), [[0, 4], [8], [1, 2, 3]]
    loaded = load_snapshot(snapshot)
    evaluator = loaded.evaluator()
    before = evaluator.evaluate(observations, legal)
    optimizer = torch.optim.SGD(loaded.model.parameters(), lr=1.0)
    loaded.model.train()
    for _ in range(3):
        logits, values = loaded.model(torch.from_numpy(observations))[:2]
        optimizer.zero_grad()
        (logits.square().sum() + values.sum()).backward()
        optimizer.step()
    trained = loaded.evaluator().evaluate(observations, legal)
    assert not np.array_equal(trained.log_probs, before.log_probs)
    for again in (evaluator, load_snapshot(snapshot).evaluator()):
        after = again.evaluate(observations, legal)
        assert np.array_equal(after.log_probs, before.log_probs)
        assert np.array_equal(after.values, before.values)


def test_saving_again_replaces_and_leaves_nothing_else(snapshot: Path) -> None:
    model, card = make(seed=5)
    save_snapshot(snapshot, model, card)
    assert torch.equal(load_snapshot(snapshot).model.trunk.stem.conv.weight, model.trunk.stem.conv.weight)
    assert [path.name for path in snapshot.parent.iterdir()] == ["best"]


def test_killed_between_the_two_renames_the_old_version_is_read(snapshot: Path) -> None:
    snapshot.rename(snapshot.with_name("best.replaced"))
    assert load_snapshot(snapshot).card.learner_step == 7
    save_snapshot(snapshot, *make())
    assert [path.name for path in snapshot.parent.iterdir()] == ["best"]


def test_a_failed_save_leaves_the_old_version(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (snapshot / WEIGHTS).read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gameil.checkpoints.snapshot.write_json", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_snapshot(snapshot, *make(seed=5))
    assert (snapshot / WEIGHTS).read_bytes() == before
    assert [path.name for path in snapshot.parent.iterdir()] == ["best"]


def test_a_directory_that_is_no_snapshot_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="not a snapshot; it is left alone"):
        save_snapshot(tmp_path / "thesis", *make())
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_a_card_of_another_network_is_not_saved(tmp_path: Path) -> None:
    model, card = make()
    other = SnapshotCard(game_id="tic_tac_toe", model=ModelConfig(), encoder=card.encoder)
    with pytest.raises(CheckpointError, match="another network"):
        save_snapshot(tmp_path / "x", model, other)
    assert not (tmp_path / "x").exists()


def test_another_game_is_refused(snapshot: Path) -> None:
    with pytest.raises(CheckpointError, match="plays tic_tac_toe, not connect_four"):
        load_snapshot(snapshot, game="connect_four")


def test_parameters_that_change_no_shape_are_the_same_game(tmp_path: Path) -> None:
    game_id = make_game("go(board_size=9)").family
    save_snapshot(tmp_path / "go", *make(game_id))
    assert load_snapshot(tmp_path / "go", game="go(board_size=9,komi=0.5)").game.family == game_id
    with pytest.raises(CheckpointError, match="not go"):
        load_snapshot(tmp_path / "go", game="go(board_size=19)")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "snapshot format 2, this gameil reads 1"),
        ({"format_version": None}, "snapshot format None"),
        ({"surprise": 1}, "surprise: unknown key"),
        ({"model__surprise": 1}, "model.surprise: unknown key"),
        ({"model__kind": "perceptron"}, "model.kind"),
        ({"model__channels": 10**12}, "model.channels must be 1 to 2048"),
        ({"model__channels": 2048, "model__blocks": 128}, "more than the bound"),
        ({"model__channels": 16}, "has shape"),
        ({"model__blocks": 2}, "tensors are missing"),
        ({"model__blocks": 0}, "tensors are unknown"),
        ({"encoder__last_moves": 0}, "has shape"),
        ({"encoder__last_moves": 99}, "last_moves"),
        ({"game_id": "no_such_game"}, "no_such_game"),
        ({"game_id": "connect_four"}, "has shape"),
    ],
)
def test_tampered_cards_are_refused_in_one_line(snapshot: Path, changes: dict[str, object], message: str) -> None:
    change_card(snapshot, **changes)
    with pytest.raises(CheckpointError) as caught:
        load_snapshot(snapshot)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trunk__stem__conv__weight": torch.zeros(8, 4, 5, 5)}, r"has shape \[8, 4, 5, 5\], .* needs \[8, 4, 3, 3\]"),
        ({"trunk__stem__conv__weight": torch.zeros(8, 4, 3, 3).half()}, "has type F16, the network needs F32"),
        ({"trunk__stem__conv__weight": None}, "1 tensors are missing, first 'trunk.stem.conv.weight'"),
        ({"backdoor": torch.zeros(1)}, "1 tensors are unknown to the network, first 'backdoor'"),
    ],
)
def test_tampered_weights_are_refused(snapshot: Path, changes: dict[str, torch.Tensor | None], message: str) -> None:
    change_tensors(snapshot, **changes)
    with pytest.raises(CheckpointError, match=message):
        load_snapshot(snapshot)


@pytest.mark.parametrize("content", [b"", b"not tensors", b"\x80\x04\x95pickle", (2**60).to_bytes(8, "little")])
def test_damaged_weights_are_refused(snapshot: Path, content: bytes) -> None:
    (snapshot / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_snapshot(snapshot)


def test_cut_weights_are_refused(snapshot: Path) -> None:
    whole = (snapshot / WEIGHTS).read_bytes()
    (snapshot / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_snapshot(snapshot)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": 1}', "\udcff", "[" * 100_000])
def test_damaged_cards_are_refused(snapshot: Path, text: str) -> None:
    (snapshot / CARD).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError) as caught:
        load_snapshot(snapshot)
    assert "\n" not in str(caught.value)


def test_a_huge_card_is_not_read(snapshot: Path) -> None:
    (snapshot / CARD).write_text(" " * 2_000_000)
    with pytest.raises(CheckpointError, match="2,000,000 bytes"):
        read_card(snapshot)


def test_missing_things_are_named(tmp_path: Path, snapshot: Path) -> None:
    with pytest.raises(CheckpointError, match="no snapshot directory"):
        load_snapshot(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no snapshot\.json"):
        load_snapshot(tmp_path / "empty")
    (snapshot / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_snapshot(snapshot)


def go_snapshot(path: Path, *, value_pool: bool, policy: Policy = "auto") -> PolicyValueNet:
    config = ModelConfig(channels=8, blocks=2, global_pooling=1, value_pool=value_pool, policy=policy)
    game = make_game("go(board_size=5)")
    model = build_model(config, game, ObservationEncoder(game, EncoderConfig()).shape)
    save_snapshot(path, model, SnapshotCard(game_id=game.id, model=config, encoder=EncoderConfig()))
    return model


def test_a_network_that_pools_plays_boards_of_other_sizes(tmp_path: Path) -> None:
    learned = go_snapshot(tmp_path / "go", value_pool=True)
    loaded = load_snapshot(tmp_path / "go", game="go(board_size=9,komi=6.5)")
    assert (loaded.game.id, loaded.card.game_id) == ("go(board_size=9,komi=6.5)", "go(board_size=9)")
    assert loaded.encoder.shape == (7, 9, 9)
    for name, tensor in learned.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name
    save_snapshot(tmp_path / "child", loaded.model, loaded.card)
    assert load_snapshot(tmp_path / "child").encoder.shape == (7, 9, 9), "what goes on learning there is of that size"
    state = loaded.game.initial_state()
    state.apply(40)
    evaluation = loaded.evaluator().evaluate(loaded.encoder.encode([state]), [state.legal_actions()])
    assert np.exp(evaluation.log_probs[0, state.legal_actions()]).sum() == pytest.approx(1.0, abs=1e-5)
    assert load_snapshot(tmp_path / "go", game="go(board_size=5,komi=0)").game.id == "go(board_size=5)"


def test_what_depends_on_the_size_of_the_board_is_named(tmp_path: Path) -> None:
    go_snapshot(tmp_path / "cells", value_pool=False)
    with pytest.raises(
        CheckpointError, match=r"plays go\(board_size=5\), not go: value.hidden.weight depends on the b"
    ):
        load_snapshot(tmp_path / "cells", game="go")
    go_snapshot(tmp_path / "flat", value_pool=True, policy="flat")
    with pytest.raises(CheckpointError, match=r"policy.*depends on the board's size"):
        load_snapshot(tmp_path / "flat", game="go(board_size=9)")
    with pytest.raises(CheckpointError, match=r"plays go\(board_size=5\), not othello$"):
        load_snapshot(tmp_path / "flat", game="othello")
