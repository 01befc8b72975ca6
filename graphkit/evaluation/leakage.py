"""Guards against test labels reaching a model through the data: overlapping splits, repeated nodes, labels as features.

Each guard reads plain arrays and returns what it found; `check_node_leakage` runs them all and raises on the first that
makes a score meaningless.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ProtocolError, ShapeError

Array = NDArray[Any]


@dataclass(frozen=True)
class LeakageReport:
    """What the guards found on one dataset and split.

    Args:
        overlap: nodes shared by two parts, by pair of part names; empty lists are left out.
        duplicates: test nodes whose feature row and label both occur among the training nodes.
        duplicate_share: their share of the test nodes.
        label_features: columns of the features that are, up to scale, the indicator of one class.
    """

    overlap: dict[str, list[int]]
    duplicates: list[int]
    duplicate_share: float
    label_features: list[int]


def split_overlap(train: ArrayLike, valid: ArrayLike, test: ArrayLike) -> dict[str, list[int]]:
    """Returns the nodes that two parts share.

    Example:
        >>> split_overlap([0, 1], [2], [1, 3])
        {'train and test': [1]}
    """
    parts = {"train": _nodes(train), "valid": _nodes(valid), "test": _nodes(test)}
    found = {f"{a} and {b}": np.intersect1d(parts[a], parts[b]).tolist() for a, b in combinations(parts, 2)}
    return {pair: nodes for pair, nodes in found.items() if nodes}


def duplicate_nodes(x: ArrayLike, y: ArrayLike, train: ArrayLike, test: ArrayLike) -> list[int]:
    """Returns the test nodes whose feature row and label both occur among the training nodes.

    Rows without any feature set are no duplicates of one another. The chameleon and squirrel graphs hold many
    (Platonov et al., ICLR 2023).

    Args:
        x: [N, F] features.
        y: [N] labels.
        train: [n] node numbers.
        test: [n] node numbers.

    Example:
        >>> duplicate_nodes([[1, 0], [0, 1], [1, 0]], [0, 1, 0], train=[0, 1], test=[2])
        [2]
    """
    features, labels = _features(x, y)
    rows = np.concatenate([features, labels[:, None]], axis=1)
    train_nodes, test_nodes = _nodes(train), _nodes(test)
    seen = {row.tobytes() for row in rows[train_nodes]}
    return [int(node) for node in test_nodes if features[node].any() and rows[node].tobytes() in seen]


def label_features(x: ArrayLike, y: ArrayLike) -> list[int]:
    """Returns the feature columns that equal the indicator of a class, up to a positive factor.

    Args:
        x: [N, F] features.
        y: [N] labels; nodes with a negative label are left out.

    Example:
        >>> label_features([[1, 0, 2], [0, 1, 0], [1, 1, 2]], [1, 0, 1])
        [0, 2]
    """
    features, labels = _features(x, y)
    known = labels >= 0
    features, labels = features[known], labels[known]
    classes, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return []
    on = features > 0
    found = []
    for column in np.flatnonzero(np.isin(on.sum(axis=0), sizes) & (features >= 0).all(axis=0)):
        rows = on[:, column]
        members = np.unique(numbers[rows])
        values = features[rows, column]
        if len(members) == 1 and len(values) == sizes[members[0]] and np.all(values == values[0]):
            found.append(int(column))
    return found


def check_node_leakage(
    x: ArrayLike,
    y: ArrayLike,
    train: ArrayLike,
    valid: ArrayLike,
    test: ArrayLike,
    *,
    allowed_duplicates: float = 1.0,
) -> LeakageReport:
    """Runs every guard on one dataset and split.

    Args:
        x: [N, F] features.
        y: [N] labels.
        train: [n] node numbers.
        valid: [n] node numbers.
        test: [n] node numbers.
        allowed_duplicates: largest share of test nodes that may repeat a training node; 1 only reports them, because
            published datasets with binary features have a few.

    Raises:
        ProtocolError: parts overlap, a feature column is a class indicator, or too many test nodes are repeated.
        ShapeError: the arrays do not fit each other.

    Example:
        >>> x, y = [[1.0, 0.5], [0.2, 0.1], [0.3, 0.9], [0.8, 0.4]], [0, 1, 0, 1]
        >>> check_node_leakage(x, y, [0, 1], [2], [3]).duplicates
        []
    """
    overlap = split_overlap(train, valid, test)
    if overlap:
        pair, nodes = next(iter(overlap.items()))
        raise ProtocolError(f"{pair} share {len(nodes)} nodes, for example {nodes[0]}; repair the split")
    columns = label_features(x, y)
    if columns:
        raise ProtocolError(f"feature column {columns[0]} is the indicator of a class; remove it before training")
    duplicates = duplicate_nodes(x, y, train, test)
    share = len(duplicates) / max(1, len(_nodes(test)))
    if share > allowed_duplicates:
        raise ProtocolError(
            f"{share:.1%} of the test nodes repeat a training node (allowed: {allowed_duplicates:.1%}), for example "
            f"{duplicates[0]}; use a filtered version of the dataset"
        )
    return LeakageReport(overlap, duplicates, share, columns)


def _nodes(values: ArrayLike) -> NDArray[np.int64]:
    nodes = np.asarray(values)
    if nodes.ndim != 1 or (nodes.size and nodes.dtype.kind not in "ui"):
        raise ShapeError(f"a part of a split is a list of node numbers, got {nodes.dtype} of shape {list(nodes.shape)}")
    return nodes.astype(np.int64)


def _features(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    features, labels = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ShapeError(f"needs features [N, F] and labels [N], got {list(features.shape)} and {list(labels.shape)}")
    return features, labels
