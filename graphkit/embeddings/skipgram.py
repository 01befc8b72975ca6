"""Skip-gram with negative sampling, a segment of a walk at a time, as small matrix products.

Mikolov et al.: "Distributed Representations of Words and Phrases and their Compositionality", NIPS 2013, equation 4. A
segment's nodes share their negatives (as in Ji et al.: "Parallelizing Word2Vec in Shared and Distributed Memory", arXiv
1604.04661), weighted so that the expected loss stays that of K negatives a pair, and windows count by their expectation
instead of being drawn. Segments of one round see the same vectors and their gradients are added in a fixed order, so
that the result depends on the seed and not on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from graphkit.runtime import num_threads

_jit = njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
_ROUND = 32
_SHARED = 32
"""Negatives that the nodes of a segment share."""
_STEP = 4.0
"""No vector moves in a round as if it had seen more than this many pairs over the learning rate: hubs would diverge."""
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Which positions of a sequence are pairs, cut into segments of one shape.

    Args:
        rows: [S] first position of each segment's inputs.
        columns: [S] first position of each segment's outputs.
        weight: [S, R, C] how much the pair of an input and an output counts.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    weight: Vectors


def window_layout(length: int, window: int, segment: int = 40) -> Layout:
    """Returns the pairs of a walk: distance k counts (window - k + 1) / window, its chance under word2vec's windows.

    Example:
        >>> window_layout(3, 2).weight[0].tolist()
        [[0.0, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.0]]
    """
    height = min(length, segment)
    width = min(length, height + 2 * window)
    rows = np.unique(np.minimum(np.arange(0, length, height), length - height))
    columns = np.clip(rows - window, 0, length - width)
    weight = np.zeros((len(rows), height, width), dtype=np.float32)
    seen = 0  # the last segment starts early where lengths do not divide: its first positions were seen before
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        place = row + np.arange(height)
        distance = np.abs(place[:, None] - (column + np.arange(width)))
        near = (distance > 0) & (distance <= window) & (place >= seen)[:, None]
        weight[number] = np.where(near, (window - distance + 1) / window, 0.0)
        seen = row + height
    return Layout(rows.astype(np.int64), columns.astype(np.int64), weight)


def edge_layout(edges: int) -> Layout:
    """Returns the pairs of a sequence of edges, each two nodes side by side, in both directions.

    Example:
        >>> edge_layout(1).weight[0].tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    place = np.arange(2 * edges)
    weight = (place[:, None] ^ 1 == place).astype(np.float32)
    return Layout(np.zeros(1, np.int64), np.zeros(1, np.int64), weight[None])


def train(
    sequences: Callable[[int], NDArray[np.int32]],
    passes: int,
    layout: Layout,
    num_nodes: int,
    dimension: int,
    *,
    negatives: int = 5,
    learning_rate: float = 0.025,
    shared: bool = False,
    noise: NDArray[np.float64] | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Vectors:
    """Returns [N, d] float32 input vectors.

    Args:
        sequences: pass number to [W, L] nodes, -1 where a sequence has ended.
        passes: how often `sequences` is asked; the learning rate falls to 0 over all of them.
        layout: which positions are pairs.
        num_nodes: N.
        dimension: d.
        negatives: K, negatives a pair.
        learning_rate: of the first step.
        shared: inputs and outputs are the same vectors (LINE's first order).
        noise: [N] weights of the negatives; None takes the counts of the first pass to the power 3/4.
        seed: of the first vectors and the negatives.
        threads: default `runtime.num_threads()`; the vectors do not depend on it.

    Example:
        >>> walks = np.array([[0, 1, 0, 1], [2, 3, 2, 3]], dtype=np.int32)
        >>> train(lambda _: walks, 2, window_layout(4, 1), 4, 8).shape
        (4, 8)
    """
    rng = np.random.default_rng(seed)
    inputs = ((rng.random((num_nodes, dimension), dtype=np.float32) - np.float32(0.5)) / np.float32(dimension)).copy()
    outputs = inputs if shared else np.zeros_like(inputs)
    workers = num_threads() if threads is None else threads
    first = sequences(0)
    if noise is None:
        noise = np.bincount(first[first >= 0], minlength=num_nodes).astype(np.float64) ** 0.75
    chance = np.cumsum(noise)
    buffers = _Buffers(layout, dimension, num_nodes)
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max(workers, 1)) as pool:
        for number in range(passes):
            nodes = first if number == 0 else sequences(number)
            per_sequence = len(layout.rows)
            total = len(nodes) * per_sequence
            drawn = np.searchsorted(chance, rng.random((total, _SHARED)) * chance[-1], side="right")
            drawn = np.minimum(drawn, num_nodes - 1).astype(np.int32)
            for start in range(0, total, _ROUND):
                stop = min(start + _ROUND, total)
                rate = learning_rate * max(1e-4, 1.0 - (number + start / total) / passes)
                work = (nodes, drawn, layout.rows, layout.columns, layout.weight, buffers.low, buffers.high, negatives)
                _round(pool, workers, start, stop, inputs, outputs, buffers, work)
                found = (nodes, drawn, *buffers.gradients(layout), np.float32(rate))
                _apply(*(start, stop, inputs, outputs, *found))
    return inputs


