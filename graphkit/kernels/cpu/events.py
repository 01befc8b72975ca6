"""Compiled look-ups in event streams: rings of a node's last events, sorted event lists, batches without repeats."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")


# A counter goes up to twice the width of a ring and falls back to the width, so that it says both how many entries
# there are and where the next one goes, without a division.


@_jit
def ring_insert(node, event, time, count, src, dst, t, first):  # type: ignore[no-untyped-def]
    """Writes events (u, v) into the rings of u and of v, one after the other; no times are kept where t is empty.

    Returns -1, or the number of an event with a node out of range; nothing is written then.
    """
    width, timed, nodes = node.shape[1], len(t) > 0, np.uint64(len(count))
    outside: np.bool_ = np.bool_(False)
    for row in range(len(src)):  # as unsigned numbers, those below zero are out of range too
        outside |= (np.uint64(src[row]) >= nodes) | (np.uint64(dst[row]) >= nodes)
    if outside:
        for row in range(len(src)):
            if np.uint64(src[row]) >= nodes or np.uint64(dst[row]) >= nodes:
                return row
    for row in range(len(src)):
        n, other = np.uint64(src[row]), np.uint64(dst[row])
        for _ in range(2):
            filled = count[n]
            slot = np.uint64(filled if filled < width else filled - width)
            node[n, slot], event[n, slot] = other, first + row
            if timed:
                time[n, slot] = t[row]
            count[n] = filled + 1 if filled < 2 * width - 1 else width
            n, other = other, n
    return -1


@_jit
def ring_read(node, event, time, count, asked, k, out_node, out_event, out_time):  # type: ignore[no-untyped-def]
    """Reads the last k entries of every asked node, the newest first; -1 where there are fewer."""
    width = node.shape[1]
    for row in range(len(asked)):
        n = asked[row]
        have = min(count[n], min(k, width))
        slot = count[n] % width
        for place in range(have):
            slot = slot - 1 if slot > 0 else width - 1
            out_node[row, place] = node[n, slot]
            out_event[row, place] = event[n, slot]
            out_time[row, place] = time[n, slot]
        for place in range(have, k):
            out_node[row, place] = -1
            out_event[row, place] = -1
            out_time[row, place] = 0.0


@_jit
def ring_edges(node, event, count, asked, local, n_id, edges):  # type: ignore[no-untyped-def]
    """Lists asked nodes and their ring entries as a subgraph over the sorted distinct nodes, newest entries first.

    `local` is [N] of -1 and is left so. Fills n_id and edges [3, .] (neighbour, node, event) and returns both lengths.
    """
    nodes = found = 0
    width = node.shape[1]
    for row in range(len(asked)):
        n = asked[row]
        if local[n] < 0:
            local[n] = 0
            n_id[nodes] = n
            nodes += 1
        for slot in range(min(count[n], width)):
            other = node[n, slot]
            if local[other] < 0:
                local[other] = 0
                n_id[nodes] = other
                nodes += 1
    n_id[:nodes].sort()
    for row in range(nodes):
        local[n_id[row]] = row
    for row in range(len(asked)):
        n = asked[row]
        slot = count[n] % width
        for _ in range(min(count[n], width)):
            slot = slot - 1 if slot > 0 else width - 1
            edges[0, found], edges[1, found], edges[2, found] = local[node[n, slot]], local[n], event[n, slot]
            found += 1
    for row in range(nodes):
        local[n_id[row]] = -1
    return nodes, found


@_jit
def sort_by_node(src, dst, rowptr, node, event):  # type: ignore[no-untyped-def]
    """Fills the event list of every node, in the order of the stream; rowptr is [N + 1] of zeros before."""
    for row in range(len(src)):
        rowptr[src[row] + 1] += 1
        rowptr[dst[row] + 1] += 1
    for n in range(len(rowptr) - 1):
        rowptr[n + 1] += rowptr[n]
    fill = rowptr[:-1].copy()
    for row in range(len(src)):
        u, v = src[row], dst[row]
        node[fill[u]], event[fill[u]] = v, row
        fill[u] += 1
        node[fill[v]], event[fill[v]] = u, row
        fill[v] += 1


@_jit
def _mix(value):  # type: ignore[no-untyped-def]
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@_jit
def list_read(rowptr, node, event, time, asked, cut, before, k, seed, uniform, out_node, out_event, out_time):  # type: ignore[no-untyped-def]
    """Reads k entries a query with event < cut and time < before: the last ones, or k drawn with replacement.

    The newest come first; a draw depends on (seed, row) alone.
    """
    for row in range(len(asked)):
        start, low, high = rowptr[asked[row]], rowptr[asked[row]], rowptr[asked[row] + 1]
        while low < high:
            middle = (low + high) // 2
            if event[middle] < cut[row] and time[event[middle]] < before[row]:
                low = middle + 1
            else:
                high = middle
        many = low - start
        have = k if uniform and many > 0 else min(many, k)
        for place in range(have):
            at = low - 1 - place
            if uniform:
                key = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(row * k + place)
                at = start + np.int64(_mix(key) % np.uint64(many))
            out_event[row, place] = event[at]
            out_node[row, place] = at
        if uniform:
            out_node[row, :have] = -np.sort(-out_node[row, :have])
            for place in range(have):
                out_event[row, place] = event[out_node[row, place]]
        for place in range(have):
            out_time[row, place] = time[out_event[row, place]]
            out_node[row, place] = node[out_node[row, place]]
        for place in range(have, k):
            out_node[row, place] = -1
            out_event[row, place] = -1
            out_time[row, place] = 0.0


@_jit
def chain_insert(head, node, event, time, older, length, src, dst, t, first):  # type: ignore[no-untyped-def]
    """Appends events to a log in which every entry points to the one before it of the same node."""
    for row in range(len(src)):
        u, v = src[row], dst[row]
        node[length], event[length], time[length], older[length] = v, first + row, t[row], head[u]
        head[u] = length
        node[length + 1], event[length + 1], time[length + 1], older[length + 1] = u, first + row, t[row], head[v]
        head[v] = length + 1
        length += 2


@_jit
def chain_read(head, node, time, older, asked, after, k, out_entry):  # type: ignore[no-untyped-def]
    """Reads the last k entries of asked nodes: all of them, or those before the twin of entry `after[row]`.

    The twin of an entry is the other end's entry of the same event, so the read sees what the neighbour had seen then.
    """
    for row in range(len(asked)):
        at = np.int64(-1)
        if asked[row] >= 0:
            at = head[asked[row]] if after[row] < 0 else older[after[row] ^ 1]
            if after[row] >= 0:  # a self-loop's other entry is of the same event
                while at >= 0 and at // 2 == after[row] // 2:
                    at = older[at]
        for place in range(k):
            out_entry[row, place] = at
            if at >= 0:
                at = older[at]


@_jit
def t_batch_numbers(src, dst, num_nodes):  # type: ignore[no-untyped-def]
    """Numbers events so that no node occurs twice under one number and every node's numbers rise in time."""
    last = np.zeros(num_nodes, dtype=np.int64)
    number = np.empty(len(src), dtype=np.int64)
    for row in range(len(src)):
        u, v = src[row], dst[row]
        found = max(last[u], last[v])
        number[row] = found
        last[u] = last[v] = found + 1
    return number


@_jit
def remember_last(peer, time, event, src, dst, t, first):  # type: ignore[no-untyped-def]
    """Keeps, for both ends of every event, the other end, the time and the number of the event; later ones win."""
    for row in range(len(src)):
        u, v = src[row], dst[row]
        peer[u], time[u], event[u] = v, t[row], first + row
        peer[v], time[v], event[v] = u, t[row], first + row


def co_occurrence(left, right):  # type: ignore[no-untyped-def]
    """Returns, for sequences [P, L] of nodes (-1: none), how often each entry is in the left and in the right one.

    Two arrays [P, L, 2] float32, for the entries of the left and of the right sequences; 0 for no entry.
    """
    found = np.zeros((2, *left.shape, 2), dtype=np.float32)
    _count_both(left, right, found)
    return found[0], found[1]


@_jit
def _count_both(left, right, out):  # type: ignore[no-untyped-def]
    for row in range(len(left)):
        for place in range(left.shape[1]):
            for side in range(2):
                node = left[row, place] if side == 0 else right[row, place]
                if node < 0:
                    continue
                for other in range(left.shape[1]):
                    if left[row, other] == node:
                        out[side, row, place, 0] += 1
                    if right[row, other] == node:
                        out[side, row, place, 1] += 1
