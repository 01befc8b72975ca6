"""Generators of negative sets for streams of events: historical, inductive, and TGB's two rules.

All of them look at the strict past of each positive only, so events that come later change no earlier row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graphkit.data.negatives.counter import jit, stream_key
from graphkit.data.negatives.draw import Banned, as_pool, draw
from graphkit.data.negatives.events import Events, History, as_events
from graphkit.data.negatives.generate import PoolLike, finished, row_range
from graphkit.data.negatives.sets import NegativeSet
from graphkit.errors import ConfigError, DataError

TGB_COUNTS = {
    "tgbl-wiki": 12_000,
    "tgbl-review": 100,
    "tgbl-coin": 20,
    "tgbl-comment": 20,
    "tgbl-flight": 20,
    "tgbl-enron": 1_000,
    "tgbl-uci": 1_000,
    "tgbl-subreddit": 1_000,
    "tgbl-lastfm": 2_000,
}
"""Negatives a positive that the scripts of TGB ask `hist_rnd` for (shenyangHuang/TGB, tgb/datasets/dataset_scripts)."""


def historical(
    events: Any,
    positives: ArrayLike | slice,
    count: int,
    *,
    pool: PoolLike,
    seed: int,
    split: str,
    share: float = 1.0,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws destinations the source has met strictly before the positive's time, and uniform ones where those run out.

    After Poursafaei et al., "Towards better evaluation for dynamic link prediction", NeurIPS 2022. No row holds a true
    destination of the same source and time. DyGLib differs: it draws whole pairs with any source, from before the
    start of a batch (see `pairs`); TGB differs: its history is the training events only (see `hist_rnd`).

    Args:
        events: the stream, (src, dst, t) or anything with these attributes, sorted by time.
        positives: which events to make negatives for: a [T] mask, a slice, or rising event numbers.
        count: K.
        pool: where the rest comes from: a range of ids, (first, last + 1), the number of nodes, or an array of ids.
        seed: of the set.
        split: name of the split; part of the key.
        share: at most floor(share * K) come from the history; the rest never repeats what is in the history.
        rows: a slice of the positives; None: all.

    Raises:
        ConfigError: K below 1, or a share outside [0, 1].
        ShapeError, DataError: events, positives or pool are not as above, or some row has nothing left to draw.

    Example:
        >>> events = ([0, 0, 0], [5, 6, 7], [1, 2, 3])
        >>> historical(events, [2], 2, pool=(5, 9), seed=0, split="test").candidates.tolist()
        [[5, 6]]
    """
    stream = as_events(events)
    past = stream.history()
    return _from_history("historical", stream, past, positives, count, pool, seed, split, share, rows)


