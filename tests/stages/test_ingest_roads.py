"""Every road through ingestion ends at the same dataset, row for row: processes, fast readers, interruptions."""

from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule
from gameil.games.registry import make_game
from gameil.positions.filters import FilterConfig
from gameil.records.pgn_rust import is_available
from gameil.seeding import generator
from gameil.stages.data import verify_dataset

HEAD = (
    '[Event "Open {0}"]\n[White "W {1}"]\n[Black "B {2}"]\n[WhiteElo "{3}"]\n[Date "20{4:02}.01.??"]\n[Result "*"]\n\n'
)
ROWS = ("games", "index", "strings", "digests", "duplicates", "rejected")


def moves(seed: int) -> list[str]:
    """Random moves of chess, 24 to 40 of them."""
    rng = generator(seed, "moves")
    state = make_game("chess").initial_state()
    texts: list[str] = []
    while len(texts) < 24 + seed % 17 and not state.is_terminal():
        action = int(rng.choice(state.legal_actions()))
        texts.append(state.text(action, "san"))
        state.apply(action)
    return texts


@pytest.fixture(scope="module")
def chess_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Games of every kind that the roads treat differently, plain ones most of all."""
    lines = [moves(seed) for seed in range(60)]
    games: list[bytes] = []
    for index in range(240):
        texts = lines[index % 60][: 40 - index // 60]  # some are shorter copies, some equal
        numbered = " ".join(f"{ply // 2 + 1}. {move}" if ply % 2 == 0 else move for ply, move in enumerate(texts))
        head = HEAD.format(index % 7, index % 11, index % 13, 1500 + index, index % 60)
        match index % 20:
            case 3:
                numbered += " {a remark [%clk 0:01:02]}"
            case 5:
                numbered += " Ke4"
            case 7:
                numbered = numbered.replace("1. ", "1.", 1) + " (1. e4)"
            case 9:
                head = head.replace("W ", "Wé ")
            case 11:
                numbered += " * 1. e4 e5"
            case 13:
                numbered = ""
            case 15:
                head += '[Variant "Atomic"]\n\n'
            case 17:
                numbered = "1. f3 e5 2. g4 Qh4# 3. e4 e5"
        text = f"{head}{numbered} *\n\n"
        games.append(text.encode("latin-1" if index % 40 == 9 else "utf-8"))
    path = tmp_path_factory.mktemp("records") / "games.pgn"
    path.write_bytes(b"".join(games))
    return path


def rows(path: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    dataset = Dataset(path)
    with dataset._env().read() as reading:
        found = {name: list(reading.items(name)) for name in ROWS}
    dataset.close()
    return found


def ingest(source: Path, out: Path, *flags: str) -> Dataset:
    arguments = ["ingest", str(source), "--game", "chess", "--out", str(out), "--batch-records", "60", "--quiet"]
    assert main([*arguments, *flags]) == 0
    return Dataset(out)


@pytest.fixture(scope="module")
def plain(chess_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset by one process and the rules engine alone: chunks too small for anything else."""
    out = tmp_path_factory.mktemp("plain") / "x.lmdb"
    ingest(chess_file, out, "--workers", "1", "--no-pgn-extra", "--batch-records", "16")
    return out


def test_the_file_has_all_kinds_of_games(plain: Path) -> None:
    counts = Dataset(plain).counts().total
    assert counts.adds_up
    assert counts.read == 252
    assert counts.rejected == {"illegal move": 12, "no moves": 12, "variant": 12}
    assert counts.duplicates > 10
    assert counts.after_end == 24
    assert counts.tolerances == {"latin-1": 6}
    assert verify_dataset(plain, workers=1) == []


@pytest.mark.parametrize(("workers", "extra"), [(1, False), (2, False), (1, True), (3, True)])
def test_processes_and_fast_readers_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chess_file: Path, plain: Path, workers: int, extra: bool
) -> None:
    if extra and not is_available():
        pytest.skip("needs the extra pgn")
    monkeypatch.setattr("gameil.stages.processes._INLINE", 1)
    dataset = ingest(
        chess_file, tmp_path / "x.lmdb", "--workers", str(workers), "--pgn-extra" if extra else "--no-pgn-extra"
    )
    assert rows(tmp_path / "x.lmdb") == rows(plain)
    assert (dataset.counts(), dataset.digest()) == (Dataset(plain).counts(), Dataset(plain).digest())


@pytest.mark.parametrize("extra", [False, True])
def test_the_road_taken_is_told(
    tmp_path: Path, chess_file: Path, capsys: pytest.CaptureFixture[str], extra: bool
) -> None:
    if extra and not is_available():
        pytest.skip("needs the extra pgn")
    arguments = ["ingest", str(chess_file), "--game", "chess", "--out", str(tmp_path / "x.lmdb"), "--workers", "1"]
    assert main([*arguments, "--pgn-extra" if extra else "--no-pgn-extra"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "many at a time" in line]
    assert f"by {'the Rust reader of the pgn extra' if extra else 'NumPy'}; the rules engine played" in line


def test_any_interruption_leads_to_the_same_rows(tmp_path: Path, chess_file: Path, plain: Path) -> None:
    out = tmp_path / "x.lmdb"
    for limit in (1, 59, 60, 100):
        ingest(chess_file, out, "--workers", "1", "--limit", str(limit), "--resume")
    assert Dataset(out).counts().total.read == 220
    ingest(chess_file, out, "--workers", "1", "--resume")
    assert rows(out) == rows(plain)


def test_filters_are_counted_and_kept_to(
    tmp_path: Path, chess_file: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.lmdb"
    arguments = ["ingest", str(chess_file), "--game", "chess", "--out", str(out), "--workers", "1"]
    filters = ["--filters.min-plies", "30", "--filters.max-rating", "1700"]
    assert main([*arguments, *filters, "--split.by", "player", "--split.test", "0.1"]) == 0
    told = capsys.readouterr().out
    dataset = Dataset(out)
    total = dataset.counts().total
    assert total.adds_up
    assert set(total.filtered) == {"plies", "rating"}
    assert f"filtered    {total.num_filtered:>12,}" in told
    assert dataset.meta.filters == (FilterConfig(min_plies=30, max_rating=1700),)
    assert dataset.meta.split == SplitRule(test=0.1, by="player")
    assert verify_dataset(out, workers=1) == []
    everything = [Dataset(plain).game(index) for index in range(len(Dataset(plain)))]
    kept = [game for game in everything if len(game.actions) >= 30 and (game.players[0].rating or 0) <= 1700]
    assert sorted(game.actions.tobytes() for game in kept) == sorted(
        dataset.game(index).actions.tobytes() for index in range(len(dataset))
    )
    assert main([*arguments, "--filters.min-plies", "31"]) == 2
    assert "its filters are" in capsys.readouterr().err
