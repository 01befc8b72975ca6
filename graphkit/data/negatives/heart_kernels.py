"""Compiled ranking of nodes by several heuristics, one end of a link after the other.

Sums run in a fixed order and nothing depends on how a machine sorts equal scores, so every machine gives one answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphkit.data.negatives.checks import Integers
from graphkit.data.negatives.counter import STATE_WORDS, below, jit, start, word


class Matrix(NamedTuple):
    """Compressed rows, sorted: row i is `ids[starts[i]:starts[i + 1]]` with `data` beside it."""

    starts: Integers
    ids: Integers
    data: NDArray[np.float64]


@jit
def _has(matrix, row, wanted):  # type: ignore[no-untyped-def]
    low, high = matrix.starts[row], matrix.starts[row + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if matrix.ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low < end and matrix.ids[low] == wanted


@jit
def _allocation(graph, node, score):  # type: ignore[no-untyped-def]
    """Adds sum over common neighbours u of 1 / degree(u) to score [N]."""
    for i in range(graph.starts[node], graph.starts[node + 1]):
        middle = graph.ids[i]
        first, last = graph.starts[middle], graph.starts[middle + 1]
        for j in range(first, last):
            score[graph.ids[j]] += 1.0 / (last - first)


@jit
def _page_rank(graph, node, alpha, limit, score, residual, queued, queue):  # type: ignore[no-untyped-def]
    """Adds the personalised PageRank of a node to score [N] by pushes, first in first out; residual ends as zeros.

    limit [N] is the residual at which a node is pushed: alpha * eps * degree.
    """
    size = len(queue)
    residual[node] = alpha
    queue[0], queued[node] = node, True
    head, tail, waiting = 0, 1 % size, 1
    while waiting:
        one = queue[head]
        head = head + 1 if head + 1 < size else 0
        waiting -= 1
        queued[one] = False
        mass = residual[one]
        score[one] += mass
        residual[one] = 0.0
        first, last = graph.starts[one], graph.starts[one + 1]
        if first == last:
            continue
        share = (1.0 - alpha) * mass / (last - first)
        for i in range(first, last):
            to = graph.ids[i]
            residual[to] += share
            if residual[to] >= limit[to] and not queued[to]:
                queued[to] = True
                queue[tail] = to
                tail = tail + 1 if tail + 1 < size else 0
                waiting += 1
    residual[:] = 0.0


@jit
def _cosine(rows, columns, norms, node, score):  # type: ignore[no-untyped-def]
    """Adds the cosine similarity with a node's features to score [N]."""
    for i in range(rows.starts[node], rows.starts[node + 1]):
        feature, value = rows.ids[i], rows.data[i]
        for j in range(columns.starts[feature], columns.starts[feature + 1]):
            score[columns.ids[j]] += value * columns.data[j]
    for other in range(len(score)):
        if score[other] != 0.0:
            score[other] /= norms[node] * norms[other]


@jit
def _ordered(hidden, node, score, ids, values):  # type: ignore[no-untyped-def]
    """Writes the possible candidates of positive score, the best first, clears the scores, and returns how many."""
    size = 0
    for other in range(len(score)):
        if score[other] > 0.0 and other != node and not _has(hidden, node, other):
            ids[size], values[size] = other, -score[other]
            size += 1
        score[other] = 0.0
    order = np.argsort(values[:size], kind="mergesort")
    ids[:size], values[:size] = ids[:size][order], values[:size][order]
    return size


@jit
def _merge(ids, values, sizes, skipped, best, total, methods):  # type: ignore[no-untyped-def]
    """Best and summed rank of every node with a score, `skipped` left out; methods [N] says which lists hold it.

    Within a list of scores x, rank(x) = 1 + #{y : x <= y < max}; nodes without a score share the next rank.
    """
    none = np.ones(len(sizes), dtype=np.int64)
    for method in range(len(sizes)):
        counted, top, at = 0, 0, 0
        while at < sizes[method]:
            end, group = at, 0
            while end < sizes[method] and values[method, end] == values[method, at]:
                group += ids[method, end] != skipped
                end += 1
            if group:
                top = top or group
                counted += group
            rank = counted - top + 1
            for place in range(at, end):
                one = ids[method, place]
                if one != skipped:
                    if methods[one] == 0 or rank < best[one]:
                        best[one] = rank
                    total[one] += rank
                    methods[one] |= 1 << method
            none[method] = rank + 1 if counted else 1
            at = end
    for method in range(len(sizes)):
        for other in range(len(best)):
            if methods[other] and not methods[other] >> method & 1:
                best[other] = min(best[other], none[method])
                total[other] += none[method]


