"""Playing like one person: only that person's decisions are learned and scored, the whole stays as a prior, and who
plays another way than all others shows a gain."""

import dataclasses
import json
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gameil.checkpoints.snapshot import load_snapshot
from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import DatasetShare, LoaderConfig
from gameil.dataset.schema import SplitRule
from gameil.dataset.training_source import training_source
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError, ShapeError
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.held_out import MoveScores
from gameil.learners.learner import StepResult
from gameil.positions.encoder import EncoderConfig
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import replay
from gameil.records.record import PlayerInfo, Provenance
from gameil.stages.data import verify_dataset
from gameil.stages.forget import forget_players
from gameil.stages.paired_gain import paired_gain
from gameil.stages.scored_positions import ScoredBatch
from gameil.tracking.log import read_log
from tests.strategies import random_game

ENCODER = EncoderConfig()
ANN = "Ann de Vries"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tic-tac-toe: everybody mostly takes the lowest free cell, Ann, in a third of the games, the highest."""
    path = tmp_path_factory.mktemp("data") / "toy.lmdb"
    game, rng = make_game("tic_tac_toe"), np.random.default_rng(0)
    with DatasetWriter(path, game.family, split=SplitRule(validation=0.2, test=0.3)) as writer:
        for number in range(360):
            names = ["Bob", "Cy"] if number % 3 else [[ANN, "Bob"], ["Cy", "ANN  de vries"]][number % 2]
            state, actions = game.initial_state(), []
            while not state.is_terminal():
                legal = state.legal_actions()
                own = legal[-1] if names[state.current_player()].lower().startswith("ann") else legal[0]
                actions.append(own if rng.random() < 0.7 else int(rng.choice(legal)))
                state.apply(actions[-1])
            played = PlayedGame(
                game.id,
                np.asarray(actions, np.uint32),
                Provenance("toy", number),
                returns=tuple(float(value) for value in state.returns()),
                players=tuple(PlayerInfo(name) for name in names),
                match_id=str(number),
            )
            writer.add(played)
    return path


def decisions(path: Path, split: str | None, *, least: int = 1) -> set[tuple[int, int]]:
    """Game and ply of each of Ann's decisions, by the rules alone."""
    games = Dataset(path)
    found = set()
    for game_id in games.game_ids(split).tolist():  # type: ignore[arg-type]
        played = games.game(game_id)
        for ply, state, _ in replay(played):
            name = played.players[state.current_player()].name or ""
            if name.lower().startswith("ann") and len(state.legal_actions()) >= least:
                found.add((game_id, ply))
    return found


def places(batch: PositionBatch) -> list[tuple[int, int]]:
    return list(zip(batch.game_ids.tolist(), batch.plies.tolist(), strict=True))


