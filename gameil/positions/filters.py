"""Which games are let into a dataset: named predicates over played games, each with a rule for facts not stated.

A predicate that is not set lets every game pass. Where a game does not state what a predicate asks for (no rating, no
date, no time control), it passes too, unless ``require_known`` is set: then it is refused as ``unknown <predicate>``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import translate
from functools import lru_cache
from typing import Any, Literal

from gameil.errors import ConfigError
from gameil.positions.played_game import PlayedGame
from gameil.positions.player_names import name_key
from gameil.positions.time_control import TimeClass, time_class
from gameil.records.record import Provenance, Termination

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_LONGEST_PATTERN = 200
_LONGEST_TEXT = 1000
"""Characters of an event or a name looked at."""
_MOST_PATTERNS = 100

_ENGINE_EVENTS = re.compile(r"\b(n?tcec|ccc|cccc|ccrl|cegt|icga|wccc|computers?|engines?)\b", re.IGNORECASE)
_ENGINES = frozenset(
    """alphago alphazero arasan booot cassio chiron crafty crazystone edax equinox exchess firebird gaviota ginkgo gnubg
    gnugo herakles hiarcs houdini ivanhoe katago komodo lc0 leela leelenstein logistello mogo nirvanachess pachi pandix
    quazar robbolito rybka saio scidlet senpai shredder sjeng stockfish stoofvlees strelka vajolet vitruvius wzebra
    xiphos""".split()  # noqa: SIM905
)
"""First words of names that no person bears."""
_ENGINES_WITH_NUMBER = frozenset(
    """bright critter fire fritz fruit fuego gull hannibal jonny junior laser loop naum nirvana protector rebel rodent
    scorpio spark spike thinker toga torch tornado zappa zebra""".split()  # noqa: SIM905
)
"""First words that people and accounts bear too: an engine's only with a version behind or ``Deep`` before it."""
_WORD = re.compile(r"[^\W_]+")
_BOT = re.compile(r"(?i:(?<![^\W_])bot(?![^\W_]))|(?<=[^\W_])(?:Bot|BOT)$")


@dataclass(frozen=True)
class FilterConfig:
    """Predicates that a game must pass to be let in; all of them."""

    __pydantic_config__ = {"extra": "forbid"}

    min_rating: int | None = None
    """Lowest rating, in the records' own scale."""
    max_rating: int | None = None
    """Highest rating, in the records' own scale."""
    rating_of: Literal["both", "mean"] = "both"
    """Whose rating the bounds hold for: each player's, or the mean of all players'."""
    max_rating_gap: int | None = None
    """Largest difference between the players' ratings."""
    min_plies: int | None = None
    """Fewest actions, setup left out."""
    max_plies: int | None = None
    """Most actions, setup left out."""
    result: Literal["any", "known", "decisive", "draw"] = "any"
    """known: an outcome is stated; decisive: and it is no draw; draw: and it is one."""
    time_classes: tuple[TimeClass, ...] = ()
    """Classes of time controls let in: bullet to 179 s, blitz to 479 s, rapid to 1499 s of base + 40 increments."""
    events: tuple[str, ...] = ()
    """Events let in: patterns of which one must fit the whole name; * any text, ? any character, case ignored."""
    events_out: tuple[str, ...] = ()
    """Events left out, by the same patterns: "*blitz*"."""
    engines_out: bool = False
    """Leave out engines' games, told by a tag (WhiteType program), a rating from 3000 on, a name, or the event."""
    bots_out: bool = False
    """Leave out games of bots: the title BOT, or a name without comma with the word bot."""
    players: tuple[str, ...] = ()
    """Names of players of whom one must have played, as records write them; case and double spaces are ignored. A game
    that names none of them is refused, stated or not who played: nobody is looked for among the unknown."""
    variants_out: bool = False
    """Leave out games from another start position: Chess960, and any FEN."""
    date_from: str | None = None
    """First date let in: YYYY, YYYY-MM or YYYY-MM-DD."""
    date_to: str | None = None
    """Last date let in, the whole year or month where no more is given."""
    terminations_out: tuple[Termination, ...] = ()
    """Endings left out: time (lost on the clock), forfeit (not played or abandoned), agreed ..."""
    require_known: bool = False
    """Leave out games that do not state what a predicate set here asks for."""

    def __post_init__(self) -> None:
        for low, high in (("min_rating", "max_rating"), ("min_plies", "max_plies")):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                raise ConfigError(f"{low} {least} is greater than {high} {most}: no game would pass")
        for name in ("max_rating_gap", "min_plies", "max_plies"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} must be at least 0, got {value}")
        for name in ("date_from", "date_to"):
            value = getattr(self, name)
            if value is not None and not is_date(value):
                raise ConfigError(f"{name} must be YYYY, YYYY-MM or YYYY-MM-DD, got {value!r}")
        if self.date_from and self.date_to and first_day(self.date_from) > last_day(self.date_to):
            raise ConfigError(f"date_from {self.date_from} is after date_to {self.date_to}: no game would pass")
        for name in ("events", "events_out"):
            patterns = getattr(self, name)
            if len(patterns) > _MOST_PATTERNS or any(len(pattern) > _LONGEST_PATTERN for pattern in patterns):
                raise ConfigError(f"{name}: at most {_MOST_PATTERNS} patterns of {_LONGEST_PATTERN} characters each")
        if not all(name_key(name) for name in self.players):
            raise ConfigError("players: a name is empty")


