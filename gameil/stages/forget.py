"""Forgetting people: their names leave a dataset, with or without their games, as a person may ask.

The dataset is written anew without the names and takes the old one's place in one step, so that no freed page keeps
them. A name goes as follows:

- in the players' fields, where it must match exactly, it becomes a pseudonym drawn at random (or the game goes);
- of a game that stays, the player's own tags (``WhiteFideId``, ``WhiteTeam``, ``WhiteNA`` ...) and all addresses of web
  pages go; the title, the rating, the event and the date stay, so who knows these may still recognise the person;
- in every other text (event, tags, names of sources and of archive members, the quarantine's details and excerpts,
  the filters' patterns) it becomes the pseudonym wherever its words stand in order or, for ``Last, First``, exchanged,
  whatever the case, the spaces and the signs between them.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from gameil.dataset.dataset import Dataset
from gameil.dataset.replacement import rewritten
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.filters import FilterConfig
from gameil.positions.played_game import PlayedGame
from gameil.positions.player_names import did_you_mean, name_key, names_like
from gameil.records.record import Provenance, RecordError
from gameil.stages.processes import map_in_order
from gameil.stages.rewriting import copy_dataset

Mode = Literal["pseudonymise", "remove"]
FORGOTTEN = "forgotten"
"""The name under which removed games are counted among the filtered."""

_CHUNK = 1024
_SEAT_TAGS = {"chess": ("White", "Black"), "go": ("B", "W")}
"""How the names of a seat's own tags begin, by game: ``WhiteFideId``; ``BT`` is Black's team in SGF."""
_ANY_SEAT_TAGS = ("White", "Black")
"""In other games colours name no certain seat: the tags of both go."""
_LEAST_PART = 3
"""Letters that tell a name that was cut off."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Forgetting:
    """The change to each row."""

    pseudonyms: Mapping[str, str]
    """By the exact name."""
    mode: Mode

    def game(self, played: PlayedGame) -> PlayedGame | str:
        seats = [seat for seat, player in enumerate(played.players) if player.name in self.pseudonyms]
        if seats and self.mode == "remove":
            return FORGOTTEN
        tags = {name: self.text(value) for name, value in played.tags.items()}
        if seats:
            tags = {name: value for name, value in tags.items() if not _tells_who(name, value, played.game_id, seats)}
        return replace(
            played,
            players=tuple(
                replace(player, name=self.pseudonyms.get(player.name, player.name) if player.name else player.name)
                for player in played.players
            ),
            event=None if played.event is None else self.text(played.event),
            time_control=None if played.time_control is None else self.text(played.time_control),
            result=self.text(played.result),
            tags=tags,
        )

    def file(self, name: str) -> str:
        source, exclamation, member = name.partition("!")
        return self.text(source) + exclamation + self.text(member)

    def error(self, error: RecordError) -> RecordError:
        place = Provenance(self.file(error.source.file), error.source.offset)
        detail, excerpt = (self._cut_text(self.text(text)) for text in (error.detail, error.excerpt))
        return RecordError(place, self.text(error.reason), detail, excerpt)

    def filters(self, config: FilterConfig, left: Iterable[str]) -> FilterConfig:
        """The filter with the pseudonyms in its patterns and names: so the games that passed it still do.

        Names are equal there without case and double spaces: one may stand for several pseudonyms, and stays where one
        of the players ``left`` has it.
        """
        kept = set(map(name_key, left))

        def now(name: str) -> list[str]:
            found = [other for spelt, other in self.pseudonyms.items() if name_key(spelt) == name_key(name)]
            return [name, *found] if name_key(name) in kept or not found else found

        return replace(
            config,
            events=tuple(map(self.text, config.events)),
            events_out=tuple(map(self.text, config.events_out)),
            players=tuple(new for name in config.players for new in now(name)),
        )

    def text(self, text: str) -> str:
        """The text with the pseudonyms in the names' places."""
        for pattern, pseudonym in self._patterns:
            text = pattern.sub(pseudonym, text)
        return text

    def _cut_text(self, text: str) -> str:
        """The text with a pseudonym in the place of the first part of a name at its end: excerpts are cut anywhere."""
        for name, pseudonym in self.pseudonyms.items():
            for size in range(len(name) - 1, _LEAST_PART - 1, -1):
                before = text[: len(text) - size]
                if text[len(before) :].casefold() == name[:size].casefold() and not before[-1:].isalnum():
                    return before + pseudonym
        return text

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        return [(mention_pattern(name), pseudonym) for name, pseudonym in self.pseudonyms.items()]


