"""Forgetting: no byte of the name stays, everything else does, and a kill at any moment leaves a whole dataset."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameil.cli.main import main
from gameil.dataset import replacement
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Cursor
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.filters import FilterConfig
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance, RecordError
from gameil.stages.data import verify_dataset
from gameil.stages.filtering import filter_dataset
from gameil.stages.forget import FORGOTTEN, forget_players, mention_pattern
from tests.strategies import any_played_games, random_games, random_label

NAME = "Quixano,Alonso"
TRACES = (b"Quixano", b"quixano", b"Alonso", b"alonso")
SOURCE = "records/quixano_alonso-2020.tar"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Sixty games, every tenth of the person, whose name stands wherever a name can."""
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, played in enumerate(random_games("tic_tac_toe", 60)):
            own = index % 10 == 0
            players = (PlayerInfo(NAME if own else f"p{index}", 2000, "GM"), PlayerInfo("Panza,S", 1500))
            game = dataclasses.replace(
                played,
                players=players if index % 20 else players[::-1],
                event=f"{NAME} simul" if own else "Open",
                source=Provenance(f"{SOURCE}!{index}.sgf", 5),
                tags={
                    "WhiteFideId": "2200000",
                    "BlackFideId": "2200001",
                    "Annotator": "Alonso Quixano",
                    "Link": "https://example.org/game/7",
                    "Round": "3",
                },
            )
            game_id = writer.add(game).game_id
            writer.add(dataclasses.replace(game, source=Provenance(f"other/QUIXANO, ALONSO {index}.pgn", 9)))
            writer.add_label(game_id, 1, random_label([0, 4], index))
        excerpt = f'[White "{NAME}"]'
        writer.reject(RecordError(Provenance(f"{SOURCE}!bad", 1), "syntax", f"near {NAME}", excerpt))
        writer.set_cursor(SOURCE, Cursor(10, "ff", 61, done=True))
    return path


def file_bytes(path: Path) -> bytes:
    return (path / "data.mdb").read_bytes()


def games_of(path: Path) -> list[dict[str, Any]]:
    dataset = Dataset(path)
    return [
        {item.name: getattr(dataset.game(game_id), item.name) for item in dataclasses.fields(dataset.game(game_id))}
        | {"actions": dataset.game(game_id).actions.tolist(), "labels": len(dataset.all_labels(game_id))}
        for game_id in range(len(dataset))
    ]


def test_the_name_stands_in_the_file_before(path: Path) -> None:
    assert all(trace in file_bytes(path) for trace in TRACES)


def test_a_pseudonym_takes_every_place_of_the_name(path: Path) -> None:
    before, counts = games_of(path), Dataset(path).counts().total
    results = forget_players(path, [NAME], "pseudonymise", workers=1)
    pseudonym = results["forgotten"][NAME]["pseudonym"]
    assert results["forgotten"][NAME]["games"] == 6
    assert not any(trace in file_bytes(path) for trace in TRACES)
    after = games_of(path)
    assert [game["actions"] for game in after] == [game["actions"] for game in before]
    for game_id, (old, new) in enumerate(zip(before, after, strict=True)):
        own = game_id % 10 == 0
        seat = int(game_id % 20 == 0)
        assert new["tags"]["Annotator"] == pseudonym
        if not own:
            unchanged = set(old) - {"tags", "source"}
            assert {key: new[key] for key in unchanged} == {key: old[key] for key in unchanged}
            assert new["tags"].keys() == old["tags"].keys()
            continue
        assert new["players"][seat] == PlayerInfo(pseudonym, 2000, "GM")
        assert new["players"][1 - seat] == old["players"][1 - seat]
        assert new["event"] == f"{pseudonym} simul"
        assert new["tags"].keys() == {"Annotator", "Round"}
        assert new["labels"] == 1
    dataset = Dataset(path)
    assert dataset.provenance(7) == [
        Provenance(f"records/{pseudonym}-2020.tar!7.sgf", 5),
        Provenance(f"other/{pseudonym} 7.pgn", 9),
    ]
    place = Provenance(f"records/{pseudonym}-2020.tar!bad", 1)
    excerpt = f'[White "{pseudonym}"]'
    assert list(dataset.rejected()) == [RecordError(place, "syntax", f"near {pseudonym}", excerpt)]
    assert dataset.cursors()[f"records/{pseudonym}-2020.tar"] == Cursor(10, "ff", 61, done=True)
    assert dataset.counts().total == counts
    assert verify_dataset(path, workers=1) == []


def test_patterns_of_filters_forget_too(path: Path) -> None:
    out = path.with_name("y.lmdb")
    filter_dataset(path, out, FilterConfig(events_out=(f"{NAME} and*",)), workers=1)
    forget_players(out, [NAME], "pseudonymise", workers=1)
    assert not any(trace in file_bytes(out) for trace in TRACES)
    assert Dataset(out).meta.filters[0].events_out[0].startswith("player-")
    assert verify_dataset(out, workers=1) == []


