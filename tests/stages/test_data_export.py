"""``gameil export`` through the command line: a checked file, and nothing where something is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.cli.main import main
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

onnxruntime = pytest.importorskip("onnxruntime")
CONFIG = ModelConfig(channels=8, blocks=1, squeeze=0, policy_channels=0, value_hidden=8, conditions=("rating",))


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    game, encoder = make_game("othello"), EncoderConfig()
    model = build_model(CONFIG, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "best", model, SnapshotCard(game_id="othello", model=CONFIG, encoder=encoder))
    return tmp_path / "best"


def test_another_program_reads_the_policy_from_the_file(
    snapshot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.onnx"
    assert main(["export", str(snapshot), "--out", str(out), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["difference"] < 1e-4
    assert results["bytes"] == out.stat().st_size
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["gameil.card"])["game_id"] == "othello"
    places = np.asarray(json.loads(metadata["gameil.places"]))
    assert places.shape == (65, 1)
    # As another program would: the legal actions' scores, and a softmax.
    loaded = load_snapshot(snapshot)
    state = loaded.game.initial_state()
    observations, legal = loaded.encoder.encode([state]), state.legal_actions()
    scores, values = session.run(None, {"observations": observations, "conditions": np.zeros((1, 1), np.float32)})
    probs = np.exp(scores[0, places[legal, 0]])
    evaluation = loaded.evaluator(precision="float32").evaluate(observations, [legal])
    np.testing.assert_allclose(probs / probs.sum(), np.exp(evaluation.log_probs[0, legal]), rtol=1e-4)
    np.testing.assert_allclose(values, evaluation.values, atol=1e-5)


def test_refusals(snapshot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(snapshot), "--out", str(tmp_path / "net.bin")]) == 2
    assert "must end in .onnx" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "nothing"), "--out", str(tmp_path / "net.onnx")]) == 2
    assert "no snapshot directory" in capsys.readouterr().err
    assert not list(tmp_path.glob("net*"))
