"""Compiled layer of an E(n) equivariant network and its gradients: a few dozen edges at a time, in the nearest cache.

Arrays are flat. N points of H states and d coordinates, E edges sorted by target with A features; W is 2 H, or 3 H
where velocities are scaled. Weights come packed in one array in the order of the numbers below, each beginning at
`at[number]`; `forward` reads matrices with inputs in rows, `backward` as they are kept (outputs in rows), and gradients
are packed like the latter.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.matrices import add_product
from graphkit.kernels.cpu.simd import add, axpy, dot, product, scale, scaled
from graphkit.kernels.cpu.smooth import silu_and_slope, silu_of

PARTS = 14
(
    MAPS,  # [W, H]: the maps of a target and of a source before messages, and of a point's pace
    MAPS_BIAS,  # [W]
    RADIAL,  # [1 + A, H]: the map of a squared length and of edge features
    OUT,  # [H, H]: second map of a message
    OUT_BIAS,
    MOVE,  # [H, H]: from messages to moves
    MOVE_BIAS,
    PULL,  # [H]
    HIDE,  # [H, 2 H]: first map of the update of states
    HIDE_BIAS,
    SHOW,  # [H, H]: its second map
    SHOW_BIAS,
    PACE,  # [H]
    PACE_BIAS,  # [1]
) = range(PARTS)
CHUNK = 48
"""Rows worked on at once; a multiple of the rows of a tile."""
_LIMIT = 100.0
_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _clear(out, o, count):  # type: ignore[no-untyped-def]
    for k in range(o, o + count):
        out[k] = 0.0


@_jit
def _fill(out, o, row, at, rows, width):  # type: ignore[no-untyped-def]
    one = out.dtype.type(1.0)
    for r in range(rows):
        scaled(out, o + r * width, row, at, one, width)


@_jit
def _turn(w, o, rows, columns, out):  # type: ignore[no-untyped-def]
    for r in range(rows):
        for c in range(columns):
            out[o + c * rows + r] = w[o + r * columns + c]


@_jit
def turned(w, at, width, wide):  # type: ignore[no-untyped-def]
    """Packed weights as kept, with every matrix transposed: as `forward` reads them."""
    out = w.copy()
    _turn(w, at[MAPS], wide, width, out)
    _turn(w, at[HIDE], width, 2 * width, out)
    for part in (OUT, MOVE, SHOW):
        _turn(w, at[part], width, width, out)
    return out


@_jit
def _add_rows(out, o, x, xo, rows, width):  # type: ignore[no-untyped-def]
    for r in range(rows):
        add(out, o, x, xo + r * width, width)


@_jit
def _first_map(a, row, e, i, j, pos, attr, maps, w, at, width, dim, features, wide):  # type: ignore[no-untyped-def]
    """Writes what a message is made of before its first nonlinearity into a row of `a`."""
    square = pos.dtype.type(0.0)
    for k in range(dim):
        way = pos[i * dim + k] - pos[j * dim + k]
        square += way * way
    o = row * width
    scaled(a, o, w, at[RADIAL], square, width)
    add(a, o, maps, i * wide, width)
    add(a, o, maps, j * wide + width, width)
    for f in range(features):
        axpy(a, o, w, at[RADIAL] + (1 + f) * width, attr[e * features + f], width)


@_jit
def map_points(first, last, block, h, w, at, maps, width, wide):  # type: ignore[no-untyped-def]
    """The linear maps [N, W] of states, with their biases."""
    for n in range(first, last, CHUNK):
        rows = min(CHUNK, last - n)
        _fill(maps, n * wide, w, at[MAPS_BIAS], rows, wide)
        add_product(maps, n * wide, wide, h, n * width, width, 1, w, at[MAPS], wide, rows, wide, width)


@_jit
def forward(  # type: ignore[no-untyped-def]
    first, last, block, ptr, source, pos, attr, h, vel, maps, w, at, out, move, pull, total, hide, new_h, new_pos,
    width, dim, features, wide, residual,
):  # fmt: skip
    """New states and positions of the points first..last.

    Kept for the gradients: `out` and `move` [E, H] before their nonlinearities, `pull` [E], `total` [N, H] sums of
    messages, `hide` [N, H] before its nonlinearity. Where `out` is empty, nothing of edges is kept.
    """
    kept, one = out.size > 0, h.dtype.type(1.0)
    a, m = np.empty(CHUNK * width, h.dtype), np.empty(CHUNK * width, h.dtype)
    z = out if kept else np.empty(CHUNK * width, h.dtype)
    y = move if kept else np.empty(CHUNK * width, h.dtype)
    target = np.empty(CHUNK, np.int64)
    _clear(total, first * width, (last - first) * width)
    _clear(new_pos, first * dim, (last - first) * dim)
    i = first
    for e in range(ptr[first], ptr[last], CHUNK):
        rows, o = min(CHUNK, ptr[last] - e), e * width if kept else 0
        for r in range(rows):
            while e + r >= ptr[i + 1]:
                i += 1
            target[r] = i
            _first_map(a, r, e + r, i, source[e + r], pos, attr, maps, w, at, width, dim, features, wide)
        silu_of(a, 0, a, 0, rows * width)
        _fill(z, o, w, at[OUT_BIAS], rows, width)
        add_product(z, o, width, a, 0, width, 1, w, at[OUT], width, rows, width, width)
        silu_of(m, 0, z, o, rows * width)
        _fill(y, o, w, at[MOVE_BIAS], rows, width)
        add_product(y, o, width, m, 0, width, 1, w, at[MOVE], width, rows, width, width)
        silu_of(a, 0, y, o, rows * width)
        for r in range(rows):
            point, other = target[r], source[e + r]
            add(total, point * width, m, r * width, width)
            strength = dot(a, r * width, w, at[PULL], width)
            if kept:
                pull[e + r] = strength
            for k in range(dim):
                step = (pos[point * dim + k] - pos[other * dim + k]) * strength
                if step > _LIMIT:
                    step = h.dtype.type(_LIMIT)
                elif step < -_LIMIT:
                    step = h.dtype.type(-_LIMIT)
                new_pos[point * dim + k] += step
    for n in range(first, last, CHUNK):
        rows = min(CHUNK, last - n)
        o = n * width
        _fill(hide, o, w, at[HIDE_BIAS], rows, width)
        add_product(hide, o, width, h, o, width, 1, w, at[HIDE], width, rows, width, width)
        add_product(hide, o, width, total, o, width, 1, w, at[HIDE] + width * width, width, rows, width, width)
        silu_of(a, 0, hide, o, rows * width)
        _fill(new_h, o, w, at[SHOW_BIAS], rows, width)
        if residual:
            add(new_h, o, h, o, rows * width)
        add_product(new_h, o, width, a, 0, width, 1, w, at[SHOW], width, rows, width, width)
        for r in range(rows):
            point = n + r
            share = one / h.dtype.type(max(1, ptr[point + 1] - ptr[point]))
            pace = h.dtype.type(0.0)
            if wide > 2 * width:
                silu_of(m, 0, maps, point * wide + 2 * width, width)
                pace = dot(m, 0, w, at[PACE], width) + w[at[PACE_BIAS]]
            for k in range(dim):
                p = point * dim + k
                new_pos[p] = pos[p] + new_pos[p] * share
                if wide > 2 * width:
                    new_pos[p] += pace * vel[p]


@_jit
def backward(  # type: ignore[no-untyped-def]
    first, last, block, ptr, source, pos, attr, h, maps, w, at, out, move, pull, total, hide, grad_h, grad_pos,
    to_h, to_pos, to_maps, to_first, to_way, to_w, width, dim, features, wide, residual,
):  # fmt: skip
    """Gradients that belong to the targets first..last, from those of their new states and positions.

    Writes `to_h` and `to_pos` but for what comes through the maps and the sources, the first H of `to_maps` [N, W], and
    an edge's `to_first` [E, H] (before the first nonlinearity) and `to_way` [E, d], which its source has still to take.
    Gradients of weights are added to row `block` of `to_w`. `grad_h` may be empty: nobody asks for the states.
    """
    size = at[PARTS]
    base, wanted, one = block * size, grad_h.size > 0, h.dtype.type(1.0)
    _clear(to_w, base, size)
    a, sa = np.empty(CHUNK * width, h.dtype), np.empty(CHUNK * width, h.dtype)
    m, sm = np.empty(CHUNK * width, h.dtype), np.empty(CHUNK * width, h.dtype)
    g, s = np.empty(CHUNK * width, h.dtype), np.empty(CHUNK * width, h.dtype)
    to_total = np.zeros((last - first) * width, h.dtype)
    target = np.empty(CHUNK, np.int64)
    _clear(to_h, first * width, (last - first) * width)
    scaled(to_pos, first * dim, grad_pos, first * dim, one, (last - first) * dim)
    for n in range(first, last, CHUNK):
        rows, o = min(CHUNK, last - n), n * width
        for r in range(rows):
            _clear(to_maps, (n + r) * wide, width)
        if not wanted:
            continue
        silu_and_slope(a, 0, sa, 0, hide, o, rows * width)
        _clear(g, 0, rows * width)
        add_product(g, 0, width, grad_h, o, width, 1, w, at[SHOW], width, rows, width, width)
        product(g, 0, g, 0, sa, 0, rows * width)
        add_product(to_w, base + at[SHOW], width, grad_h, o, 1, width, a, 0, width, width, width, rows)
        _add_rows(to_w, base + at[SHOW_BIAS], grad_h, o, rows, width)
        add_product(to_w, base + at[HIDE], 2 * width, g, 0, 1, width, h, o, width, width, width, rows)
        add_product(to_w, base + at[HIDE] + width, 2 * width, g, 0, 1, width, total, o, width, width, width, rows)
        _add_rows(to_w, base + at[HIDE_BIAS], g, 0, rows, width)
        if residual:
            scaled(to_h, o, grad_h, o, one, rows * width)
        add_product(to_h, o, width, g, 0, width, 1, w, at[HIDE], 2 * width, rows, width, width)
        local = (n - first) * width
        add_product(to_total, local, width, g, 0, width, 1, w, at[HIDE] + width, 2 * width, rows, width, width)
    i = first
    for e in range(ptr[first], ptr[last], CHUNK):
        rows, o = min(CHUNK, ptr[last] - e), e * width
        silu_and_slope(a, 0, s, 0, move, o, rows * width)
        silu_and_slope(m, 0, sm, 0, out, o, rows * width)
        for r in range(rows):
            while e + r >= ptr[i + 1]:
                i += 1
            target[r] = i
            j, strength = source[e + r], pull[e + r]
            share = one / h.dtype.type(ptr[i + 1] - ptr[i])
            slope = h.dtype.type(0.0)
            for k in range(dim):
                way = pos[i * dim + k] - pos[j * dim + k]
                force = grad_pos[i * dim + k] * share
                if abs(way * strength) > _LIMIT:
                    force = h.dtype.type(0.0)
                slope += force * way
                to_way[(e + r) * dim + k] = force * strength
            axpy(to_w, base + at[PULL], a, r * width, slope, width)
            product(g, r * width, s, r * width, w, at[PULL], width)
            scale(g, r * width, slope, width)
            scaled(sa, r * width, to_total, (i - first) * width, one, width)
            _first_map(a, r, e + r, i, j, pos, attr, maps, w, at, width, dim, features, wide)
        add_product(to_w, base + at[MOVE], width, g, 0, 1, width, m, 0, width, width, width, rows)
        _add_rows(to_w, base + at[MOVE_BIAS], g, 0, rows, width)
        add_product(sa, 0, width, g, 0, width, 1, w, at[MOVE], width, rows, width, width)
        product(g, 0, sa, 0, sm, 0, rows * width)
        silu_and_slope(m, 0, s, 0, a, 0, rows * width)
        add_product(to_w, base + at[OUT], width, g, 0, 1, width, m, 0, width, width, width, rows)
        _add_rows(to_w, base + at[OUT_BIAS], g, 0, rows, width)
        _clear(sa, 0, rows * width)
        add_product(sa, 0, width, g, 0, width, 1, w, at[OUT], width, rows, width, width)
        product(to_first, o, sa, 0, s, 0, rows * width)
        for r in range(rows):
            point, other, row = target[r], source[e + r], o + r * width
            add(to_maps, point * wide, to_first, row, width)
            length = h.dtype.type(0.0)
            double = h.dtype.type(2.0) * dot(to_first, row, w, at[RADIAL], width)
            for k in range(dim):
                way = pos[point * dim + k] - pos[other * dim + k]
                length += way * way
                to_way[(e + r) * dim + k] += double * way
                to_pos[point * dim + k] += to_way[(e + r) * dim + k]
            axpy(to_w, base + at[RADIAL], to_first, row, length, width)
            for f in range(features):
                axpy(to_w, base + at[RADIAL] + (1 + f) * width, to_first, row, attr[(e + r) * features + f], width)


@_jit
def backward_maps(  # type: ignore[no-untyped-def]
    first, last, block, ptr, slots, h, vel, maps, w, at, grad_pos, to_h, to_pos, to_vel, to_maps, to_first, to_way,
    to_w, width, dim, wide,
):  # fmt: skip
    """What `backward` left for sources: edges out of the points first..last, and the maps of their states.

    `ptr` and `slots` list the edges out of a point. Gradients of the maps are added to row `block` of `to_w`.
    """
    base = block * at[PARTS]
    a, s = np.empty(width, h.dtype), np.empty(width, h.dtype)
    for n in range(first, last, CHUNK):
        rows = min(CHUNK, last - n)
        for point in range(n, n + rows):
            row = point * wide + width
            _clear(to_maps, row, width)
            for k in range(ptr[point], ptr[point + 1]):
                e = slots[k]
                add(to_maps, row, to_first, e * width, width)
                for c in range(dim):
                    to_pos[point * dim + c] -= to_way[e * dim + c]
            if wide > 2 * width:
                row += width
                silu_and_slope(a, 0, s, 0, maps, row, width)
                pace, slope = dot(a, 0, w, at[PACE], width) + w[at[PACE_BIAS]], h.dtype.type(0.0)
                for c in range(point * dim, (point + 1) * dim):
                    slope += grad_pos[c] * vel[c]
                    to_vel[c] = grad_pos[c] * pace
                axpy(to_w, base + at[PACE], a, 0, slope, width)
                to_w[base + at[PACE_BIAS]] += slope
                product(to_maps, row, s, 0, w, at[PACE], width)
                scale(to_maps, row, slope, width)
        g, o = n * wide, n * width
        add_product(to_h, o, width, to_maps, g, wide, 1, w, at[MAPS], width, rows, width, wide)
        add_product(to_w, base + at[MAPS], width, to_maps, g, 1, wide, h, o, width, wide, width, rows)
        _add_rows(to_w, base + at[MAPS_BIAS], to_maps, g, rows, wide)
