"""What is written as bytes comes back, and damaged bytes are refused in one line, whatever they are."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.dataset.codec import ByteReader, ByteWriter, resolve, text_reference
from gameil.dataset.game_codec import decode_game_value, encode_game_value
from gameil.dataset.value_codec import (
    decode_label,
    decode_observations,
    decode_provenance,
    decode_rejected,
    encode_label,
    encode_label_key,
    encode_observations,
    encode_provenance,
    encode_rejected,
)
from gameil.errors import DatasetError
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance, RecordError
from tests.strategies import any_played_games, labels, names, provenances, record_errors, same_game


class Strings:
    """A string table in memory."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def refer(self, text: str) -> bytes:
        if text not in self.texts:
            self.texts.append(text)
        return text_reference(self.texts.index(text))

    def lookup(self, number: int) -> str:
        if number >= len(self.texts):
            raise DatasetError(f"no text {number}")
        return self.texts[number]


def test_integers_have_the_known_bytes_of_leb128() -> None:
    out = ByteWriter()
    for value in (0, 127, 128, 624485):
        out.uint(value)
    assert out.getvalue() == bytes([0x00, 0x7F, 0x80, 0x01, 0xE5, 0x8E, 0x26])


@given(
    st.lists(st.integers(0, 2**64 - 1)),
    st.lists(st.none() | st.integers(-(2**31), 2**31 - 1)),
    st.lists(st.none() | names),
)
def test_primitives_round_trip(numbers: list[int], signed: list[int | None], words: list[str | None]) -> None:
    strings = Strings()
    out = ByteWriter()
    for number in numbers:
        out.uint(number)
    for value in signed:
        out.optional_int(value)
    for word in words:
        out.text(word)
    source = ByteReader(out.getvalue(strings.refer), strings.lookup, "test value")
    assert [source.uint() for _ in numbers] == numbers
    assert [source.optional_int() for _ in signed] == signed
    assert [source.text() for _ in words] == words
    source.finish()


@given(any_played_games())
def test_games_round_trip(played: PlayedGame) -> None:
    strings = Strings()
    data = resolve(encode_game_value(played), strings.refer)
    assert same_game(decode_game_value(data, strings.lookup, "game"), played)
    short = decode_game_value(data, strings.lookup, "game", for_replay=True)
    assert np.array_equal(short.actions, played.actions)
    assert (short.game_id, short.start, short.num_setup) == (played.game_id, played.start, played.num_setup)
    assert repr(short.returns) == repr(played.returns)
    assert [player.rating for player in short.players] == [player.rating for player in played.players]


@given(any_played_games(), st.data())
def test_damaged_games_are_refused_in_one_line(played: PlayedGame, data: st.DataObject) -> None:
    strings = Strings()
    whole = resolve(encode_game_value(played), strings.refer)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(DatasetError) as caught:
        decode_game_value(cut, strings.lookup, "game 7")
    assert "\n" not in str(caught.value)


@given(any_played_games(), st.data())
def test_changed_bytes_never_do_worse_than_an_error(played: PlayedGame, data: st.DataObject) -> None:
    strings = Strings()
    changed = bytearray(resolve(encode_game_value(played), strings.refer))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DatasetError):
        decode_game_value(bytes(changed), strings.lookup, "game 7")


@given(st.binary(max_size=200))
def test_noise_is_refused_by_every_decoder(noise: bytes) -> None:
    strings = Strings()
    for decode in (
        lambda: decode_game_value(noise, strings.lookup, "noise"),
        lambda: decode_label(noise, noise),
        lambda: decode_rejected(noise, strings.lookup, "noise"),
        lambda: decode_provenance(noise, strings.lookup, "noise"),
        lambda: decode_observations(noise, "noise"),
    ):
        with contextlib.suppress(DatasetError):
            decode()


def test_sizes_that_a_harmful_file_states_are_not_believed() -> None:
    out = ByteWriter()
    out.blob(bytes((1, 0)))
    out.uint(2**62)
    with pytest.raises(DatasetError, match="do not fit"):
        decode_game_value(out.getvalue(), Strings().lookup, "game 1")
    bomb = encode_observations(np.zeros((4, 4), np.float32))
    with pytest.raises(DatasetError, match=r"too large|fill|left|inflated"):
        decode_observations(bomb[:3] + b"\xff\xff\xff\xff\x07" + bomb[4:], "bomb")


def test_a_chess_game_is_compact() -> None:
    strings = Strings()
    played = PlayedGame("chess", np.arange(80, dtype=np.uint32) * 50, Provenance("file.pgn", 12345))
    assert len(resolve(encode_game_value(played), strings.refer)) < 160 + 24


@given(labels(), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_labels_round_trip(label: Label, game_id: int, ply: int) -> None:
    key = encode_label_key(game_id, ply, label)
    found_id, found_ply, found = decode_label(key, encode_label(label))
    assert (found_id, found_ply) == (game_id, ply)
    assert (found.expert, found.round, found.value) == (label.expert, label.round, label.value)
    assert np.array_equal(found.actions, label.actions)
    assert np.array_equal(found.probs, label.probs)


@given(record_errors)
def test_rejected_records_round_trip(error: RecordError) -> None:
    strings = Strings()
    assert decode_rejected(encode_rejected(error, strings.refer), strings.lookup, "rejected") == error


@given(provenances)
def test_provenance_round_trips(provenance: Provenance) -> None:
    strings = Strings()
    assert decode_provenance(encode_provenance(provenance, strings.refer), strings.lookup, "place") == provenance


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.bool_, np.int32, np.float64])
def test_observations_round_trip(dtype: type) -> None:
    observations = np.random.default_rng(0).integers(0, 2, (5, 3, 4)).astype(dtype)
    back = decode_observations(encode_observations(observations), "observations")
    assert back.dtype == observations.dtype
    assert np.array_equal(back, observations)


def test_observations_of_other_dtypes_are_refused() -> None:
    with pytest.raises(DatasetError, match="complex"):
        encode_observations(np.zeros(3, np.complex128))
