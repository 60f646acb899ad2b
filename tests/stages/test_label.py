"""Positions queued for people, and what learns from their labels: the real command line at toy size."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QueuedPosition, read_queue
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.replacement import rewritten
from gameil.dataset.writer import DatasetWriter
from gameil.experts.people import chosen_label
from gameil.positions.encoder import EncoderConfig
from gameil.positions.replay import replay
from tests.stages.toy_start import write_games, write_start


def label_all(path: Path, queue: list[QueuedPosition], name: str) -> dict[QueuedPosition, int]:
    """Somebody labels everything with the highest legal action, one commit a label, as the site does."""
    dataset = Dataset(path)
    chosen: dict[QueuedPosition, int] = {}
    for position in queue:
        (state,) = (state.clone() for ply, state, _ in replay(dataset.game(position.game_id)) if ply == position.ply)
        chosen[position] = state.legal_actions()[-1]
        with DatasetWriter(path, "tic_tac_toe") as writer:
            writer.add_label(
                position.game_id, position.ply, chosen_label(name, position.round, [chosen[position]], 0.25)
            )
    dataset.close()
    return chosen


def test_positions_are_queued_labelled_and_learned_from(
    tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_games(tmp_path / "toy.lmdb")
    start = write_start(tmp_path / "start")
    flags = ["--dataset", str(path), "--positions", "30", "--choice", "uncertain", "--policy", str(start)]
    assert main(["label", *flags, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["positions"], told["round"]) == (30, 0)
    queue = read_queue(path)
    assert len(set(queue)) == 30
    train = set(Dataset(path).game_ids("train").tolist())
    assert {position.game_id for position in queue} <= train
    chosen = label_all(path, queue, "ann")

    # A labelled position is a target of its own, with the person's value.
    loader = Loader(path, "train", EncoderConfig(), LoaderConfig(batch_size=30), augment=False, labels=True)
    batch = next(loader)
    wanted = {(position.game_id, position.ply): action for position, action in chosen.items()}
    found = zip(batch.game_ids.tolist(), batch.plies.tolist(), batch.actions.tolist(), strict=True)
    assert {(game_id, ply): action for game_id, ply, action in found} == wanted
    assert np.allclose(batch.returns, 0.25)

    # The next queue is another round and has none of these positions.
    assert main(["label", "--dataset", str(path), "--positions", "10"]) == 0
    assert "round 1" in capsys.readouterr().out
    again = read_queue(path)
    assert {position.round for position in again} == {1}
    assert not {(position.game_id, position.ply) for position in again} & set(wanted)

    config = tmp_path / "pretrain.toml"
    config.write_text(
        f'dataset = "{path}"\nsteps = 20\nevaluate_every = 20\n[model]\nkind = "mlp"\nhidden = 16\nlayers = 1\n'
        f'[loader]\nbatch_size = 32\n[[loader.also]]\ndataset = "{path}"\nshare = 0.5\nlabels = true\n'
    )
    assert main(["pretrain", str(config), "--runs", str(runs), "--name", "labelled", "--quiet"]) == 0
    assert json.loads((runs / "labelled" / "results.json").read_text())["steps"] == 20


def test_what_cannot_be_queued_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_games(tmp_path / "toy.lmdb", 3)
    for flags, text in (
        (["--choice", "uncertain"], "needs policy"),
        (["--positions", "0"], "positions must be at least 1"),
        (["--dataset", str(tmp_path / "none.lmdb")], "no such dataset"),
        (["--policy", str(tmp_path)], "snapshot"),
    ):
        assert main(["label", "--dataset", str(path), *flags]) == 2
        error = capsys.readouterr().err
        assert text in error, error
        assert error.count("\n") == 1
    assert read_queue(path) == []


def test_rewriting_a_dataset_takes_its_queue_away(tmp_path: Path) -> None:
    path = write_games(tmp_path / "toy.lmdb", 30)
    assert main(["label", "--dataset", str(path), "--positions", "5"]) == 0
    assert len(read_queue(path)) == 5
    with rewritten(path) as made:
        write_games(made, 10)
    assert len(Dataset(path)) == 10
    assert read_queue(path) == []


@pytest.mark.parametrize("changes", [["--expert-games", "5"], ["--beta.kind", "first"]])
def test_people_neither_play_nor_are_measured(
    tmp_path: Path, runs: Path, changes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = {"--init": str(write_start(tmp_path / "start")), "--expert": "people", "--expert-games": "0"}
    flags |= dict(zip(changes[::2], changes[1::2], strict=True))
    assert main(["dagger", *(part for pair in flags.items() for part in pair), "--runs", str(runs)]) == 2
    assert "people only label" in capsys.readouterr().err


def test_dagger_learns_from_people(tmp_path: Path, runs: Path) -> None:
    start = write_start(tmp_path / "start")
    labels = runs / "taught" / "labels.lmdb"
    stop = threading.Event()

    def person() -> None:
        done: set[QueuedPosition] = set()
        while not stop.is_set():
            queue = read_queue(labels) if labels.exists() else []
            missing = [position for position in queue if position not in done]
            if missing:
                label_all(labels, missing, "ann")
            done |= set(missing)
            time.sleep(0.02)

    thread = threading.Thread(target=person)
    thread.start()
    flags = {
        "init": start,
        "expert": "people",
        "expert-games": 0,
        "rounds": 2,
        "games-per-round": 12,
        "labels-per-round": 20,
        "steps-per-round": 10,
        "batch-size": 16,
        "series-games": 4,
    }
    pairs = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    try:
        assert main(["dagger", *pairs, "--runs", str(runs), "--name", "taught", "--quiet"]) == 0
    finally:
        stop.set()
        thread.join()
    results = json.loads((runs / "taught" / "results.json").read_text())
    assert [row["labels"] for row in results["rounds"]] == [0, 20, 40]
    dataset = Dataset(labels)
    experts = {(label.expert, label.round) for game in dataset.label_counts() for _, label in dataset.all_labels(game)}
    assert experts == {("people:ann", 0), ("people:ann", 1)}