class _Buffers:
    """The gradients of one round, and the touched span of every row of the weights."""

    def __init__(self, layout: Layout, dimension: int, num_nodes: int) -> None:
        _, height, width = layout.weight.shape
        self.inputs = np.zeros((_ROUND, height, dimension), dtype=np.float32)
        self.outputs = np.zeros((_ROUND, width + _SHARED, dimension), dtype=np.float32)
        self.input_weight = np.zeros((_ROUND, height), dtype=np.float32)
        self.output_weight = np.zeros((_ROUND, width + _SHARED), dtype=np.float32)
        self.input_total, self.output_total = (np.zeros(num_nodes, dtype=np.float32) for _ in range(2))
        touched = layout.weight > 0
        some = touched.any(axis=2)
        self.low = np.where(some, touched.argmax(axis=2), 0)
        self.high = np.where(some, width - touched[:, :, ::-1].argmax(axis=2), 0)

    def gradients(self, layout: Layout) -> tuple[Any, ...]:
        place = (layout.rows, layout.columns)
        sums = (self.input_total, self.output_total)
        return (*place, self.inputs, self.outputs, self.input_weight, self.output_weight, *sums)


def _round(
    pool: ThreadPoolExecutor, workers: int, start: int, stop: int, inputs: Vectors, outputs: Vectors, buffers: _Buffers,
    work: tuple[Any, ...],
) -> None:  # fmt: skip
    """Fills the gradients of segments start..stop, every segment its own place."""
    into = (buffers.inputs, buffers.outputs, buffers.input_weight, buffers.output_weight)

    def part(span: tuple[int, int]) -> None:
        _gradients(*(*span, start, inputs, outputs, *work, *into))

    if workers <= 1:
        part((start, stop))
        return
    list(pool.map(part, _spans(start, stop, workers)))


def _spans(start: int, stop: int, parts: int) -> Iterator[tuple[int, int]]:
    bounds = np.linspace(start, stop, parts + 1).astype(int)
    for low, high in zip(bounds[:-1], bounds[1:], strict=True):
        if high > low:
            yield int(low), int(high)


@_jit
def _sigmoid(x):  # type: ignore[no-untyped-def]
    """(1 + tanh(x / 2)) / 2 by Lambert's continued fraction of tanh, within 1e-4."""
    half = min(max(x * np.float32(0.5), np.float32(-4.97)), np.float32(4.97))
    square = half * half
    top = half * (np.float32(135135.0) + square * (np.float32(17325.0) + square * (np.float32(378.0) + square)))
    bottom = np.float32(135135.0) + square * (
        np.float32(62370.0) + square * (np.float32(3150.0) + square * np.float32(28.0))
    )
    return np.float32(0.5) + np.float32(0.5) * top / bottom


