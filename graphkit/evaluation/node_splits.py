"""Splits of labelled nodes and graphs that graphkit draws itself, the same on every platform and numpy version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ShapeError

Nodes = NDArray[np.int64]
Parts: TypeAlias = tuple[Nodes, Nodes, Nodes]


def stratified_60_20_20(y: NDArray[Any], index: int, seed: int) -> tuple[Nodes, Nodes, Nodes]:
    """Returns sorted node numbers of train, valid and test: 60, 20 and 20 % of every class.

    Node i is ranked inside its class by word i of the Philox counter stream keyed (seed, index), so that any split is
    drawn on its own. Nodes without a label (negative or NaN) are left out; multilabel nodes form a single stratum.

    Args:
        y: [N] classes or [N, L] task labels.
        index: which split.
        seed: which family of splits.

    Raises:
        ShapeError: `y` has another shape, or so few nodes are labelled that a part would be empty.

    Example:
        >>> [len(part) for part in stratified_60_20_20(np.repeat([0, 1], 50), 0, 0)]
        [60, 20, 20]
    """
    if y.ndim not in (1, 2):
        raise ShapeError(f"labels must be [N] or [N, L], got shape {list(y.shape)}")
    if y.ndim == 2:
        strata = np.where(np.isnan(y.astype(np.float64)).all(axis=1), -1, 0)
    else:
        strata = np.where(np.isnan(y), -1, y) if y.dtype.kind == "f" else y
    words = np.random.Philox(key=np.array([seed, index], dtype=np.uint64)).random_raw(len(strata))
    order = np.lexsort((words, strata))
    order = order[strata[order] >= 0]
    _, start, count = np.unique(strata[order], return_index=True, return_counts=True)
    position = np.arange(len(order)) - np.repeat(start, count)
    train_size, valid_size = (6 * count + 5) // 10, (2 * count + 5) // 10
    train = position < np.repeat(train_size, count)
    valid = ~train & (position < np.repeat(train_size + valid_size, count))
    parts = tuple(np.sort(order[part]).astype(np.int64) for part in (train, valid, ~(train | valid)))
    if not all(len(part) for part in parts):
        raise ShapeError(f"{len(order)} labelled nodes are too few for a 60/20/20 split: a part would be empty")
    return parts[0], parts[1], parts[2]


def shuffled_80_10_10(y: NDArray[Any], index: int, seed: int) -> Parts:
    """Returns sorted numbers of train, valid and test: 80, 10 and 10 % of everything with a label, in random order.

    The order is that of the words of the Philox counter stream keyed (seed, index), as in `shuffled_share`.

    Args:
        y: [G] classes or [G, L] task labels.
        index: which split.
        seed: which family of splits.

    Raises:
        ShapeError: `y` has another shape, or so few are labelled that a part would be empty.

    Example:
        >>> [len(part) for part in shuffled_80_10_10(np.zeros((50, 3)), 0, 0)]
        [40, 5, 5]
    """
    order = _shuffled(y, index, seed)
    train, valid = 8 * len(order) // 10, len(order) // 10
    if not valid:
        raise ShapeError(f"{len(order)} labels are too few for an 80/10/10 split")
    parts = np.split(order, [train, train + valid])
    return np.sort(parts[0]), np.sort(parts[1]), np.sort(parts[2])


def shuffled_share(y: NDArray[Any], index: int, seed: int, *, percent: int) -> Parts:
    """Returns sorted node numbers of train, valid and test: `percent` % train, nobody validates, the rest tests.

    The labelled nodes are ordered by the words of the Philox counter stream keyed (seed, index); splits of one index
    and different shares are nested.

    Args:
        y: [N] classes or [N, L] task labels.
        index: which shuffle.
        seed: which family of shuffles.
        percent: 1..99.

    Raises:
        ShapeError: `y` has another shape, or so few nodes are labelled that a part would be empty.

    Example:
        >>> [len(part) for part in shuffled_share(np.zeros((50, 3)), 0, 0, percent=10)]
        [5, 0, 45]
    """
    order = _shuffled(y, index, seed)
    size = percent * len(order) // 100
    if not 0 < size < len(order):
        raise ShapeError(f"{len(order)} labelled nodes are too few to train on {percent} % of them")
    return np.sort(order[:size]), np.empty(0, dtype=np.int64), np.sort(order[size:])


def _shuffled(y: NDArray[Any], index: int, seed: int) -> Nodes:
    if y.ndim not in (1, 2):
        raise ShapeError(f"labels must be [N] or [N, L], got shape {list(y.shape)}")
    missing: Any = np.isnan(y) if y.dtype.kind == "f" else y < 0
    labelled = ~(missing if y.ndim == 1 else missing.all(axis=1))
    words = np.random.Philox(key=np.array([seed, index], dtype=np.uint64)).random_raw(len(y))
    order = np.argsort(words, kind="stable")
    return order[labelled[order]]


def stratified_folds(y: NDArray[Any], count: int = 10, seed: int = 0) -> Nodes:
    """Returns the fold of every labelled thing, -1 without a label, as scikit-learn's `StratifiedKFold` shuffles them.

    Args:
        y: [G] classes, negative without a label.
        count: number of folds.
        seed: of the shuffle; GIN's code uses 0.

    Raises:
        ShapeError: `y` is no list of classes, or fewer are labelled than there are folds.

    Example:
        >>> np.bincount(stratified_folds(np.repeat([0, 1], 50)))
        array([10, 10, 10, 10, 10, 10, 10, 10, 10, 10])
    """
    if y.ndim != 1 or y.dtype.kind not in "iu" or np.count_nonzero(y >= 0) < count:
        raise ShapeError(f"{count} folds need at least {count} classes as whole numbers, got {y.dtype} {list(y.shape)}")
    labelled = np.flatnonzero(y >= 0)
    values, first, classes = np.unique(y[labelled], return_index=True, return_inverse=True)
    by_appearance = np.argsort(np.argsort(first))[classes]
    order = np.sort(by_appearance)
    share = np.array([np.bincount(order[fold::count], minlength=len(values)) for fold in range(count)])
    # the generator of scikit-learn's shuffle: only its stream gives the folds of published code
    stream = np.random.RandomState(seed)  # noqa: NPY002
    folds = np.full(len(y), -1, dtype=np.int64)
    for number in range(len(values)):
        mine = np.arange(count).repeat(share[:, number])
        stream.shuffle(mine)
        folds[labelled[by_appearance == number]] = mine
    return folds


def held_out_fold(y: NDArray[Any], index: int, seed: int) -> Parts:
    """Returns nine folds to train on and fold `index` to look at; there is no test part (Xu et al., ICLR 2019)."""
    folds = stratified_folds(y, 10, seed)
    train = np.flatnonzero((folds >= 0) & (folds != index))
    return train, np.flatnonzero(folds == index), np.empty(0, dtype=np.int64)


def ten_folds(y: NDArray[Any], index: int, seed: int) -> Parts:
    """Returns eight folds to train on, the one after `index` for validation, and fold `index` as test."""
    folds = stratified_folds(y, 10, seed)
    valid = (index + 1) % 10
    train = np.flatnonzero((folds >= 0) & (folds != index) & (folds != valid))
    return train, np.flatnonzero(folds == valid), np.flatnonzero(folds == index)


DRAWN: Mapping[str, Callable[[NDArray[Any], int, int], Parts]] = MappingProxyType(
    {
        "random-60-20-20": stratified_60_20_20,
        "folds-10": ten_folds,
        "random-80-10-10": shuffled_80_10_10,
        "tu-gin": held_out_fold,
    }
    | {f"probe-{percent}": partial(shuffled_share, percent=percent) for percent in (10, 50, 90)}
)
"""Protocols whose splits are drawn from the labels alone, `draw(y, index, seed)`; every other one brings its own."""
