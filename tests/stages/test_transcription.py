"""Chunks of raw records: small enough in number and in bytes, in order, and the same through every road."""

import dataclasses
import pickle
from itertools import chain
from pathlib import Path

import pytest

from gameil.dataset.encoded_game import EncodedGame
from gameil.dataset.schema import SplitRule
from gameil.positions import chess_batch
from gameil.positions.filters import FilterConfig, Filtered
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, split_records
from gameil.records.record import Provenance, RawRecord, RecordError
from gameil.stages import transcription
from gameil.stages.transcription import ChunkWork, chunks_of, transcribe_all, transcribe_chunk
from tests.strategies import random_game

WORK = ChunkWork("tic_tac_toe", (), SplitRule())


def raws(number: int, family: str = "tic_tac_toe") -> list[RawRecord | RecordError]:
    texts = [format_record(to_record(random_game(family, index)), "jsonl") for index in range(number)]
    return [RawRecord("jsonl", text.encode(), Provenance("x", index)) for index, text in enumerate(texts)]


def test_large_records_travel_in_small_chunks() -> None:
    large = RawRecord("jsonl", b"x" * 300_000, Provenance("x", 0))
    small = RawRecord("jsonl", b"x", Provenance("x", 1))
    items = [large] * 20 + [small] * 600
    chunks = list(chunks_of(iter(items), 256))
    assert list(chain.from_iterable(chunks)) == items
    assert max(sum(len(raw.data) for raw in chunk if isinstance(raw, RawRecord)) for chunk in chunks) < 2 << 20
    assert max(map(len, chunks)) == 256


def test_every_record_has_its_outcome_in_its_place() -> None:
    error = RecordError(Provenance("x", 7), "truncated", "y")
    good, other = raws(1) + raws(1, "connect_four")
    bad = RawRecord("jsonl", b"{", Provenance("x", 8))
    work = ChunkWork("tic_tac_toe", (FilterConfig(max_plies=6),), SplitRule())
    items = [error, *raws(40), other, bad, good]
    done = transcribe_chunk(list(items), work)
    assert len(done.outcomes) == len(items)
    assert done.outcomes[0] is error
    reasons = [outcome.reason for outcome in done.outcomes if isinstance(outcome, RecordError)]
    assert reasons == ["truncated", "other game", "syntax"]
    kept = [outcome for outcome in done.outcomes if isinstance(outcome, EncodedGame)]
    filtered = [outcome for outcome in done.outcomes if isinstance(outcome, Filtered)]
    assert {outcome.name for outcome in filtered} == {"plies"}
    assert len(kept) + len(filtered) == 41
    assert filtered
    assert all(game.plies <= 6 for game in kept)


def test_tolerances_are_counted_once_a_record() -> None:
    text = '[A "1"]\n[A "2"]\n[B "1"]\n[B "2"]\n\n1. e4 e5'
    chunk: list[RawRecord | RecordError] = [RawRecord("pgn", text.encode(), Provenance("x", 0))] * 3
    done = transcribe_chunk(chunk, ChunkWork("chess", (), SplitRule()))
    assert done.tolerances == {"duplicate tag": 3, "missing result": 3}


def test_what_the_processes_send_is_small() -> None:
    """A chunk's answer holds each text once: names, events and tags repeat from game to game."""
    head = '[Event "The Long Name of an Open"]\n[Site "A Town of the World"]\n[White "{}, A"]\n[ECO "A00"]\n\n'
    games = [head.format("X" * 3) + f"1. {move}3 e5 2. e4 1/2-1/2" for move in "abcfgh" * 40]
    chunk: list[RawRecord | RecordError] = [RawRecord("pgn", game.encode(), Provenance("x", 0)) for game in games]
    done = transcribe_chunk(chunk, ChunkWork("chess", (), SplitRule()))
    assert len(pickle.dumps(done)) < 240 * 300


def test_the_order_is_kept_and_the_games_are_those_of_one_process() -> None:
    items = raws(600)
    expected = transcribe_chunk(items, WORK).outcomes
    for most in (7, 256):
        chunks = list(transcribe_all(items, WORK, 1, most))
        assert list(chain.from_iterable(chunk.outcomes for chunk in chunks)) == expected
        assert max(len(chunk.outcomes) for chunk in chunks) == most


@pytest.mark.parametrize("pgn_extra", [False, True])
def test_games_played_many_at_a_time_are_the_same(
    pgn_extra: bool, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Games of chess in all their places, errors and special games between them."""
    famous = list(split_records(repository / "replays" / "chess" / "famous-games.pgn"))
    special = '[FEN "4k3/8/8/8/8/8/8/4K2R w K - 0 1"]\n\n1. O-O *', "1. e4 e5 2. Nf6", "1. e4 Xy", "1. Nf3 e5 2. Nd5"
    mixed = [RawRecord("pgn", text.encode(), Provenance("x", 0)) for text in special]
    chunk = [famous[0], *mixed, *famous[1:], *raws(1)]
    work = ChunkWork("chess", (), SplitRule(), pgn_extra)
    monkeypatch.setattr(chess_batch, "FEWEST_GAMES", 1)
    together = transcribe_chunk(chunk, work)
    assert together.resolved == len(famous)
    monkeypatch.setattr(transcription, "transcribe_chess", lambda records, pgn_extra: [None] * len(records))
    alone = transcribe_chunk(chunk, work)
    assert (alone.resolved, alone.replayed) == (0, 0)
    assert dataclasses.replace(together, resolved=0, replayed=0) == alone
