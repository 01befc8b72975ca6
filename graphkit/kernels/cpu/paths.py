"""Compiled enumeration of paths into one root at a time: a pass that counts, and a pass that fills."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
SIMPLE, ALL_SHORTEST, SHORTEST = 0, 1, 2
FAR = np.uint8(255)
EVERY = 1 << 62
"""A cap that keeps every path."""


@_jit
def _levels(root, length, rowptr, col, distance, queue, parent, before):  # type: ignore[no-untyped-def]
    """Breadth first from a root against the edges, `length` steps far; returns how many nodes were reached."""
    queue[0] = root
    distance[root] = 0
    head, tail = 0, 1
    while head < tail:
        node = queue[head]
        head += 1
        step = distance[node] + 1
        if step > length:
            break
        for slot in range(rowptr[node], rowptr[node + 1]):
            other = col[slot]
            if distance[other] == FAR:
                distance[other] = step
                parent[other] = slot
                before[other] = node
                queue[tail] = other
                tail += 1
    return tail


@_jit
def _random(seed, root, level, number, bound):  # type: ignore[no-untyped-def]
    """A number below `bound` from a counter (splitmix64), the same on every thread."""
    x = np.uint64(seed) ^ (np.uint64(root) * np.uint64(0x9E3779B97F4A7C15))
    x ^= np.uint64(number) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(level) * np.uint64(0x94D049BB133111EB)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return np.int64(x % np.uint64(bound))


@_jit
def count_paths(first, last, block, kind, length, rowptr, col, counts):  # type: ignore[no-untyped-def]
    """Writes to counts [N, K] how many shortest paths of 1 to K edges end in every root."""
    nodes = len(rowptr) - 1
    distance = np.full(nodes, FAR, np.uint8)
    queue = np.empty(nodes, np.int64)
    parent, before = np.empty_like(queue), np.empty_like(queue)
    path = np.empty(length + 1, np.int64)
    place = np.empty(length + 1, np.int64)
    for root in range(first, last):
        reached = _levels(root, length, rowptr, col, distance, queue, parent, before)
        if kind == SHORTEST:
            for k in range(1, reached):
                counts[root, distance[queue[k]] - 1] += 1
        else:
            depth = 0
            path[0] = root
            place[0] = rowptr[root]
            while depth >= 0:
                node = np.int64(path[depth])
                slot = place[depth]
                if slot == rowptr[node + 1]:
                    depth -= 1
                    continue
                place[depth] = slot + 1
                other = col[slot]
                if distance[other] != depth + 1:
                    continue
                counts[root, depth] += 1
                if depth + 1 < length:
                    depth += 1
                    path[depth] = other
                    place[depth] = rowptr[other]
        for k in range(reached):
            distance[queue[k]] = FAR


@_jit
def _write(row, depth, path, slots, edge_id, distance, base, edge_base, nodes, edges, distances):  # type: ignore[no-untyped-def]
    """Writes one path of `depth` edges, its root first, to row `row` of its level."""
    at = base[depth - 1] + row * (depth + 1)
    for k in range(depth + 1):
        nodes[at + k] = path[k]
    if len(distances):
        for k in range(depth + 1):
            distances[at + k] = distance[path[k]]
    if len(edges):
        at = edge_base[depth - 1] + row * depth
        for k in range(depth):
            edges[at + k] = edge_id[slots[k]]


@_jit
def fill_paths(  # type: ignore[no-untyped-def]
    first,
    last,
    block,
    kind,
    length,
    rowptr,
    col,
    edge_id,
    offsets,
    most,
    seed,
    base,
    edge_base,
    nodes,
    edges,
    distances,
):
    """Writes the paths that end in every root; level k - 1 of root v begins at row offsets[v, k - 1].

    Where more than `most` paths of a level end in a root, a uniform sample of that many is kept (algorithm R).
    """
    measured = kind != SIMPLE or len(distances) > 0
    total = len(rowptr) - 1 if measured else 1
    distance = np.full(total, FAR, np.uint8)
    queue = np.empty(total, np.int64)
    parent, before = np.empty_like(queue), np.empty_like(queue)
    path = np.empty(length + 1, np.int64)
    slots = np.empty(length + 1, np.int64)
    place = np.empty(length + 1, np.int64)
    seen = np.zeros(length, np.int64)
    for root in range(first, last):
        reached = 0
        if measured:
            reached = _levels(root, length, rowptr, col, distance, queue, parent, before)
        seen[:] = 0
        path[0] = root
        if kind == SHORTEST:
            for k in range(1, reached):
                node = queue[k]
                far = np.int64(distance[node])
                for back in range(far, 0, -1):
                    path[back] = node
                    slots[back - 1] = parent[node]
                    node = np.int64(before[node])
                number = seen[far - 1]
                seen[far - 1] += 1
                keep = number
                if number >= most:
                    keep = _random(seed, root, far, number, number + 1)
                if keep < most:
                    row = offsets[root, far - 1] + keep
                    _write(row, far, path, slots, edge_id, distance, base, edge_base, nodes, edges, distances)
        else:
            depth = 0
            place[0] = rowptr[root]
            while depth >= 0:
                node = np.int64(path[depth])
                slot = place[depth]
                if slot == rowptr[node + 1]:
                    depth -= 1
                    continue
                place[depth] = slot + 1
                other = col[slot]
                if kind == SIMPLE:
                    fresh = True
                    for k in range(depth + 1):
                        fresh &= path[k] != other
                else:
                    fresh = distance[other] == depth + 1
                if not fresh:
                    continue
                slots[depth] = slot
                path[depth + 1] = other
                number = seen[depth]
                seen[depth] += 1
                keep = number
                if number >= most:
                    keep = _random(seed, root, depth + 1, number, number + 1)
                if keep < most:
                    row = offsets[root, depth] + keep
                    _write(row, depth + 1, path, slots, edge_id, distance, base, edge_base, nodes, edges, distances)
                if depth + 1 < length:
                    depth += 1
                    place[depth] = rowptr[other]
        for k in range(reached):
            distance[queue[k]] = FAR


@_jit
def unique_pairs(parent, node, distance, node_count, table, first, inverse):  # type: ignore[no-untyped-def]
    """Numbers the distinct (parent, node, distance) in order of appearance; returns how many there are.

    `table` is a power of two of -1 that is at least twice as long; `first` gets the first row of each, `inverse` the
    number of every row.
    """
    mask = np.uint64(len(table) - 1)
    found = 0
    for row in range(len(node)):
        p = parent[row] if len(parent) else 0
        d = distance[row] if len(distance) else 0
        key = np.uint64((np.int64(p) * np.int64(node_count) + np.int64(node[row])) * np.int64(256) + np.int64(d))
        place = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
        while True:
            place &= mask
            number = table[place]
            if number < 0:
                table[place] = found
                first[found] = row
                inverse[row] = found
                found += 1
                break
            other = first[number]
            same = node[other] == node[row]
            if len(parent):
                same &= parent[other] == parent[row]
            if len(distance):
                same &= distance[other] == distance[row]
            if same:
                inverse[row] = number
                break
            place += np.uint64(1)
    return found