def test_removing_takes_the_games_and_counts_them(path: Path) -> None:
    before = Dataset(path).counts().total
    forget_players(path, [NAME], "remove", workers=1)
    assert not any(trace in file_bytes(path) for trace in TRACES)
    dataset = Dataset(path)
    assert len(dataset) == 54
    assert dataset.num_labels() == 54
    after = dataset.counts().total
    assert (after.read, after.stored, after.duplicates) == (before.read, 54, 54)
    assert after.filtered == {FORGOTTEN: 12}
    assert verify_dataset(path, workers=1) == []


def test_a_handle_from_before_reads_the_dataset_of_now(path: Path) -> None:
    dataset = Dataset(path)
    names = {player.name for game_id in range(60) for player in dataset.game(game_id).players}
    forget_players(path, ["Panza,S"], "pseudonymise", workers=1)
    again = {player.name for game_id in range(60) for player in Dataset(path).game(game_id).players}
    assert {player.name for game_id in range(60) for player in dataset.game(game_id).players} == again
    assert names - again == {"Panza,S"}
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add(random_games("tic_tac_toe", 1, first=900)[0])
    assert len(dataset) == 61


def test_names_match_exactly_and_those_like_them_are_told(path: Path) -> None:
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, name in enumerate(("quixano, alonso", "Quixano,A", "Álonso Quixano", "Quixote,B")):
            played = random_games("tic_tac_toe", 1, first=300 + index)[0]
            writer.add(dataclasses.replace(played, players=(PlayerInfo(name), PlayerInfo("x"))))
    with pytest.raises(DatasetError, match=r"no player 'Quixano, Alonzo' .* did you mean 'Quixano,Alonso'"):
        forget_players(path, ["Quixano, Alonzo"], "remove", workers=1)
    results = forget_players(path, [NAME], "pseudonymise", workers=1)
    assert results["like_them"] == {"quixano, alonso": 1, "Quixano,A": 1, "Álonso Quixano": 1}
    for name in results["like_them"]:
        forget_players(path, [name], "pseudonymise", workers=1)
    assert not any(trace in file_bytes(path) for trace in TRACES)


def test_what_cannot_be_forgotten(path: Path) -> None:
    before = file_bytes(path)
    for names in ([], ["?!"]):
        with pytest.raises(ConfigError, match="at least one"):
            forget_players(path, names, "remove", workers=1)
    with pytest.raises(DatasetError, match="no player 'Nobody'"):
        forget_players(path, [NAME, "Nobody"], "remove", workers=1)
    with pytest.raises(DatasetError, match="no other games are in it"):
        forget_players(path, ["Panza,S"], "remove", workers=1)
    assert file_bytes(path) == before
    with DatasetWriter(path, "tic_tac_toe"), pytest.raises(DatasetError, match="another process is writing"):
        forget_players(path, [NAME], "remove", workers=1)
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.seal()
    with pytest.raises(DatasetError, match="sealed"):
        forget_players(path, [NAME], "remove", workers=1)
    assert sorted(part.name for part in path.parent.iterdir()) == ["x.lmdb"]


def test_a_kill_leaves_the_old_dataset_and_the_next_run_cleans_up(path: Path) -> None:
    digest = Dataset(path).digest()
    program = f"""
import time
from pathlib import Path
from gameil.dataset import replacement
from gameil.stages import forget
real = forget.DatasetWriter.commit
def slow(writer):
    real(writer)
    print("committed", flush=True)
    time.sleep(60)
forget.DatasetWriter.commit = slow
forget.forget_players(Path({str(path)!r}), [{NAME!r}], "remove", workers=1)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"committed\n"
        os.kill(process.pid, signal.SIGKILL)
    leftover = path.parent / ".x.lmdb.unfinished"
    assert leftover.is_dir()
    assert Dataset(path).digest() == digest
    assert verify_dataset(path, workers=1) == []
    forget_players(path, [NAME], "pseudonymise", workers=1)
    assert not leftover.exists()
    assert not any(trace in file_bytes(path) for trace in TRACES)


def test_a_reader_of_another_process_keeps_the_old_file_until_it_opens_the_new(path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from gameil.dataset.dataset import Dataset
held = Dataset(Path({str(path)!r}))
print(len(held), flush=True)
sys.stdin.readline()
print(sum({NAME!r} in [player.name for player in held.game(i).players] for i in range(60)), flush=True)
anew = Dataset(Path({str(path)!r}))
print(len(anew), sum(p.name == {NAME!r} for i in range(len(anew)) for p in anew.game(i).players), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"60\n"
        forget_players(path, [NAME], "remove", workers=1)
        with DatasetWriter(path, "tic_tac_toe") as writer:
            for played in random_games("tic_tac_toe", 7, first=700):
                writer.add(played)
        process.stdin.write(b"go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"6\n"
        assert process.stdout.readline() == b"61 0\n"
    assert verify_dataset(path, workers=1) == []


@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_the_swap_is_one_step(path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off before the swap it has not happened, cut off after it has."""

    class PowerCutError(BaseException):
        pass

    digest = Dataset(path).digest()
    real_unlink = Path.unlink
    cuts: list[str] = []

    def cut_replace(*_: object) -> None:
        raise PowerCutError

    def cut_second_unlink(self: Path, missing_ok: bool = False) -> None:
        if self.name == "lock.mdb" and self.parent == path:
            cuts.append(self.name)
            if len(cuts) == 2:
                raise PowerCutError
        real_unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        if step == "replace":
            patched.setattr(replacement.Path, "replace", cut_replace)
        else:
            patched.setattr(replacement.Path, "unlink", cut_second_unlink)
        with pytest.raises(PowerCutError):
            forget_players(path, [NAME], "remove", workers=1)
    assert (Dataset(path).digest() == digest) == (step == "replace")
    assert verify_dataset(path, workers=1) == []
    assert sorted(part.name for part in path.parent.iterdir()) == ["x.lmdb"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(any_played_games(), min_size=2, max_size=4), st.data())
