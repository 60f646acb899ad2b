"""Finetuning through the real command line at toy size: exact resume, the parent's guard, the forgetting meter."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gameil.agents.agent import Agent
from gameil.checkpoints.snapshot import load_snapshot, read_card
from gameil.cli.main import main
from gameil.learners.learner import StepResult
from gameil.learners.reinforce import Reinforce
from gameil.rollout.trajectories import Trajectories
from tests.stages.toy_start import weights, write_games, write_start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_start(tmp_path_factory.mktemp("start") / "snapshot")


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "toy.lmdb")


def arguments(start: Path, runs: Path, name: str, **changes: object) -> list[str]:
    flags: dict[str, object] = {
        "init": start,
        "iterations": 6,
        "self-play.games": 24,
        "self-play.opening-plies": 1,
        "reinforce.minibatch": 32,
        "reinforce.update.learning-rate": 0.01,
        "reinforce.warmup-steps": 2,
        "pool.every": 2,
        "pool.min-score": 0.0,
        "pool.size": 2,
        "series-games": 20,
        "forgetting-every": 2,
        "seed": 3,
    } | {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    pairs = [part for flag, value in flags.items() if value is not None for part in (f"--{flag}", str(value))]
    return ["finetune", *pairs, "--runs", str(runs), "--name", name, "--quiet"]


@pytest.fixture(scope="module")
def finished(start: Path, games: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of an uninterrupted run."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(arguments(start, runs, "straight", dataset=games)) == 0
    return runs / "straight"


def test_leaves_snapshots_metrics_and_honest_results(finished: Path, start: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    assert results["iterations"] == 6
    assert results["games"] == 6 * 24
    assert 0.0 <= results["score_against_parent"] <= 1.0
    assert results["improved"] == (results["score_against_parent"] > 0.5)
    assert results["forgetting"]["before"]["positions"] == results["forgetting"]["after"]["positions"] > 0
    card = read_card(finished / "snapshots" / "last")
    assert card.parent == str(start)
    assert card.licence == "CC0-1.0"  # terms follow the parent's
    assert weights(finished / "snapshots" / "last") != weights(start)
    best = weights(finished / "snapshots" / "best")
    assert best == weights(finished / "snapshots" / "last" if results["improved"] else start)
    assert load_snapshot(Path(results["snapshot"]), game="tic_tac_toe").game.id == "tic_tac_toe"
    names = {name for line in _log(finished) for name in line.get("metrics", {})}
    assert {"loss/policy", "loss/value", "loss/teacher_kl", "policy/entropy", "human/top1", "human/nll"} <= names


def _log(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("learner", ["ppo", "actor_critic"])
def test_other_learners_finetune_through_the_same_command(start: Path, runs: Path, learner: str) -> None:
    changes = {"learner": learner, "iterations": 2, f"{learner}.minibatch": 32, f"{learner}.warmup-steps": 1}
    assert main(arguments(start, runs, learner, **changes)) == 0
    assert weights(runs / learner / "snapshots" / "last") != weights(start)
    names = {name for line in _log(runs / learner) for name in line.get("metrics", {})}
    own = "policy/clipped_share" if learner == "ppo" else "loss/upgo"
    assert {own, "loss/policy", "loss/value", "loss/teacher_kl"} <= names


@pytest.mark.parametrize("stop_after", [1, 4])
def test_resume_is_bit_for_bit(
    finished: Path, start: Path, games: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Stopped in the warm-up, and after past selves joined the pool: the end is the one of the straight run."""
    real_step = Reinforce.step

    def step(self: Reinforce, batch: Trajectories) -> StepResult:
        if self.learner_step == stop_after:
            raise RuntimeError("power cut")
        return real_step(self, batch)

    command = arguments(start, runs, "resumed", dataset=games, checkpoint_seconds=0)
    monkeypatch.setattr(Reinforce, "step", step)
    assert main(command) != 0
    monkeypatch.setattr(Reinforce, "step", real_step)
    assert not (runs / "resumed" / "results.json").exists()
    command = [*arguments(start, runs, "resumed", dataset=games, checkpoint_seconds=0), "--resume"]
    assert main(command) == 0
    for name in ("last", "best", "past-000004"):
        assert weights(runs / "resumed" / "snapshots" / name) == weights(finished / "snapshots" / name)
    ours, straight = (json.loads((run / "results.json").read_text()) for run in (runs / "resumed", finished))
    for key in ("iterations", "games", "score_against_parent", "forgetting"):
        assert ours[key] == straight[key]


