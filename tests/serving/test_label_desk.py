"""The label desk: who gets which position, what is committed, what is refused."""

import threading
from pathlib import Path

import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QueuedPosition, write_queue
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError, IllegalActionError
from gameil.serving.label_desk import LEASE_SECONDS, LabelDesk
from tests.stages.toy_start import write_games

QUEUE = [QueuedPosition(game_id, 2, 0) for game_id in range(3)]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = write_games(tmp_path / "toy.lmdb", 8)
    write_queue(path, QUEUE)
    return path


def labels(path: Path) -> dict[tuple[int, int, str, int], list[int]]:
    reader = Dataset(path)
    return {
        (game_id, ply, label.expert, label.round): label.actions.tolist()
        for game_id in range(len(reader))
        for ply, label in reader.all_labels(game_id)
    }


def test_two_people_share_the_queue_and_their_labels_land(dataset: Path) -> None:
    desk = LabelDesk(dataset)
    first, second = desk.take("a", "ann"), desk.take("b", "bob")
    assert first is not None
    assert second is not None
    assert [first.position, second.position] == QUEUE[:2]
    assert first.previous == tuple(Dataset(dataset).game(0).actions[:2].tolist())
    assert first.state.history == list(first.previous)
    again = desk.take("a", "ann")
    assert again is not None
    assert again.position == first.position  # until it is labelled or skipped
    move = first.state.legal_actions()[3]
    desk.label("a", "ann", first.position, [move], 0.5)
    desk.label("b", "bob", second.position, second.state.legal_actions()[:2])
    assert labels(dataset) == {
        (0, 2, "people:ann", 0): [move],
        (1, 2, "people:bob", 0): second.state.legal_actions()[:2],
    }
    assert desk.counts() == LabelDesk(dataset).counts()  # what is done is in the dataset, not in the desk
    assert (desk.counts().queued, desk.counts().labelled) == (3, 2)
    assert dict(desk.counts().by_person) == {"ann": 1, "bob": 1}
    third = desk.take("a", "ann")
    assert third is not None
    desk.label("a", "ann", third.position, [third.state.legal_actions()[0]])
    assert desk.take("a", "ann") is None
    assert desk.take("b", "bob") is None


def test_a_lease_ends_and_a_skipped_position_goes_to_others(dataset: Path) -> None:
    now = [0.0]
    desk = LabelDesk(dataset, clock=lambda: now[0])
    desk.take("a", "ann")
    now[0] = LEASE_SECONDS - 1
    assert desk.take("b", "bob").position == QUEUE[1]  # type: ignore[union-attr]
    desk.skip("b", QUEUE[1])
    assert desk.take("b", "bob").position == QUEUE[2]  # type: ignore[union-attr]
    now[0] = LEASE_SECONDS + 1
    assert desk.take("c", "cat").position == QUEUE[0]  # type: ignore[union-attr]
    assert desk.take("d", "dan").position == QUEUE[1]  # type: ignore[union-attr]


def test_several_people_may_be_wanted_for_each_position(dataset: Path) -> None:
    desk = LabelDesk(dataset, people_per_position=2)
    for name in ("ann", "bob"):
        for _ in QUEUE:
            task = desk.take(name, name)
            assert task is not None
            desk.label(name, name, task.position, [task.state.legal_actions()[0]])
        assert desk.take(name, name) is None
    assert desk.counts().labelled == 3
    assert len(labels(dataset)) == 6
    assert desk.take("c", "cat") is None


def test_the_last_label_can_be_corrected(dataset: Path) -> None:
    desk = LabelDesk(dataset)
    assert desk.last("a") is None
    task = desk.take("a", "ann")
    assert task is not None
    legal = task.state.legal_actions()
    desk.label("a", "ann", task.position, [legal[0]])
    again = desk.last("a")
    assert again is not None
    desk.label("a", "ann", again.position, [legal[1]])
    assert labels(dataset) == {(0, 2, "people:ann", 0): [legal[1]]}
    assert desk.counts().labelled == 1


def test_what_is_no_label_is_refused_and_nothing_is_written(dataset: Path) -> None:
    desk = LabelDesk(dataset)
    task = desk.take("a", "ann")
    assert task is not None
    taken = task.previous[0]
    legal = task.state.legal_actions()[0]
    with pytest.raises(IllegalActionError):
        desk.label("a", "ann", task.position, [taken])
    for actions in ([], [legal, legal]):
        with pytest.raises(ConfigError):
            desk.label("a", "ann", task.position, actions)
    with pytest.raises(ConfigError):
        desk.label("a", "../ann", task.position, [legal])
    with pytest.raises(ConfigError):
        desk.take("a", "a\0b")
    with pytest.raises(DatasetError, match="not queued"):
        desk.label("a", "ann", QueuedPosition(5, 2, 0), [legal])
    with pytest.raises(DatasetError, match="not queued"):
        desk.label("a", "ann", QueuedPosition(0, 2, 7), [legal])
    assert labels(dataset) == {}


def test_a_queue_of_places_that_are_not_there_is_passed_over(dataset: Path) -> None:
    write_queue(dataset, [QueuedPosition(10**6, 0, 0), QueuedPosition(0, 10**6, 0), QUEUE[0]])
    desk = LabelDesk(dataset)
    assert desk.take("a", "ann").position == QUEUE[0]  # type: ignore[union-attr]


def test_the_desk_follows_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "toy.lmdb"
    desk = LabelDesk(path)
    assert desk.take("a", "ann") is None  # not even a dataset yet
    write_games(path, 4)
    assert desk.counts().queued == 0
    write_queue(path, QUEUE)
    assert desk.counts().queued == 3
    task = desk.take("a", "ann")
    write_queue(path, [QueuedPosition(3, 1, 1)])
    assert task is not None
    with pytest.raises(DatasetError, match="not queued any more"):
        desk.label("a", "ann", task.position, [task.state.legal_actions()[0]])
    assert desk.take("a", "ann").position == QueuedPosition(3, 1, 1)  # type: ignore[union-attr]


def test_a_label_waits_for_no_other_writer_and_can_be_given_again(dataset: Path) -> None:
    """While the dataset is being written the label is refused in one line; afterwards the same label passes."""
    desk = LabelDesk(dataset)
    task = desk.take("a", "ann")
    assert task is not None
    legal = task.state.legal_actions()[0]
    with DatasetWriter(dataset, "tic_tac_toe"), pytest.raises(DatasetError, match="writ"):
        desk.label("a", "ann", task.position, [legal])
    desk.label("a", "ann", task.position, [legal])
    assert len(labels(dataset)) == 1


def test_many_at_once_label_everything_once(tmp_path: Path) -> None:
    path = write_games(tmp_path / "toy.lmdb", 20)
    queue = [QueuedPosition(game_id, ply, 3) for game_id in range(20) for ply in (0, 2)]
    write_queue(path, queue)
    desk = LabelDesk(path)

    def person(name: str) -> None:
        while (task := desk.take(name, name)) is not None:
            desk.label(name, name, task.position, [task.state.legal_actions()[0]])

    people = [threading.Thread(target=person, args=(name,)) for name in ("ann", "bob", "cat", "dan")]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(labels(path)) == len(queue)
    assert desk.counts().labelled == len(queue)
