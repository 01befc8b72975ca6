"""Compiled draws of neighbours: uniform or weighted, with or without replacement, from one splitmix stream."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@_jit
def next_word(state):  # type: ignore[no-untyped-def]
    """Advances state[0] (splitmix64, Steele et al. 2014) and returns 64 random bits."""
    state[0] += _GOLDEN
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@_jit
def unit(state):  # type: ignore[no-untyped-def]
    """Returns a number in (0, 1)."""
    return (np.float64(next_word(state) >> np.uint64(11)) + 0.5) / 9007199254740992.0


@_jit
def below(state, limit):  # type: ignore[no-untyped-def]
    """Returns an integer in [0, limit)."""
    return min(np.int64(unit(state) * limit), limit - 1)


@_jit
def uniform_without(state, start, degree, count, out):  # type: ignore[no-untyped-def]
    """Writes `count` distinct slots of [start, start + degree) to out, every subset equally likely."""
    if count * count > degree:
        # Selection sampling (Knuth, TAOCP 3.4.2 S): one pass, each slot taken with the probability that is still due.
        taken = 0
        for k in range(degree):
            if unit(state) * (degree - k) < count - taken:
                out[taken] = start + k
                taken += 1
        return
    # Floyd's algorithm: few draws out of many slots.
    for k in range(count):
        top = degree - count + k
        slot = start + below(state, top + 1)
        for j in range(k):
            if out[j] == slot:
                slot = start + top
                break
        out[k] = slot


@_jit
def weighted_without(state, start, degree, count, weight, key, out):  # type: ignore[no-untyped-def]
    """Writes up to `count` distinct slots drawn one after another in proportion to weight; returns how many.

    The smallest exponential keys -log(u) / w are such a draw (Efraimidis and Spirakis 2006). Zero weights never win.
    """
    taken = 0
    for k in range(degree):
        w = weight[start + k]
        if w <= 0.0:
            continue
        value = -np.log(unit(state)) / w
        if taken == count and value >= key[count - 1]:
            continue
        at = taken if taken < count else count - 1
        while at > 0 and key[at - 1] > value:
            key[at], out[at] = key[at - 1], out[at - 1]
            at -= 1
        key[at], out[at] = value, start + k
        if taken < count:
            taken += 1
    return taken


@_jit
def weighted_with(state, start, degree, count, cumulative, out):  # type: ignore[no-untyped-def]
    """Writes `count` slots drawn independently in proportion to weight; returns how many (0 if all weights are 0).

    `cumulative[s]` is the running sum of the weights of a row, restarted at every row.
    """
    total = cumulative[start + degree - 1] if degree else 0.0
    if total <= 0.0:
        return 0
    for k in range(count):
        goal = unit(state) * total
        low, high = start, start + degree - 1
        while low < high:
            middle = (low + high) // 2
            if cumulative[middle] > goal:
                high = middle
            else:
                low = middle + 1
        out[k] = low
    return count
