"""People's Overcooked trials: tables without unpickling, states held against the rules, nothing run."""

import importlib.util
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import seen_as, transcribe
from gameil.records.formats import parse_record, read_records, split_records
from gameil.records.overcooked_reader import KITCHENS
from gameil.records.plain_pickle import PickleError, read_plain, read_table
from gameil.records.record import GameRecord, RawRecord, RecordError


class _Called:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"table": [_Called(target)]}, protocol)
        with pytest.raises(PickleError):
            read_plain(data)
        file = tmp_path / f"evil-{protocol}.pickle"
        file.write_bytes(data)
        (outcome,) = read_records(file, "overcooked")
        assert isinstance(outcome, RecordError)
        assert outcome.reason == "layout"
    assert not target.exists()
    pickle.loads(data)  # it is malicious indeed
    assert target.exists()


def test_what_is_on_the_list_is_only_written_down() -> None:
    """Even an allowed name is never called: an array's bytes stay beside its name."""
    made = read_plain(pickle.dumps(np.arange(3), 4))
    assert made.name.endswith("_reconstruct")
    assert isinstance(made.state[-1], bytes)
    with pytest.raises(PickleError, match="no data frame"):
        read_table(pickle.dumps([1, 2], 4))


@pytest.mark.parametrize("value", [None, True, 3, -7, 2.5, "text", b"bytes", (), (1, (2,)), [1, [2]], {"a": {"b": 1}}])
def test_plain_values_come_back(value: object) -> None:
    assert read_plain(pickle.dumps(value, 4)) == value


def test_cut_and_damaged_pickles_are_refused() -> None:
    data = pickle.dumps({"a": [1, 2, {"b": np.arange(4)}]}, 4)
    for end in range(len(data)):
        with pytest.raises(PickleError):
            read_plain(data[:end])
    rng = np.random.default_rng(0)
    for _ in range(300):
        bad = bytearray(data)
        bad[int(rng.integers(2, len(bad)))] = int(rng.integers(256))
        try:
            read_plain(bytes(bad))
        except PickleError:
            continue


@pytest.fixture(scope="module")
def trials() -> list[GameRecord | RecordError]:
    package = importlib.util.find_spec("overcooked_ai_py")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the extra overcooked is not installed: pip install --no-deps overcooked-ai==1.1.0")
    place = Path(next(iter(package.submodule_search_locations)))
    file = place / "data" / "human_data" / "clean_test_trials.pickle"
    raws = list(split_records(file))
    assert len(raws) == 37
    return [parse_record(raw) if isinstance(raw, RawRecord) else raw for raw in raws[::6]]


def test_every_recorded_state_is_what_the_rules_make(trials: list[GameRecord | RecordError]) -> None:
    steps = 0
    for record in trials:  # all of them by `gameil ingest`: docs/pettingzoo.md
        assert isinstance(record, GameRecord)
        assert record.states is not None
        assert record.parameters["layout"] in KITCHENS.values()
        played = transcribe(record)
        assert isinstance(played, PlayedGame)
        game = make_game(played.game_id)
        state = game.initial_state()
        for action in played.actions.tolist():
            state.apply(action)
        assert played.returns is not None
        assert state.returns()[0] / game.reward_range[1] == pytest.approx(played.returns[0])
        steps += len(record.moves) // 2
    assert steps > 8000


def test_trials_serve_every_way_of_seeing_the_kitchen(trials: list[GameRecord | RecordError]) -> None:
    record = trials[0]
    assert isinstance(record, GameRecord)
    layout = record.parameters["layout"]
    family = make_game(f"pettingzoo:overcooked(frames=2,layout={layout},view=pixels)").family
    played = transcribe(seen_as(record, family))
    assert isinstance(played, PlayedGame)
    assert make_game(played.game_id).family == family
    assert seen_as(record, make_game(f"pettingzoo:overcooked(layout={layout})").family) is record


def test_a_state_that_differs_is_found_and_counted(trials: list[GameRecord | RecordError]) -> None:
    record = trials[0]
    assert isinstance(record, GameRecord)
    assert record.states is not None
    states = record.states.copy()
    states[10:13, 0] += 1
    outcome = transcribe(replace(record, states=states))
    assert isinstance(outcome, RecordError)
    assert outcome.reason == "state differs"
    assert outcome.detail.startswith("3 of 2,")
    assert "first before move 11" in outcome.detail
    moves = list(record.moves)
    moves[100] = "5" if moves[100] != "5" else "0"
    assert isinstance(transcribe(replace(record, moves=tuple(moves))), RecordError)