def test_no_byte_of_the_name_stays_whatever_stands_around_it(
    tmp_path_factory: pytest.TempPathFactory, games: list[PlayedGame], data: st.DataObject
) -> None:
    def with_name(text: str | None) -> str | None:
        return f"{text or ''} {NAME}; " if data.draw(st.booleans()) else text

    path = tmp_path_factory.mktemp("forget") / "x"
    with DatasetWriter(path, "connect_four") as writer:
        for played in games:
            changed = dataclasses.replace(
                played,
                players=(*played.players[:-1], PlayerInfo(NAME)) if data.draw(st.booleans()) else played.players,
                event=with_name(played.event),
                tags={name: with_name(value) or "" for name, value in played.tags.items()},
                source=Provenance(with_name(played.source.file) or "", 1),
            )
            writer.add(changed)
            writer.reject(RecordError(changed.source, "syntax", with_name("x") or "", with_name("y") or ""))
        writer.add(dataclasses.replace(random_games("connect_four", 1)[0], event=NAME))
        writer.add(random_games("connect_four", 1, first=1)[0])
    before = games_of(path)
    assert NAME.encode() in file_bytes(path)
    forget_players(path, [NAME], "pseudonymise", workers=1)
    assert not any(trace in file_bytes(path) for trace in TRACES)
    assert [game["actions"] for game in games_of(path)] == [game["actions"] for game in before]


def test_the_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "forget", str(path), NAME, "Panza,S", "--workers", "1", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert f"{NAME!r}: 6 games now of player-" in text
    assert "'Panza,S': 60 games now of player-" in text
    assert main(["data", "forget", str(path), "Panza,S", "--quiet"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["data", "forget", str(path), "p7", "--mode", "remove", "--json", "--workers", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["games"] == 59


@pytest.mark.parametrize("cut", range(3, len(NAME)))
def test_a_name_cut_off_in_an_excerpt_goes_too(path: Path, cut: int) -> None:
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.reject(RecordError(Provenance("z", 1), "syntax", "", f'1. e4 [White "{NAME[:cut]}'))
    forget_players(path, [NAME], "pseudonymise", workers=1)
    excerpt = list(Dataset(path).rejected())[-1].excerpt
    assert re.fullmatch(r'1\. e4 \[White "player-[0-9a-f]{8}', excerpt)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Carlsen,M", "Carlsen,M", True),
        ("Carlsen,M", "2013 carlsen - m vs x", True),
        ("Carlsen,M", "m_carlsen.pgn", True),
        ("Carlsen,M", "Carlsen,Magnus", False),
        ("Li", "Li vs Wang", True),
        ("Li", "Lima open", False),
        ("Li", "Berlin_li.sgf", True),
        ("a.b(c", "x a.b(c y", True),
        ("柯洁", "柯洁-x.sgf", True),
    ],
)
def test_mentions(name: str, text: str, found: bool) -> None:
    assert (mention_pattern(name).search(text) is not None) == found


@given(st.text(max_size=40).filter(lambda name: any(char.isalnum() for char in name)))
def test_every_name_mentions_itself(name: str) -> None:
    began = time.process_time()
    assert mention_pattern(name).search(f"x - {name} - y")
    mention_pattern(name).search(name * 50 + "x" * 1000)
    assert time.process_time() - began < 0.5
