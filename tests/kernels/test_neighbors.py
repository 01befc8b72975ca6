"""Rings, logs and sorted lists against brute force, for every size of batch; PyG's loader fails the same test."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.nn.models.tgn import LastNeighborLoader

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.neighbors import EventLog, RecentNeighbors, TimeCSR, t_batches

NODES, EVENTS = 12, 400


def stream(seed: int = 0, hubs: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    src = random.integers(0, 2 if hubs else NODES, EVENTS)
    dst = random.integers(0, NODES, EVENTS)  # self-loops included
    return src, dst, np.sort(random.integers(0, 150, EVENTS)).astype(np.float64)  # ties


def brute_force(src: np.ndarray, dst: np.ndarray, node: int, k: int, cut: int) -> list[tuple[int, int]]:
    found = []
    for event in range(cut):
        for this, other in ((src[event], dst[event]), (dst[event], src[event])):
            if this == node:
                found.append((int(other), event))
    return found[::-1][:k]


def entries(nodes: np.ndarray, events: np.ndarray) -> list[tuple[int, int]]:
    return [(int(n), int(e)) for n, e in zip(nodes, events, strict=True) if n >= 0]


@pytest.mark.parametrize("batch", [1, 7, 200, 5000])
def test_rings_and_logs_hold_the_last_events(batch: int) -> None:
    src, dst, t = stream()
    ring, log, index = RecentNeighbors(NODES, 5), EventLog(NODES), TimeCSR(src, dst, t, NODES)
    everyone = np.arange(NODES)
    for start in range(0, EVENTS, batch):
        part = slice(start, start + batch)
        ring.insert(src[part], dst[part], t[part])
        log.insert(src[part], dst[part], t[part])
        done = min(start + batch, EVENTS)
        if batch == 1 and done % 50:
            continue
        kept, logged = ring.read(everyone), log.neighbors(log.read(everyone, 5))
        listed = index.read(everyone, k=5, cut=np.full(NODES, done))
        for found in (kept, logged, listed):
            for node in range(NODES):
                assert entries(found.node[node], found.event[node]) == brute_force(src, dst, node, 5, done)
            assert np.array_equal(found.t[found.mask], t[found.event[found.mask]])


def test_the_loader_of_pyg_keeps_wrong_neighbours_when_a_hub_fills_a_batch() -> None:
    src, dst, t = stream()
    loader = LastNeighborLoader(NODES, 5)
    loader.insert(torch.from_numpy(src), torch.from_numpy(dst))
    _, _, events = loader(torch.tensor([0]))
    right = {event for _, event in brute_force(src, dst, 0, 5, EVENTS)}
    assert set(events.tolist()) != right
    ring = RecentNeighbors(NODES, 5)
    ring.insert(src, dst, t)
    assert set(ring.read([0]).event[0].tolist()) == right


def test_a_hop_further_sees_what_the_neighbour_had_seen_before() -> None:
    src, dst, t = stream(1, hubs=False)
    log = EventLog(NODES)
    log.insert(src, dst, t)
    first = log.read(np.arange(NODES), 3)
    near, far = log.neighbors(first), log.neighbors(log.before(first, 4))
    for row, (node, event) in enumerate(zip(near.node.ravel(), near.event.ravel(), strict=True)):
        assert entries(far.node[row], far.event[row]) == brute_force(src, dst, int(node), 4, int(event))


def test_times_and_draws_of_the_sorted_list() -> None:
    src, dst, t = stream(2)
    index = TimeCSR(src, dst, t, NODES)
    nodes, before = np.arange(NODES), np.full(NODES, 70.0)
    recent = index.read(nodes, k=4, before=before)
    assert (recent.t[recent.mask] < 70).all()
    cut = int(np.searchsorted(t, 70.0))
    assert entries(recent.node[0], recent.event[0]) == brute_force(src, dst, 0, 4, cut)
    drawn = index.read(nodes, k=50, before=before, strategy="uniform", seed=3)
    assert np.array_equal(drawn.event, index.read(nodes, k=50, before=before, strategy="uniform", seed=3).event)
    allowed = {event for _, event in brute_force(src, dst, 0, EVENTS, cut)}
    assert set(drawn.event[0].tolist()) <= allowed and len(set(drawn.event[0].tolist())) > 5
    assert (np.diff(drawn.event[0]) <= 0).all()
    assert not index.read([0], k=2, cut=[0], strategy="uniform").mask.any()


def test_features_are_gathered_once_an_event() -> None:
    src, dst, t = stream(3)
    ring = RecentNeighbors(NODES, 5)
    ring.insert(src, dst, t)
    found = ring.read(np.arange(NODES))
    events, places = found.unique_events()
    assert len(events) == len(set(found.event[found.mask].tolist()))
    assert np.array_equal(events[places[found.mask]], found.event[found.mask]) and (places[~found.mask] == -1).all()


def test_batches_without_repeats_keep_the_order() -> None:
    src, dst, _ = stream(4, hubs=False)
    order, ptr = t_batches(src, dst, NODES)
    assert sorted(order.tolist()) == list(range(EVENTS))
    place = np.empty(EVENTS, dtype=np.int64)
    place[order] = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    for number in range(len(ptr) - 1):
        rows = order[ptr[number] : ptr[number + 1]]
        ends = [node for row in rows for node in {int(src[row]), int(dst[row])}]
        assert len(ends) == len(set(ends))
    for node in range(NODES):
        own = place[(src == node) | (dst == node)]
        assert (np.diff(own) > 0).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        RecentNeighbors(3, 0)
    with pytest.raises(ShapeError, match="node 9"):
        RecentNeighbors(3, 2).insert([0], [9], [1.0])
    with pytest.raises(ShapeError, match="2 sources"):
        TimeCSR([0, 1], [1], [1.0], 3)
