"""Compiled tables of hashed neighbourhoods (N-caches), their merged entries, and what two of them have in common."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _slot(key, salt, size):  # type: ignore[no-untyped-def]
    return (key * salt + key * key * (salt + 1)) % size


@_jit
def _draw(seed, event, slot):  # type: ignore[no-untyped-def]
    value = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(event) * np.uint64(0xD1B54A32D192ED03)
    value = (value + np.uint64(slot)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return np.float64((value ^ (value >> np.uint64(29))) >> np.uint64(11)) / 9007199254740992.0


@_jit
def _write(tables, n, slot, key, event, t, source, alpha, seed, draw):  # type: ignore[no-untyped-def]
    """Writes an entry unless the slot belongs to another key that is kept; returns whether it was written."""
    keys, events, times, values = tables
    if keys[n, slot] >= 0 and keys[n, slot] != key and _draw(seed, draw, slot) >= alpha:
        return False
    keys[n, slot], events[n, slot], times[n, slot] = key, event, t
    for c in range(len(source)):
        values[n, slot, c] = source[c]
    return True


@_jit
def cache_write(tables, near, src, dst, t, first, fresh, near_size, far_size, salt, alpha, seed):  # type: ignore[no-untyped-def]
    """Takes in events one after the other: each end meets the other, and takes over whom the other had met before.

    `near` [2B] names the ends: their hop-1 entries are copied as they were when the batch began, so that hop 2
    receives what was known then; `fresh` [2B, F] the value an end keeps of the other. Slots: own key, hop 1, hop 2.
    """
    keys, events, times, values = tables
    held_key = np.empty((len(near), near_size), dtype=np.int64)
    held_event = np.empty((len(near), near_size), dtype=np.int64)
    held_time = np.empty((len(near), near_size), dtype=np.float64)
    held_value = np.empty((len(near), near_size, values.shape[2]), dtype=values.dtype)
    for row in range(len(near)):
        n = near[row]
        for place in range(near_size):
            held_key[row, place] = keys[n, 1 + place]
            held_event[row, place] = events[n, 1 + place]
            held_time[row, place] = times[n, 1 + place]
            held_value[row, place] = values[n, 1 + place]
    many = len(src)
    for row in range(many):
        for side in range(2):
            n, other = (src[row], dst[row]) if side == 0 else (dst[row], src[row])
            mine, theirs = row + side * many, row + (1 - side) * many
            event, draw = first + row, 2 * (first + row) + side
            keys[n, 0], events[n, 0], times[n, 0] = n, event, t[row]
            _write(tables, n, 1 + _slot(other, salt, near_size), other, event, t[row], fresh[mine], alpha, seed, draw)
            if far_size > 0:
                for place in range(near_size):
                    key = held_key[theirs, place]
                    if key >= 0 and key != n:
                        slot = 1 + near_size + _slot(key, salt, far_size)
                        source = held_value[theirs, place]
                        _write(
                            tables,
                            n,
                            slot,
                            key,
                            held_event[theirs, place],
                            held_time[theirs, place],
                            source,
                            alpha,
                            seed,
                            draw,
                        )


@_jit
def find_entries(keys, nodes, others, near_size, salt, out):  # type: ignore[no-untyped-def]
    """Writes the slot at which each node keeps each other as a hop-1 entry, -1 where it does not."""
    for row in range(len(nodes)):
        slot = 1 + _slot(others[row], salt, near_size)
        out[row] = slot if keys[nodes[row], slot] == others[row] else -1


@_jit
def _in_order(keys, order):  # type: ignore[no-untyped-def]
    """Writes the places of keys that are not negative, the smallest key first; returns how many there are."""
    many = 0
    if len(keys) > 128:
        sorted_places = np.argsort(keys, kind="mergesort")
        for place in sorted_places:
            if keys[place] >= 0:
                order[many] = place
                many += 1
        return many
    for at in range(len(keys)):  # so few are put in order faster by hand
        if keys[at] < 0:
            continue
        place = many
        while place > 0 and keys[order[place - 1]] > keys[at]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = at
        many += 1
    return many


@_jit
def first_seen(keys, number, distinct, place):  # type: ignore[no-untyped-def]
    """Lists distinct keys as they come, and the place of each key among them; `number` [N] is -1 before and after."""
    many = 0
    for row in range(len(keys)):
        key = keys[row]
        if number[key] < 0:
            number[key], distinct[many] = many, key
            many += 1
        place[row] = number[key]
    for row in range(many):
        number[distinct[row]] = -1
    return many


@_jit
def merge_entries(keys, nodes, near_size, ptr, entry_key, entry_bits, slot_entry, slot_at, slot_node):  # type: ignore[no-untyped-def]
    """Lists the distinct keys of every node with their hop bits (1, 2, 4); returns the numbers of entries and slots.

    Keys of one node are sorted, so that two lists are intersected by a merge. Slots point at their entry.
    """
    width = keys.shape[1]
    entries = slots = 0
    ptr[0] = 0
    order = np.empty(width, dtype=np.int64)
    for row in range(len(nodes)):
        n = nodes[row]
        start = entries
        for place in range(_in_order(keys[n], order)):
            at = order[place]
            key = keys[n, at]
            bit = 1 if at == 0 else (2 if at <= near_size else 4)
            if entries > start and entry_key[entries - 1] == key:
                entry_bits[entries - 1] |= bit
            else:
                entry_key[entries], entry_bits[entries] = key, bit
                entries += 1
            slot_entry[slots], slot_at[slots], slot_node[slots] = entries - 1, at, n
            slots += 1
        ptr[row + 1] = entries
    return entries, slots


@_jit
def count_common(lists, left, right, out):  # type: ignore[no-untyped-def]
    """Lists what pairs of nodes have in common: [S] number of the pair and both entries; pass no space to count."""
    (ptr, key, other_ptr, other_key), (out_pair, out_left, out_right) = lists, out
    found = 0
    for pair in range(len(left)):
        a, a_end = ptr[left[pair]], ptr[left[pair] + 1]
        b, b_end = other_ptr[right[pair]], other_ptr[right[pair] + 1]
        while a < a_end and b < b_end:
            if key[a] < other_key[b]:
                a += 1
            elif key[a] > other_key[b]:
                b += 1
            else:
                if found < len(out_pair):
                    out_pair[found], out_left[found], out_right[found] = pair, a, b
                found += 1
                a += 1
                b += 1
    return found


@_jit
def common_with_all(lists, left, right, num_nodes, out):  # type: ignore[no-untyped-def]
    """Does the same for all pairs of two lists of nodes, b * K + k, through an index of the second one's keys."""
    (ptr, key, other_ptr, other_key), (out_pair, out_left, out_right) = lists, out
    start = np.zeros(num_nodes + 2, dtype=np.int64)
    for k in range(len(right)):
        for e in range(other_ptr[right[k]], other_ptr[right[k] + 1]):
            start[other_key[e] + 2] += 1
    for n in range(num_nodes + 1):
        start[n + 1] += start[n]
    where = np.empty(start[num_nodes + 1], dtype=np.int64)
    entry = np.empty(start[num_nodes + 1], dtype=np.int64)
    for k in range(len(right)):
        for e in range(other_ptr[right[k]], other_ptr[right[k] + 1]):
            at = start[other_key[e] + 1]
            where[at], entry[at] = k, e
            start[other_key[e] + 1] += 1
    found = 0
    for b in range(len(left)):
        for a in range(ptr[left[b]], ptr[left[b] + 1]):
            for at in range(start[key[a]], start[key[a] + 1]):
                if found < len(out_pair):
                    out_pair[found] = b * len(right) + where[at]
                    out_left[found], out_right[found] = a, entry[at]
                found += 1
    return found
