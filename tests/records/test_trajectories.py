"""Numeric trajectories: what is written comes back, and a stranger's file neither runs code nor fills the memory."""

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.dataset.dataset import Dataset
from gameil.errors import RecordsError
from gameil.games import pettingzoo_known, registry
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_numbered_record, to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records, write_records
from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from gameil.records.trajectories_reader import LAYOUT
from gameil.records.trajectories_writer import pack_trajectories
from tests.records.reading import HERE, content, read

ARRAYS: dict[str, Any] = {
    "format": np.array(LAYOUT),
    "game": np.array("tic_tac_toe"),
    "lengths": np.array([3, 2]),
    "actions": np.array([4, 0, 8, 1, 2]),
    "returns": np.array([[1.0, -1.0], [np.nan, np.nan]]),
    "details": np.array(['{"players":[{"name":"A","rating":1500},{"name":"B"}],"date":"2024-01-02"}', ""]),
}


def packed(**changes: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **{name: value for name, value in {**ARRAYS, **changes}.items() if value is not None})
    return file.getvalue()


def error_of(data: bytes) -> RecordError:
    found = read("npz", data)
    assert isinstance(found[-1], RecordError), found
    return found[-1]


def test_a_file_becomes_its_games() -> None:
    first, second = read("npz", packed())
    assert isinstance(first, GameRecord)
    assert isinstance(second, GameRecord)
    assert (first.game, first.notation, first.moves) == ("tic_tac_toe", "number", ("4", "0", "8"))
    assert (first.returns, first.date) == ((1.0, -1.0), "2024-01-02")
    assert first.players == (PlayerInfo("A", 1500), PlayerInfo("B"))
    assert (second.moves, second.returns, second.source) == (("1", "2"), None, Provenance("memory", 1))
    played = transcribe(first)
    assert isinstance(played, PlayedGame)
    assert played.actions.tolist() == [4, 0, 8]


def test_parameters_of_the_game_are_kept() -> None:
    data = packed(game=np.array("connect_four(columns=5,rows=4)"), actions=np.array([4, 0, 4, 1, 2], np.int16))
    played = transcribe(read("npz", data)[0])  # type: ignore[arg-type]
    assert isinstance(played, PlayedGame)
    assert played.game_id == "connect_four(columns=5,rows=4)"


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"format": np.array("other")}, "layout", "format is not"),
        ({"format": None}, "layout", "no array format"),
        ({"actions": None, "lengths": None}, "layout", "no array lengths, actions"),
        ({"actions": np.array([0.5] * 5)}, "layout", "actions is of type float64"),
        ({"actions": np.array([[1, 2]])}, "layout", "actions has the shape"),
        ({"actions": np.array([4, 0, 8, 1])}, "layout", "actions has 1 rows where 2 more are needed"),
        ({"actions": np.array([4, 0, 8, 1, 2, 3])}, "layout", "more rows than lengths says"),
        ({"actions": np.array([4, 0, 8, -1, 2])}, "action", "negative"),
        ({"lengths": np.array([-1, 6])}, "layout", "a game of -1 actions"),
        ({"lengths": np.array([5, 0])}, "no moves", "without actions"),
        ({"lengths": np.array([], np.int64), "actions": np.array([], np.int64)}, "no records", "empty"),
        ({"game": np.array("../x")}, "layout", "not the id of a game"),
        ({"details": np.array(["", "{"])}, "syntax", "no JSON"),
        ({"details": np.array(["", '{"moves":["1"]}'])}, "schema", "details must be"),
        ({"details": np.array(["", '{"date":1}'])}, "schema", "date must be text"),
        ({"returns": np.array([1.0, 2.0])}, "layout", "returns has the shape"),
        ({"observations": np.array(["a"] * 5)}, "layout", "observations is of type"),
        ({"lengths": np.array([1 << 40])}, "layout", "not 0 to"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str, detail: str) -> None:
    extra = {"returns": None, "details": None} if {"lengths", "actions"} & changes.keys() else {}
    error = error_of(packed(**extra, **changes))
    assert (error.reason, detail in error.detail) == (reason, True), error


