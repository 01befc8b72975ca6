"""Walk features of one link from the 2 x 2 blocks C_k of the powers of P-, and their gradient.

With D = diag(s), J the swap, U the two indicator columns: P+ = P- + U V', V' P-^k U = B_k = D (J C_k - C_{k+1}).
Telescoping the powers and the matrix determinant lemma give, for t >= 1 and Q_0 = N_0 = 1,

    Q_t = C_t + sum_{k<t} Q_k B_{t-1-k}        the block of P+^t,
    N_t = sum_{k<t} N_{t-1-k} B_k,
    tr(P+^t) - tr(P-^t) = sum_{k<t} (k + 1) tr(N_{t-1-k} B_k).

All sums run in float64, whatever the states are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
ROWS = 5
"""Features a length: trace difference, node+, node-, link+, link-."""


@_jit
def add_product(out, x, y, factor):  # type: ignore[no-untyped-def]
    """Computes out += factor * x y for 2 x 2 matrices."""
    for r in range(2):
        for c in range(2):
            out[r, c] += factor * (x[r, 0] * y[0, c] + x[r, 1] * y[1, c])


@_jit
def add_left_transposed(out, x, y, factor):  # type: ignore[no-untyped-def]
    """Computes out += factor * x' y."""
    for r in range(2):
        for c in range(2):
            out[r, c] += factor * (x[0, r] * y[0, c] + x[1, r] * y[1, c])


@_jit
def add_right_transposed(out, x, y, factor):  # type: ignore[no-untyped-def]
    """Computes out += factor * x y'."""
    for r in range(2):
        for c in range(2):
            out[r, c] += factor * (x[r, 0] * y[c, 0] + x[r, 1] * y[c, 1])


@_jit
def series(c, s, b, q, n):  # type: ignore[no-untyped-def]
    """Fills b [T, 2, 2], q and n [T + 1, 2, 2] from c [T + 1, 2, 2] and s [2]."""
    length = len(b)
    for k in range(length):
        for r in range(2):
            for t in range(2):
                b[k, r, t] = s[r] * (c[k, 1 - r, t] - c[k + 1, r, t])
    q[:], n[:] = c, 0.0
    n[0, 0, 0] = n[0, 1, 1] = 1.0
    for t in range(1, length + 1):
        for k in range(t):
            add_product(q[t], q[k], b[t - 1 - k], 1.0)
            add_product(n[t], n[t - 1 - k], b[k], 1.0)


@_jit
def features(c, b, q, n, out, at):  # type: ignore[no-untyped-def]
    """Writes ROWS features of the lengths 2..T to `out` at `at`, feature by feature."""
    length, product = len(b), np.empty((2, 2))
    lengths = length - 1
    for t in range(2, length + 1):
        trace = 0.0
        for k in range(t):
            product[:] = 0.0
            add_product(product, n[t - 1 - k], b[k], k + 1.0)
            trace += product[0, 0] + product[1, 1]
        place = at + t - 2
        out[place] = trace
        out[place + lengths] = q[t, 0, 0] + q[t, 1, 1]
        out[place + 2 * lengths] = c[t, 0, 0] + c[t, 1, 1]
        out[place + 3 * lengths] = q[t, 0, 1] + q[t, 1, 0]
        out[place + 4 * lengths] = c[t, 0, 1] + c[t, 1, 0]


@_jit
def features_grad(c, s, b, q, n, grad, at, grad_c, grad_s):  # type: ignore[no-untyped-def]
    """Gradients of c and s from those of the features; both are overwritten."""
    length = len(b)
    lengths = length - 1
    grad_b, grad_q, grad_n = np.zeros_like(b), np.zeros_like(q), np.zeros_like(n)
    grad_c[:], grad_s[:] = 0.0, 0.0
    for t in range(2, length + 1):
        place = at + t - 2
        for r in range(2):
            grad_q[t, r, r] += grad[place + lengths]
            grad_c[t, r, r] += grad[place + 2 * lengths]
            grad_q[t, r, 1 - r] += grad[place + 3 * lengths]
            grad_c[t, r, 1 - r] += grad[place + 4 * lengths]
        for k in range(t):
            factor = grad[place] * (k + 1.0)
            for r in range(2):
                for m in range(2):
                    grad_n[t - 1 - k, r, m] += factor * b[k, m, r]
                    grad_b[k, r, m] += factor * n[t - 1 - k, m, r]
    for t in range(length, 0, -1):
        for k in range(t):
            add_right_transposed(grad_n[t - 1 - k], grad_n[t], b[k], 1.0)
            add_left_transposed(grad_b[k], n[t - 1 - k], grad_n[t], 1.0)
            add_right_transposed(grad_q[k], grad_q[t], b[t - 1 - k], 1.0)
            add_left_transposed(grad_b[t - 1 - k], q[k], grad_q[t], 1.0)
        grad_c[t] += grad_q[t]
    for k in range(length):
        for r in range(2):
            for m in range(2):
                g = grad_b[k, r, m]
                grad_s[r] += g * (c[k, 1 - r, m] - c[k + 1, r, m])
                grad_c[k, 1 - r, m] += s[r] * g
                grad_c[k + 1, r, m] -= s[r] * g
