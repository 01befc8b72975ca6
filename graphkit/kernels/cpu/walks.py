"""Compiled walk features: attention softmax, two columns propagated through P-, and the series of `walk_series`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from graphkit.kernels.cpu.walk_series import ROWS, features, features_grad, series

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def transition(i, rowptr, logits, weight, heads, h):  # type: ignore[no-untyped-def]
    """Writes the softmax of row i and head h to `weight`; returns the logarithm of the sum, -inf for an empty row."""
    peak = -np.inf
    for k in range(rowptr[i], rowptr[i + 1]):
        peak = max(peak, logits[np.int64(k) * heads + h])
    if peak == -np.inf:
        return peak
    total = logits.dtype.type(0.0)
    for k in range(rowptr[i], rowptr[i + 1]):
        at = np.int64(k) * heads + h
        weight[at] = math.exp(logits[at] - peak)
        total += weight[at]
    inverse = logits.dtype.type(1.0) / total
    for k in range(rowptr[i], rowptr[i + 1]):
        weight[np.int64(k) * heads + h] *= inverse
    return peak + math.log(total)


@_jit
def propagate(begin, end, rowptr, col, weight, x, at, y, to, heads):  # type: ignore[no-untyped-def]
    """Computes y = P- x for rows `begin` to `end`; node i has its 2 H numbers at `at + 2 H i`, `to + 2 H i`."""
    zero = x.dtype.type(0.0)
    for i in range(begin, end):
        for h in range(heads):
            left, right = zero, zero
            for k in range(rowptr[i], rowptr[i + 1]):
                w, source = weight[np.int64(k) * heads + h], at + 2 * (np.int64(col[k]) * heads + h)
                left += w * x[source]
                right += w * x[source + 1]
            place = to + 2 * (i * heads + h)
            y[place], y[place + 1] = left, right


@_jit
def read_block(states, start, layer, heads, h, length, c):  # type: ignore[no-untyped-def]
    """Fills c [T + 1, 2, 2] from the states of both endpoints."""
    for k in range(length + 1):
        for r in range(2):
            at = k * layer + 2 * ((start + r) * heads + h)
            c[k, r, 0], c[k, r, 1] = states[at], states[at + 1]


@_jit
def walk_forward(  # type: ignore[no-untyped-def]
    first, last, part, ptr, rowptr, col, logits, target, weight, share, states, out, layer, heads, length
):
    """Fills weight [E, H], share [B, 2, H] (s), states [T + 1, M, H, 2] and out [B, H, 5, T - 1]; M H 2 is `layer`."""
    c, s = np.empty((length + 1, 2, 2)), np.empty(2)
    b, q, n = np.empty((length, 2, 2)), np.empty((length + 1, 2, 2)), np.empty((length + 1, 2, 2))
    for link in range(first, last):
        start, end = ptr[link], ptr[link + 1]
        for i in range(start, end):
            for h in range(heads):
                log_sum = transition(i, rowptr, logits, weight, heads, h)
                if i < start + 2:
                    at = (2 * link + i - start) * heads + h
                    share[at] = 1.0 / (1.0 + math.exp(log_sum - target[at]))
        states[2 * start * heads : 2 * end * heads] = 0.0
        for h in range(heads):
            states[2 * (start * heads + h)] = 1.0
            states[2 * ((start + 1) * heads + h) + 1] = 1.0
        for k in range(1, length + 1):
            until = end if k < length else start + 2  # the last power is read at the endpoints alone
            propagate(start, until, rowptr, col, weight, states, (k - 1) * layer, states, k * layer, heads)
        for h in range(heads):
            read_block(states, start, layer, heads, h, length, c)
            for r in range(2):
                s[r] = share[(2 * link + r) * heads + h]
            series(c, s, b, q, n)
            features(c, b, q, n, out, (link * heads + h) * ROWS * (length - 1))


@_jit
def propagate_grad(start, end, rowptr, col, weight, x, at, g, back, grad_weight, heads):  # type: ignore[no-untyped-def]
    """Adds the gradients of one product y = P- x; g and back hold those of y and x, counted from node `start`."""
    for i in range(start, end):
        for h in range(heads):
            place = 2 * ((i - start) * heads + h)
            left, right = g[place], g[place + 1]
            if left == 0.0 and right == 0.0:
                continue
            for k in range(rowptr[i], rowptr[i + 1]):
                edge, source = np.int64(k) * heads + h, np.int64(col[k])
                own, there = 2 * ((source - start) * heads + h), at + 2 * (source * heads + h)
                w = weight[edge]
                grad_weight[edge] += left * x[there] + right * x[there + 1]
                back[own] += w * left
                back[own + 1] += w * right


@_jit
def transition_grad(i, rowptr, weight, grad_weight, log_sum_grad, heads, h):  # type: ignore[no-untyped-def]
    """Turns gradients of the softmax of row i and of its log-sum into those of the logits, in place."""
    inner = weight.dtype.type(0.0)
    for k in range(rowptr[i], rowptr[i + 1]):
        at = np.int64(k) * heads + h
        inner += weight[at] * grad_weight[at]
    for k in range(rowptr[i], rowptr[i + 1]):
        at = np.int64(k) * heads + h
        grad_weight[at] = weight[at] * (grad_weight[at] - inner + log_sum_grad)


@_jit
def walk_backward(  # type: ignore[no-untyped-def]
    first, last, part, ptr, rowptr, col, weight, share, states, grad, grad_logits, grad_target, layer, heads, length
):
    """Fills grad_logits [E, H], which starts as zeros, and grad_target [B, 2, H]."""
    c, s, grad_s = np.empty((length + 1, 2, 2)), np.empty(2), np.empty(2)
    b, q, n = np.empty((length, 2, 2)), np.empty((length + 1, 2, 2)), np.empty((length + 1, 2, 2))
    ends = np.empty((heads, length + 1, 2, 2))
    largest = 0
    for link in range(first, last):
        largest = max(largest, ptr[link + 1] - ptr[link])
    g, back = np.empty(2 * largest * heads, weight.dtype), np.empty(2 * largest * heads, weight.dtype)
    log_sum_grad = np.empty((2, heads), weight.dtype)
    for link in range(first, last):
        start, end = ptr[link], ptr[link + 1]
        for h in range(heads):
            read_block(states, start, layer, heads, h, length, c)
            for r in range(2):
                s[r] = share[(2 * link + r) * heads + h]
            series(c, s, b, q, n)
            features_grad(c, s, b, q, n, grad, (link * heads + h) * ROWS * (length - 1), ends[h], grad_s)
            for r in range(2):
                slope = grad_s[r] * s[r] * (1.0 - s[r])
                grad_target[(2 * link + r) * heads + h] = slope
                log_sum_grad[r, h] = -slope
        size = 2 * (end - start) * heads
        g[:size] = 0.0
        for k in range(length, 0, -1):
            for h in range(heads):
                for r in range(2):
                    g[2 * (r * heads + h)] += ends[h, k, r, 0]
                    g[2 * (r * heads + h) + 1] += ends[h, k, r, 1]
            back[:size] = 0.0
            propagate_grad(start, end, rowptr, col, weight, states, (k - 1) * layer, g, back, grad_logits, heads)
            g, back = back, g
        for i in range(start, end):
            for h in range(heads):
                extra = log_sum_grad[i - start, h] if i < start + 2 else weight.dtype.type(0.0)
                transition_grad(i, rowptr, weight, grad_logits, extra, heads, h)