def test_no_pickle_is_ever_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path / "run").touch, ()

    file = io.BytesIO()
    np.savez(file, **{**ARRAYS, "details": np.array([Bomb(), Bomb()], dtype=object)})
    assert "type '|O'" in error_of(file.getvalue()).detail
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ARRAYS:
            archive.writestr(f"{name}.npy", pickle.dumps(Bomb()))
    assert "no array of NumPy" in error_of(file.getvalue()).detail
    assert not (tmp_path / "run").exists()


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("member", "detail"),
    [
        (header("<U900000000", "(2,)"), "cannot be read|bytes of one game|not read"),
        (header("<i8", f"({1 << 60},)"), "has the shape|ends early|rows|bytes"),
        (header("<i8", "(-1,)"), "a shape that cannot be read"),
        (header("<i8", "(1,)*10**9"), "cannot be read"),
        (header("<i8", "__import__('os')"), "cannot be read"),
        (header("<i8", "[" * 4000), "cannot be read"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "a description of 4294967295 bytes"),
        (b"\x93NUMPY", "ends early"),
    ],
)
@pytest.mark.parametrize("name", ["actions", "returns", "details"])
def test_huge_and_hostile_descriptions_allocate_nothing(name: str, member: bytes, detail: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in ARRAYS.items():
            plain = io.BytesIO()
            np.save(plain, value)
            archive.writestr(f"{key}.npy", member if key == name else plain.getvalue())
    error = error_of(file.getvalue())
    assert error.reason in ("layout", "truncated")
    assert any(part in error.detail for part in [*detail.split("|"), "is of type", "has the shape"]), error


def test_a_zip_bomb_is_read_in_flat_memory_and_refused() -> None:
    """Many zeros in few bytes: a game of too many is refused before they are read."""
    import tracemalloc

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, value in {**ARRAYS, "lengths": np.array([5]), "returns": None, "details": None}.items():
            if value is not None:
                plain = io.BytesIO()
                np.save(plain, value)
                archive.writestr(f"{key}.npy", plain.getvalue())
        with archive.open("observations.npy", "w") as stream:
            stream.write(header("<f8", f"(5, {1 << 22})"))
            for _ in range(5):
                stream.write(bytes(1 << 23))
    data = file.getvalue()
    tracemalloc.start()
    error = error_of(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bytes of one game" in error.detail
    assert peak < 30 << 20


@settings(max_examples=100)
@given(choice=st.data())
def test_damaged_files_give_values(choice: st.DataObject) -> None:
    data = bytearray(packed())
    for _ in range(choice.draw(st.integers(0, 5))):
        place = choice.draw(st.integers(0, len(data) - 1))
        data[place] = choice.draw(st.integers(0, 255))
    found = read("npz", bytes(data[: choice.draw(st.integers(0, len(data)))]))
    assert found
    assert all(isinstance(item, (GameRecord, RecordError)) for item in found)


@settings(max_examples=40)
@given(data=st.binary(max_size=200))
def test_any_bytes_give_values(data: bytes) -> None:
    assert isinstance(read("npz", data)[0], RecordError)


def random_games(name: str, number: int) -> list[PlayedGame]:
    rng = np.random.default_rng(number)
    games = []
    for index in range(number):
        state = make_game(name).initial_state()
        while not state.is_terminal():
            state.apply(int(rng.choice(state.legal_actions())))
        high = make_game(name).reward_range[1]
        games.append(
            PlayedGame(
                make_game(name).id,
                np.asarray(state.history, np.uint32),
                Provenance("memory", index),
                returns=tuple((state.returns() / high).tolist()),
                players=(PlayerInfo(f"player {index}"), PlayerInfo("B", 100)),
                tags={"Site": "here"} if index % 2 else {},
                termination="rules",
            )
        )
    return games


@pytest.mark.parametrize("name", ["pettingzoo:leduc_holdem_v4", "pettingzoo:connect_four_v3", "chess", "backgammon"])
def test_played_games_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    if name.startswith("pettingzoo"):
        pytest.importorskip("rlcard")
    records = [to_numbered_record(played) for played in random_games(name, 3)]
    path = tmp_path / "games.npz"
    assert write_records(path, records) == 3
    again = list(read_records(path))
    assert [content(record) for record in again if isinstance(record, GameRecord)] == [content(r) for r in records]
    for record, written in zip(again, random_games(name, 3), strict=True):
        played = transcribe(record)  # type: ignore[arg-type]
        assert isinstance(played, PlayedGame), played
        assert played.actions.tolist() == written.actions.tolist()


def test_what_the_layout_cannot_carry_is_refused() -> None:
    numbered = GameRecord("chess", "number", ("1",), HERE)
    for records, message in [
        ([replace(numbered, notation="san")], "action ids"),
        ([replace(numbered, comments={0: "x"})], "comments"),
        ([numbered, replace(numbered, game="go")], "games of one kind"),
        ([numbered, replace(numbered, observations=np.zeros((1, 2)))], "for all games or none"),
        ([], "no games"),
    ]:
        with pytest.raises(RecordsError, match=message):
            pack_trajectories(io.BytesIO(), records)
    with pytest.raises(RecordsError, match="only read"):
        format_record(numbered, "npz")
    with pytest.raises(RecordsError, match="setup stones"):
        to_numbered_record(replace(random_games("tic_tac_toe", 1)[0], num_setup=2))


def test_observations_of_games_that_cannot_be_replayed_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pygame")
    from gameil.cli.main import main

    name = "pettingzoo:tictactoe_v3"
    known = replace(pettingzoo_known.ENVIRONMENTS["tictactoe_v3"], replayable=False)
    monkeypatch.setattr(pettingzoo_known, "ENVIRONMENTS", {**pettingzoo_known.ENVIRONMENTS, "tictactoe_v3": known})
    registry._make_pettingzoo.cache_clear()
    try:
        seen = np.arange(5 * 18, dtype=np.float32).reshape(5, 2, 3, 3)
        (tmp_path / "seen.npz").write_bytes(packed(game=np.array(name), observations=seen))
        (tmp_path / "bare.npz").write_bytes(packed(game=np.array(name)))
        out = tmp_path / "seen.lmdb"
        arguments = ["--game", name, "--out", str(out), "--workers", "1"]
        assert main(["ingest", str(tmp_path / "seen.npz"), str(tmp_path / "bare.npz"), *arguments]) == 0
        dataset = Dataset(out)
        assert len(dataset) == 2
        assert dataset.counts().total.rejected == {"observations": 2}
        assert [np.concatenate(dataset.observations(number)).tolist() for number in range(2)] == [
            seen[:3].tolist(),
            seen[3:].tolist(),
        ]
        dataset.close()
        assert main(["data", "verify", str(out)]) == 0
    finally:
        registry._make_pettingzoo.cache_clear()
        capsys.readouterr()


def test_the_command_line_takes_and_gives_trajectories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gameil.cli.main import main

    source, out, again = tmp_path / "games.npz", tmp_path / "games.lmdb", tmp_path / "again.npz"
    write_records(source, [to_numbered_record(played) for played in random_games("tic_tac_toe", 20)])
    common = ["--game", "tic_tac_toe", "--workers", "1"]
    assert main(["ingest", str(source), "--out", str(out), *common]) == 0
    assert main(["data", "export", str(out), "--out", str(again)]) == 0
    assert main(["ingest", str(again), "--out", str(tmp_path / "again.lmdb"), *common]) == 0
    capsys.readouterr()
    first, second = Dataset(out), Dataset(tmp_path / "again.lmdb")
    assert len(first) == 20
    assert first.digest() == second.digest()
    assert json.loads(json.dumps(first.counts().total.values()))["read"] == 20


def test_json_lines_carry_games_of_pettingzoo(tmp_path: Path) -> None:
    pytest.importorskip("pygame")
    records = [to_record(played) for played in random_games("pettingzoo:connect_four_v3", 2)]
    write_records(tmp_path / "games.jsonl", records)
    again = list(read_records(tmp_path / "games.jsonl"))
    assert [content(record) for record in again if isinstance(record, GameRecord)] == [content(r) for r in records]
