"""Pairs of any source and destination as negatives, as DyGLib draws them for average precision: one a positive.

A pair is not a candidate of the positive's own source, so such a set gives AP and AUC, never a rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graphkit.data.negatives.checks import Integers
from graphkit.data.negatives.counter import STATE_WORDS, below, jit, start, stream_key
from graphkit.data.negatives.draw import as_pool
from graphkit.data.negatives.events import Events, as_events
from graphkit.data.negatives.generate import PoolLike, row_range
from graphkit.data.negatives.sets import NegativeSet
from graphkit.errors import ConfigError, DataError

_TRIES = 10_000


def historical_pairs(
    events: Any,
    positives: ArrayLike | slice,
    *,
    sources: PoolLike,
    destinations: PoolLike,
    seed: int,
    split: str,
    count: int = 1,
    batch_size: int = 200,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws pairs seen strictly before the batch of the positive began and not seen in the batch's span of time.

    The rule of DyGLib (Yu et al., "Towards better dynamic graph learning", NeurIPS 2023, NegativeEdgeSampler) with one
    difference: its draws of a batch are distinct, ours are independent from row to row, so that any row can be made
    alone. Where no pair is left, uniform pairs outside the history and the batch are drawn.

    Args:
        events: the stream, (src, dst, t) or anything with these attributes, sorted by time.
        positives: which events to make negatives for: a [T] mask, a slice, or rising event numbers.
        sources: pool of sources for the fill.
        destinations: pool of destinations for the fill.
        seed: of the set.
        split: name of the split.
        count: K, distinct or not; DyGLib has 1.
        batch_size: positives a batch, counted from the first; part of the result. 1: strictly before each positive.
        rows: a slice of the positives; None: all.

    Raises:
        ConfigError: K or the batch size is below 1.
        ShapeError, DataError: events, positives or pools are not as above.
        DataError: the pools hold hardly any pair that is not in the history.

    Example:
        >>> events = ([0, 1, 2], [5, 6, 7], [1, 2, 3])
        >>> made = historical_pairs(events, [2], sources=3, destinations=(5, 8), seed=0, split="test")
        >>> made.sources is not None and len(made)
        1
    """
    stream = as_events(events)
    return _pairs("historical", stream, None, positives, sources, destinations, seed, split, count, batch_size, rows)


def inductive_pairs(
    events: Any,
    positives: ArrayLike | slice,
    train: ArrayLike | slice,
    *,
    sources: PoolLike,
    destinations: PoolLike,
    seed: int,
    split: str,
    count: int = 1,
    batch_size: int = 200,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws pairs as `historical_pairs`, without those that occur in a training event.

    Args:
        events: as in `historical_pairs`.
        positives: as in `historical_pairs`.
        train: which events are training events.
        sources: as in `historical_pairs`.
        destinations: as in `historical_pairs`.
        seed: of the set.
        split: name of the split.
        count: as in `historical_pairs`.
        batch_size: as in `historical_pairs`.
        rows: a slice of the positives; None: all.

    Raises:
        ConfigError, ShapeError, DataError: as `historical_pairs`.
    """
    stream = as_events(events)
    seen = stream.chosen(train, "training")
    return _pairs("inductive", stream, seen, positives, sources, destinations, seed, split, count, batch_size, rows)


def _pairs(
    kind: str,
    stream: Events,
    train: Integers | None,
    positives: ArrayLike | slice,
    sources: PoolLike,
    destinations: PoolLike,
    seed: int,
    split: str,
    count: int,
    batch_size: int,
    rows: slice | None,
) -> NegativeSet:
    if count < 1 or batch_size < 1:
        raise ConfigError(f"count and batch_size must be at least 1, got {count} and {batch_size}")
    chosen = stream.chosen(positives, split)
    part = row_range(rows, len(chosen))
    pools = as_pool(sources), as_pool(destinations)
    nodes = max(stream.num_nodes, *(max(pool.low + pool.size, int(pool.ids.max(initial=0)) + 1) for pool in pools))
    pair = stream.src * nodes + stream.dst
    distinct, first = np.unique(pair, return_index=True)
    seen = stream.time_rank[first]
    listed = np.ones(len(distinct), dtype=bool) if train is None else ~np.isin(distinct, pair[train])
    distinct, seen = distinct[listed], seen[listed]
    order = np.argsort(seen, kind="stable")
    history, since = distinct[order], seen[order]
    span = np.lexsort((pair, stream.time_rank))  # the pairs of one time lie together, sorted
    begins = np.arange(len(chosen)) // batch_size * batch_size
    ends = np.minimum(begins + batch_size, len(chosen)) - 1
    low, high = (stream.time_rank[chosen[edge[part.start : part.stop]]] for edge in (begins, ends))
    table = np.empty((len(part), count), dtype=np.int64)
    key = stream_key(seed, f"{kind}-pairs", split)
    numbers = np.arange(part.start, part.stop)
    window = np.searchsorted(stream.time_rank, low), np.searchsorted(stream.time_rank, high, side="right")
    limits = np.searchsorted(since, low)
    stuck = _draw_pairs(key, numbers, history, limits, distinct, seen, low, pair[span], window, pools, nodes, table)
    if stuck >= 0:
        raise DataError(f"no pair is left for row {stuck}: nearly all pairs of the two pools are in the history")
    parameters = {"scope": "pairs", "seed": seed, "split": split, "count": count, "batch_size": batch_size}
    parameters |= {"sources": pools[0].parameter(), "pool": pools[1].parameter(), "events": stream.sha256}
    if len(part) < len(chosen):
        parameters["rows"] = [part.start, part.stop]
    links = np.stack([table // nodes, table % nodes], axis=2)
    wanted = stream.positives(chosen[part.start : part.stop])
    return NegativeSet.of_matrix(kind, links, parameters, wanted, num_nodes=nodes)


@jit
def _holds(ordered, begin, end, wanted):  # type: ignore[no-untyped-def]
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and ordered[low] == wanted else -1


@jit
def _draw_pairs(key, streams, history, limits, known, seen, low, pair, window, pools, nodes, table):  # type: ignore[no-untyped-def]
    """Tries pairs of the history, then of the pools, until one is outside the batch; returns a row that got none."""
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    for row in range(len(streams)):
        start(state, key, streams[row])
        now = np.unique(pair[window[0][row] : window[1][row]])
        left = limits[row]
        for one in now:  # how many pairs of the history may still be drawn
            place = _holds(known, 0, len(known), one)
            left -= np.int64(place >= 0 and seen[place] < low[row])
        for k in range(table.shape[1]):
            table[row, k] = -1
            for _ in range(_TRIES):
                if left > 0:
                    one = history[below(state, limits[row])]
                else:
                    source, destination = below(state, pools[0].size), below(state, pools[1].size)
                    one = (pools[0].ids[source] if len(pools[0].ids) else pools[0].low + source) * nodes
                    one += pools[1].ids[destination] if len(pools[1].ids) else pools[1].low + destination
                    place = _holds(known, 0, len(known), one)
                    if place >= 0 and seen[place] < low[row]:
                        continue
                if _holds(now, 0, len(now), one) < 0:
                    table[row, k] = one
                    break
            if table[row, k] < 0:
                return row
    return -1
