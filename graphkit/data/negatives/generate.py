"""Generators of negative sets for static links and for TGB-Seq: uniform draws, filtered or not.

Every row is drawn from a stream of its own (`counter`), so any rows can be made again alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from graphkit.data.negatives.checks import Candidates, Integers, whole_numbers
from graphkit.data.negatives.counter import stream_key
from graphkit.data.negatives.draw import Banned, Pool, as_pool, draw, draw_again, no_bans
from graphkit.data.negatives.events import Events
from graphkit.data.negatives.positives import Positives
from graphkit.data.negatives.sets import NegativeSet
from graphkit.errors import ConfigError, ShapeError, UnknownNameError

PoolLike = ArrayLike | tuple[int, int] | range | int
Filter = Literal["none", "own", "same-time", "known"]
FILTERS = ("none", "own", "same-time", "known")


def uniform(
    positives: Positives,
    count: int,
    *,
    pool: PoolLike,
    seed: int,
    split: str,
    filtered: Filter = "known",
    known: Any = None,
    replace: bool = False,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws K destinations a positive uniformly from a pool.

    Args:
        positives: the positives of a whole split, even when only some rows are made.
        count: K; rows are shorter where fewer destinations are left.
        pool: a range of ids, (first, last + 1), the number of nodes, or an array of ids.
        seed: of the set.
        split: name of the split; part of the stream's key, so that validation and test do not share draws.
        filtered: which destinations a row may not hold. `none`: all may come, even the positive itself; `own`: not the
            positive's; `same-time`: no destination of the same source and time (TGB's rule; needs times); `known`: no
            destination that `known` or `positives` link to the source. Give both directions of undirected links.
        known: (src, dst) or (src, dst, t), or anything with these attributes: the links that `known` and `same-time`
            look at besides the positives.
        replace: independent draws, so that a candidate may come twice.
        rows: a slice of the split; None: all.

    Raises:
        UnknownNameError: an unknown filter.
        ConfigError: K below 1, or `same-time` without times.
        ShapeError: `known` is no list of links, or `rows` is no slice of the split.
        DataError: the pool is empty, or some row has nothing left to draw.

    Example:
        >>> links = Positives([0, 1], [2, 3])
        >>> uniform(links, 2, pool=4, seed=0, split="test").candidates.shape
        (2, 2)
    """
    if filtered not in FILTERS:
        raise UnknownNameError("filter", filtered, FILTERS)
    part = row_range(rows, len(positives))
    destinations = as_pool(pool)
    banned = _banned(positives, filtered, known)
    parameters: dict[str, Any] = {"filter": filtered, "filtered": filtered != "none", "replace": replace}
    if known is not None:
        parameters["known"] = _links_hash(known)
    key = stream_key(seed, "uniform", split)
    streams, some = np.arange(part.start, part.stop), banned_rows(banned, part)
    how = draw_again if replace else draw
    made = how(key, streams, count, destinations, some)
    parameters |= {"seed": seed, "split": split, "count": count, "pool": destinations.parameter()}
    return finished("uniform", made, parameters, positives, part, destinations)


def tgb_seq(
    positives: Positives,
    first: int,
    last: int,
    *,
    count: int = 100,
    seed: int = 0,
    split: str = "test",
    filtered: bool = False,
    published_range: bool = True,
    rows: slice | None = None,
) -> NegativeSet:
    """Draws negatives by the rule of TGB-Seq 0.1.2: uniform, independent, by default without a look at the positive.

    The published sampler leaves out the last destination (an exclusive bound) and lets the true destination be its own
    negative; both are kept by default and recorded. The published draws come with the data: read them with
    `read_tgb_seq`.

    Args:
        positives: the positives of a whole split.
        first: smallest destination.
        last: largest destination.
        count: K.
        seed: of the set.
        split: name of the split.
        filtered: never draw the positive's own destination.
        published_range: leave `last` out, as published.
        rows: a slice of the split; None: all.

    Raises:
        ConfigError, ShapeError, DataError: as `uniform`.
    """
    part = row_range(rows, len(positives))
    pool = as_pool((first, last if published_range else last + 1))
    banned = banned_rows(_banned(positives, "own" if filtered else "none", None), part)
    made = draw_again(stream_key(seed, "tgb-seq", split), np.arange(part.start, part.stop), count, pool, banned)
    parameters = {"seed": seed, "split": split, "count": count, "pool": pool.parameter(), "filtered": filtered}
    return finished("tgb-seq", made, parameters, positives, part, pool)


