"""People as experts: names, labels, the queue, and who waits for whom."""

import threading
from pathlib import Path

import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QUEUE_FILE, QueuedPosition, read_queue, write_queue
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.experts.people import ask_people, chosen_label, people_expert, people_labels, person_name
from tests.stages.toy_start import write_games


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ann", "ann"),
        ("  Jos\u0065\u0301  d'Or ", "José d'Or"),
        ("李 3", "李 3"),
        ("नमस्ते", "नमस्ते"),
        ("x" * 40, "x" * 40),
    ],
)
def test_names_are_kept_in_one_form(text: str, name: str) -> None:
    assert person_name(text) == name
    assert people_expert(text) == f"people:{name}"
    assert person_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 41, "x" * 10**6, "a/b", "../x", "a\0b", "<b>", "a\u202eb", "[Event", "a;b", "...", 'a"b']
)
def test_names_that_could_mean_something_else_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="a name"):
        person_name(text)


def test_a_label_shares_its_weight_among_the_chosen_moves() -> None:
    label = chosen_label("ann", 3, [7, 2], value=-0.5)
    assert (label.expert, label.round, label.value) == ("people:ann", 3, -0.5)
    assert label.actions.tolist() == [2, 7]
    assert label.probs.tolist() == [0.5, 0.5]
    for actions, value in (([], None), ([1, 1], None), ([1], 1.5), ([1], float("nan"))):
        with pytest.raises(ConfigError, match="a label"):
            chosen_label("ann", 0, actions, value)


def test_a_queue_comes_back_as_it_was_written_and_goes_with_its_dataset(tmp_path: Path) -> None:
    path = write_games(tmp_path / "toy.lmdb", 5)
    assert read_queue(path) == []
    queue = [QueuedPosition(3, 2, 1), QueuedPosition(0, 5, 1)]
    write_queue(path, queue)
    assert read_queue(path) == queue
    write_queue(path, [])
    assert read_queue(path) == []
    with pytest.raises(DatasetError, match="no such dataset"):
        write_queue(tmp_path / "none.lmdb", queue)


@pytest.mark.parametrize(
    "line",
    ["{", "[1,2,3]", "[" * 100, '{"game_id":1,"ply":2}', '{"game_id":-1,"ply":2,"round":0}', "x" * 10**6]
    + [f'{{"game_id":{value},"ply":2,"round":0}}' for value in ("true", "1.0", '"1"', 1 << 64)],
)
def test_a_strangers_queue_is_refused_by_line(tmp_path: Path, line: str) -> None:
    path = write_games(tmp_path / "toy.lmdb", 2)
    (path / QUEUE_FILE).write_text('{"game_id":1,"ply":2,"round":0}\n' + line + "\n")
    with pytest.raises(DatasetError, match="line 2"):
        read_queue(path)


def test_who_asks_waits_until_all_is_answered(tmp_path: Path) -> None:
    path = write_games(tmp_path / "toy.lmdb", 4)
    queue = [QueuedPosition(game_id, 1, 2) for game_id in range(3)]
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add_label(0, 1, chosen_label("early", 2, [8]))  # before anybody asked: counts
        writer.add_label(1, 1, chosen_label("early", 1, [8]))  # of another round: does not
    told: list[int] = []

    def answer() -> None:
        while not read_queue(path):
            pass
        for position in queue[1:]:
            with DatasetWriter(path, "tic_tac_toe") as writer:
                writer.add_label(position.game_id, 1, chosen_label("ann", 2, [8]))

    person = threading.Thread(target=answer)
    person.start()
    ask_people(path, queue, progress=told.append, poll_seconds=0.01)
    person.join()
    assert told[0] == 1
    assert sum(told) == 3
    found = people_labels(Dataset(path), range(4))
    assert found == {
        QueuedPosition(0, 1, 2): {"early"},
        QueuedPosition(1, 1, 1): {"early"},
        QueuedPosition(1, 1, 2): {"ann"},
        QueuedPosition(2, 1, 2): {"ann"},
    }


def test_who_asks_can_be_interrupted(tmp_path: Path) -> None:
    path = write_games(tmp_path / "toy.lmdb", 2)

    def stop(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_people(path, [QueuedPosition(0, 0, 0)], progress=stop)
    assert len(read_queue(path)) == 1
