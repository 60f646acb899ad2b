"""Random streams keyed by what they are for, so that results do not depend on batching, order or process."""

import hashlib

import numpy as np


def stream_seed(seed: int, *keys: int | str) -> int:
    """A 63-bit seed for the stream named by ``keys`` under ``seed``; equal arguments give equal seeds everywhere."""
    text = "\x1f".join([str(seed), *(f"{type(key).__name__}:{key}" for key in keys)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *keys: int | str) -> np.random.Generator:
    """An independent NumPy generator for the stream named by ``keys`` (for example ``"match", 17, "ply", 4``)."""
    return np.random.Generator(np.random.PCG64(stream_seed(seed, *keys)))
