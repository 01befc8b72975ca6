"""Compiled products of 3 x 3 matrices kept as nine numbers: one, three and five for trace, skew and symmetric part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types

from graphkit.kernels.cpu.simd import Lanes, each_chunk, vector_op


def _basis() -> np.ndarray[Any, Any]:
    """The nine matrices [9, 3, 3], orthonormal under the sum of products of entries."""
    basis = np.zeros((9, 3, 3))
    basis[0] = np.eye(3) / math.sqrt(3)
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        basis[1 + k, i, j], basis[1 + k, j, i] = -1 / math.sqrt(2), 1 / math.sqrt(2)
    for k, (i, j) in enumerate(((0, 1), (1, 2), (2, 0))):
        basis[4 + k, i, j] = basis[4 + k, j, i] = 1 / math.sqrt(2)
    basis[7] = np.diag([1.0, -1.0, 0.0]) / math.sqrt(2)
    basis[8] = np.diag([-1.0, -1.0, 2.0]) / math.sqrt(6)
    return basis


BASIS = _basis()


def _entries(v: Lanes, load: Any) -> list[list[Any]]:
    """The nine entries of a matrix from its nine numbers."""
    numbers = [load(k) for k in range(9)]
    rows: list[list[Any]] = []
    for i in range(3):
        rows.append([])
        for j in range(3):
            total = None
            for k in range(9):
                factor = float(BASIS[k, i, j])
                if factor:
                    term = v.multiply(numbers[k], v.constant(factor))
                    total = term if total is None else v.add(total, term)
            rows[i].append(total)
    return rows


def _numbers(v: Lanes, entries: list[list[Any]]) -> list[Any]:
    """The nine numbers of a matrix from its entries."""
    found = []
    for k in range(9):
        total = None
        for i in range(3):
            for j in range(3):
                factor = float(BASIS[k, i, j])
                if factor:
                    term = v.multiply(entries[i][j], v.constant(factor))
                    total = term if total is None else v.add(total, term)
        found.append(total)
    return found


@vector_op
def _product(typing, out, o, x, xo, y, yo, both, stride, sx, sy, n):  # type: ignore[no-untyped-def]
    """Computes out = x y, plus y x where `both` is not 0, for n matrices whose k-th numbers lie `stride` apart.

    Skew parts of x and y are multiplied by sx and sy first: -1 transposes a matrix.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            left, right = (_entries(v, _loader(v, position, sign)) for position, sign in ((2, 8), (4, 9)))
            product = _matmul(v, left, right)
            turned = _matmul(v, right, left)
            on = builder.icmp_signed("!=", args[6], args[6].type(0))
            total = [
                [builder.select(on, v.add(product[i][j], turned[i][j]), product[i][j]) for j in range(3)]
                for i in range(3)
            ]
            for k, value in enumerate(_numbers(v, total)):
                v.at(0, k, 7).store(0, value)

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(out, whole, x, whole, y, whole, whole, whole, out.dtype, out.dtype, whole), codegen


def _loader(v: Lanes, position: int, sign: int) -> Any:
    def load(k: int) -> Any:
        number = v.at(position, k, 7).load(position)
        return v.multiply(number, v.splat(v.args[sign])) if 1 <= k <= 3 else number

    return load


def _matmul(v: Lanes, left: list[list[Any]], right: list[list[Any]]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for i in range(3):
        rows.append([])
        for j in range(3):
            total = v.multiply(left[i][0], right[0][j])
            for k in (1, 2):
                total = v.multiply_add(left[i][k], right[k][j], total)
            rows[i].append(total)
    return rows


@njit(cache=True, nogil=True, error_model="numpy")
def product_rows(first, last, block, x, y, out, both, count, flip_x, flip_y):  # type: ignore[no-untyped-def]
    """Products of the matrices first..last; arrays hold nine rows of `count` numbers."""
    one = out.dtype.type(1.0)
    sx, sy = -one if flip_x else one, -one if flip_y else one
    _product(out, first, x, first, y, first, both, count, sx, sy, last - first)
