"""Bad input through the real command line: one clear line, the right exit code, no traceback, nothing half-written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import pytest
import zstandard

from gameil.cli.main import main

GOOD_MOVES = "1. e4 e5 2. Qh5 Nc6 3. Bc4 Nf6 4. Qxf7#"
ILLEGAL_MOVES = "1. e4 e5 2. Ke3 Nc6 3. Bc4 Nf6 4. Qxf7#"
LOCKS = ("lock.mdb", "writer.lock")
SGF_GAME = "(;GM[1]FF[4]SZ[9]KM[7.5]RE[B+R];B[ee];W[gc];B[cg];W[dd])"


def pgn(white: str, moves: str = GOOD_MOVES) -> str:
    return f'[Event "x"]\n[White "{white}"]\n[Black "B"]\n[Result "1-0"]\n\n{moves} 1-0\n\n'


class CommandLine:
    """Runs ``gameil`` in this process, in a directory of its own."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._capsys = capsys

    def run(self, *argv: object) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._capsys.readouterr()
        code = main([str(argument) for argument in argv])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    def results(self, *argv: object) -> dict:
        """Results of a command that must succeed."""
        code, out, err = self.run(*argv, "--json")
        assert code == 0, err
        return json.loads(out)

    def refusal(self, *argv: object) -> str:
        """The one line with which a command must refuse; checks that the directory is as it was before."""
        before = snapshot_of(self.directory)
        code, _, err = self.run(*argv)
        assert code == 2, err
        complaints = [line for line in err.splitlines() if "error" in line]
        assert len(complaints) == 1, err
        assert complaints[0].startswith("gameil: error: ")
        assert snapshot_of(self.directory) == before, "something was left behind or changed"
        return complaints[0].removeprefix("gameil: error: ")


