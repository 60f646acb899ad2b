"""The table of public sources, and the command over a server on this machine: lists, asks, fetches, resumes."""

import builtins
import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.download import sources
from gameil.download.sources import SOURCES, RemoteFile, find_source
from gameil.errors import DownloadError
from tests.download.server import Page, Web, serving

KGS_PAGE = """<table class="table"><tr><td><a href="https://dl.u-go.net/gamerecords/KGS-2019_04-19-1255-.zip">zip</a>
<a href="https://dl.u-go.net/gamerecords/KGS-2019_04-19-1255-.tar.gz">tar</a>
<a href="https://dl.u-go.net/gamerecords/KGS-2005-19-13941-.tar.gz">tar</a>
<a href="https://elsewhere.example/KGS-2018_01-19-5-.tar.gz">tar</a>
<a href="../gamerecords/KGS-2017_01-19-5-new.tar.gz">tar</a>"""


def locate(spec: str, page: str = "") -> list[RemoteFile]:
    source, selection = find_source(spec)
    return source.locate(source, selection, lambda url: page)


def test_every_source_says_what_it_is_and_asks() -> None:
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.base.startswith("https://")
        assert source.base.endswith("/")
        assert source.terms_page.startswith("https://")
        assert len(source.terms) > 20
        files = locate(source.example, KGS_PAGE)
        assert files
        for file in files:
            assert file.url.startswith("https://")
            assert Path(file.name).name == file.name


def test_known_addresses() -> None:
    (month,) = locate("lichess:2013-01")
    assert month.url == "https://database.lichess.org/standard/lichess_db_standard_rated_2013-01.pgn.zst"
    assert month.checksums == "https://database.lichess.org/standard/sha256sums.txt"
    assert [file.url for file in locate("wthor:2010-2011")] == [
        f"https://www.ffothello.org/wthor/base/{name}"
        for name in ("WTHOR.JOU", "WTHOR.TRN", "WTH_2010.wtb", "WTH_2011.wtb")
    ]
    (player,) = locate("littlegolem:1234")
    assert player.url == "https://www.littlegolem.net/jsp/info/player_game_list_txt.jsp?plid=1234&gtid=hex"
    (week,) = locate("twic:1500")
    assert week.url == "https://theweekinchess.com/zips/twic1500g.zip"


def test_kgs_archives_are_found_in_their_list() -> None:
    assert locate("kgs:2019-04", KGS_PAGE) == [
        RemoteFile("https://dl.u-go.net/gamerecords/KGS-2019_04-19-1255-.tar.gz", "kgs-2019-04.tar.gz", 1 << 30)
    ]
    assert locate("kgs:2005", KGS_PAGE)[0].url == "https://dl.u-go.net/gamerecords/KGS-2005-19-13941-.tar.gz"
    assert locate("kgs:2017-01", KGS_PAGE)[0].url == "https://u-go.net/gamerecords/KGS-2017_01-19-5-new.tar.gz"
    with pytest.raises(DownloadError, match=r"kgs:2018-01: .* sends elsewhere, to 'elsewhere\.example'"):
        locate("kgs:2018-01", KGS_PAGE)
    with pytest.raises(DownloadError, match=r"kgs:2019-05: .* lists no such archive"):
        locate("kgs:2019-05", KGS_PAGE)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("chess", "unknown source 'chess'; known are lichess, kgs, wthor, littlegolem, twic"),
        ("lichess", "lichess: say which part: lichess:YEAR-MONTH, such as lichess:2013-01"),
        ("lichess:", "say which part"),
        ("lichess:2013-13", "lichess:2013-13: must be lichess:YEAR-MONTH, such as lichess:2013-01"),
        ("lichess:../../x", "must be lichess:YEAR-MONTH"),
        ("kgs:04", "must be kgs:YEAR-MONTH or YEAR"),
        ("wthor:2018-2010", "the years must ascend"),
        ("wthor:1000-2999", "at most 100"),
        ("littlegolem:someone", "must be littlegolem:PLAYER"),
        ("twic:1/../2", "must be twic:NUMBER"),
    ],
)
def test_specs_that_name_nothing(spec: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", spec]) == 2
    assert complaint in capsys.readouterr().err


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that stands for lichess and WTHOR."""
    with serving() as web:
        for name in ("lichess", "wthor"):
            moved = dataclasses.replace(SOURCES[name], base=web.base)
            monkeypatch.setitem(sources.SOURCES, name, moved)
        month = "lichess_db_standard_rated_2013-01.pgn.zst"
        web.pages[f"/{month}"] = Page(b"games " * 50_000)
        web.pages["/sha256sums.txt"] = Page(f"{web.pages[f'/{month}'].sha256}  {month}\n".encode())
        for name in ("WTHOR.JOU", "WTHOR.TRN", "WTH_2001.wtb"):
            web.pages[f"/{name}"] = Page(name.encode())
        yield web


def test_the_sources_are_listed_with_their_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download"]) == 0
    text = capsys.readouterr().out
    for source in SOURCES.values():
        assert source.terms in text
        assert source.terms_page in text
        assert f"gameil download {source.example}" in text
    assert main(["download", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(SOURCES)


def test_nothing_is_fetched_without_agreement(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["download", "lichess:2013-01", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(command) == 2
    shown = capsys.readouterr()
    assert "say --yes" in shown.err
    assert "CC0 1.0" in shown.out
    assert "300 kB, SHA-256 published" in shown.out
    assert [method for method, path, _ in web.requests if "lichess" in path] == ["HEAD"]

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(builtins, "input", lambda question: "n")
    assert main(command) == 1
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(builtins, "input", lambda question: "y")
    assert main(command) == 0
    assert [path.suffix for path in (tmp_path / "out").iterdir() if path.name != ".lock"] == [".zst"]


def test_several_files_for_machines(web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["download", "lichess:2013-01", "wthor:2001", "--out", str(tmp_path), "--yes", "--json"]
    assert main(command) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [(Path(file["path"]).name, file["sha256_verified"], file["was_there"]) for file in files] == [
        ("lichess_db_standard_rated_2013-01.pgn.zst", True, False),
        ("WTHOR.JOU", False, False),
        ("WTHOR.TRN", False, False),
        ("WTH_2001.wtb", False, False),
    ]
    assert (tmp_path / "WTH_2001.wtb").read_bytes() == b"WTH_2001.wtb"
    assert main(command) == 0
    assert all(file["was_there"] for file in json.loads(capsys.readouterr().out)["files"])


def test_an_interrupted_command_goes_on(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gameil.tracking.progress import Progress

    command = ["download", "lichess:2013-01", "--out", str(tmp_path), "--yes"]
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", _interrupt)
        assert main(command) == 130
    assert any(path.name.endswith(".part") for path in tmp_path.iterdir())
    assert main(command) == 0
    assert not any(".part" in path.name for path in tmp_path.iterdir())
    assert web.ranges()[-1] is not None


def _interrupt(bar: object, count: int = 1) -> None:
    raise KeyboardInterrupt


def test_a_rate_must_be_above_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "lichess:2013-01", "--limit-rate", "0"]) == 2
    assert "limit_rate must be above 0" in capsys.readouterr().err