def row_range(rows: slice | None, length: int) -> range:
    """Returns which rows of a split are asked for.

    Raises:
        ShapeError: a slice with steps, or one that holds no row.
    """
    chosen = range(length)[rows if rows is not None else slice(None)]
    if chosen.step != 1 or not len(chosen):
        raise ShapeError(f"rows must be a slice of step 1 that holds some of the {length} positives, got {rows}")
    return chosen


def banned_rows(banned: Banned, part: range) -> Banned:
    """Returns what some rows may not hold."""
    return Banned(banned.ids, banned.begin[part.start : part.stop], banned.end[part.start : part.stop])


def finished(
    kind: str,
    made: tuple[Candidates, Integers],
    parameters: Mapping[str, Any],
    positives: Positives,
    part: range,
    pool: Pool,
) -> NegativeSet:
    """Returns the set of some rows; a part of a split says in its parameters which rows it holds."""
    if len(part) < len(positives):
        parameters = {**parameters, "rows": [part.start, part.stop]}
        positives = positives.take(slice(part.start, part.stop))
    values, offsets = made
    tops = [int(positives.src.max()), int(positives.dst.max()), int(values.max()), pool.low + pool.size - 1]
    return NegativeSet(kind, values, offsets, parameters, positives, num_nodes=max(tops) + 1)


def _banned(positives: Positives, filtered: str, known: Any) -> Banned:
    rows = np.arange(len(positives))
    if filtered == "none":
        return no_bans(len(positives))
    if filtered == "own":
        return Banned(np.array(positives.dst), rows, rows + 1)
    src, dst, t = _links(known)
    if filtered == "same-time":
        if positives.t is None or (known is not None and t is None):
            raise ConfigError("the filter same-time needs the times of the positives and of known links")
        times = positives.t if t is None else np.concatenate([positives.t, t])
        stream = np.argsort(times, kind="stable")
        place = np.empty(len(stream), dtype=np.int64)
        place[stream] = np.arange(len(stream))
        both = np.concatenate([positives.src, src])[stream], np.concatenate([positives.dst, dst])[stream]
        return Banned(*Events(*both, times[stream]).true_destinations(place[: len(positives)]))
    sources, ids = np.concatenate([positives.src, src]), np.concatenate([positives.dst, dst])
    order = np.lexsort((ids, sources))
    sources, ids = sources[order], ids[order]
    begin = np.searchsorted(sources, positives.src, side="left").astype(np.int64)
    return Banned(ids, begin, np.searchsorted(sources, positives.src, side="right").astype(np.int64))


def _links(known: Any) -> tuple[Integers, Integers, Any]:
    if known is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), None
    if hasattr(known, "src") and hasattr(known, "dst"):
        parts = [known.src, known.dst, getattr(known, "t", None)]
    elif isinstance(known, np.ndarray) and known.ndim == 2 and len(known) == 2:
        parts = [known[0], known[1], None]
    elif isinstance(known, tuple | list) and len(known) in (2, 3):
        parts = [*known, None][:3]
    else:
        raise ShapeError("known links must be (src, dst), (src, dst, t) or an edge_index [2, E]")
    src, dst = whole_numbers("known sources", parts[0]), whole_numbers("known destinations", parts[1])
    if len(src) != len(dst) or (parts[2] is not None and len(parts[2]) != len(src)):
        raise ShapeError("known links must have as many sources as destinations and times")
    return src, dst, None if parts[2] is None else np.asarray(parts[2])


def _links_hash(known: Any) -> str:
    digest = hashlib.sha256()
    for column in _links(known):
        if column is not None:
            digest.update(np.ascontiguousarray(column).astype("<f8" if column.dtype.kind == "f" else "<i8").tobytes())
    return digest.hexdigest()
