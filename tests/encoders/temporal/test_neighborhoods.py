"""N-caches and projections against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.errors import ConfigError
from graphkit.kernels.cpu.projections import walk_read, walk_update
from graphkit.kernels.neighborhoods import NeighborhoodCache, common_keys
from graphkit.kernels.tables import Tables

NODES = 16


def stream(many: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 8, many), random.integers(8, NODES, many), np.sort(random.random(many)) * 100


def filled(near: int, far: int, alpha: float = 1.0, size: int = 10) -> NeighborhoodCache:
    cache = NeighborhoodCache(Tables(NODES), near, far, 1, alpha)
    src, dst, t = stream()
    for start in range(0, 80, size):
        part = slice(start, start + size)
        cache.write(src[part], dst[part], t[part], np.zeros((2 * len(src[part]), 1), dtype=np.float32))
    return cache


def test_no_key_is_lost_where_there_is_room_and_hops_are_those_of_the_batches() -> None:
    cache = filled(near=509, far=509)  # prime, so that small keys have slots of their own
    src, dst, _ = stream()
    near: list[set[int]] = [set() for _ in range(NODES)]
    far: list[set[int]] = [set() for _ in range(NODES)]
    met = set()
    for start in range(0, 80, 10):
        before = [set(one) for one in near]
        for u, v in zip(src[start : start + 10].tolist(), dst[start : start + 10].tolist(), strict=True):
            met |= {u, v}
            near[u].add(v)
            near[v].add(u)
            far[u] |= before[v] - {u}
            far[v] |= before[u] - {v}
    nodes = np.arange(NODES)
    entries = cache.entries(nodes)
    for n in range(NODES):
        part = slice(entries.ptr[n], entries.ptr[n + 1])
        found = dict(zip(entries.key[part].tolist(), entries.bits[part].tolist(), strict=True))
        due = {k: (k == n and n in met) + 2 * (k in near[n]) + 4 * (k in far[n]) for k in range(NODES)}
        assert found == {k: bits for k, bits in due.items() if bits}


def test_common_keys_are_the_intersection() -> None:
    cache = filled(near=7, far=5, alpha=0.5)
    nodes = np.arange(NODES)
    entries = cache.entries(nodes)
    keys = [set(entries.key[entries.ptr[n] : entries.ptr[n + 1]].tolist()) for n in range(NODES)]
    left, right = np.repeat(nodes, NODES), np.tile(nodes, NODES)
    pair, a, b = common_keys(entries, entries, left, right)
    assert (entries.key[a] == entries.key[b]).all()
    assert np.array_equal(np.bincount(pair, minlength=NODES**2), [len(keys[i] & keys[j]) for i in nodes for j in nodes])
    everything = common_keys(entries, entries, nodes, nodes[None])
    assert sorted(zip(pair, a, b, strict=True)) == sorted(zip(*everything, strict=True))


def test_distinct_keys_are_those_there_are() -> None:
    cache, keys = filled(7, 5), np.random.default_rng(0).integers(0, NODES, 200)
    for part in (keys, keys[:3], keys[:0]):
        found, place = cache.distinct(part)
        assert np.array_equal(found[place], part) and np.array_equal(np.sort(found), np.unique(part))


def test_overwriting_is_a_matter_of_the_event_and_not_of_the_batch() -> None:
    states = [filled(7, 0, alpha=0.3, size=size).state for size in (1, 13, 80)]
    assert all(np.array_equal(states[0]["cache/key"], state["cache/key"]) for state in states)
    assert not np.array_equal(states[0]["cache/key"], filled(7, 0, alpha=1.0).state["cache/key"])
    with pytest.raises(ConfigError, match="alpha"):
        NeighborhoodCache(Tables(2), 3, 3, 1, alpha=2.0)


def test_products_of_rows_are_walks() -> None:
    """With R^(0) the identity, R^(l) holds the decayed temporal walks themselves."""
    src, dst, t = stream(25)
    rate, steps = 0.03, 3
    rows = np.zeros((NODES, steps + 1, NODES), dtype=np.float32)
    rows[np.arange(NODES), 0, np.arange(NODES)] = 1
    last = np.zeros(NODES)
    for start in range(0, 25, 4):
        walk_update(rows, last, src[start : start + 4], dst[start : start + 4], t[start : start + 4], rate)
    read = np.empty_like(rows)
    now = 130.0
    walk_read(rows, last, np.arange(NODES), now, rate, read)
    slow = np.zeros((steps + 1, NODES, NODES))
    slow[0] = np.eye(NODES)
    before = t[0]
    for u, v, when in zip(src, dst, t, strict=True):
        slow *= np.exp(-rate * (when - before) * np.arange(steps + 1))[:, None, None]
        before = when
        for length in range(steps, 0, -1):
            to_u, to_v = slow[length - 1, v].copy(), slow[length - 1, u].copy()
            slow[length, u] += to_u
            slow[length, v] += to_v
    slow *= np.exp(-rate * (now - before) * np.arange(steps + 1))[:, None, None]
    assert read.transpose(1, 0, 2) == pytest.approx(slow, abs=1e-5)
