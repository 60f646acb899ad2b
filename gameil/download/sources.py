"""Public collections of game records by name: where they are, what they ask of their users, how a part is named.

The addresses are those that the sources publish; nothing here was copied from them. Terms are told as we understand
them: the page named with them decides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from gameil.errors import DownloadError

ReadPage = Callable[[str], str]
"""Address of a small text page -> its text."""

MIB = 1 << 20
MAX_YEARS = 100
"""Years that one selection of WTHOR files may span."""


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch."""

    url: str
    name: str
    """What it is called on the disk. Made from the selection, never from what a server says."""
    max_bytes: int
    """More than this is refused, bytes: far above what the source really has."""
    checksums: str | None = None
    """Address of a page with lines ``SHA-256  name``, None where the source publishes none."""


@dataclass(frozen=True)
class PublicSource:
    """A collection that anyone may fetch from."""

    name: str
    title: str
    game: str
    base: str
    """Address that all of its files are under."""
    selection: str
    """What stands behind the colon."""
    example: str
    terms: str
    terms_page: str
    locate: Callable[["PublicSource", str, ReadPage], list[RemoteFile]]
    """``(source, selection, read_page)`` -> the files. Raises ``DownloadError``."""


def find_source(spec: str) -> tuple[PublicSource, str]:
    """The source and the selection in a spec such as ``lichess:2013-01``."""
    name, colon, selection = spec.partition(":")
    if name not in SOURCES:
        raise DownloadError(f"unknown source {spec!r}; known are {', '.join(SOURCES)} (gameil download lists them)")
    if not colon or not selection:
        source = SOURCES[name]
        raise DownloadError(f"{spec}: say which part: {name}:{source.selection}, such as {source.example}")
    return SOURCES[name], selection


def _lichess(source: PublicSource, selection: str, read_page: ReadPage) -> list[RemoteFile]:
    del read_page
    year, month = _month(source, selection)
    name = f"lichess_db_standard_rated_{year}-{month}.pgn.zst"
    return [RemoteFile(f"{source.base}{name}", name, 128 << 30, f"{source.base}sha256sums.txt")]


def _kgs(source: PublicSource, selection: str, read_page: ReadPage) -> list[RemoteFile]:
    """A month's archive, or a year's for the first years: its name carries a number, so the list of them is read."""
    if re.fullmatch(r"\d{4}", selection):
        part = selection
    else:
        part = "_".join(_month(source, selection))
    pattern = re.compile(rf'href="([^"\s<>]{{1,200}}-{part}-19-\d{{1,9}}-[\w-]{{0,20}}\.tar\.gz)"')
    found = pattern.search(read_page(source.base))
    if found is None:
        raise DownloadError(f"kgs:{selection}: {source.base} lists no such archive")
    url = urljoin(source.base, found[1])
    host, own = urlsplit(url).hostname or "", urlsplit(source.base).hostname or "?"
    if host != own and not host.endswith(f".{own}"):
        raise DownloadError(f"kgs:{selection}: {source.base} sends elsewhere, to {host!r}")
    return [RemoteFile(url, f"{source.name}-{selection}.tar.gz", 1 << 30)]


def _wthor(source: PublicSource, selection: str, read_page: ReadPage) -> list[RemoteFile]:
    """Years' games, and the names of players and tournaments, which the games refer to."""
    del read_page
    found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", selection)
    if found is None:
        raise _unknown(source, selection)
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < first + MAX_YEARS:
        raise DownloadError(f"wthor:{selection}: the years must ascend, and be at most {MAX_YEARS}")
    names = ["WTHOR.JOU", "WTHOR.TRN", *(f"WTH_{year}.wtb" for year in range(first, last + 1))]
    return [RemoteFile(f"{source.base}{name}", name, 64 * MIB) for name in names]


def _littlegolem(source: PublicSource, selection: str, read_page: ReadPage) -> list[RemoteFile]:
    del read_page
    if not re.fullmatch(r"\d{1,9}", selection):
        raise _unknown(source, selection)
    url = f"{source.base}jsp/info/player_game_list_txt.jsp?plid={selection}&gtid=hex"
    return [RemoteFile(url, f"littlegolem-hex-{selection}.sgf", 256 * MIB)]


def _twic(source: PublicSource, selection: str, read_page: ReadPage) -> list[RemoteFile]:
    del read_page
    if not re.fullmatch(r"\d{3,4}", selection):
        raise _unknown(source, selection)
    name = f"twic{selection}g.zip"
    return [RemoteFile(f"{source.base}{name}", name, 256 * MIB)]


def _month(source: PublicSource, selection: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", selection)
    if found is None:
        raise _unknown(source, selection)
    return found[1], found[2]


def _unknown(source: PublicSource, selection: str) -> DownloadError:
    return DownloadError(
        f"{source.name}:{selection}: must be {source.name}:{source.selection}, such as {source.example}"
    )


SOURCES: dict[str, PublicSource] = {
    source.name: source
    for source in (
        PublicSource(
            "lichess",
            "rated standard games of lichess.org, a month each",
            "chess",
            "https://database.lichess.org/standard/",
            "YEAR-MONTH",
            "lichess:2013-01",
            "CC0 1.0: public domain, free for any use",
            "https://database.lichess.org/",
            _lichess,
        ),
        PublicSource(
            "kgs",
            "games of strong players (6 and 7 dan) on the KGS Go Server, a month or an early year each",
            "go",
            "https://u-go.net/gamerecords/",
            "YEAR-MONTH or YEAR",
            "kgs:2019-04",
            "offered for download; no licence stated that we know of, so do not pass the files on",
            "https://u-go.net/gamerecords/",
            _kgs,
        ),
        PublicSource(
            "wthor",
            "tournament games since 1977, a file a year, with the names of players and tournaments",
            "othello",
            "https://www.ffothello.org/wthor/base/",
            "YEAR or FIRST-LAST",
            "wthor:2010-2018",
            "offered for download by the Fédération Française d'Othello; no licence stated that we know of",
            "https://www.ffothello.org/informatique/la-base-wthor/",
            _wthor,
        ),
        PublicSource(
            "littlegolem",
            "all hex games of one player on littlegolem.net, by the number in the address of the player's page",
            "hex",
            "https://www.littlegolem.net/",
            "PLAYER",
            "littlegolem:1",
            "no licence stated that we know of; a small site run by one person: fetch few players, and seldom",
            "https://www.littlegolem.net/",
            _littlegolem,
        ),
        PublicSource(
            "twic",
            "The Week in Chess: games between masters, a number each week from 920 on",
            "chess",
            "https://theweekinchess.com/zips/",
            "NUMBER",
            "twic:920",
            "free for personal use as we understand it; the compilation is Mark Crowther's, do not pass it on",
            "https://theweekinchess.com/twic",
            _twic,
        ),
    )
}