def options(dataset: Path, runs: Path, name: str, **changes: object) -> list[str]:
    flags: dict[str, object] = {
        "dataset": dataset,
        "steps": 60,
        "model.kind": "mlp",
        "model.hidden": 32,
        "model.layers": 1,
        "loader.batch-size": 32,
        "loader.pool-positions": 600,
        "learner.warmup-steps": 5,
        "learner.learning-rate": 0.01,
        "learner.ema-decay": 0.8,
        "evaluate-every": 20,
        "log-every": 5,
    } | {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    pairs = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    return ["pretrain", *pairs, "--no-augment", "--runs", str(runs), "--name", name, "--quiet"]


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directories: ``everyone``, and ``ann`` that began there."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(options(dataset, runs, "everyone")) == 0
    assert main(personal(dataset, runs, runs / "everyone", "ann")) == 0
    return runs


def personal(dataset: Path, runs: Path, parent: Path, name: str, **changes: object) -> list[str]:
    """The command of a fine-tuning with the prior of a configuration file."""
    config = runs / f"{name}.toml"
    config.write_text(f'[[loader.also]]\ndataset = "{dataset}"\nshare = 0.5\nfinal_share = 0.25\nbatches = 20\n')
    changes = {"init": parent / "snapshots" / "best", "loader__players": "ann de VRIES", **changes}
    command, *rest = options(dataset, runs, name, **changes)
    return [command, str(config), *rest]


def measured(runs: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["accuracy", "--runs", str(runs), "--json", *flags]) == 0
    results: dict[str, Any] = json.loads(capsys.readouterr().out)
    return results


@pytest.mark.parametrize("family", ["chess", "connect_four", "go(board_size=5)", "backgammon", "liars_dice"])
def test_only_the_players_decisions_are_handed_out(family: str, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "x.lmdb", make_game(family).family, split=SplitRule(0, 0)) as writer:
        for number in range(6):
            names = [("Ann", "Bob"), ("Bob", "Ann"), ("Bob", "Cy")][number % 3]
            players = tuple(map(PlayerInfo, names))
            returns = (1.0, -1.0)
            writer.add(dataclasses.replace(random_game(family, number), players=players, returns=returns))
    config = LoaderConfig(batch_size=8, pool_positions=64, players=(" ANN ",))
    loader = Loader(tmp_path / "x.lmdb", "train", ENCODER, config, augment=False)
    expected = decisions(tmp_path / "x.lmdb", "train", least=2)
    found = PositionBatch.concatenate(list(loader.once()))
    assert sorted(places(found)) == sorted(expected)
    assert {ply % 2 for _, ply in expected} == {0, 1}
    assert set(found.weights.tolist()) == {1.0}
    assert set(places(next(loader))) <= expected
    whole = PositionBatch.concatenate(list(loader.once(whole_games=True)))
    own = {place for place, weight in zip(places(whole), whole.weights.tolist(), strict=True) if weight}
    assert own == decisions(tmp_path / "x.lmdb", "train")
    assert np.array_equal(whole.return_weights, whole.weights)
    assert len(whole) == sum(Dataset(tmp_path / "x.lmdb").lengths(np.array([0, 1, 3, 4], np.uint64)))
    every = Loader(tmp_path / "x.lmdb", "train", ENCODER, dataclasses.replace(config, players=()), augment=False)
    others = PositionBatch.concatenate(list(every.once()))
    rows = [row for row, place in enumerate(places(others)) if place in expected]
    assert np.array_equal(others.take(np.array(rows)).observations, found.observations)


def test_the_prior_is_everyones(dataset: Path) -> None:
    config = LoaderConfig(
        batch_size=32,
        pool_positions=200,
        players=(ANN,),
        also=(DatasetShare(dataset, 0.25, final_share=0.5, batches=4),),
    )
    own = decisions(dataset, "train")
    everyone = set(Dataset(dataset).game_ids("train").tolist())
    others = 0
    with training_source(dataset, "tic_tac_toe", ENCODER, config, augment=False) as source:
        for number in range(6):
            found = places(next(source))
            first = 24 - 2 * min(number, 4)  # rows of the player, by the schedule
            assert set(found[:first]) <= own
            assert {game for game, _ in found} <= everyone
            others += len(set(found[first:]) - own)
    assert others > 20


def test_a_network_turns_to_the_person(
    dataset: Path, finished: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = read_log(finished / "ann" / "log.jsonl")
    assert [step for step, _ in log.curve("validation/nll")] == [0, 20, 40, 60]
    results = json.loads((finished / "ann" / "results.json").read_text())
    assert results["validation"]["positions"] == len(decisions(dataset, "validation", least=2))
    assert results["test"]["positions"] == len(decisions(dataset, "test", least=2))
    assert ANN.casefold() in load_snapshot(finished / "ann" / "snapshots" / "best").card.provenance.casefold()

    flags = ["--dataset", str(dataset), "--players", ANN]
    agents = [f"snapshot:{finished / name}/snapshots/best" for name in ("ann", "everyone")]
    found = measured(runs, capsys, *flags, "--agent", agents[0], "--against", agents[1])
    gain = found["gain"]
    assert gain["positions"] == found["overall"]["positions"] == len(decisions(dataset, "test", least=2))
    assert gain["games"] == len({game for game, _ in decisions(dataset, "test", least=2)})
    assert gain["top1"] == pytest.approx(found["overall"]["top1"] - found["against_overall"]["top1"])
    assert gain["nll"] == pytest.approx(found["against_overall"]["nll"] - found["overall"]["nll"])
    # She takes the highest cell, the others the lowest; alone the prior is right where chance makes it so.
    assert found["overall"]["top1"] > 0.55
    assert 0.2 < gain["top1_interval"][0] < gain["top1"] < gain["top1_interval"][1]
    assert 0.1 < gain["nll_interval"][0] < gain["nll"] < gain["nll_interval"][1]

    back = measured(runs, capsys, *flags, "--agent", agents[1], "--against", agents[0])["gain"]
    assert back["top1"] == pytest.approx(-gain["top1"])
    # Nothing of it is true of the others.
    other = measured(runs, capsys, *flags[:2], "--players", "Bob", "Cy", "--agent", agents[0], "--against", agents[1])[
        "gain"
    ]
    assert other["nll_interval"][1] < 0
    # The same positions as an agent of another kind sees, and a table for people.
    slow = measured(runs, capsys, *flags, "--agent", "random", "--against", agents[1])
    assert slow["gain"]["positions"] == gain["positions"]
    assert slow["against_overall"]["top1"] == pytest.approx(found["against_overall"]["top1"], abs=0.02)
    assert main(["accuracy", "--runs", str(runs), *flags, "--agent", agents[0], "--against", agents[1]]) == 0
    assert f"gain over {gain['games']} games: top-1 +" in capsys.readouterr().out


def test_held_to_the_parent_it_stays_there(dataset: Path, finished: Path, runs: Path) -> None:
    parent, nlls = finished / "everyone", {}
    for weight in (0.0, 0.5, 100.0):
        assert main(personal(dataset, runs, parent, f"kl{weight}", learner__kl_weight=weight, log_every=1)) == 0
        curve = read_log(runs / f"kl{weight}" / "log.jsonl").curve("validation/nll")
        nlls[weight] = [value for _, value in curve]
    start = nlls[0.0][0]
    assert start == nlls[100.0][0]
    assert nlls[0.0][-1] < nlls[0.5][-1] < start
    assert abs(nlls[100.0][-1] - start) < 0.1 * (start - nlls[0.0][-1])
    drift = [value for _, value in read_log(runs / "kl0.5" / "log.jsonl").curve("loss/teacher_kl")]
    assert drift[0] == pytest.approx(0.0, abs=1e-6)  # the parent itself
    assert drift[-1] > 0.01


def test_the_best_is_the_parent_where_nothing_is_better(dataset: Path, finished: Path, runs: Path) -> None:
    parent = finished / "ann"
    ruin = {"learner__learning_rate": 3.0, "learner__warmup_steps": 0, "patience": 2, "loader__players": "Bob"}
    changes = {"init": finished / "everyone" / "snapshots" / "best", **ruin}
    assert main(personal(dataset, runs, parent, "ruin", **changes)) == 0
    results = json.loads((runs / "ruin" / "results.json").read_text())
    assert results["steps"] == 40
    assert results["validation"]["step"] == 0
    best = load_snapshot(runs / "ruin" / "snapshots" / "best").model.state_dict()
    before = load_snapshot(finished / "everyone" / "snapshots" / "best").model.state_dict()
    assert all(torch.equal(best[name], before[name]) for name in before)


def test_it_resumes_bit_for_bit(dataset: Path, finished: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = BehaviouralCloning.step

    def interrupted(self: BehaviouralCloning, batch: PositionBatch, *, share: float | None = None) -> StepResult:
        if self.steps_done == 27:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, share=share)

    command = personal(dataset, runs, finished / "everyone", "stopped")
    with monkeypatch.context() as patch:
        patch.setattr(BehaviouralCloning, "step", interrupted)
        assert main(command) == 130
    assert main([*command, "--resume"]) == 0
    for name in ("best", "last"):
        one, other = (run / "snapshots" / name / "model.safetensors" for run in (finished / "ann", runs / "stopped"))
        assert one.read_bytes() == other.read_bytes()


def test_a_memory_sees_the_others_moves_and_learns_none_of_them(
    dataset: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"model__memory": "lstm", "model__memory_width": 8, "sequences__length": 8, "steps": 4}
    assert main(options(dataset, runs, "memory", loader__players=ANN, **changes)) == 0
    results = json.loads((runs / "memory" / "results.json").read_text())
    assert results["test"]["positions"] == len(decisions(dataset, "test", least=2))
    agent = f"snapshot:{runs}/memory/snapshots/best"
    found = measured(runs, capsys, "--dataset", str(dataset), "--players", ANN, "--agent", agent)
    assert found["overall"]["nll"] == pytest.approx(results["test"]["nll"], rel=1e-5)
    capsys.readouterr()
    assert main(personal(dataset, runs, runs / "memory", "mixed", **changes)) == 2
    assert "a network with a memory learns from windows of one dataset" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"loader__players": "Anne de Vries"},
            "no player 'Anne de Vries' in its 360 games; did you mean 'Ann de Vries', '",
        ),
        ({"loader__players": "Zoltan"}, "no player 'Zoltan' in its 360 games\n"),
        ({"loader__players": ""}, "loader.players: a name is empty"),
        ({"loader__players": ANN, "loader__position_share": 0.5}, "loader.players: whole games are taken"),
        ({"learner__kl_weight": 0.1}, "learner.kl_weight holds the policy to the one it began from"),
        ({"learner__kl_weight": -0.1}, "learner.kl_weight must be at least 0"),
    ],
)
def test_bad_input_is_one_line(
    dataset: Path, runs: Path, changes: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(dataset, runs, "bad", **changes)) == 2
    assert message in capsys.readouterr().err


