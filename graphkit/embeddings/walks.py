"""Random walks over compressed rows, of first order and, by rejection, of second order.

Every walk has a random stream of its own, keyed by the seed and the walk's number, so that walks do not depend on the
number of threads. A second-order step draws a neighbour as a first-order step does and accepts it with the probability
that node2vec's weights leave: no alias tables, whose memory grows as the sum over edges of the product of degrees.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.errors import ConfigError, GraphValidationError
from graphkit.runtime import num_threads

_jit = njit(cache=True, nogil=True, error_model="numpy")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STAR = np.uint64(0x2545F4914F6CDD1D)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_TOGETHER = 16
"""Walks that step in turn, so that the memory reads of one overlap those of the others."""
_BLOCK = 1 << 10


def random_walks(
    adjacency: sparse.csr_matrix,
    starts: ArrayLike,
    length: int,
    *,
    p: float = 1.0,
    q: float = 1.0,
    seed: int = 0,
    threads: int | None = None,
) -> NDArray[np.int32]:
    """Walks from every start along edges, chosen in proportion to their weights.

    Perozzi, Al-Rfou, Skiena: "DeepWalk", KDD 2014 (arXiv 1403.6652) for p = q = 1; Grover and Leskovec: "node2vec",
    KDD 2016 (arXiv 1607.00653), section 3.2, else: from u, reached from t, node v has weight w_uv / p if v = t, w_uv if
    there is an edge from t to v, and w_uv / q otherwise.

    Args:
        adjacency: [N, N], rows sorted, weights not negative (`as_adjacency`).
        starts: [W] nodes.
        length: nodes of a walk, its start included.
        p: the higher, the rarer a walk turns back.
        q: the higher, the closer a walk stays to where it came from.
        seed: walk k depends on `seed`, k and its start alone.
        threads: default `runtime.num_threads()`; the walks do not depend on it.

    Returns:
        [W, length] nodes; -1 after a node that no edge leaves.

    Raises:
        ConfigError: length below 1, or p or q not above 0.
        GraphValidationError: a start is no node.

    Example:
        >>> path = sparse.csr_matrix(np.eye(3, k=1) + np.eye(3, k=-1))
        >>> random_walks(path, [0, 2], 2).tolist()
        [[0, 1], [2, 1]]
    """
    if length < 1:
        raise ConfigError(f"a walk has at least one node, got length {length}")
    if not (p > 0 and q > 0 and np.isfinite(p) and np.isfinite(q)):
        raise ConfigError(f"p and q must be above 0, got p = {p}, q = {q}")
    begin = np.asarray(starts, dtype=np.int64).reshape(-1)
    nodes = adjacency.shape[0]
    if begin.size and (begin.min() < 0 or begin.max() >= nodes):
        raise GraphValidationError(f"walks start from {begin.min()}..{begin.max()}; nodes are 0..{nodes - 1}")
    rowptr, col = adjacency.indptr.astype(np.int64), adjacency.indices.astype(np.int32, copy=False)
    cumulative = _cumulative(adjacency)
    walks = np.empty((len(begin), length), dtype=np.int32)
    first_order = p == 1.0 and q == 1.0
    key = np.uint64(seed % (1 << 63))

    def block(at: int) -> None:
        part = slice(at, at + _BLOCK)
        if first_order:
            _first_order(rowptr, col, cumulative, begin[part], at, key, walks[part])
        else:
            _second_order(rowptr, col, cumulative, begin[part], at, key, 1.0 / p, 1.0 / q, walks[part])

    workers = num_threads() if threads is None else threads
    offsets = range(0, len(begin), _BLOCK)
    if workers <= 1 or len(offsets) <= 1:
        for at in offsets:
            block(at)
    else:
        with ThreadPoolExecutor(min(workers, len(offsets))) as pool:
            list(pool.map(block, offsets))
    return walks


def _cumulative(adjacency: sparse.csr_matrix) -> NDArray[np.float64]:
    """Returns running sums of the weights, row by row; nothing where all weights are equal and no sum is needed."""
    data = adjacency.data
    if not len(data) or (data == data[0]).all():
        return np.empty(0)
    sums = np.cumsum(data, dtype=np.float64)
    before = np.concatenate([[0.0], sums])[adjacency.indptr[:-1]]
    running: NDArray[np.float64] = sums - np.repeat(before, np.diff(adjacency.indptr))
    return running


@_jit
def _stream(key, number):  # type: ignore[no-untyped-def]
    """Returns the start of a walk's stream: splitmix64 (Steele et al. 2014) of seed and number, never 0."""
    z = key + _GOLDEN
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) + (np.uint64(number) + np.uint64(1)) * _GOLDEN
    return z | np.uint64(1)


