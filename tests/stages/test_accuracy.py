"""``gameil accuracy``: known shares for known agents, bands by rating and ply, one line for bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.agent import Decisions, Request
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.cli.main import main
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance
from gameil.stages import accuracy as stage


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_games(tmp_path_factory.mktemp("data") / "toy.lmdb", test=0.98)


def toy_games(path: Path, *, test: float) -> Path:
    """Tic-tac-toe where the first player (rating 1650) takes the lowest free cell, the second (unrated) the highest."""
    game, rng = make_game("tic_tac_toe"), np.random.default_rng(0)
    with DatasetWriter(path, game.family, split=SplitRule(validation=0.0, test=test)) as writer:
        for number in range(30):
            state, actions = game.initial_state(), [int(rng.integers(9))]
            state.apply(actions[0])
            while not state.is_terminal():
                legal = state.legal_actions()
                actions.append(legal[0] if state.current_player() == 0 else legal[-1])
                state.apply(actions[-1])
            writer.add(
                PlayedGame(
                    game.id,
                    np.asarray(actions, np.uint32),
                    Provenance("toy", number),
                    players=(PlayerInfo(rating=1650), PlayerInfo()),
                    match_id=str(number),
                )
            )
    return path


def measure(
    dataset: Path, runs: Path, agent: str, capsys: pytest.CaptureFixture[str], *flags: str
) -> dict[str, object]:
    command = ["accuracy", "--agent", agent, "--dataset", str(dataset), "--runs", str(runs), "--json", *flags]
    assert main(command) == 0
    results: dict[str, object] = json.loads(capsys.readouterr().out)
    return results


class LowestCell:
    """Decides for the lowest legal action, with or without saying how sure it is."""

    name = "lowest"

    def __init__(self, sure: float | None) -> None:
        self.sure = sure

    def begin(self, games: object) -> None: ...

    def end(self, games: object) -> None: ...

    def close(self) -> None: ...

    def act(self, requests: list[Request]) -> Decisions:
        actions = np.asarray([request.state.legal_actions()[0] for request in requests])
        probs = None
        if self.sure is not None:
            probs = np.zeros((len(requests), 9), np.float32)
            for row, request in enumerate(requests):
                legal = request.state.legal_actions()
                probs[row, legal] = (1 - self.sure) / (len(legal) - 1)
                probs[row, legal[0]] = self.sure
        return Decisions(actions, np.zeros(len(requests), np.float32), action_probs=probs)


def test_an_agent_with_a_policy(
    dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "build_agent", lambda *_, **__: LowestCell(0.9))
    results = measure(dataset, runs, "random", capsys)
    rated, unrated = results["by_rating"]["1600-1799"], results["by_rating"]["unknown"]  # type: ignore[index]
    # The rated player does what the agent does, but for the random first move; the other never does.
    assert rated["top1"] > 0.6
    assert unrated["top1"] == 0.0
    # The other's move is one of the tied rest of n - 1: its chance to be among the first three is 2 / (n - 1).
    assert 0.0 < unrated["top3"] < 1.0
    assert unrated["nll"] > rated["nll"] > -math.log(0.9)
    assert list(results["by_ply"]) == ["0-9"]  # type: ignore[call-overload]
    overall, by_ply = results["overall"], results["by_ply"]["0-9"]  # type: ignore[index]
    assert overall == by_ply
    assert overall["positions"] == rated["positions"] + unrated["positions"]  # type: ignore[index]


@pytest.mark.parametrize("sure", [None, 1.0])
def test_an_agent_without_a_policy_has_top1_only(
    sure: float | None,
    dataset: Path,
    runs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stage, "build_agent", lambda *_, **__: LowestCell(sure))
    overall = measure(dataset, runs, "random", capsys)["overall"]
    assert overall["top1"] > 0.3  # type: ignore[index]
    assert overall["top3"] is None  # type: ignore[index]
    assert overall["nll"] is None  # type: ignore[index]


class SureAtFirst(LowestCell):
    """Sure of every decision of its first call, of no other: a small batch must not hide its policy."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def act(self, requests: list[Request]) -> Decisions:
        decisions = super().act(requests)
        self.sure = 0.9
        return decisions


def test_one_sure_batch_does_not_hide_a_policy(
    dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "build_agent", lambda *_, **__: SureAtFirst())
    overall = measure(dataset, runs, "random", capsys, "--batch-size", "3")["overall"]
    assert overall["nll"] > 0.0  # type: ignore[index]
    assert overall["top3"] is not None  # type: ignore[index]