def test_a_split_without_the_player_says_so(tmp_path: Path, dataset: Path, runs: Path) -> None:
    path = tmp_path / "one.lmdb"
    with DatasetWriter(path, "tic_tac_toe", split=SplitRule(0, 0)) as writer:
        writer.add(dataclasses.replace(random_game("tic_tac_toe", 0), players=(PlayerInfo("Ann"), PlayerInfo())))
    loader = Loader(path, "test", ENCODER, LoaderConfig(players=("Ann",)), augment=False)
    assert list(loader.once()) == []
    with pytest.raises(DatasetError, match="the test split has no games of 'Ann'"):
        next(loader)
    assert main(["accuracy", "--dataset", str(path), "--players", "Ann", "--agent", "random", "--runs", str(runs)]) == 2


def test_a_dataset_of_one_person(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ann.lmdb"
    filtering = ["data", "filter", str(dataset), "--quiet", "--workers", "1", "--out"]
    assert main([*filtering, str(tmp_path / "no.lmdb"), "--filters.players", "Ann de Wries"]) == 2
    assert "did you mean 'Ann de Vries', 'ANN de vries'?" in capsys.readouterr().err
    assert main([*filtering, str(out), "--filters.players", "ann de vries"]) == 0
    made = Dataset(out)
    assert len(made) == 120
    assert all(
        any((name or "").lower().startswith("ann") for name in made.player_names(game_id)) for game_id in range(120)
    )
    assert made.player_names(0) == tuple(player.name for player in made.game(0).players)
    assert main(["data", "stats", str(dataset), "--workers", "1", "--json"]) == 0
    players = json.loads(capsys.readouterr().out.splitlines()[-1])["players"]
    assert players == {"Bob": 300, "Cy": 300, "ANN  de vries": 60, ANN: 60}
    forget_players(out, [ANN], "pseudonymise", workers=1)
    assert "ann de vries" in Dataset(out).meta.filters[0].players  # the other spelling is still there
    assert verify_dataset(out, workers=1) == []
    forget_players(out, ["ANN  de vries"], "pseudonymise", workers=1)
    assert b"de vries" not in (out / "data.mdb").read_bytes().lower()
    assert len(Dataset(out).meta.filters) == 1
    assert verify_dataset(out, workers=1) == []


def scored(right: list[float], log_probs: list[float], games: list[int]) -> ScoredBatch:
    number = len(games)
    zeros = np.zeros(number)
    return ScoredBatch(
        scores=MoveScores(
            np.where(np.array(right) > 0, 0, 1), np.ones(number, np.int64), np.array(log_probs, np.float32)
        ),
        confidence=zeros.astype(np.float32),
        values=zeros.astype(np.float32),
        outcomes=zeros.astype(np.float32),
        games=np.array(games, np.uint64),
        plies=np.arange(number),
        moves_left=np.arange(number),
        ratings=np.arange(number),
        num_legal=np.full(number, 2),
        keys=np.zeros(number, np.uint64),
    )


def test_a_gain_and_its_interval() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((2, 400)) < [[0.6], [0.5]]).astype(float)
    one, other = (scored(row.tolist(), [-1.0 - n] * 400, list(range(400))) for n, row in enumerate(right))
    gain = paired_gain(one, other, seed=0, has_policy=True)
    differences = right[0] - right[1]
    assert gain["top1"] == pytest.approx(differences.mean())
    # With one position a game the bootstrap of a mean is nearly normal.
    half = 1.96 * differences.std() / math.sqrt(400)
    assert gain["top1_interval"] == pytest.approx([differences.mean() - half, differences.mean() + half], abs=0.006)
    assert gain["nll"] == 1.0
    assert gain["nll_interval"] == [1.0, 1.0]
    # The same positions three times in each game say nothing new, and the interval is over games.
    thrice = [scored(row.repeat(3).tolist(), [-1.0] * 1200, sorted([*range(400)] * 3)) for row in right]
    again = paired_gain(*thrice, seed=0, has_policy=False)
    assert again["top1_interval"] == pytest.approx(gain["top1_interval"])
    assert "nll" not in again
    assert (again["games"], again["positions"]) == (400, 1200)
    same = paired_gain(one, one, seed=0, has_policy=True)
    assert (same["top1"], same["top1_interval"], same["nll_interval"]) == (0.0, [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ShapeError, match="same positions"):
        paired_gain(one, thrice[0], seed=0, has_policy=True)


def test_a_player_cannot_be_sampled() -> None:
    with pytest.raises(ConfigError, match="whole games are taken"):
        LoaderConfig(players=("Ann",), positions_per_game=1)
