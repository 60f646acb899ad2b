"""Games that are won together, through the real commands: clone people, train beside the clone, measure the team."""

import json
from pathlib import Path

import numpy as np
import pytest

from gameil.cli.main import main
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.self_play import SelfPlayConfig, play_self

GAME = "pettingzoo:overcooked(horizon=12)"
NETWORK = ["--model.kind", "mlp", "--model.size", "tiny"]


def results(run: Path) -> dict:
    return json.loads((run / "results.json").read_text(encoding="utf-8"))


def test_a_clone_is_the_partner_of_who_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["record", "--game", GAME, "--agent", "random", "--games", "8", "--out", "people.jsonl"]) == 0
    arguments = ["--game", GAME, "--out", "people.lmdb", "--workers", "1"]
    assert main(["ingest", "people.jsonl", *arguments, "--split.validation", "0.3", "--split.test", "0.1"]) == 0
    clone = ["--dataset", "people.lmdb", "--steps", "3", "--loader.batch-size", "16", "--name", "clone"]
    assert main(["pretrain", *clone, *NETWORK]) == 0
    partner = "runs/clone/snapshots/best"
    common = ["--game", GAME, *NETWORK, "--iterations", "2", "--series-games", "2", "--self-play.games", "2"]
    common += ["--learner", "ppo", "--self-play.opening-plies", "0"]
    assert main(["finetune", *common, "--partners", partner, "--self-play.self-share", "0", "--name", "beside"]) == 0
    found = results(tmp_path / "runs" / "beside")
    assert set(found["team"]) == {"parent", "finetuned"}
    assert found["frames"] == 2 * 2 * 24
    assert not list((tmp_path / "runs" / "beside" / "snapshots").glob("past-*"))
    assert (
        main(["evaluate", "--game", GAME, "--agent", f"snapshot:{partner}", "--against", "random", "--games", "4"]) == 0
    )
    assert "mean return of snapshot" in capsys.readouterr().out


def test_partners_must_see_what_the_learner_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    common = [*NETWORK, "--iterations", "1", "--series-games", "2", "--self-play.games", "1"]
    assert main(["finetune", "--game", GAME, *common, "--encoder.last-moves", "1", "--name", "other"]) == 0
    other = "runs/other/snapshots/last"
    assert main(["finetune", "--game", GAME, *common, "--partners", other, "--name", "refused"]) == 2


def test_an_environments_limit_bootstraps() -> None:
    """The kitchen would go on: the last decision keeps its discount and the value of what was seen last."""
    game = make_game(GAME)
    encoder = ObservationEncoder(game, EncoderConfig())
    model = build_model(ModelConfig(kind="mlp", size="tiny"), game, encoder.shape)
    evaluator = NetworkEvaluator(model)
    config = SelfPlayConfig(games=2, self_share=1.0, opening_plies=0, discount=0.9)
    batch = play_self(game, encoder, evaluator, [], config, seed=0, iteration=0)
    assert np.allclose(batch.discounts, 0.9)
    assert np.all(batch.bootstrap_values != 0.0)
    state = game.initial_state()
    both = [batch.actions[batch.starts[seat] : batch.starts[seat + 1]] for seat in (0, 1)]
    for first, second in zip(*both, strict=True):
        state.apply(int(first))
        state.apply(int(second))
    last = np.empty((1, *encoder.shape), np.float32)
    state.write_observation(last[0], 1)
    _, values = evaluator.evaluate_legal(last, np.arange(6), np.zeros(6, np.int64))
    assert float(batch.bootstrap_values[1]) == pytest.approx(float(values[0]), abs=1e-6)
    tree = make_game("pettingzoo:tree")  # ends by its rules
    encoder = ObservationEncoder(tree, EncoderConfig())
    evaluator = NetworkEvaluator(build_model(ModelConfig(kind="mlp", size="tiny"), tree, encoder.shape))
    batch = play_self(tree, encoder, evaluator, [], config, seed=0, iteration=0)
    assert not batch.bootstrap_values.any()
    assert np.all(batch.discounts[batch.starts[1:] - 1] == 0.0)
