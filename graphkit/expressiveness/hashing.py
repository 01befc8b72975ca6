"""Compiled 64-bit colours: a mixing function, ordered pairs, and the multiset as a sum of mixed colours."""

from __future__ import annotations

import numpy as np
from numba import njit

jit = njit(cache=True, nogil=True, error_model="numpy")

_U30, _U27, _U31 = np.uint64(30), np.uint64(27), np.uint64(31)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ZERO = np.uint64(0)


@jit
def mix(x):  # type: ignore[no-untyped-def]
    """The finaliser of splitmix64: a bijection of 64-bit words without visible structure."""
    x = x + _GOLDEN
    x = (x ^ (x >> _U30)) * _M1
    x = (x ^ (x >> _U27)) * _M2
    return x ^ (x >> _U31)


@jit
def pair(a, b):  # type: ignore[no-untyped-def]
    """The colour of the ordered pair (a, b)."""
    return mix(a * _M1 + mix(b))


@jit
def pool(color, first, last):  # type: ignore[no-untyped-def]
    """The colour of the multiset color[first] to color[last]."""
    total = ZERO
    for v in range(first, last):
        total += mix(color[v])
    return mix(total)