def forget_players(
    path: Path,
    names: Sequence[str],
    mode: Mode,
    *,
    workers: int = 0,
    progress: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """Takes the players ``names`` out of the dataset at ``path``; ids stay where no game goes.

    Interrupted at any moment it leaves the dataset as it was, or done.

    Args:
        mode: ``pseudonymise`` keeps their games under other names, ``remove`` counts these games as filtered.
        progress: told the number of games gone through; each is gone through twice.

    Returns:
        Numbers of games and mentions of each name, its pseudonym, and names like it that were left.

    Raises:
        DatasetError: the dataset is sealed, another process writes, a name occurs nowhere (the message says which
            are like it), or nothing would be left.
    """
    if not names or not all(_WORD.search(name) for name in names):
        raise ConfigError("name at least one player, with at least one letter or digit")
    dataset = Dataset(path)
    meta = dataset.meta
    if meta.sealed:
        raise DatasetError(
            f"{path}: sealed, so nothing can be forgotten: copy it (gameil data filter --filters.min-plies 0), "
            f"forget in the copy, and remove the sealed one"
        )
    found = _count_names(path, names, workers, progress)
    for name in names:
        if not found.players[name] and not found.mentions[name]:
            hint = did_you_mean(name, found.players)
            raise DatasetError(f"{path}: no player {name!r} (names must match exactly){hint}")
    # Of the system's randomness, not of a seed: nobody may find the name again by trying all names.
    pseudonyms = {name: f"player-{os.urandom(4).hex()}" for name in dict.fromkeys(names)}
    change = _Forgetting(pseudonyms, mode)
    left = {name: number for name, number in found.players.items() if name not in pseudonyms}
    filters = tuple(change.filters(config, left) for config in meta.filters)
    with rewritten(path) as temporary:
        with DatasetWriter(temporary, meta.family, split=meta.split, filters=filters) as writer:
            copy_dataset(path, writer, change, workers=workers, progress=progress)
            kept = writer.total().stored
        if not kept:
            raise DatasetError(f"{path}: no other games are in it: remove the dataset instead")
    return {
        "dataset": str(path),
        "mode": mode,
        "games": kept,
        "forgotten": {
            name: {"games": found.players[name], "mentions": found.mentions[name], "pseudonym": pseudonyms[name]}
            for name in pseudonyms
        },
        "like_them": {other: left[other] for name in pseudonyms for other in names_like(name, left)},
    }


@dataclass
class _Found:
    """How often names occur."""

    players: Counter[str] = field(default_factory=Counter)
    """Games of each player's name."""
    mentions: Counter[str] = field(default_factory=Counter)
    """Other texts of games, sources and the quarantine that have one of the names asked for."""


def _count_names(path: Path, names: Sequence[str], workers: int, progress: Callable[[int], None]) -> _Found:
    dataset = Dataset(path)
    games = len(dataset)
    found = _Found()
    chunks = (range(first, min(first + _CHUNK, games)) for first in range(0, games, _CHUNK))
    for done, part in map_in_order(partial(_count_in_games, path, tuple(names)), chunks, workers):
        progress(done)
        found.players.update(part.players)
        found.mentions.update(part.mentions)
    patterns = [(name, mention_pattern(name)) for name in names]
    _count_mentions(dataset.counts().sources, patterns, found.mentions)
    for error in dataset.rejected():
        _count_mentions((error.source.file, error.detail, error.excerpt), patterns, found.mentions)
    return found


def _count_in_games(path: Path, names: Sequence[str], game_ids: range) -> tuple[int, _Found]:
    dataset = Dataset(path)
    patterns = [(name, mention_pattern(name)) for name in names]
    found = _Found()
    for game_id in game_ids:
        played = dataset.game(game_id)
        found.players.update({player.name for player in played.players if player.name})
        files = (place.file for place in (played.source, *dataset.duplicates(game_id)))
        _count_mentions((played.event or "", *played.tags.values(), *files), patterns, found.mentions)
    return len(game_ids), found


def _count_mentions(texts: Iterable[str], patterns: list[tuple[str, re.Pattern[str]]], mentions: Counter[str]) -> None:
    for text in texts:
        for name, pattern in patterns:
            mentions[name] += pattern.search(text) is not None


def mention_pattern(name: str) -> re.Pattern[str]:
    """What a name looks like within a text: its words in order, or exchanged around its comma, with any signs between.

    The words must stand alone: ``Li`` is not found in ``Lima``.
    """
    before, comma, after = name.partition(",")
    orders = [_WORD.findall(name)]
    if comma and _WORD.search(before) and _WORD.search(after):
        orders.append(_WORD.findall(after) + _WORD.findall(before))
    written = "|".join(r"[\W_]{0,3}".join(map(re.escape, words)) for words in orders)
    return re.compile(rf"(?<![^\W_])(?:{re.escape(name)}|{written})(?![^\W_])", re.IGNORECASE)


def _tells_who(tag: str, value: str, game_id: str, seats: Sequence[int]) -> bool:
    """Whether a tag is one of the seats' own, or the address of a page about the game."""
    if "://" in value or "www." in value:
        return True
    by_seat = _SEAT_TAGS.get(game_id.partition("(")[0])
    prefixes = _ANY_SEAT_TAGS if by_seat is None else [by_seat[seat] for seat in seats if seat < len(by_seat)]
    return any(tag == f"{prefix}T" if len(prefix) == 1 else tag.startswith(prefix) for prefix in prefixes)