def inductive(
    events: Any,
    positives: ArrayLike | slice,
    train: ArrayLike | slice,
    count: int,
    *,
    pool: PoolLike,
    seed: int,
    split: str,
    share: float = 1.0,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws destinations the source has met strictly before the positive's time but in no training event.

    As `historical`, with links that occur in training left out of the history.

    Args:
        events: as in `historical`.
        positives: as in `historical`.
        train: which events are training events.
        count: K.
        pool: as in `historical`.
        seed: of the set.
        split: name of the split.
        share: as in `historical`.
        rows: a slice of the positives; None: all.

    Raises:
        ConfigError, ShapeError, DataError: as `historical`.
    """
    stream = as_events(events)
    past = stream.history(without=stream.chosen(train, "training"))
    return _from_history("inductive", stream, past, positives, count, pool, seed, split, share, rows)


def hist_rnd(
    events: Any,
    positives: ArrayLike | slice,
    train: ArrayLike | slice,
    count: int,
    *,
    pool: PoolLike,
    seed: int = 42,
    split: str,
    ratio: float = 0.5,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws negatives by TGB's rule `hist_rnd` (Huang et al., "Temporal Graph Benchmark", NeurIPS 2023).

    Up to floor(ratio * K) distinct training destinations of the source, then uniform destinations of the pool outside
    the source's training history; never a true destination of the same source and time; all there are where they run
    short. Positives with equal (src, dst, t) share one row, as in TGB's files. The draws are not those of the published
    files, whose generator is numpy's global one: read those with `read_tgb`. `TGB_COUNTS` has the official K.

    Args:
        events: as in `historical`.
        positives: as in `historical`.
        train: which events are the history.
        count: K.
        pool: TGB takes all ids from the smallest to the largest destination.
        seed: of the set.
        split: name of the split.
        ratio: share of historical negatives.
        rows: a slice of the positives; None: all.

    Raises:
        ConfigError, ShapeError, DataError: as `historical`.
    """
    stream = as_events(events)
    past = stream.history(rows=stream.chosen(train, "training"))
    return _from_history("hist_rnd", stream, past, positives, count, pool, seed, split, ratio, rows)


def tgb_all(
    events: Any, positives: ArrayLike | slice, *, pool: PoolLike, split: str, rows: slice | None = None
) -> NegativeSet:
    """Gives every destination of the pool but the true ones of the same source and time, in rising order.

    These are the official negatives of tgbl-wiki: its script asks `hist_rnd` for 12,000 of 1,000 destinations.

    Args:
        events: as in `historical`.
        positives: as in `historical`.
        pool: as in `historical`.
        split: name of the split.
        rows: a slice of the positives; None: all.

    Raises:
        ShapeError, DataError: as `historical`.

    Example:
        >>> tgb_all(([0, 0], [5, 6], [1, 1]), [0], pool=(5, 9), split="test").candidates.tolist()
        [[7, 8]]
    """
    stream = as_events(events)
    chosen = stream.chosen(positives, split)
    part, destinations = row_range(rows, len(chosen)), as_pool(pool)
    banned = Banned(*stream.true_destinations(chosen[part.start : part.stop]))
    counts = np.empty(len(part), dtype=np.int64)
    _all_but(destinations, banned, np.empty((0, 0), dtype=np.int32), counts)
    if not counts.all():
        raise DataError(f"row {int(np.flatnonzero(counts == 0)[0])} has no negatives: the pool holds true ones only")
    top = destinations.low + destinations.size if not len(destinations.ids) else int(destinations.ids[-1]) + 1
    table = np.empty((len(part), int(counts.max())), dtype=np.int32 if top <= 1 << 31 else np.int64)
    _all_but(destinations, banned, table, counts)
    values = table.reshape(-1) if counts.min() == table.shape[1] else table[np.arange(table.shape[1]) < counts[:, None]]
    made = values, np.concatenate([[0], np.cumsum(counts)])
    parameters = {"split": split, "pool": destinations.parameter(), "events": stream.sha256}
    return finished("tgb-all", made, parameters, stream.positives(chosen), part, destinations)


def _from_history(
    kind: str,
    stream: Events,
    past: History,
    positives: ArrayLike | slice,
    count: int,
    pool: PoolLike,
    seed: int,
    split: str,
    share: float,
    rows: slice | None,
) -> NegativeSet:
    if not 0 <= share <= 1:
        raise ConfigError(f"the historical share must be in [0, 1], got {share}")
    chosen = stream.chosen(positives, split)
    part, destinations = row_range(rows, len(chosen)), as_pool(pool)
    wanted = stream.positives(chosen)
    streams = wanted.find(*wanted.keys) if kind == "hist_rnd" else np.arange(len(chosen))
    some = chosen[part.start : part.stop]
    made = draw(
        stream_key(seed, kind, split),
        streams[part.start : part.stop],
        count,
        destinations,
        Banned(*stream.true_destinations(some)),
        history=past,
        src=stream.src[some],
        cut=stream.time_rank[some],
        from_history=int(count * share),
    )
    parameters = {"seed": seed, "split": split, "count": count, "pool": destinations.parameter(), "share": share}
    return finished(kind, made, {**parameters, "events": stream.sha256}, wanted, part, destinations)


@jit
def _all_but(pool, banned, table, counts):  # type: ignore[no-untyped-def]
    """Counts, or with a table writes, the pool without what each row may not hold; both lists are sorted."""
    for row in range(len(counts)):
        at, end, taken = banned.begin[row], banned.end[row], 0
        for slot in range(pool.size):
            one = pool.ids[slot] if len(pool.ids) else pool.low + slot
            while at < end and banned.ids[at] < one:
                at += 1
            if at < end and banned.ids[at] == one:
                continue
            if len(table):
                table[row, taken] = one
            taken += 1
        counts[row] = taken