@_jit
def _copy(vectors, node, into):  # type: ignore[no-untyped-def]
    """Copies a vector, zeros where a sequence has ended."""
    for k in range(len(into)):
        into[k] = vectors[node, k] if node >= 0 else np.float32(0.0)


@_jit
def _gradients(  # type: ignore[no-untyped-def]
    first, last, base, inputs, outputs, nodes, drawn, row_start, column_start, weight, low, high, negatives,
    grad_in, grad_out, in_weight, out_weight,
):  # fmt: skip
    segments, height, width = weight.shape
    dimension, shared = inputs.shape[1], drawn.shape[1]
    x = np.zeros((height, dimension), np.float32)
    y = np.zeros((width + shared, dimension), np.float32)
    score = np.zeros((height, width + shared), np.float32)
    slope = np.zeros((height, width + shared), np.float32)
    share = np.float32(negatives) / np.float32(shared)
    for segment in range(first, last):
        sequence, part, slot = segment // segments, segment % segments, segment - base
        row, column = row_start[part], column_start[part]
        for i in range(height):
            node = nodes[sequence, row + i]
            _copy(inputs, node, x[i])
        for j in range(width):
            node = nodes[sequence, column + j]
            _copy(outputs, node, y[j])
        for j in range(shared):
            _copy(outputs, drawn[segment, j], y[width + j])
        np.dot(x, y.T, score)
        total_out = out_weight[slot]
        total_out[:] = np.float32(0.0)
        slope[:, :width] = np.float32(0.0)
        spread = np.float32(0.0)
        for i in range(height):
            pairs = np.float32(0.0)
            if nodes[sequence, row + i] >= 0:
                for j in range(low[part, i], high[part, i]):
                    if nodes[sequence, column + j] >= 0:
                        w = weight[part, i, j]
                        pairs += w
                        total_out[j] += w
                        slope[i, j] = w * (_sigmoid(score[i, j]) - np.float32(1.0))
            each = share * pairs
            spread += each
            for j in range(width, width + shared):
                slope[i, j] = each * _sigmoid(score[i, j])
            in_weight[slot, i] = pairs * (np.float32(1.0) + np.float32(negatives))
        total_out[width:] = spread
        np.dot(slope, y, grad_in[slot])
        np.dot(slope.T, x, grad_out[slot])


@_jit
def _apply(  # type: ignore[no-untyped-def]
    first, last, inputs, outputs, nodes, drawn, row_start, column_start, grad_in, grad_out, in_weight, out_weight,
    in_total, out_total, rate,
):  # fmt: skip
    """Adds a round's gradients in the order of the segments; totals are zero before and after."""
    segments = len(row_start)
    height, width = grad_in.shape[1], grad_out.shape[1] - drawn.shape[1]
    for turn in range(3):  # sum the weights of every vector, step, clear the sums
        for segment in range(first, last):
            sequence, part, slot = segment // segments, segment % segments, segment - first
            for i in range(height):
                node = nodes[sequence, row_start[part] + i]
                if node >= 0:
                    _visit(turn, inputs, node, grad_in[slot, i], in_weight[slot, i], in_total, rate)
            for j in range(grad_out.shape[1]):
                node = nodes[sequence, column_start[part] + j] if j < width else drawn[segment, j - width]
                if node >= 0:
                    _visit(turn, outputs, node, grad_out[slot, j], out_weight[slot, j], out_total, rate)


@_jit
def _visit(turn, vectors, node, gradient, weight, total, rate):  # type: ignore[no-untyped-def]
    if turn == 0:
        total[node] += weight
    elif turn == 2:
        total[node] = np.float32(0.0)
    elif weight > 0:
        step = min(rate, np.float32(_STEP) / total[node])
        for k in range(len(gradient)):
            vectors[node, k] -= step * gradient[k]
