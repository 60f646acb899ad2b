"""DAgger through the real command line at toy size: it learns from the expert, keeps every label, resumes at rounds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gameil.checkpoints.snapshot import load_snapshot, read_card
from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.experts.mcts import MctsExpert
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.learner import StepResult
from gameil.positions.label import Label
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import replay
from gameil.stages.label_choice import (
    Place,
    candidates,
    choose,
    chunked,
    lost_by_the_mover,
    policy_entropies,
    regrets,
    states_at,
)
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
        "expert": "mcts:300",
        "expert-games": 20,
        "rounds": 2,
        "games-per-round": 60,
        "labels-per-round": 150,
        "opening-plies": 1,
        "steps-per-round": 60,
        "batch-size": 64,
        "learner.learning-rate": 0.01,
        "learner.ema-decay": 0.9,
        "series-games": 40,
        "processes": 1,
        "seed": 3,
    } | {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    pairs = [part for flag, value in flags.items() if value is not None for part in (f"--{flag}", str(value))]
    return ["dagger", *pairs, "--runs", str(runs), "--name", name, "--quiet"]


@pytest.fixture(scope="module")
def finished(start: Path, games: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of an uninterrupted run."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(arguments(start, runs, "straight", dataset=games)) == 0
    return runs / "straight"


def _results(run: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((run / "results.json").read_text())
    return results


def test_rounds_make_a_stronger_policy(finished: Path, start: Path) -> None:
    results = _results(finished)
    rows = results["rounds"]
    assert [row["round"] for row in rows] == [-1, 0, 1]
    assert rows[0]["score"] == 0.5
    assert results["improved"]
    assert max(row["score"] for row in rows[1:]) > 0.6
    assert all("human_top1" in row and "human_nll" in row for row in rows)
    card = read_card(finished / "snapshots" / "best")
    assert card.parent == str(start)
    assert "mcts:300" in card.provenance
    assert load_snapshot(finished / "snapshots" / "last").game.id == "tic_tac_toe"


def test_learns_what_the_expert_says(finished: Path, start: Path) -> None:
    """KL(expert || policy) over all labels falls: the learning half of DAgger."""
    labels = Dataset(finished / "labels.lmdb")
    before, after = (_mean_kl(labels, path) for path in (start, finished / "snapshots" / "last"))
    assert after < 0.9 * before


def _mean_kl(dataset: Dataset, path: Path) -> float:
    snapshot = load_snapshot(path)
    evaluator = snapshot.evaluator()
    total, count = 0.0, 0
    for game_id in dataset.label_counts():
        labels = dataset.labels(game_id)
        for ply, state, _ in replay(dataset.game(game_id)):
            if ply in labels:
                evaluation = evaluator.evaluate(snapshot.encoder.encode([state]), [state.legal_actions()])
                probs = labels[ply].probs
                total += float((probs * (np.log(probs) - evaluation.log_probs[0, labels[ply].actions])).sum())
                count += 1
    return total / count


def test_labels_are_added_never_replaced(finished: Path) -> None:
    dataset = Dataset(finished / "labels.lmdb")
    rounds: dict[int, int] = {}
    histories: list[bytes] = []
    for game_id in dataset.label_counts():
        played = dataset.game(game_id)
        assert played.match_id is not None
        for ply, label in dataset.all_labels(game_id):
            assert label.expert == "mcts:300"
            assert played.match_id.startswith(f"dagger/{label.round}/")
            rounds[label.round] = rounds.get(label.round, 0) + 1
            histories.append(played.actions[:ply].tobytes())
    assert rounds[0] == 150
    assert 0 < rounds[1] <= 150
    assert len(set(histories)) == len(histories)  # no position costs the expert twice
    assert len(dataset) == 120
    assert [row["labels"] for row in _results(finished)["rounds"]] == [0, 150, 150 + rounds[1]]


@pytest.mark.parametrize("where", ["labelling", "training"])
def test_killed_in_a_round_goes_on_and_ends_the_same(
    finished: Path, start: Path, games: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """What was labelled before the end of the process is there after it, and is not labelled again."""
    monkeypatch.setattr("gameil.stages.labelling.LABELS_A_COMMIT", 50)
    real_label, real_step = MctsExpert.label, BehaviouralCloning.step
    labelled: list[int] = []

    def label(self: MctsExpert, states: Any, rngs: Any, *, round: int = 0) -> list[Label]:
        if where == "labelling" and sum(labelled) == 100:
            raise RuntimeError("power cut")
        found = real_label(self, states, rngs, round=round)
        labelled.append(len(found))
        return found

    def step(self: BehaviouralCloning, batch: PositionBatch, *, share: float | None = None) -> StepResult:
        if where == "training" and self.steps_done == 30:
            raise RuntimeError("power cut")
        return real_step(self, batch, share=share)

    monkeypatch.setattr(MctsExpert, "label", label)
    monkeypatch.setattr(BehaviouralCloning, "step", step)
    assert main(arguments(start, runs, "resumed", dataset=games)) == 1
    kept = 100 if where == "labelling" else 150
    assert sum(Dataset(runs / "resumed" / "labels.lmdb").label_counts().values()) == kept
    monkeypatch.setattr(BehaviouralCloning, "step", real_step)
    labelled.append(1)  # no power cut any more
    assert main([*arguments(start, runs, "resumed", dataset=games), "--resume"]) == 0
    total = _results(finished)["rounds"][-1]["labels"]
    assert sum(labelled) - 1 == total
    assert _results(runs / "resumed")["rounds"] == _results(finished)["rounds"]
    for name in ("last", "best"):
        assert weights(runs / "resumed" / "snapshots" / name) == weights(finished / "snapshots" / name)


def test_weak_expert_is_refused(start: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(start, runs, "weak", expert_min_score=0.99)) == 2
    error = capsys.readouterr().err
    assert "mcts:300 scored" in error
    assert "stronger" in error


def test_network_search_as_expert_with_mixed_games(start: Path, runs: Path) -> None:
    command = arguments(
        start,
        runs,
        "searching",
        expert=f"snapshot:{start},search=16",
        expert_games=0,
        beta__kind="first",
        choice="uncertain",
        rounds=1,
        games_per_round=20,
        labels_per_round=30,
        steps_per_round=5,
        opponent="random",
    )
    assert main(command) == 0
    rows = _results(runs / "searching")["rounds"]
    assert rows[1]["labels"] == 30
    assert rows[0]["score"] != 0.5  # the start is measured against the opponent too


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expert": "random"}, "only searches label"),
        ({"expert": "mcts:none"}, "mcts:none"),
        ({"init": "nowhere"}, "no snapshot directory"),
        ({"rounds": 0}, "rounds must be at least 1"),
        ({"dataset_share": 1.0}, "dataset_share"),
        ({"dataset": "nowhere.lmdb"}, "nowhere.lmdb"),
    ],
)
def test_bad_input_is_one_line(
    start: Path, runs: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], message: str
) -> None:
    assert main(arguments(start, runs, "bad", **changes)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_candidates_have_a_choice_and_are_new(finished: Path) -> None:
    dataset = Dataset(finished / "labels.lmdb")
    ids = dataset.game_ids().tolist()
    places = candidates(dataset, ids, round=0)
    states = list(states_at(dataset, places))
    assert len(states) == len(places)
    assert all(len(state.legal_actions()) > 1 for state in states)
    assert len({tuple(state.history) for state in states}) == len(states)
    later = candidates(dataset, ids, round=2)  # all that rounds 0 and 1 have labelled is left out
    assert len(later) == len(places) - sum(dataset.label_counts().values())
    assert isinstance(later[0], Place)


def test_entropies_are_those_of_the_policy(finished: Path, start: Path) -> None:
    snapshot = load_snapshot(start)
    dataset = Dataset(finished / "labels.lmdb")
    states = list(states_at(dataset, candidates(dataset, [0, 1], round=0)))
    found = policy_entropies(snapshot.evaluator(), snapshot.encoder, states)
    for state, value in zip(states, found, strict=True):
        evaluation = snapshot.evaluator().evaluate(snapshot.encoder.encode([state]), [state.legal_actions()])
        probs = np.exp(evaluation.log_probs[0, state.legal_actions()].astype(np.float64))
        assert value == pytest.approx(float(-(probs * np.log(probs)).sum()), abs=1e-4)
    assert [len(chunk) for chunk in chunked(states[:5], 2)] == [2, 2, 1]


def test_choices_budget_hard_targets_and_the_control(start: Path, games: Path, runs: Path) -> None:
    flags = {"choice": "disagreeing", "targets": "hard", "label_budget": 100, "labels_per_round": 80, "rounds": 3}
    quick = {"expert_games": 0, "steps_per_round": 10, "games_per_round": 20, "series_games": 10}
    assert main(arguments(start, runs, "choices", dataset=games, control=games, **flags, **quick)) == 0
    rows = _results(runs / "choices")["rounds"]
    assert [row["labels"] for row in rows] == [0, 80, 100], "the budget ends the third round before it begins"
    assert all(0.0 <= row["control_score"] <= 1.0 and "control_human_top1" in row for row in rows)
    assert rows[0]["control_score"] == rows[0]["score"], "the twin begins as the policy"
    labels = Dataset(runs / "choices" / "labels.lmdb")
    every = [label for game_id in labels.label_counts() for _, label in labels.all_labels(game_id)]
    assert {len(label.actions) for label in every} == {1}
    assert {label.expert for label in every} == {"mcts:300"}
    assert "<svg" in (runs / "choices" / "rounds.svg").read_text()
    assert main(arguments(start, runs, "no-data", control=games, **quick)) == 2


def test_regret_is_what_one_action_ahead_would_gain(start: Path, finished: Path) -> None:
    """Where the policy is uniform and one move of three wins, regret is the win less the mean."""
    snapshot, dataset = load_snapshot(start), Dataset(finished / "labels.lmdb")
    state = snapshot.game.initial_state()
    for action in (0, 3, 1, 4, 8, 7):  # the mover wins with 2; 5 and 6 are the others
        state.apply(action)
    (regret,) = regrets(snapshot.evaluator(), snapshot.encoder, [state])
    evaluation = snapshot.evaluator().evaluate(snapshot.encoder.encode([state]), [state.legal_actions()])
    probs = np.exp(evaluation.log_probs[0, state.legal_actions()].astype(np.float64))
    after = []
    for action in state.legal_actions():
        one = state.clone()
        one.apply(action)
        legal = [one.legal_actions()]
        value = (
            1.0
            if one.is_terminal()
            else -snapshot.evaluator().evaluate(snapshot.encoder.encode([one]), legal).values[0]
        )
        after.append(float(value))
    assert max(after) == 1.0
    assert regret == pytest.approx(1.0 - float(probs @ np.array(after)), abs=1e-5)
    places = candidates(dataset, dataset.game_ids().tolist(), round=9)
    lost = lost_by_the_mover(dataset, places)
    assert 0 < len(lost) < len(places)
    for place, one in zip(lost, states_at(dataset, lost), strict=True):
        assert dataset.game(place.game_id).returns[one.current_player()] < 0
    some = choose(
        dataset,
        places,
        5,
        choice="losing",
        evaluator=snapshot.evaluator(),
        encoder=snapshot.encoder,
        rng=np.random.default_rng(0),
    )
    assert set(some) <= set(lost)
    assert len(some) == 5
