"""A mixing function of 64-bit words."""

from __future__ import annotations

import numpy as np
from numba import njit

_U27, _U30, _U31 = np.uint64(27), np.uint64(30), np.uint64(31)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit(cache=True, nogil=True, error_model="numpy")
def mix(z):  # type: ignore[no-untyped-def]
    """The finaliser of splitmix64 (Steele et al. 2014): a bijection whose every bit depends on all."""
    z = (z ^ (z >> _U30)) * _M1
    z = (z ^ (z >> _U27)) * _M2
    return z ^ (z >> _U31)