def test_the_uniform_line_by_hand(dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Every game starts with 9 choices, then 8, 7 ...; with one position, the first: 1/9, 3/9, 5/9, ln 9.
    uniform = measure(dataset, runs, "random", capsys, "--positions", "1")["uniform"]
    assert uniform == {
        "positions": 1,
        "top1": pytest.approx(1 / 9),
        "top3": pytest.approx(3 / 9),
        "top5": pytest.approx(5 / 9),
        "nll": pytest.approx(math.log(9)),
        "ece": pytest.approx(0.0, abs=1e-6),
    }


def test_a_snapshot_is_measured_with_its_whole_policy(
    dataset: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    game, encoder = make_game("tic_tac_toe"), EncoderConfig()
    config = ModelConfig(kind="mlp", hidden=8, value_hidden=4)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "best", model, SnapshotCard(game_id="tic_tac_toe", model=config, encoder=encoder))
    results = measure(dataset, runs, f"snapshot:{tmp_path / 'best'}", capsys, "--batch-size", "7")
    assert results["agent"] == f"snapshot:{tmp_path / 'best'},temperature=1"
    ahead = measure(dataset, runs, f"snapshot:{tmp_path / 'best'}", capsys, "--one-ply", "20")["one_ply"]
    assert ahead["positions"] == 20  # type: ignore[index]
    assert 0 <= ahead["top1"] <= ahead["top3"] <= 1  # type: ignore[index]
    overall, uniform = results["overall"], results["uniform"]
    assert overall["nll"] == pytest.approx(uniform["nll"], abs=0.3)  # type: ignore[index]
    assert 0 < overall["top1"] <= overall["top3"] <= overall["top5"] <= 1  # type: ignore[index]
    again = measure(dataset, runs, f"snapshot:{tmp_path / 'best'}", capsys, "--batch-size", "50")
    assert again["overall"]["nll"] == pytest.approx(overall["nll"], abs=1e-5)  # type: ignore[index]


def test_a_network_read_in_batches_and_one_that_plays_are_measured_alike(
    dataset: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``top_p=1`` changes nothing but the way: through states and decisions instead of batches."""
    game, encoder = make_game("tic_tac_toe"), EncoderConfig()
    config = ModelConfig(kind="mlp", hidden=8, value_hidden=4)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "best", model, SnapshotCard(game_id="tic_tac_toe", model=config, encoder=encoder))
    spec = f"snapshot:{tmp_path / 'best'},temperature=1"
    fast, slow = (measure(dataset, runs, each, capsys, "--lookup") for each in (spec, f"{spec},top_p=1"))
    for part in ("overall", "uniform", "lookup", "unseen", "by_rating", "by_ply", "by_phase", "by_legal"):
        assert _flat(fast[part]) == pytest.approx(_flat(slow[part]), abs=1e-4), part


def _flat(values: object) -> dict[str, float]:
    """Nested tables as one."""
    if not isinstance(values, dict):
        return {"": float(values)}  # type: ignore[arg-type]
    return {f"{key}/{name}": value for key, inner in values.items() for name, value in _flat(inner).items()}


def test_the_lookup_knows_what_it_has_seen(tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Measured on the very games that filled the table: everything is seen, and after the random first move it is sure.
    dataset = toy_games(tmp_path / "train.lmdb", test=0.0)
    results = measure(dataset, runs, "random", capsys, "--lookup", "--split", "train")
    assert "unseen" not in results
    assert results["lookup_seen"] == results["lookup"]
    assert results["lookup"]["top1"] > 0.8  # type: ignore[index]
    assert results["lookup"]["nll"] < 0.5 * results["uniform"]["nll"]  # type: ignore[index]


def test_the_table_names_every_line(dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accuracy", "--agent", "random", "--dataset", str(dataset), "--runs", str(runs), "--quiet"]) == 0
    out = capsys.readouterr().out
    for text in ("top-1", "random", "uniform", "rating 1600-1799", "rating unknown", "ply 0-9"):
        assert text in out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--agent", "no_such_kind"], "no_such_kind"),
        (["--agent", "snapshot:nowhere"], "nowhere"),
        (["--agent", "random", "--split", "validation"], "the validation split has no position"),
        (["--agent", "random", "--positions", "0"], "positions must be at least 1"),
        (["--agent", "random", "--one-ply", "5"], "looks through a snapshot's value, and random is none"),
    ],
)
def test_bad_input_is_one_line(
    flags: list[str], message: str, dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accuracy", "--dataset", str(dataset), "--runs", str(runs), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
