"""The compiled draw behind the generators: for every row some history, then some of a pool, never a banned id."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.negatives.checks import Candidates, Integers, whole_numbers
from graphkit.data.negatives.counter import MAX_LIMIT, STATE_WORDS, below, jit, start
from graphkit.data.negatives.events import History
from graphkit.errors import ConfigError, DataError

_NO_IDS = np.zeros(0, dtype=np.int64)


class Pool(NamedTuple):
    """Which destinations may be drawn: `ids` sorted and distinct, or the range [low, low + size) where ids is empty."""

    low: int
    size: int
    ids: Integers

    def parameter(self) -> Any:
        """What a set records of its pool: the range, or the ids themselves."""
        return self.ids.tolist() if len(self.ids) else [self.low, self.low + self.size]


class Banned(NamedTuple):
    """Destinations row i may not hold: `ids[begin[i]:end[i]]`, sorted."""

    ids: Integers
    begin: Integers
    end: Integers


def as_pool(pool: ArrayLike | tuple[int, int] | range | int) -> Pool:
    """Returns the pool of destinations.

    Args:
        pool: a range; (first, last + 1); the number of nodes; or an array of ids.

    Raises:
        DataError: the pool is empty, negative, or has more than 2 ** 32 ids.

    Example:
        >>> as_pool(range(3, 6)).size
        3
    """
    if isinstance(pool, int | np.integer):
        pool = (0, int(pool))
    if isinstance(pool, range) and pool.step == 1:
        pool = (pool.start, pool.stop)
    if isinstance(pool, tuple) and len(pool) == 2:
        low, high = (int(end) for end in pool)
        if not 0 <= low < high or high - low > MAX_LIMIT:
            raise DataError(f"a pool (first, last + 1) needs 0 <= first <= last, got ({low}, {high})")
        return Pool(low, high - low, _NO_IDS)
    ids = np.unique(whole_numbers("the pool", np.asarray(pool)))
    if not len(ids):
        raise DataError("the pool of destinations is empty")
    if ids[-1] - ids[0] == len(ids) - 1:
        return Pool(int(ids[0]), len(ids), _NO_IDS)
    return Pool(0, len(ids), ids)


def no_bans(rows: int) -> Banned:
    """Bans nothing in any of `rows` rows."""
    nothing = np.zeros(rows, dtype=np.int64)
    return Banned(_NO_IDS, nothing, nothing)


def draw(
    key: np.uint64,
    streams: Integers,
    count: int,
    pool: Pool,
    banned: Banned,
    *,
    history: History | None = None,
    src: Integers | None = None,
    cut: Integers | None = None,
    from_history: int = 0,
) -> tuple[Candidates, Integers]:
    """Draws without replacement, row by row: up to `from_history` of the history of `src[i]` before `cut[i]`, the rest
    from the pool without that history.

    Within each of the two parts the order is random, so that the first candidates of a row are a fair draw too.

    Args:
        key: of the set (`counter.stream_key`).
        streams: [B] number of each row's stream.
        count: K wanted; a row is shorter where the pool is exhausted.
        pool: where the rest comes from.
        banned: what no row may hold.
        history: distinct destinations of each source with the rank of the time they were first seen.
        src: [B] sources, needed with a history.
        cut: [B] time ranks; history that begins at or after them does not exist yet.
        from_history: at most this many of each row come from its history.

    Shapes:
        returns (values [S], offsets [B + 1]).

    Raises:
        ConfigError: `count` or `from_history` is out of range.
        DataError: nothing is left for some row.
    """  # noqa: D205
    if count < 1 or not 0 <= from_history <= count:
        raise ConfigError(
            f"count must be at least 1 and its historical part at most count, got {count}, {from_history}"
        )
    rows = len(streams)
    past = history or History(np.zeros(2, dtype=np.int64), _NO_IDS, _NO_IDS, _NO_IDS, _NO_IDS)
    sources = np.zeros(rows, dtype=np.int64) if src is None or history is None else src
    before = np.zeros(rows, dtype=np.int64) if cut is None else cut
    longest = int(np.diff(past.starts).max(initial=0))
    width = min(count, pool.size + min(from_history, longest))
    high = max(pool.low + pool.size, int(pool.ids.max(initial=0)) + 1, int(past.by_id.max(initial=0)) + 1)
    table = np.empty((rows, width), dtype=np.int32 if high <= 1 << 31 else np.int64)
    counts = np.empty(rows, dtype=np.int64)
    _draw(key, streams, width, from_history, pool, banned, past, sources, before, table, counts)
    if not counts.all():
        row = int(np.flatnonzero(counts == 0)[0])
        raise DataError(f"nothing is left to draw for row {row}: every destination of the pool is a true one")
    offsets = np.concatenate([[0], np.cumsum(counts)])
    if np.all(counts == width):
        return table.reshape(-1), offsets
    return table[np.arange(width) < counts[:, None]], offsets


def draw_again(
    key: np.uint64, streams: Integers, count: int, pool: Pool, banned: Banned
) -> tuple[NDArray[Any], Integers]:
    """Draws K independent candidates a row, so that one may come twice; arguments and errors as in `draw`."""
    if count < 1:
        raise ConfigError(f"count must be at least 1, got {count}")
    top = pool.low + pool.size if not len(pool.ids) else int(pool.ids[-1]) + 1
    table = np.empty((len(streams), count), dtype=np.int32 if top <= 1 << 31 else np.int64)
    stuck = _draw_again(key, streams, pool, banned, table)
    if stuck >= 0:
        raise DataError(f"nothing is left to draw for row {stuck}: every destination of the pool is a true one")
    return table.reshape(-1), np.arange(len(streams) + 1, dtype=np.int64) * count


@jit
def _place(ids, begin, end, wanted):  # type: ignore[no-untyped-def]
    """Place of a number in the sorted ids[begin:end], or -1."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and ids[low] == wanted else -1