def test_the_parent_stays_best_when_it_is_not_beaten(
    start: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A learner that changes nothing draws with its parent on every pair of openings."""

    def step(self: Reinforce, batch: Trajectories) -> StepResult:
        self.learner_step += 1
        return StepResult({"policy/entropy": 0.0, "loss/teacher_kl": 0.0})

    monkeypatch.setattr(Reinforce, "step", step)
    command = [part for part in arguments(start, runs, "same") if part != "--quiet"]
    assert main(command) == 0
    results = json.loads((runs / "same" / "results.json").read_text())
    assert results["score_against_parent"] == 0.5
    assert results["improved"] is False
    assert read_card(runs / "same" / "snapshots" / "best") == read_card(start)
    assert "the parent stays the best" in capsys.readouterr().out


def test_yardstick_finds_out_who_only_beats_its_parent(
    start: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever scores less against the third agent than its parent did is not the best, whatever the parent says."""
    scores = {"parent": 0.7, "random": 0.3}

    def series(self: Any, description: str, agent: Agent, opponent: Agent, *rest: Any) -> Any:
        return SimpleNamespace(
            score=0.9 if agent.name == "parent" else scores[opponent.name],
            games=10,
            interval=SimpleNamespace(low=0.0, high=1.0),
            pair_interval=SimpleNamespace(low=0.0, high=1.0),
        )

    monkeypatch.setattr("gameil.stages.self_play_training.SelfPlayTraining.series", series)
    assert main(arguments(start, runs, "measured", iterations=1, yardstick="random")) == 0
    results = json.loads((runs / "measured" / "results.json").read_text())
    assert results["yardstick"] == {"parent": 0.9, "finetuned": 0.3}
    assert results["improved"] is False
    assert weights(runs / "measured" / "snapshots" / "best") == weights(start)


def test_pool_admits_only_who_is_good_enough(start: Path, runs: Path) -> None:
    assert main(arguments(start, runs, "strict", pool__min_score=1.0)) == 0
    assert not list((runs / "strict" / "snapshots").glob("past-*"))
    assert main(arguments(start, runs, "minutes", iterations=None, minutes=0.005)) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": None}, "a budget is needed"),
        ({"init": "nowhere"}, "no snapshot directory"),
        ({"game": "connect_four"}, "plays tic_tac_toe"),
        ({"dataset": "nowhere.lmdb"}, "nowhere.lmdb"),
        ({"pool__size": 0}, "pool.size"),
        ({"device": "abacus"}, "abacus"),
        ({"yardstick": "abacus"}, "abacus"),
    ],
)
def test_bad_input_is_one_line(
    start: Path, runs: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], message: str
) -> None:
    assert main(arguments(start, runs, "bad", **changes)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_dataset_of_another_game_is_refused(
    start: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gameil.dataset.writer import DatasetWriter

    with DatasetWriter(tmp_path / "other.lmdb", "connect_four"):
        pass
    assert main(arguments(start, runs, "other", dataset=tmp_path / "other.lmdb")) == 2
    assert "connect_four" in capsys.readouterr().err


def test_first_iterations_agree_between_budgets(finished: Path, start: Path, games: Path, runs: Path) -> None:
    """A shorter budget is the beginning of a longer one."""
    assert main(arguments(start, runs, "short", dataset=games, iterations=2)) == 0
    first = [line["metrics"]["loss/value"] for line in _log(runs / "short") if "loss/value" in line.get("metrics", {})]
    long = [line["metrics"]["loss/value"] for line in _log(finished) if "loss/value" in line.get("metrics", {})]
    assert len(first) == 2
    np.testing.assert_array_equal(first, long[:2])