ENGINE_RATING = 3000
"""No person has reached this rating; engines' own lists begin around it."""


def filter_values(config: FilterConfig) -> dict[str, Any]:
    """The values that differ from the defaults, as plain JSON values."""
    values = {item.name: (getattr(config, item.name), item.default) for item in fields(config)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (value, default) in values.items()
        if value != default
    }


def parse_filter(values: Mapping[str, Any]) -> FilterConfig:
    """Reverse of ``filter_values``. Raises ``ConfigError`` or ``TypeError`` where the values make no filter."""
    parsed: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return FilterConfig(**parsed)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A game that a filter refused: counted by name, not kept."""

    source: Provenance
    name: str
    """The predicate that refused it (``refusal``)."""


def refusal(played: PlayedGame, config: FilterConfig) -> str | None:
    """The name of the first predicate that refuses the game (``rating``, ``unknown date`` ...); None where none does.

    Needs the whole game (``Dataset.game``), not the one for replay.
    """
    for name, passes in _predicates(played, config):
        if passes is False:
            return name
        if passes is None and config.require_known:
            return f"unknown {name}"
    return None


def refused_by(played: PlayedGame, filters: Sequence[FilterConfig]) -> str | None:
    """As ``refusal``, for several configurations that a game must all pass."""
    return next((name for config in filters if (name := refusal(played, config)) is not None), None)


def _predicates(played: PlayedGame, config: FilterConfig) -> Iterator[tuple[str, bool | None]]:
    """Each predicate that is set with its answer; None where the game does not state the fact."""
    plies = len(played.actions) - played.num_setup
    if config.min_plies is not None or config.max_plies is not None:
        yield "plies", _within(plies, config.min_plies, config.max_plies)
    if config.result != "any":
        yield "result", _has_result(played.returns, config.result)
    if config.variants_out:
        yield "variant", played.start is None and "chess960=True" not in played.game_id
    if config.min_rating is not None or config.max_rating is not None or config.max_rating_gap is not None:
        yield from _rating_predicates(played, config)
    if config.date_from is not None or config.date_to is not None:
        yield "date", _date_within(played.date, config.date_from, config.date_to)
    if config.terminations_out:
        known = played.termination != "unknown" or "unknown" in config.terminations_out
        yield "termination", played.termination not in config.terminations_out if known else None
    if config.time_classes:
        found = time_class(played.time_control, played.event, played.tags)
        yield "time control", None if found is None else found in config.time_classes
    if config.events:
        yield "event", None if played.event is None else _fits(played.event, config.events)
    if config.events_out:
        yield "event", None if played.event is None else not _fits(played.event, config.events_out)
    if config.players:
        yield "player", _is_named(played, config.players)
    if config.engines_out:
        yield "engine", not is_engine_game(played)
    if config.bots_out:
        yield "bot", not is_bot_game(played)


def _is_named(played: PlayedGame, names: tuple[str, ...]) -> bool:
    asked = {name_key(name) for name in names}
    return any(name_key(player.name) in asked for player in played.players if player.name)


def _rating_predicates(played: PlayedGame, config: FilterConfig) -> Iterator[tuple[str, bool | None]]:
    known = [player.rating for player in played.players if player.rating is not None]
    complete = bool(known) and len(known) == len(played.players)
    if config.min_rating is not None or config.max_rating is not None:
        if config.rating_of == "mean":
            yield "rating", _within(sum(known) / len(known), config.min_rating, config.max_rating) if complete else None
        else:
            inside = all(_within(rating, config.min_rating, config.max_rating) for rating in known)
            yield "rating", inside if complete or not inside else None
    if config.max_rating_gap is not None:
        close = not known or max(known) - min(known) <= config.max_rating_gap
        yield "rating gap", close if complete or not close else None


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _has_result(returns: tuple[float, ...] | None, wanted: str) -> bool | None:
    if returns is None:
        return False if wanted == "known" else None
    drawn = len(set(returns)) == 1
    return wanted == "known" or drawn == (wanted == "draw")


def is_engine_game(played: PlayedGame) -> bool:
    """Whether something says that an engine played.

    A tag ``WhiteType`` or ``BlackType`` says ``program``, a rating is at least ``ENGINE_RATING``, a name is an
    engine's, or the event is one of engines (TCEC, CCC, ICGA, "computer" ...).
    """
    if any(played.tags.get(name, "").strip().lower() == "program" for name in ("WhiteType", "BlackType")):
        return True
    if any(player.rating is not None and player.rating >= ENGINE_RATING for player in played.players):
        return True
    if played.event is not None and _ENGINE_EVENTS.search(played.event[:_LONGEST_TEXT]):
        return True
    return any(player.name is not None and _is_engine(player.name) for player in played.players)


@lru_cache(maxsize=1 << 16)
def _is_engine(name: str) -> bool:
    """By its first words; people's names have a comma (``Fritz, R``)."""
    words = _WORD.findall(name[:_LONGEST_TEXT].lower())
    if "," in name or not words:
        return False
    deep = words[0] in ("deep", "comp", "program") and len(words) > 1
    first, behind = words[deep], words[deep + 1 : deep + 2]
    if first in _ENGINES or first.rstrip("0123456789") in _ENGINES:
        return True
    numbered = first[-1].isdecimal() or (bool(behind) and behind[0][0].isdecimal())
    return (deep or numbered) and first.rstrip("0123456789") in _ENGINES_WITH_NUMBER