@jit
def _next(state, order, touched, step, size):  # type: ignore[no-untyped-def]
    """The next slot of a random order of [0, size): one Fisher-Yates exchange, noted so that it can be undone."""
    other = step + below(state, size - step)
    slot = order[other]
    order[other] = order[step]
    order[step] = slot
    touched[step] = other
    return slot


@jit
def _undo(order, touched, steps):  # type: ignore[no-untyped-def]
    for step in range(steps):
        order[step] = step
        order[touched[step]] = touched[step]


@jit
def _draw(key, streams, count, from_history, pool, banned, past, src, cut, table, counts):  # type: ignore[no-untyped-def]
    longest = pool.size
    for source in range(len(past.starts) - 1):
        longest = max(longest, past.starts[source + 1] - past.starts[source])
    order, touched = np.arange(longest), np.empty(longest, dtype=np.int64)
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    for row in range(len(streams)):
        start(state, key, streams[row])
        taken = 0
        ban_begin, ban_end = banned.begin[row], banned.end[row]
        begin = end = past.starts[0]
        if src[row] < len(past.starts) - 1:
            begin, end = past.starts[src[row]], past.starts[src[row] + 1]
        known, high = begin, end  # how much of the history, in the order of time, lies before the cut
        while known < high:
            middle = (known + high) // 2
            if past.time[middle] < cut[row]:
                known = middle + 1
            else:
                high = middle
        seen, step = known - begin, 0
        while taken < from_history and step < seen:
            one = past.by_time[begin + _next(state, order, touched, step, seen)]
            step += 1
            if _place(banned.ids, ban_begin, ban_end, one) < 0:
                table[row, taken] = one
                taken += 1
        _undo(order, touched, step)
        step = 0
        while taken < count and step < pool.size:
            slot = _next(state, order, touched, step, pool.size)
            step += 1
            one = pool.ids[slot] if len(pool.ids) else pool.low + slot
            if _place(banned.ids, ban_begin, ban_end, one) >= 0:
                continue
            if seen:
                place = _place(past.by_id, begin, end, one)
                if place >= 0 and past.time_by_id[place] < cut[row]:
                    continue
            table[row, taken] = one
            taken += 1
        _undo(order, touched, step)
        counts[row] = taken


@jit
def _draw_again(key, streams, pool, banned, table):  # type: ignore[no-untyped-def]
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    for row in range(len(streams)):
        start(state, key, streams[row])
        ban_begin, ban_end = banned.begin[row], banned.end[row]
        left = pool.size
        for k in range(ban_begin, ban_end):
            if k > ban_begin and banned.ids[k] == banned.ids[k - 1]:
                continue
            one = banned.ids[k]
            inside = _place(pool.ids, 0, len(pool.ids), one) >= 0 if len(pool.ids) else 0 <= one - pool.low < pool.size
            left -= np.int64(inside)
        if left == 0:
            return row
        for k in range(table.shape[1]):
            while True:
                slot = below(state, pool.size)
                one = pool.ids[slot] if len(pool.ids) else pool.low + slot
                if _place(banned.ids, ban_begin, ban_end, one) < 0:
                    break
            table[row, k] = one
    return -1