@_jit
def _next(x):  # type: ignore[no-untyped-def]
    """Advances a xorshift64 stream (Marsaglia 2003); times `_STAR` it is a random word (Vigna 2016)."""
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    return x ^ (x >> np.uint64(27))


@_jit
def _draw(word, start, degree, cumulative):  # type: ignore[no-untyped-def]
    """Returns the slot of a neighbour, drawn by a random word."""
    if len(cumulative) == 0:
        return start + np.int64(((word >> _HALF) * np.uint64(degree)) >> _HALF)
    last = start + degree - 1
    goal = np.float64(word >> np.uint64(11)) * (cumulative[last] / 9007199254740992.0)
    low, high = start, last
    while low < high:
        middle = (low + high) >> 1
        if cumulative[middle] > goal:
            high = middle
        else:
            low = middle + 1
    return low


@_jit
def _first_order(rowptr, col, cumulative, begin, number, key, walks):  # type: ignore[no-untyped-def]
    length = walks.shape[1]
    state = np.empty(_TOGETHER, np.uint64)
    at = np.empty(_TOGETHER, np.int64)
    for base in range(0, len(begin), _TOGETHER):
        count = min(_TOGETHER, len(begin) - base)
        for k in range(count):
            state[k] = _stream(key, number + base + k)
            at[k] = begin[base + k]
            walks[base + k, 0] = at[k]
        for step in range(1, length):
            for k in range(count):
                node = at[k]
                degree = np.int64(0) if node < 0 else rowptr[node + 1] - rowptr[node]
                if degree == 0:
                    at[k] = -1
                else:
                    state[k] = _next(state[k])
                    at[k] = col[_draw(state[k] * _STAR, rowptr[node], degree, cumulative)]
                walks[base + k, step] = at[k]


@_jit
def _second_order(  # type: ignore[no-untyped-def]
    rowptr, col, cumulative, begin, number, key, back, away, walks
):
    length = walks.shape[1]
    most = max(back, away, 1.0)
    low, high = min(1.0, away) / most, max(1.0, away) / most
    for k in range(len(begin)):
        x = _stream(key, number + k)
        before, node = np.int64(-1), begin[k]
        walks[k, 0] = node
        for step in range(1, length):
            start = rowptr[node] if node >= 0 else 0
            degree = rowptr[node + 1] - start if node >= 0 else 0
            if degree == 0:
                node = -1
                walks[k, step] = -1
                continue
            while True:
                x = _next(x)
                to = np.int64(col[_draw(x * _STAR, start, degree, cumulative)])
                if before < 0:
                    break
                x = _next(x)
                chance = np.float64((x * _STAR) >> np.uint64(11)) / 9007199254740992.0
                if to == before:
                    if chance * most < back:
                        break
                elif chance < low:
                    break
                elif chance < high and (away > 1.0) != _joined(col, rowptr[before], rowptr[before + 1], to):
                    # between the two acceptances, the larger one decides: that of strangers where away > 1
                    break
            before, node = node, to
            walks[k, step] = to


@_jit
def _joined(col, low, end, node):  # type: ignore[no-untyped-def]
    """Returns whether a sorted row holds a node."""
    high = end
    while low < high:
        middle = (low + high) >> 1
        if col[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low < end and col[low] == node
