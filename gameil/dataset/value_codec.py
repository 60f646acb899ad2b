"""Labels, rejected records, provenance and observations as bytes."""

import zlib

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.codec import ByteReader, ByteWriter, Lookup, Refer
from gameil.errors import DatasetError, ShapeError
from gameil.positions.label import Label
from gameil.records.record import Provenance, RecordError

LABEL_VERSION = 1
OBSERVATIONS_VERSION = 1
LONGEST_EXPERT = 200
"""Bytes of an expert's name in a key (LMDB keys have at most 511)."""
_OBSERVATION_DTYPES = ("<f4", "<f2", "|u1", "|b1", "<i4", "<f8")
_LARGEST_OBSERVATIONS = 1 << 30
"""Bytes of one chunk, inflated: a bound against harmful files."""


def encode_label_key(game_id: int, ply: int, label: Label) -> bytes:
    """Key in ``labels``: sorts by game, ply, expert, round."""
    expert = label.expert.encode()
    if not 0 < len(expert) <= LONGEST_EXPERT:
        raise DatasetError(f"an expert's name must have 1 to {LONGEST_EXPERT} bytes, got {len(expert)}")
    if ply < 0 or label.round < 0:
        raise DatasetError(f"ply and round of a label must be at least 0, got {ply} and {label.round}")
    return game_id.to_bytes(8, "big") + ply.to_bytes(4, "big") + expert + b"\0" + label.round.to_bytes(4, "big")


def encode_label(label: Label) -> bytes:
    """Value in ``labels``."""
    out = ByteWriter()
    out.blob(bytes((LABEL_VERSION, label.value is not None)))
    if label.value is not None:
        out.double(label.value)
    out.uint(len(label.actions))
    out.blob(np.ascontiguousarray(label.actions, "<i4").tobytes())
    out.blob(np.ascontiguousarray(label.probs, "<f4").tobytes())
    return out.getvalue()


def decode_label(key: bytes, value: bytes) -> tuple[int, int, Label]:
    """``(game id, ply, label)``. Raises ``DatasetError`` where the bytes are no label."""
    what = f"label {key[:12].hex()}"
    if len(key) < 18 or key[-5] != 0:
        raise DatasetError(f"{what} is damaged: a key of {len(key)} bytes")
    source = ByteReader(value, _look_up_nothing, what)
    version, has_value = source.blob(2)
    if version != LABEL_VERSION or has_value > 1:
        raise source.damaged(f"version {version} is unknown, expected {LABEL_VERSION}")
    expected = source.double() if has_value else None
    size = source.count(8)
    actions = np.frombuffer(source.blob(4 * size), "<i4").astype(np.int32)
    probs = np.frombuffer(source.blob(4 * size), "<f4").astype(np.float32)
    source.finish()
    try:
        label = Label(key[12:-5].decode(), int.from_bytes(key[-4:], "big"), actions, probs, expected)
    except (ShapeError, UnicodeDecodeError) as error:
        raise source.damaged(str(error)) from error
    return int.from_bytes(key[:8], "big"), int.from_bytes(key[8:12], "big"), label


def encode_rejected(error: RecordError, refer: Refer) -> bytes:
    """Value in ``rejected``."""
    out = ByteWriter()
    out.text(error.source.file, intern="!" not in error.source.file)
    out.uint(error.source.offset)
    out.text(error.reason)
    out.text(error.detail, intern=False)
    out.text(error.excerpt, intern=False)
    return out.getvalue(refer)


def decode_rejected(data: bytes, lookup: Lookup, what: str) -> RecordError:
    """Reverse of ``encode_rejected``."""
    source = ByteReader(data, lookup, what)
    provenance = Provenance(source.required_text(), source.uint())
    error = RecordError(provenance, source.required_text(), source.required_text(), source.required_text())
    source.finish()
    return error


def encode_provenance(provenance: Provenance, refer: Refer) -> bytes:
    """Value in ``duplicates``."""
    out = ByteWriter()
    out.text(provenance.file, intern="!" not in provenance.file)
    out.uint(provenance.offset)
    return out.getvalue(refer)


def decode_provenance(data: bytes, lookup: Lookup, what: str) -> Provenance:
    """Reverse of ``encode_provenance``."""
    source = ByteReader(data, lookup, what)
    provenance = Provenance(source.required_text(), source.uint())
    source.finish()
    return provenance


def encode_observations(observations: NDArray[np.generic]) -> bytes:
    """Value in ``observations``: dtype, shape and deflated content of one array, first axis plies."""
    dtype = observations.dtype.newbyteorder("<").str
    if dtype not in _OBSERVATION_DTYPES:
        raise DatasetError(f"observations of dtype {observations.dtype} cannot be stored, only {_OBSERVATION_DTYPES}")
    out = ByteWriter()
    out.blob(bytes((OBSERVATIONS_VERSION, _OBSERVATION_DTYPES.index(dtype))))
    out.uint(observations.ndim)
    for size in observations.shape:
        out.uint(size)
    out.blob(zlib.compress(np.ascontiguousarray(observations, dtype).tobytes(), 6))
    return out.getvalue()


def decode_observations(data: bytes, what: str) -> NDArray[np.generic]:
    """Reverse of ``encode_observations``. Raises ``DatasetError`` where the bytes are no such array."""
    source = ByteReader(data, _look_up_nothing, what)
    version, dtype_number = source.blob(2)
    if version != OBSERVATIONS_VERSION or dtype_number >= len(_OBSERVATION_DTYPES):
        raise source.damaged(f"version {version} with dtype {dtype_number} is unknown")
    dtype = np.dtype(_OBSERVATION_DTYPES[dtype_number])
    shape = tuple(source.uint() for _ in range(source.count()))
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size > _LARGEST_OBSERVATIONS or len(shape) > 8:
        raise source.damaged(f"an array of shape {shape} is too large")
    try:
        content = zlib.decompressobj().decompress(source.rest(), size + 1)
    except zlib.error as error:
        raise source.damaged("observations cannot be inflated") from error
    if len(content) != size:
        raise source.damaged(f"{len(content)} bytes do not fill shape {shape}")
    return np.frombuffer(content, dtype).reshape(shape)


def _look_up_nothing(number: int) -> str:
    raise DatasetError(f"this value interns no text, got id {number}")
