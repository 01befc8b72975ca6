"""Random numbers by position: the counter-based generator Philox4x32-10.

Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

Every row of a negative set has a stream of its own, keyed by seed, kind and split and counted by the row. Any row can
be drawn alone, in any order and batch, on any machine, with the same result: whole-number arithmetic only.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True, error_model="numpy")
STATE_WORDS = 8
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
MAX_LIMIT = 1 << 32
"""`below` draws from at most this many numbers."""


def stream_key(seed: int, kind: str, split: str) -> np.uint64:
    """Returns the key of all rows of one set.

    Example:
        >>> bool(stream_key(0, "uniform", "valid") == stream_key(0, "uniform", "test"))
        False
    """
    text = f"graphkit.negatives/1|{int(seed)}|{kind}|{split}"
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


@jit
def philox(c0, c1, c2, c3, k0, k1, out):  # type: ignore[no-untyped-def]
    """Writes the four 32-bit words of one counter to out[4:8]; everything is kept in 64-bit words."""
    for _ in range(10):
        first = _MULTIPLIERS[0] * c0
        second = _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (second >> _HALF) ^ c1 ^ k0, second & _LOW, (first >> _HALF) ^ c3 ^ k1, first & _LOW
        k0 = (k0 + _WEYL[0]) & _LOW
        k1 = (k1 + _WEYL[1]) & _LOW
    out[4], out[5], out[6], out[7] = c0, c1, c2, c3


@jit
def start(state, key, row):  # type: ignore[no-untyped-def]
    """Puts state [8] uint64 at the start of a row's stream."""
    state[0] = key
    state[1] = np.uint64(row)
    state[2] = np.uint64(0)
    state[3] = np.uint64(4)


@jit
def word(state):  # type: ignore[no-untyped-def]
    """Returns the next 32 random bits of the stream."""
    if state[3] == np.uint64(4):
        block, row, key = state[2], state[1], state[0]
        philox(block & _LOW, block >> _HALF, row & _LOW, row >> _HALF, key & _LOW, key >> _HALF, state)
        state[2] = block + np.uint64(1)
        state[3] = np.uint64(0)
    bits = state[np.int64(4) + np.int64(state[3])]
    state[3] += np.uint64(1)
    return bits


@jit
def below(state, limit):  # type: ignore[no-untyped-def]
    """Returns an integer in [0, limit), all exactly equally likely (Lemire, ACM TOMACS 2019); limit <= 2 ** 32."""
    bound = np.uint64(limit)
    product = word(state) * bound
    if product & _LOW < bound:
        refused = (np.uint64(0x100000000) - bound) % bound
        while product & _LOW < refused:
            product = word(state) * bound
    return np.int64(product >> _HALF)