def is_bot_game(played: PlayedGame) -> bool:
    """Whether a player has the title BOT or the word bot in the name."""
    return any(
        (player.title or "").strip().upper() == "BOT"
        or (player.name is not None and "," not in player.name and _BOT.search(player.name[:_LONGEST_TEXT]) is not None)
        for player in played.players
    )


def _fits(event: str, patterns: tuple[str, ...]) -> bool:
    return any(_pattern(pattern).fullmatch(event[:_LONGEST_TEXT]) for pattern in patterns)


@lru_cache(maxsize=2 * _MOST_PATTERNS)
def _pattern(pattern: str) -> re.Pattern[str]:
    """A shell pattern as an expression. Its stars never back up over one another, so no pattern can take long."""
    return re.compile(translate(pattern), re.IGNORECASE)


def is_date(text: str) -> bool:
    """Whether ``text`` is YYYY, YYYY-MM or YYYY-MM-DD, of a month and a day that exist in some year."""
    found = _DATE.fullmatch(text)
    return found is not None and 1 <= int(found[2] or 1) <= 12 and 1 <= int(found[3] or 1) <= 31


def first_day(date: str) -> str:
    """The first day that a date with missing or unknown parts (``2012``, ``2012-??-??``) can mean; as texts sort."""
    year, month, day = _parts(date)
    return f"{year}-{month or '01'}-{day or '01'}"


def last_day(date: str) -> str:
    """The last day that a date with missing or unknown parts can mean."""
    year, month, day = _parts(date)
    return f"{year}-{month or '12'}-{day or '31'}"


def _parts(date: str) -> tuple[str, str, str]:
    """Year, month, day; empty where missing or unknown."""
    year, _, rest = date.partition("-")
    month, _, day = rest.partition("-")
    return year, month if month.isdecimal() else "", day if day.isdecimal() and month.isdecimal() else ""


def _date_within(date: str | None, date_from: str | None, date_to: str | None) -> bool | None:
    """None where the date's unknown parts decide."""
    if date is None or not _parts(date)[0].isdecimal():
        return None
    earliest, latest = first_day(date), last_day(date)
    if (date_from and latest < first_day(date_from)) or (date_to and earliest > last_day(date_to)):
        return False
    inside = (not date_from or earliest >= first_day(date_from)) and (not date_to or latest <= last_day(date_to))
    return True if inside else None
