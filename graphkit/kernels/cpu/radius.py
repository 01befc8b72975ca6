"""Compiled search for close points through bins; see `graphkit.kernels.radius`."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def list_close(offsets, cutoff, cells, periodic, place, bins, reach, start, order, first, x, y, z, repeats):  # type: ignore[no-untyped-def]
    """Lists (source, target, image) of all close pairs, in the order in which they are found.

    Points come in bin order: `order[k]` is the k-th, at x[k], y[k], z[k], inside its cell. An image is three whole
    numbers of cells, kept only where something `repeats`.
    """
    room, found, square = max(16, 16 * len(x)), 0, cutoff * cutoff
    source, target = np.empty(room, np.int64), np.empty(room, np.int64)
    image = np.empty((room if repeats else 0, 3), np.int32)
    for system in range(len(offsets) - 1):
        cell, size = cells[system], bins[system]
        for p in range(first[start[system]], first[start[system + 1]]):
            i = order[p]
            for a in range(place[i, 0] - reach[system, 0], place[i, 0] + reach[system, 0] + 1):
                ia = a // size[0]
                if ia != 0 and not periodic[system, 0]:
                    continue
                for b in range(place[i, 1] - reach[system, 1], place[i, 1] + reach[system, 1] + 1):
                    ib = b // size[1]
                    if ib != 0 and not periodic[system, 1]:
                        continue
                    row = start[system] + ((a - ia * size[0]) * size[1] + b - ib * size[1]) * size[2]
                    c = place[i, 2] - reach[system, 2]
                    last = place[i, 2] + reach[system, 2]
                    if not periodic[system, 2]:
                        c, last = max(c, 0), min(last, size[2] - 1)
                    while c <= last:  # bins that lie side by side in memory are searched in one go
                        ic = c // size[2]
                        stop = min(last, (ic + 1) * size[2] - 1)
                        px = x[p] - (ia * cell[0, 0] + ib * cell[1, 0] + ic * cell[2, 0])
                        py = y[p] - (ia * cell[0, 1] + ib * cell[1, 1] + ic * cell[2, 1])
                        pz = z[p] - (ia * cell[0, 2] + ib * cell[1, 2] + ic * cell[2, 2])
                        low, high = first[row + c - ic * size[2]], first[row + stop - ic * size[2] + 1]
                        if found + high - low > len(source):
                            source, target = _longer(source, found), _longer(target, found)
                            if repeats:
                                wider = np.empty((len(source), 3), np.int32)
                                wider[:found] = image[:found]
                                image = wider
                        here = ia == 0 and ib == 0 and ic == 0
                        for k in range(low, high):
                            dx, dy, dz = x[k] - px, y[k] - py, z[k] - pz
                            # written always and kept if close: no branch to mispredict
                            source[found], target[found] = order[k], i
                            if repeats:
                                image[found, 0], image[found, 1], image[found, 2] = ia, ib, ic
                            found += (dx * dx + dy * dy + dz * dz < square) and not (here and k == p)
                        c = stop + 1
    return source[:found], target[:found], image[:found]


@_jit
def _longer(array, used):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * len(array), array.dtype)
    longer[:used] = array[:used]
    return longer


@_jit
def counting_order(keys, first, limit):  # type: ignore[no-untyped-def]
    """Stable order of `keys` below `limit`, applied after the order `first` (empty: as they come)."""
    begin = np.zeros(limit + 1, np.int64)
    for key in keys:
        begin[key + 1] += 1
    for k in range(limit):
        begin[k + 1] += begin[k]
    out = np.empty(len(keys), np.int64)
    for k in range(len(keys)):
        e = first[k] if len(first) > 0 else k
        out[begin[keys[e]]] = e
        begin[keys[e]] += 1
    return out
