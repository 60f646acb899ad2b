"""Improve through the real command line at toy size: learns from search, keeps every game, resumes, mixes people in."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gameil.checkpoints.snapshot import load_snapshot, read_card
from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.learner import StepResult
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import replay
from gameil.rollout.search_play import SearchPlay, SearchPlayConfig, labels_in
from gameil.search.evaluators import uniform_evaluator
from gameil.search.gumbel import GumbelConfig, GumbelSearch
from tests.stages.toy_start import weights, write_games, write_start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_start(tmp_path_factory.mktemp("start") / "snapshot")


def arguments(runs: Path, name: str, **changes: object) -> list[str]:
    flags: dict[str, object] = {
        "iterations": 2,
        "labels-per-iteration": 150,
        "batch-size": 32,
        "self-play.games": 16,
        "self-play.simulations": 12,
        "self-play.fast-simulations": 3,
        "self-play.full-share": 0.5,
        "self-play.opening-plies": 1,
        "learner.learning-rate": 0.02,
        "learner.warmup-steps": 5,
        "learner.ema-decay": 0.9,
        "measuring.games": 20,
        "measuring.simulations": 8,
        "seed": 3,
    } | {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    pairs = [
        part for flag, value in flags.items() for part in ((f"--{flag}", str(value)), (f"--{flag}",))[value is True]
    ]
    return ["improve", *pairs, "--runs", str(runs), "--name", name, "--quiet"]


FRESH = {"game": "tic_tac_toe", "model__kind": "mlp", "model__hidden": 32, "model__layers": 1}


def results(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "results.json").read_text())
    return found


def test_from_nothing_it_learns_to_win(tmp_path: Path) -> None:
    changes = FRESH | {"iterations": 6, "measuring__opponents": "random", "measuring__every": 5, "passes": 8}
    assert main(arguments(tmp_path, "fresh", **changes)) == 0
    run = tmp_path / "fresh"
    found = results(run)
    assert (found["iterations"], found["method"]) == (6, "expert_iteration")
    assert [row["iteration"] for row in found["measured"]] == [5, 6]
    last = {one["agent"]: one["score"] for one in found["measured"][-1]["series"]}
    assert last["policy"] > 0.6
    assert last["search=8"] > 0.75
    dataset = Dataset(run / "self_play.lmdb")
    assert len(dataset) == found["games"]
    assert found["labels"] == sum(dataset.label_counts().values()) >= 6 * 150
    assert read_card(run / "snapshots" / "best").provenance.startswith("expert iteration by gameil improve")


def test_labels_say_who_when_and_how_sure(tmp_path: Path) -> None:
    """Policies of the search; values between its own and the outcome; the round is the iteration."""
    assert main(arguments(tmp_path, "labels", **FRESH, outcome_share=1.0)) == 0
    dataset = Dataset(tmp_path / "labels" / "self_play.lmdb")
    rounds = set()
    for game_id in dataset.game_ids().tolist():
        played, labels = dataset.game(game_id), dict(dataset.all_labels(game_id))
        for ply, state, _ in replay(played):
            if ply in labels:
                label = labels[ply]
                rounds.add(label.round)
                assert label.expert == "gumbel:12"
                assert set(label.actions.tolist()) <= set(state.legal_actions())
                assert label.value in (-1.0, 0.0, 1.0), "the outcome, or what was proven"
    assert rounds == {0, 1}


def test_guided_policy_search_keeps_to_its_step(start: Path, tmp_path: Path) -> None:
    games = write_games(tmp_path / "people.lmdb")
    changes = {"init": start, "method": "guided_policy_search", "epsilon": 0.05, "dataset": games, "reanalysed": 0.3}
    assert main(arguments(tmp_path, "gps", **changes, resign__enabled=True, resign__least_games=1)) == 0
    run = tmp_path / "gps"
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = [line["metrics"]["improvement/kl"] for line in lines if "improvement/kl" in line.get("metrics", {})]
    assert steps == pytest.approx([0.05, 0.05], abs=1e-3)
    rows = results(run)["measured"]
    assert [row["iteration"] for row in rows] == [0, 2]
    assert all("human_top1" in row and row["series"][0]["opponent"].startswith("snapshot:") for row in rows)
    dataset = Dataset(run / "self_play.lmdb")
    again = [len(dataset.all_labels(game_id)) - len(dataset.labels(game_id)) for game_id in dataset.label_counts()]
    assert sum(again) > 0, "reanalysed positions have two labels"
    assert weights(run / "snapshots" / "last") != weights(start)
    assert load_snapshot(run / "snapshots" / "last").card.parent == str(start)


def test_a_power_cut_costs_no_finished_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = BehaviouralCloning.step

    def step(self: BehaviouralCloning, batch: PositionBatch, *, share: float | None = None) -> StepResult:
        if self.steps_done == 25:
            raise RuntimeError("power cut")
        return real(self, batch, share=share)

    monkeypatch.setattr(BehaviouralCloning, "step", step)
    assert main(arguments(tmp_path, "cut", **FRESH)) == 1
    before = len(Dataset(tmp_path / "cut" / "self_play.lmdb"))
    monkeypatch.setattr(BehaviouralCloning, "step", real)
    assert main([*arguments(tmp_path, "cut", **FRESH), "--resume"]) == 0
    dataset = Dataset(tmp_path / "cut" / "self_play.lmdb")
    assert len(dataset) > before
    numbers = [dataset.game(game_id).source.offset for game_id in dataset.game_ids().tolist()]
    assert len(set(numbers)) == len(numbers)
    found = results(tmp_path / "cut")
    assert found["iterations"] == 2
    assert found["labels"] == sum(dataset.label_counts().values())


def test_killed_it_goes_on(tmp_path: Path) -> None:
    """SIGKILL in the middle of the run, then ``--resume``."""
    flags = arguments(tmp_path, "killed", **FRESH, iterations=4)
    command = [sys.executable, "-m", "gameil", *flags]
    running = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    checkpoints = tmp_path / "killed" / "checkpoints"
    for _ in range(600):
        if checkpoints.exists() and any(path.name.startswith("step-") for path in checkpoints.iterdir()):
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "killed" / "results.json").exists()
    assert main([*flags, "--resume"]) == 0
    assert results(tmp_path / "killed")["iterations"] == 4


def test_self_play_does_not_depend_on_the_batch() -> None:
    """The first games are the same, whether they are played beside two others or ten."""
    game = make_game("tic_tac_toe")
    search = GumbelSearch(uniform_evaluator, GumbelConfig(simulations=8))
    found = []
    for beside in (3, 11):
        play = SearchPlay(game, SearchPlayConfig(games=beside, simulations=8, full_share=0.5), seed=4)
        games = play.play(search, search, moves=60, resign_below=-np.inf, progress=lambda labels: None)
        assert labels_in(games) >= 60
        found.append({one.number: one.played.actions.tolist() for one in games})
    shared = set(found[0]) & set(found[1])
    assert len(shared) > 3
    assert all(found[0][number] == found[1][number] for number in shared)


def test_who_resigns_loses() -> None:
    game = make_game("connect_four")
    search = GumbelSearch(uniform_evaluator, GumbelConfig(simulations=16))
    play = SearchPlay(game, SearchPlayConfig(games=8, simulations=16, full_share=1.0, play_on_share=0.3), seed=1)
    games = play.play(search, search, moves=300, resign_below=-0.2, progress=lambda labels: None)
    resigned = [one for one in games if one.played.termination == "resignation"]
    assert resigned
    assert not any(one.played_on for one in resigned)
    assert any(one.played_on for one in games)
    for one in resigned:
        assert one.played.returns is not None
        loser = one.played.returns.index(-1.0)
        assert one.moves[-1].player == loser
        assert one.lowest[loser] < -0.2


def test_bad_configurations_are_one_line(start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for changes, message in (
        ({"game": "kuhn_poker", "model__kind": "mlp"}, "perfect information"),
        ({"init": start, "game": "connect_four"}, "plays tic_tac_toe"),
        (FRESH | {"network__backend": "auto"}, "not auto"),
        (FRESH | {"measuring__opponents": "builtin:nobody"}, "no such level"),
        ({}, "give a game"),
    ):
        assert main(arguments(tmp_path, "bad", **changes)) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
