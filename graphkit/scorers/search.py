"""Compiled walks and searches from one node: pushes of PageRank mass, counts of walks, shortest ways.

Questions are grouped by the node they start from. Working arrays [N] are cleaned by the list of nodes touched, so that
a question costs what it looks at, not what the graph holds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True)


@_jit
def page_rank(rowptr, col, root, leaf, alpha, eps, out):  # type: ignore[no-untyped-def]
    """Writes the personalised PageRank of each leaf [Q] seen from its root [Q]; equal roots follow one another."""
    nodes = len(rowptr) - 1
    rank, residual, queued = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes, np.bool_)
    queue, touched = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    seen = np.zeros(nodes, np.bool_)
    begin = 0
    while begin < len(root):
        start, end = root[begin], begin
        while end < len(root) and root[end] == start:
            end += 1
        touched[0], count = start, 1
        seen[start] = True
        if rowptr[start + 1] == rowptr[start]:
            rank[start] = 1.0  # a walk that cannot leave stays
        else:
            residual[start], queue[0], queued[start] = 1.0, start, True
            head, waiting = 0, 1
            while waiting:
                node = queue[head]
                head = head + 1 if head + 1 < nodes else 0
                waiting -= 1
                queued[node] = False  # a flag, where a search of the queue would cost its length
                mass = residual[node]
                residual[node] = 0.0
                rank[node] += alpha * mass
                share = (1.0 - alpha) * mass / (rowptr[node + 1] - rowptr[node])
                for k in range(rowptr[node], rowptr[node + 1]):
                    other = col[k]
                    if not seen[other]:
                        seen[other] = True
                        touched[count] = other
                        count += 1
                    residual[other] += share
                    if not queued[other] and residual[other] >= eps * (rowptr[other + 1] - rowptr[other]):
                        queued[other] = True
                        place = head + waiting
                        queue[place if place < nodes else place - nodes] = other
                        waiting += 1
        for question in range(begin, end):
            out[question] = rank[leaf[question]]
        for k in range(count):
            rank[touched[k]] = residual[touched[k]] = 0.0
            seen[touched[k]] = False
        begin = end


@_jit
def walks(rowptr, col, root, leaf, beta, length, out):  # type: ignore[no-untyped-def]
    """Writes sum over l = 1..length of beta^l times the number of walks of l steps; equal roots follow one another."""
    nodes = len(rowptr) - 1
    counts, following = np.zeros(nodes), np.zeros(nodes)
    front, ahead = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    begin = 0
    while begin < len(root):
        start, end = root[begin], begin
        while end < len(root) and root[end] == start:
            end += 1
        for question in range(begin, end):
            out[question] = 0.0
        front[0], size, counts[start] = start, 1, 1.0
        weight = 1.0
        for step in range(1, length + 1):
            weight *= beta
            if step == length:  # the last step is looked up from the leaves, not walked to every node
                for question in range(begin, end):
                    total = 0.0
                    for k in range(rowptr[leaf[question]], rowptr[leaf[question] + 1]):
                        total += counts[col[k]]
                    out[question] += weight * total
                for k in range(size):
                    counts[front[k]] = 0.0
                break
            reached = 0
            for at in range(size):
                node = front[at]
                for k in range(rowptr[node], rowptr[node + 1]):
                    if following[col[k]] == 0.0:
                        ahead[reached] = col[k]
                        reached += 1
                    following[col[k]] += counts[node]
            for at in range(size):
                counts[front[at]] = 0.0
            counts, following = following, counts
            front, ahead, size = ahead, front, reached
            for question in range(begin, end):
                out[question] += weight * counts[leaf[question]]
        begin = end


@_jit
def steps_between(rowptr, col, source, target, limit, out):  # type: ignore[no-untyped-def]
    """Writes the number of steps between the ends of each pair [B], or -1 where it is above `limit` or there is no way.

    The search goes on from whichever end has the smaller front, one whole front at a time.
    """
    nodes = len(rowptr) - 1
    side = np.zeros(nodes, np.int8)  # 1 and 2: reached from the source or from the target
    reached = np.empty((2, nodes), np.int64)
    for pair in range(len(source)):
        if source[pair] == target[pair]:
            out[pair] = 0
            continue
        out[pair] = -1
        side[source[pair]], side[target[pair]] = 1, 2
        reached[0, 0], reached[1, 0] = source[pair], target[pair]
        first_a = first_b = 0
        last_a = last_b = 1
        for step in range(1, limit + 1):
            small = last_a - first_a <= last_b - first_b
            own, other = (np.int8(1), np.int8(2)) if small else (np.int8(2), np.int8(1))
            row, first, last = (0, first_a, last_a) if small else (1, first_b, last_b)
            count, met = last, False
            for at in range(first, last):
                node = reached[row, at]
                for k in range(rowptr[node], rowptr[node + 1]):
                    mark = side[col[k]]
                    if mark == 0:
                        side[col[k]] = own
                        reached[row, count] = col[k]
                        count += 1
                    elif mark == other:
                        met = True
                        break
                if met:
                    break
            if small:
                first_a, last_a = last, count
            else:
                first_b, last_b = last, count
            if met:
                out[pair] = step
                break
            if count == last:
                break
        for k in range(last_a):
            side[reached[0, k]] = 0
        for k in range(last_b):
            side[reached[1, k]] = 0