def snapshot_of(directory: Path) -> dict[str, bytes]:
    """Every file below a directory with its content; lock files hold no data and are left out."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.name not in LOCKS)
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture
def gameil(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path, capsys)


def write(name: str, content: str | bytes) -> Path:
    path = Path(name)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def ingest(source: Path, out: str = "out.lmdb", game: str = "chess") -> list[object]:
    return ["ingest", source, "--game", game, "--out", out, "--workers", 1]


def dataset(gameil: CommandLine, out: str, game: str = "chess") -> Path:
    """A small good dataset."""
    good = write(f"{out}.pgn", "".join(pgn(f"P{i}") for i in range(8))) if game == "chess" else write("g.sgf", SGF_GAME)
    gameil.results(*ingest(good, out, game))
    return Path(out)


# Sources that cannot be read at all


def test_missing_file(gameil: CommandLine) -> None:
    assert "nowhere.pgn: no such file" in gameil.refusal(*ingest(Path("nowhere.pgn")))


def test_directory(gameil: CommandLine) -> None:
    Path("games").mkdir()
    assert "games: is a directory" in gameil.refusal(*ingest(Path("games")))


def test_pipe_or_device(gameil: CommandLine) -> None:
    assert "/dev/null: is a pipe or device" in gameil.refusal(*ingest(Path("/dev/null")))


def test_empty_file(gameil: CommandLine) -> None:
    assert "empty.pgn: is empty" in gameil.refusal(*ingest(write("empty.pgn", b"")))


@pytest.mark.parametrize("name", ["noise.pgn", "noise.sgf", "noise.zst", "noise.gz", "noise"])
def test_binary_noise(gameil: CommandLine, name: str) -> None:
    noise = np.random.Generator(np.random.PCG64(3)).bytes(5000)
    assert name in gameil.refusal(*ingest(write(name, noise)))


def test_text_that_is_no_record(gameil: CommandLine) -> None:
    assert "poem.txt" in gameil.refusal(*ingest(write("poem.txt", "Shall I compare thee to a summer's day?\n" * 50)))


def test_the_good_sources_of_a_refused_command_are_not_stored_by_halves(gameil: CommandLine) -> None:
    good = write("good.pgn", pgn("A"))
    gameil.refusal("ingest", good, "nowhere.pgn", "--game", "chess", "--out", "out.lmdb")


# Sources with something usable in them


def truncated_zst(games: int, share: float) -> bytes:
    """A .zst of many blocks, cut off."""
    compressor = zstandard.ZstdCompressor().compressobj()
    blocks = b""
    for number in range(games):
        blocks += compressor.compress(pgn(f"Player {number}").encode()) + compressor.flush(
            zstandard.COMPRESSOBJ_FLUSH_BLOCK
        )
    whole = blocks + compressor.flush()
    return whole[: int(len(whole) * share)]


def test_truncated_zst_keeps_the_games_before_the_cut(gameil: CommandLine) -> None:
    results = gameil.results(*ingest(write("cut.pgn.zst", truncated_zst(200, 0.5))))
    run = results["run"]
    assert 50 < run["stored"] < 150
    assert run["read"] == run["stored"] + run["duplicates"] + sum(run["rejected"].values())
    assert "truncated" in " ".join(run["rejected"])


def test_zst_truncated_before_the_first_game(gameil: CommandLine) -> None:
    assert "cut.pgn.zst" in gameil.refusal(*ingest(write("cut.pgn.zst", truncated_zst(200, 0.5)[:12])))


def test_illegal_move_in_the_middle_of_a_pgn(gameil: CommandLine) -> None:
    source = write("three.pgn", pgn("A") + pgn("B", ILLEGAL_MOVES) + pgn("C"))
    results = gameil.results(*ingest(source))
    assert results["run"]["read"] == 3
    assert results["run"]["stored"] == results["games"] == 2
    assert results["run"]["rejected"] == {"illegal move": 1}


def test_only_illegal_games(gameil: CommandLine) -> None:
    line = gameil.refusal(*ingest(write("bad.pgn", pgn("A", ILLEGAL_MOVES))))
    assert "no usable game" in line
    assert "illegal move" in line


def test_sgf_of_a_500x500_board(gameil: CommandLine) -> None:
    huge = "(;GM[1]FF[4]SZ[500]RE[B+R];B[aa];W[bb])"
    family = "go(board_size=9)"
    assert "500" in gameil.refusal(*ingest(write("huge.sgf", huge), game=family))
    results = gameil.results(*ingest(write("both.sgf", huge + SGF_GAME), "both.lmdb", family))
    assert results["run"]["stored"] == 1
    assert sum(results["run"]["rejected"].values()) == 1


# Datasets


def test_dataset_of_another_game(gameil: CommandLine) -> None:
    path = dataset(gameil, "go.lmdb", "go(board_size=9)")
    line = gameil.refusal(*ingest(write("good.pgn", pgn("A")), str(path)))
    assert "go(board_size=9)" in line
    assert "chess" in line


def test_measuring_an_agent_on_a_dataset_of_another_game(gameil: CommandLine) -> None:
    path = dataset(gameil, "go.lmdb", "go(board_size=9)")
    snapshot = tiny_snapshot("player", "connect_four")
    line = gameil.refusal("accuracy", "--agent", f"snapshot:{snapshot}", "--dataset", path)
    assert "connect_four" in line
    assert "go(board_size=9)" in line


def test_an_lmdb_of_something_else(gameil: CommandLine) -> None:
    Path("other.lmdb").mkdir()
    environment = lmdb.open("other.lmdb", max_dbs=1)
    with environment.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    environment.close()
    assert "other.lmdb" in gameil.refusal(*ingest(write("good.pgn", pgn("A")), "other.lmdb"))
    assert "other.lmdb" in gameil.refusal("pretrain", "--dataset", "other.lmdb", "--steps", 1)


def test_a_file_where_a_dataset_should_be(gameil: CommandLine) -> None:
    write("taken", "precious")
    assert "taken" in gameil.refusal(*ingest(write("good.pgn", pgn("A")), "taken"))


def test_missing_dataset(gameil: CommandLine) -> None:
    assert "nowhere.lmdb" in gameil.refusal("pretrain", "--dataset", "nowhere.lmdb", "--steps", 1)


# Configurations


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('dataset = "d.lmdb"\nsteps = 1\nlearning_rat = 1.0', "learning_rat"),
        ('dataset = "d.lmdb"\nsteps = 1\n[model]\nchanels = 64', "model.chanels"),
        ('dataset = "d.lmdb"\nsteps = "many"', "steps"),
        ('dataset = "d.lmdb', "not valid TOML"),
    ],
)
def test_bad_configuration_of_a_stage(gameil: CommandLine, text: str, complaint: str) -> None:
    line = gameil.refusal("pretrain", write("bad.toml", text))
    assert complaint in line
    assert "bad.toml" in line


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[stage]]\nkind = "ladder"\ngame = "tic_tac_toe"\nagent = "random"\nlevls = ["easy"]', "levls"),
        ('[[stage]]\nkind = "lader"', "lader"),
        ('titel = "x"\n[[stage]]\nkind = "ladder"\ngame = "tic_tac_toe"\nagent = "random"', "titel"),
        ("", "stage"),
    ],
)
def test_bad_pipeline(gameil: CommandLine, text: str, complaint: str) -> None:
    line = gameil.refusal("run", write("bad.toml", text))
    assert complaint in line
    assert "bad.toml" in line


def test_unknown_flag_and_command(gameil: CommandLine) -> None:
    assert "--gmaes" in gameil.refusal(*evaluate("random"), "--gmaes", 4)
    assert "--agent" in gameil.refusal("evaluate", "--game", "tic_tac_toe", "--against", "random")
    assert "evalate" in gameil.refusal("evalate")


# Agents and snapshots


def evaluate(agent: str, game: str = "connect_four") -> list[str]:
    return ["evaluate", "--game", game, "--agent", agent, "--against", "random", "--games", "2"]


@pytest.mark.parametrize(
    ("agent", "complaint"),
    [
        ("uci:no-such-engine", "no-such-engine"),
        ("gtp:no-such-engine", "no-such-engine"),
        ("nonsense", "nonsense"),
        ("mcts:many", "many"),
        ("builtin:godlike", "godlike"),
        ("snapshot:nowhere", "nowhere"),
        ("random;rm", "random;rm"),
    ],
)
def test_agent_that_cannot_be_built(gameil: CommandLine, agent: str, complaint: str) -> None:
    game = "chess" if agent.startswith("uci") else "go(board_size=9)" if agent.startswith("gtp") else "connect_four"
    assert complaint in gameil.refusal(*evaluate(agent, game))


@pytest.mark.parametrize("game", ["conect_four", "go(board_size=500)", "go(bord_size=9)", "../games"])
def test_game_that_is_not_there(gameil: CommandLine, game: str) -> None:
    gameil.refusal(*evaluate("random", game))


def tiny_snapshot(name: str, game_id: str, hidden: int = 8) -> Path:
    from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
    from gameil.games.registry import make_game
    from gameil.models.config import ModelConfig
    from gameil.models.policy_value import build_model
    from gameil.positions.encoder import EncoderConfig, ObservationEncoder

    game = make_game(game_id)
    config = ModelConfig(kind="mlp", hidden=hidden)
    model = build_model(config, game, ObservationEncoder(game, EncoderConfig()).shape)
    save_snapshot(Path(name), model, SnapshotCard(game_id=game_id, model=config, encoder=EncoderConfig()))
    return Path(name)


def swap_weights(path: Path) -> None:
    other = tiny_snapshot("wider", "connect_four", hidden=16)
    (path / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())


def cut_weights(path: Path) -> None:
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def spoil_card(path: Path) -> None:
    (path / "snapshot.json").write_text("{")


def remove_weights(path: Path) -> None:
    (path / "model.safetensors").unlink()


@pytest.mark.parametrize("damage", [swap_weights, cut_weights, spoil_card, remove_weights])
def test_damaged_snapshot(gameil: CommandLine, damage: Callable[[Path], None]) -> None:
    path = tiny_snapshot("player", "connect_four")
    damage(path)
    assert "player" in gameil.refusal(*evaluate(f"snapshot:{path}"))


HOSTILE = {"huge number": "9" * 5000, "deep nesting": "[" * 100_000}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_numbers_and_nesting_that_no_reader_holds(gameil: CommandLine, value: str) -> None:
    path = tiny_snapshot("player", "connect_four")
    (path / "snapshot.json").write_text(f'{{"game_id": {value}')
    code, _, error = gameil.run(*evaluate(f"snapshot:{path}"))
    assert (code, error.count("\n")) == (2, 1)
    assert "not valid JSON" in error
    assert "not valid TOML" in gameil.refusal("pretrain", write("bad.toml", f"steps = {value}"))
    assert "not valid TOML" in gameil.refusal("run", write("bad.toml", f"seed = {value}"))
    (path / "config.json").write_text(f'{{"stage": {value}')
    assert "config.json" in gameil.refusal("report", path)


def test_snapshot_of_another_game(gameil: CommandLine) -> None:
    path = tiny_snapshot("player", "connect_four")
    line = gameil.refusal(*evaluate(f"snapshot:{path}", "othello"))
    assert "connect_four" in line
    assert "othello" in line


def test_real_process_says_one_line_and_exits_with_2(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [sys.executable, "-m", "gameil", *evaluate("uci:no-such-engine", "chess")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gameil: error: ")
    assert "no-such-engine" in done.stderr
