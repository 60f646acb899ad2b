"""Every method of learning from self-play through the real command line at toy size."""

import json
from pathlib import Path
from typing import Any

import pytest

from gameil.cli.main import main
from gameil.learners.q_learning import QLearning
from gameil.learners.reinforce import Reinforce
from gameil.rollout.trajectories import Trajectories
from gameil.stages.parent_guard import ParentGuard
from tests.stages.toy_start import weights, write_games, write_start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_start(tmp_path_factory.mktemp("start") / "snapshot")


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "toy.lmdb")


def command(stage: str, runs: Path, name: str, **flags: object) -> list[str]:
    common: dict[str, object] = {"iterations": 3, "self-play.games": 16, "series-games": 4, "threads": 1}
    named = common | {key.replace("__", ".").replace("_", "-"): value for key, value in flags.items()}
    pairs = [part for flag, value in named.items() if value is not None for part in (f"--{flag}", str(value))]
    return [stage, *pairs, "--runs", str(runs), "--name", name, "--quiet"]


def logged(run: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for line in (run / "log.jsonl").read_text().splitlines():
        for name, value in json.loads(line).get("metrics", {}).items():
            found.setdefault(name, []).append(value)
    return found


FRESH = {"game": "tic_tac_toe", "model.kind": "mlp", "model.hidden": 16, "model.layers": 1}

METHODS: dict[str, tuple[dict[str, object], str]] = {
    "plain-q": ({"learner": "q_learning", "q-learning.updates": 2, "q-learning.minibatch": 32}, "loss/q"),
    "q-with-demonstrations": (
        {
            "learner": "q_learning",
            "q-learning.updates": 2,
            "q-learning.minibatch": 32,
            "q-learning.margin-weight": 0.0,
            "demonstrations.games": 20,
        },
        "loss/q",
    ),
    "dqfd": (
        {
            "learner": "q_learning",
            "q-learning.updates": 2,
            "q-learning.minibatch": 32,
            "q-learning.pretrain-updates": 3,
            "demonstrations.games": 20,
        },
        "loss/margin",
    ),
    "importance-option-2": (
        {"learner": "off_policy", "off-policy.option": 2, "off-policy.trajectories": 8, "demonstrations.games": 20},
        "demonstrations/effective",
    ),
    "dapg": (
        {"reinforce.dapg.lambda0": 0.1, "reinforce.warmup-steps": 0, "demonstrations.games": 20},
        "loss/policy",
    ),
    "hybrid": (
        {
            "learner": "ppo",
            "ppo.hybrid.weight.start": 0.5,
            "ppo.hybrid.weight.end": 0.5,
            "ppo.hybrid.weight.steps": 0,
            "ppo.warmup-steps": 0,
            "demonstrations.games": 20,
        },
        "loss/cloning",
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_learns_from_nothing(games: Path, runs: Path, name: str) -> None:
    flags, metric = METHODS[name]
    shown: dict[str, object] = {"demonstrations.dataset": games} if "demonstrations.games" in flags else {}
    assert main(command("finetune", runs, name, **FRESH, **flags, **shown)) == 0
    values = logged(runs / name)[metric]
    assert len(values) >= 3
    results = json.loads((runs / name / "results.json").read_text())
    assert results["iterations"] == 3
    assert weights(runs / name / "snapshots" / "last") != weights(runs / name / "snapshots" / "start")
    if name == "dqfd":  # updates on demonstrations alone come first, and no game is played meanwhile
        assert logged(runs / name)["replay/demonstration_share"][0] == 1.0
        assert len(logged(runs / name)["self_play/frames"]) == len(values) - 2


def test_option_1_takes_the_start_for_peoples_density(start: Path, games: Path, runs: Path) -> None:
    """At the first update the policy is the density, so that all weights are 1 and every trajectory counts."""
    flags = {"learner": "off_policy", "off-policy.trajectories": 8, "demonstrations.dataset": games}
    assert main(command("finetune", runs, "one", init=start, demonstrations__games=20, **flags)) == 0
    found = logged(runs / "one")
    assert found["demonstrations/effective"][0] == pytest.approx(8.0, rel=1e-4)
    assert found["demonstrations/log_ratio"][0] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("learner", ["ppo", "q_learning"])
@pytest.mark.parametrize(("game", "plies"), [("connect_four_v3", 0), ("overcooked", 12)])
def test_pettingzoo_games_learn_through_the_same_command(runs: Path, game: str, plies: int, learner: str) -> None:
    """A board game that pays at the end, and a kitchen that pays all along and is cut here, so that values count."""
    pytest.importorskip("pettingzoo")
    flags: dict[str, object] = {**FRESH, "game": f"pettingzoo:{game}", "learner": learner, "iterations": 2}
    flags |= {"self-play.games": 4, "self-play.max-plies": plies, "series-games": 2, "self-play.opening-plies": 0}
    flags |= {"q-learning.updates": 2, "q-learning.minibatch": 16, "ppo.warmup-steps": 0}
    assert main(command("finetune", runs, learner, **flags)) == 0
    assert weights(runs / learner / "snapshots" / "last") != weights(runs / learner / "snapshots" / "start")


@pytest.mark.parametrize("method", ["gail", "airl", "guided_cost", "reference"])
def test_imitates_by_a_learned_reward(start: Path, games: Path, runs: Path, method: str) -> None:
    flags: dict[str, object] = {
        "init": start,
        "adversarial.method": method,
        "adversarial.updates": 2,
        "adversarial.minibatch": 32,
        "demonstrations.dataset": games,
        "demonstrations.games": 20,
        "dataset": games,
        "self-play.opening-share": 0.5,
    }
    assert main(command("imitate", runs, method, **flags)) == 0
    results = json.loads((runs / method / "results.json").read_text())
    assert results["method"] == method
    assert set(results["forgetting"]) == {"before", "after"}
    found = logged(runs / method)
    assert len(found["reward/mean"]) == 3
    if method == "reference":
        assert all(0.0 < value <= 1.0 for value in found["reward/mean"])


def test_other_processes_play_the_same_games(start: Path, runs: Path) -> None:
    flags: dict[str, object] = {"init": start, "iterations": 2, "self-play.games": 64, "self-play.self-share": 0.5}
    assert main(command("finetune", runs, "here", **flags)) == 0
    assert main(command("finetune", runs, "there", workers=2, **flags)) == 0
    here, there = logged(runs / "here"), logged(runs / "there")
    assert here["self_play/frames"] == there["self_play/frames"]
    assert here["loss/value"] == pytest.approx(there["loss/value"], rel=1e-3)
    assert not list((runs / "there" / "snapshots").glob("actor-*"))


def test_q_learning_resumes_bit_for_bit(games: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {**FRESH, **METHODS["dqfd"][0], "demonstrations.dataset": games, "checkpoint-seconds": 0}
    assert main(command("finetune", runs, "straight", **flags)) == 0
    real_step = QLearning.step

    def step(self: QLearning, batch: Trajectories | None) -> Any:
        if self.learner_step == 2:
            raise RuntimeError("power cut")
        return real_step(self, batch)

    monkeypatch.setattr(QLearning, "step", step)
    assert main(command("finetune", runs, "resumed", **flags)) != 0
    monkeypatch.setattr(QLearning, "step", real_step)
    assert main([*command("finetune", runs, "resumed", **flags), "--resume"]) == 0
    assert weights(runs / "resumed" / "snapshots" / "last") == weights(runs / "straight" / "snapshots" / "last")


def test_a_learner_that_got_worse_is_put_back_and_training_ends(
    start: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is not 1,000 Elo stronger is lost here: the learner is put back twice, to the parent's weights."""
    rates: list[float] = []
    real_test = ParentGuard.test

    def test(self: ParentGuard, iteration: int, learner: Reinforce, *rest: Any) -> dict[str, float]:
        metrics = real_test(self, iteration, learner, *rest)
        rates.append(learner.network.rate)
        return metrics

    monkeypatch.setattr(ParentGuard, "test", test)
    flags = {"init": start, "iterations": 9, "reinforce.warmup-steps": 0, "guard.every": 2, "guard.rollbacks": 2}
    flags |= {"guard.elo0": 1000.0, "guard.elo1": 1900.0}
    assert main(command("finetune", runs, "worse", **flags)) == 0
    results = json.loads((runs / "worse" / "results.json").read_text())
    assert results["rollbacks"] == 2
    assert results["iterations"] == 4
    assert rates == [0.5, 0.25]
    assert weights(runs / "worse" / "snapshots" / "last") == weights(start)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "init names the snapshot"),
        ({"game": "tic_tac_toe", "model.kind": "mlp", "learner": "off_policy"}, "needs demonstrations"),
        ({**FRESH, "learner": "q_learning", "q-learning.pretrain-updates": 1}, "needs demonstrations"),
        ({**FRESH, "yardstick-every": 1}, "needs a yardstick"),
        ({**FRESH, "demonstrations.dataset": "nowhere.lmdb"}, "nowhere.lmdb"),
        ({**FRESH, "guard.elo0": 1}, "guard.elo0"),
    ],
)
def test_bad_input_is_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str], flags: dict[str, object], message: str
) -> None:
    assert main(command("finetune", runs, "bad", **flags)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
