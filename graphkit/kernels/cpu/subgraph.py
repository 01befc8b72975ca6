"""Compiled extraction of enclosing subgraphs: a block of links after one another into flat, growing buffers.

`local` [N] holds the number of each node in the subgraph at hand, `_UNSEEN` or `_LEFT_OUT`, and is cleaned after every
link, so that a link costs what its subgraph costs, however large the graph.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.hashing import mix

_jit = njit(cache=True, nogil=True, error_model="numpy")
_UNSEEN, _LEFT_OUT = -1, -2
ZERO_ONE, DRNL, DISTANCE = 0, 1, 2
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@_jit
def enclose(  # type: ignore[no-untyped-def]
    first, last, source, target, hops, cap, ratio, seed, kind, rowptr, col, edge_id, local, order, queue, near, far
):
    """Extracts the subgraphs around links first..last.

    `local`, `order`, `queue`, `near` and `far` [N] are scratch space. Returns the number of nodes of each link, the
    nodes, their labels, and the edges as compressed rows: starts, sources (both in numbers of this block) and edges.
    """
    sizes = np.empty(last - first, np.int64)
    width = 2 if kind == DISTANCE else 1
    node_out, label_out, start_out = (
        np.empty(1024, np.int64),
        np.empty(1024 * width, np.int64),
        np.empty(1025, np.int64),
    )
    source_out, edge_out = np.empty(4096, col.dtype), np.empty(4096, edge_id.dtype)
    start_out[0] = 0
    base = edges = np.int64(0)
    for link in range(first, last):
        count, dropped = _nodes(source[link], target[link], hops, cap, ratio, seed, rowptr, col, local, order, queue)
        if base + count > node_out.size:
            room = _room(base + count, link - first, last - first)
            node_out, label_out = _grown(node_out, base, room), _grown(label_out, base * width, room * width)
            start_out = _grown(start_out, base + 1, room + 1)
        most = edges
        for at in range(count):
            most += np.int64(rowptr[order[at] + 1]) - np.int64(rowptr[order[at]])
        if most > source_out.size:
            room = _room(most, link - first, last - first)
            source_out, edge_out = _grown(source_out, edges, room), _grown(edge_out, edges, room)
        edges = _induced(
            count, base, edges, rowptr, col, edge_id, local, order, node_out, start_out, source_out, edge_out
        )
        for at in range(count):
            local[order[at]] = _UNSEEN
        for at in range(dropped):
            local[queue[at]] = _UNSEEN
        if kind == ZERO_ONE:
            label_out[base : base + count] = 0
            label_out[base : base + 2] = 1
        else:
            blocked = kind == DRNL
            _distances(0, 1, blocked, count, base, start_out, source_out, near, queue)
            _distances(1, 0, blocked, count, base, start_out, source_out, far, queue)
            if kind == DRNL:
                _double_radius(count, base, near, far, label_out)
            else:
                for at in range(count):
                    label_out[2 * (base + at)], label_out[2 * (base + at) + 1] = near[at], far[at]
        sizes[link - first] = count
        base += count
    return (
        sizes,
        node_out[:base],
        label_out[: base * width],
        start_out[: base + 1],
        source_out[:edges],
        edge_out[:edges],
    )


@_jit
def _room(needed, done, links):  # type: ignore[no-untyped-def]
    """How large a full buffer becomes: what all links will need if they go on like those done, or twice what is needed.

    Room that is not written to costs no memory, but a second copy does.
    """
    return 2 * needed if done < 16 else max(np.int64(1.25 * needed / done * links), 2 * needed)


@_jit
def edge_list(first, last, block, start, source, out):  # type: ignore[no-untyped-def]
    """Writes the sources and targets [2, E] of compressed rows first..last."""
    for row in range(first, last):
        for slot in range(start[row], start[row + 1]):
            out[0, slot] = source[slot]
            out[1, slot] = row


@_jit
def _grown(array, used, room):  # type: ignore[no-untyped-def]
    larger = np.empty(room, array.dtype)
    larger[:used] = array[:used]
    return larger


@_jit
def _induced(  # type: ignore[no-untyped-def]
    count, base, edges, rowptr, col, edge_id, local, order, node_out, start_out, source_out, edge_out
):
    """Writes the edges among the numbered nodes, but for those between the first two; returns the number of edges."""
    for at in range(count):
        node = order[at]
        node_out[base + at] = node
        low, high = np.int64(rowptr[node]), np.int64(rowptr[node + 1])
        if at < 2:
            for slot in range(low, high):
                number = local[col[slot]]
                if number >= 0 and number != 1 - at:  # the target link, in either direction, stays out
                    source_out[edges], edge_out[edges] = base + number, edge_id[slot]
                    edges += 1
        else:
            for slot in range(low, high):  # written always, counted where it belongs: no branch to mispredict
                number = local[col[slot]]
                source_out[edges], edge_out[edges] = base + number, edge_id[slot]
                edges += number >= 0
        start_out[base + at + 1] = edges
    return edges


@_jit
def _nodes(i, j, hops, cap, ratio, seed, rowptr, col, local, order, dropped):  # type: ignore[no-untyped-def]
    """Numbers the nodes within `hops` of i or j in `local` and `order`; returns how many, and how many it left out."""
    local[i], local[j] = 0, 1
    order[0], order[1] = i, j
    state = mix(mix(np.uint64(seed) + _GOLDEN * np.uint64(i + 1)) + _GOLDEN * np.uint64(j + 1))
    first, count, left = 0, 2, 0
    for _ in range(hops):
        last = count
        for at in range(first, last):
            node = order[at]
            for slot in range(np.int64(rowptr[node]), np.int64(rowptr[node + 1])):
                other = col[slot]
                if local[other] == _UNSEEN:
                    local[other] = count
                    order[count] = other
                    count += 1
        found = count - last
        keep = found if ratio >= 1.0 else int(ratio * found)
        if 0 <= cap < keep:
            keep = cap
        if keep < found:  # the first steps of a Fisher-Yates shuffle are a sample without replacement
            for k in range(keep):
                state += _GOLDEN
                pick = k + np.int64(np.float64(mix(state) >> np.uint64(11)) / 9007199254740992.0 * (found - k))
                order[last + k], order[last + pick] = order[last + pick], order[last + k]
                local[order[last + k]] = last + k
            for k in range(keep, found):
                local[order[last + k]] = _LEFT_OUT
                dropped[left] = order[last + k]
                left += 1
            count = last + keep
        first = last
    return count, left


@_jit
def _distances(origin, other, blocked, count, base, start, source, distance, queue):  # type: ignore[no-untyped-def]
    """Steps along edges from each node to `origin`, not through `other` if `blocked`; -1 where there is no way."""
    for at in range(count):
        distance[at] = -1
    distance[origin] = 0
    if blocked:
        distance[other] = 0  # as if met already, and never left
    queue[0] = origin
    head, tail = 0, 1
    missing = count - 1 - np.int64(blocked)
    while head < tail and missing > 0:
        at = queue[head]
        head += 1
        step = distance[at] + 1
        for k in range(start[base + at], start[base + at + 1]):
            node = source[k] - base
            if distance[node] < 0:
                distance[node] = step
                queue[tail] = node
                tail += 1
                missing -= 1


@_jit
def _double_radius(count, base, near, far, label):  # type: ignore[no-untyped-def]
    label[base] = label[base + 1] = 1
    for at in range(2, count):
        a, b = np.int64(near[at]), np.int64(far[at])
        if a < 0 or b < 0:
            label[base + at] = 0
        else:
            half, odd = (a + b) // 2, (a + b) % 2
            label[base + at] = 1 + min(a, b) + half * (half + odd - 1)