@jit
def _hardest(key, node, best, total, methods, out):  # type: ignore[no-untyped-def]
    """Writes the nodes of lowest (best, total, random by seed and node) to out and returns how many there are."""
    nodes = len(best)
    histogram = np.zeros(nodes + 3, dtype=np.int64)
    for other in range(nodes):
        if methods[other]:
            histogram[best[other]] += 1
    limit, reached = 0, 0
    while limit < len(histogram) and reached < len(out):
        reached += histogram[limit]
        limit += 1
    ids, sort_by = np.empty(reached, dtype=np.int64), np.empty(reached, dtype=np.int64)
    chance = np.empty(reached, dtype=np.uint64)
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    size = 0
    for other in range(nodes):
        if methods[other] and best[other] < limit:
            start(state, key, node * nodes + other)
            ids[size], sort_by[size], chance[size] = other, best[other] * (4 * nodes + 16) + total[other], word(state)
            size += 1
    order = np.argsort(chance, kind="mergesort")
    order = order[np.argsort(sort_by[order], kind="mergesort")]
    taken = min(size, len(out))
    out[:taken] = ids[order[:taken]]
    return taken


@jit
def _fill(key, node, other, hidden, methods, out, taken):  # type: ignore[no-untyped-def]
    """Fills out[taken:] with nodes without a score in a random order of the node's own; False when they run out."""
    nodes = len(methods)
    order = np.arange(nodes)
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    start(state, key, nodes * nodes + node)
    for step in range(nodes):
        if taken == len(out):
            break
        swap = step + below(state, nodes - step)
        order[step], order[swap] = order[swap], order[step]
        one = order[step]
        if methods[one] == 0 and one != node and one != other and not _has(hidden, node, one):
            out[taken] = one
            taken += 1
    return taken == len(out)


@jit
def rank_rows(key, anchors, others, order, graph, hidden, rows, columns, norms, alpha, eps, found):  # type: ignore[no-untyped-def]
    """Writes the hardest candidates of each anchor, its other end left out, to found [A, K / 2].

    Args:
        key: of the set, uint64.
        anchors: [A] int64, the end that stays.
        others: [A] int64, the end that is replaced.
        order: [A] int64, an order that brings equal anchors together.
        graph: links the scores are made from.
        hidden: links that may not occur.
        rows: features by node.
        columns: features by feature.
        norms: [N] float64 lengths of the features.
        alpha: restart probability.
        eps: precision of PageRank.
        found: [A, K / 2] int64 output.

    Returns the place of an anchor that has too few candidates, or -1.
    """
    nodes = len(graph.starts) - 1
    lists = 3 if len(columns.starts) > 1 else 2
    score, residual = np.zeros(nodes), np.zeros(nodes)
    queued, queue = np.zeros(nodes, dtype=np.bool_), np.empty(nodes, dtype=np.int64)
    ids, values = np.empty((lists, nodes), dtype=np.int64), np.empty((lists, nodes))
    sizes = np.zeros(lists, dtype=np.int64)
    limit = alpha * eps * (graph.starts[1:] - graph.starts[:-1])
    best, total = np.zeros(nodes, dtype=np.int64), np.zeros(nodes, dtype=np.int64)
    methods = np.zeros(nodes, dtype=np.int64)
    last = -1
    for place in order:
        node = anchors[place]
        if node != last:
            _allocation(graph, node, score)
            sizes[0] = _ordered(hidden, node, score, ids[0], values[0])
            _page_rank(graph, node, alpha, limit, score, residual, queued, queue)
            sizes[1] = _ordered(hidden, node, score, ids[1], values[1])
            if lists == 3:
                _cosine(rows, columns, norms, node, score)
                sizes[2] = _ordered(hidden, node, score, ids[2], values[2])
            last = node
        best[:], total[:], methods[:] = 0, 0, 0
        _merge(ids, values, sizes, others[place], best, total, methods)
        taken = _hardest(key, node, best, total, methods, found[place])
        if not _fill(key, node, others[place], hidden, methods, found[place], taken):
            return place
    return -1
