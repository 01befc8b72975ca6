"""Guards against test labels reaching a model through the data: overlapping splits, repeated nodes, labels as features.

Each guard reads plain arrays and returns what it found; `check_node_leakage` runs them all and raises on the first that
makes a score meaningless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.errors import ProtocolError, ShapeError
from graphkit.evaluation.link_leakage import describe_overlaps

Array = NDArray[Any]
Features = Any
"""[N, F] numbers: anything `numpy.asarray` takes, or a scipy sparse matrix."""

_CHUNK = 1 << 22


@dataclass(frozen=True)
class LeakageReport:
    """What the guards found on one dataset and split.

    Args:
        overlap: nodes shared by two parts, by pair of part names; empty lists are left out.
        duplicates: test nodes whose feature row and label both occur among the training nodes.
        duplicate_share: their share of the test nodes.
        label_features: columns of the features that are, up to scale, the indicator of one class.
        scaled_features: columns that look scaled with statistics of all nodes instead of the training nodes.
    """

    overlap: dict[str, list[int]]
    duplicates: list[int]
    duplicate_share: float
    label_features: list[int]
    scaled_features: list[int] = field(default_factory=list)


def split_overlap(train: ArrayLike, valid: ArrayLike, test: ArrayLike) -> dict[str, list[int]]:
    """Returns the nodes that two parts share.

    Example:
        >>> split_overlap([0, 1], [2], [1, 3])
        {'train and test': [1]}
    """
    parts = {"train": _nodes(train), "valid": _nodes(valid), "test": _nodes(test)}
    found = {f"{a} and {b}": np.intersect1d(parts[a], parts[b]).tolist() for a, b in combinations(parts, 2)}
    return {pair: nodes for pair, nodes in found.items() if nodes}


def duplicate_nodes(x: Features, y: ArrayLike, train: ArrayLike, test: ArrayLike) -> list[int]:
    """Returns the test nodes whose feature row and label both occur among the training nodes.

    Rows without any feature set are no duplicates of one another. The chameleon and squirrel graphs hold many
    (Platonov et al., ICLR 2023).

    Args:
        x: [N, F] features, dense or scipy sparse.
        y: [N] labels, or [N, L] task labels.
        train: [n] node numbers.
        test: [n] node numbers.

    Example:
        >>> duplicate_nodes([[1, 0], [0, 1], [1, 0]], [0, 1, 0], train=[0, 1], test=[2])
        [2]
    """
    features, labels = _features(x, y)
    train_nodes, test_nodes = _nodes(train), _nodes(test)
    rows, some = _row_digests(features)
    rows = rows + _row_digests(labels[:, None] if labels.ndim == 1 else labels, seed=1)[0]
    return [int(node) for node in test_nodes[some[test_nodes] & np.isin(rows[test_nodes], rows[train_nodes])]]


def label_features(x: Features, y: ArrayLike) -> list[int]:
    """Returns the feature columns that equal the indicator of a class, up to a positive factor.

    Args:
        x: [N, F] features, dense or scipy sparse.
        y: [N] labels; nodes with a negative label are left out.

    Example:
        >>> label_features([[1, 0, 2], [0, 1, 0], [1, 1, 2]], [1, 0, 1])
        [0, 2]
    """
    features, labels = _features(x, y)
    if labels.ndim != 1:
        raise ShapeError(f"needs one label a node, got labels of shape {list(labels.shape)}")
    known = labels >= 0
    features, labels = features[np.flatnonzero(known)], labels[known]
    classes, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return []
    counts = np.asarray((features > 0).sum(axis=0)).ravel()
    if sparse.issparse(features):
        features = features.tocsc()
    found = []
    for column in np.flatnonzero(np.isin(counts, sizes)):
        values = features[:, [column]].toarray().ravel() if sparse.issparse(features) else features[:, column]
        rows = values > 0
        members = np.unique(numbers[rows])
        same = np.all(values[rows] == values[rows][0]) and not np.any(values < 0)
        if len(members) == 1 and counts[column] == sizes[members[0]] and same:
            found.append(int(column))
    return found


def scaled_features(x: ArrayLike, train: ArrayLike, *, tolerance: float = 1e-4) -> list[int]:
    """Returns the columns that look scaled with statistics of all rows, where training rows alone would be due.

    Such a column has mean 0 and standard deviation 1, or runs from exactly 0 to exactly 1 without being binary, over
    all rows, but not over the training rows. Harmless where the test nodes' features are part of the task
    (transductive); a leak in inductive and temporal tasks. `probes.fitted_on_train` decides where the preparation can
    be called.

    Args:
        x: [N, F] dense features.
        train: [n] node numbers.
        tolerance: of mean and standard deviation over all rows.

    Example:
        >>> raw = np.arange(12.0) ** 2
        >>> scaled_features(np.stack([(raw - raw.mean()) / raw.std(), raw], axis=1), train=range(6))
        [0]
    """
    features = np.asarray(x)
    nodes = _nodes(train)
    if features.ndim != 2 or not len(features) or not len(nodes):
        raise ShapeError(f"needs features [N, F] and training nodes, got {list(features.shape)} and {len(nodes)} nodes")
    found = []
    step = max(1, _CHUNK // len(features))
    for start in range(0, features.shape[1], step):
        everyone = features[:, start : start + step].astype(np.float64)
        part = everyone[nodes]
        standard = _is_standard(everyone, tolerance) & ~_is_standard(part, 10 * tolerance)
        spans = _spans_unit(everyone) & ~_spans_unit(part) & ((everyone > 0) & (everyone < 1)).any(axis=0)
        found += (start + np.flatnonzero(standard | spans)).tolist()
    return found


def check_node_leakage(
    x: Features,
    y: ArrayLike,
    train: ArrayLike,
    valid: ArrayLike,
    test: ArrayLike,
    *,
    allowed_duplicates: float = 1.0,
    inductive: bool = False,
) -> LeakageReport:
    """Runs every guard on one dataset and split.

    Args:
        x: [N, F] features, dense or scipy sparse.
        y: [N] labels, or [N, L] task labels.
        train: [n] node numbers.
        valid: [n] node numbers.
        test: [n] node numbers.
        allowed_duplicates: largest share of test nodes that may repeat a training node; 1 only reports them, because
            published datasets with binary features have a few.
        inductive: refuses features that look scaled with test rows, which are only reported otherwise.

    Raises:
        ProtocolError: parts overlap, a feature column is a class indicator, too many test nodes are repeated, or
            features of an inductive task are scaled with test rows.
        ShapeError: the arrays do not fit each other.

    Example:
        >>> x, y = [[1.0, 0.5], [0.2, 0.1], [0.3, 0.9], [0.8, 0.4]], [0, 1, 0, 1]
        >>> check_node_leakage(x, y, [0, 1], [2], [3]).duplicates
        []
    """
    overlap = split_overlap(train, valid, test)
    if overlap:
        pair, nodes = next(iter(overlap.items()))
        raise ProtocolError(f"{describe_overlaps({pair: nodes})}; repair the split")
    columns = label_features(x, y) if np.ndim(y) == 1 else []
    if columns:
        raise ProtocolError(f"feature column {columns[0]} is the indicator of a class; remove it before training")
    duplicates = duplicate_nodes(x, y, train, test)
    share = len(duplicates) / max(1, len(_nodes(test)))
    if share > allowed_duplicates:
        raise ProtocolError(
            f"{share:.1%} of the test nodes repeat a training node (allowed: {allowed_duplicates:.1%}), for example "
            f"{duplicates[0]}; use a filtered version of the dataset"
        )
    scaled = [] if sparse.issparse(x) else scaled_features(x, train)
    if scaled and inductive:
        raise ProtocolError(
            f"{len(scaled)} feature columns, column {scaled[0]} first, are scaled with statistics that include test "
            "nodes; fit the scale on training nodes"
        )
    return LeakageReport(overlap, duplicates, share, columns, scaled)


def check_link_leakage(
    message: ArrayLike, train: ArrayLike, valid: ArrayLike, test: ArrayLike, *, undirected: bool = True
) -> None:
    """Refuses a split whose test links are among the links a model sees or learns from, or validation links it learns.

    Validation links may be among the messages, as protocols of SEAL and OGB have it.

    Args:
        message: [2, E] links a model may pass messages along.
        train: [2, B] links it learns from.
        valid: [2, B] links of validation.
        test: [2, B] links of the test.
        undirected: a link and its reverse are the same.

    Raises:
        ProtocolError: a link is on both sides; the message names the first.
        ShapeError: links are no [2, B] of node numbers.

    Example:
        >>> check_link_leakage([[0, 1], [1, 0]], [[0], [1]], [[1], [2]], [[0], [2]])
    """
    parts = {"message": message, "train": train, "valid": valid, "test": test}
    links = {name: _links(value, name, undirected) for name, value in parts.items()}
    for asked, shown in (("test", "message"), ("test", "train"), ("test", "valid"), ("valid", "train")):
        both = np.intersect1d(links[asked], links[shown])
        if len(both):
            source, target = int(both[0]["source"]), int(both[0]["target"])
            raise ProtocolError(
                f"{len(both)} {asked} links are among the {shown} links, {source} - {target} first; repair the split"
            )


def _links(values: ArrayLike, name: str, undirected: bool) -> Array:
    links = np.asarray(values)
    if links.ndim != 2 or len(links) != 2 or (links.size and links.dtype.kind not in "ui"):
        raise ShapeError(f"{name} links must be node numbers [2, B], got {links.dtype} of shape {list(links.shape)}")
    ends = np.sort(links, axis=0) if undirected else links
    pairs = np.empty(ends.shape[1], dtype=[("source", np.int64), ("target", np.int64)])
    pairs["source"], pairs["target"] = ends
    return pairs


def _nodes(values: ArrayLike) -> NDArray[np.int64]:
    nodes = np.asarray(values)
    if nodes.ndim != 1 or (nodes.size and nodes.dtype.kind not in "ui"):
        raise ShapeError(f"a part of a split is a list of node numbers, got {nodes.dtype} of shape {list(nodes.shape)}")
    return nodes.astype(np.int64)


def _features(x: Features, y: ArrayLike) -> tuple[Any, Array]:
    features = x.tocsr() if sparse.issparse(x) else np.asarray(x)
    labels = np.asarray(y, dtype=np.float64)
    if features.ndim != 2 or labels.ndim not in (1, 2) or len(labels) != features.shape[0]:
        raise ShapeError(f"needs features [N, F] and labels [N], got {list(features.shape)} and {list(labels.shape)}")
    return features, labels


def _row_digests(rows: Any, seed: int = 0) -> tuple[Array, Array]:
    """Returns a 64-bit digest of every row, and whether it has an entry other than 0; equal rows have equal digests.

    The digest is a sum of bit patterns times random odd words, modulo 2^64: exact whatever the order of summation, and
    0 adds nothing, so that sparse and dense rows agree.
    """
    words = np.random.default_rng(seed).integers(1 << 63, size=rows.shape[1], dtype=np.uint64)
    words = words * np.uint64(2) + np.uint64(1)
    if sparse.issparse(rows):
        clean = rows.astype(np.float64)
        clean.sum_duplicates()
        clean.eliminate_zeros()
        terms = np.zeros(clean.nnz + 1, dtype=np.uint64)
        np.cumsum(_bits(clean.data) * words[clean.indices], out=terms[1:])
        return terms[clean.indptr[1:]] - terms[clean.indptr[:-1]], np.diff(clean.indptr) > 0
    digests, some = np.empty(rows.shape[0], dtype=np.uint64), np.empty(rows.shape[0], dtype=bool)
    step = max(1, _CHUNK // max(1, rows.shape[1]))
    for start in range(0, rows.shape[0], step):
        block = rows[start : start + step].astype(np.float64)
        digests[start : start + step] = (_bits(block) * words).sum(axis=1, dtype=np.uint64)
        some[start : start + step] = block.any(axis=1)
    return digests, some


def _bits(values: Array) -> Array:
    """Returns mixed bit patterns of float64 values; zero, of either sign, gives 0."""
    patterns = np.ascontiguousarray(values + 0.0).view(np.uint64)
    mixed: Array = (patterns ^ (patterns >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))


def _is_standard(columns: Array, tolerance: float) -> Array:
    centred = np.abs(columns.mean(axis=0)) < tolerance
    unit = [np.abs(columns.std(axis=0, ddof=ddof) - 1) < tolerance for ddof in (0, 1) if len(columns) > ddof]
    return centred & np.any(unit, axis=0)


def _spans_unit(columns: Array) -> Array:
    return (np.abs(columns.min(axis=0)) < 1e-6) & (np.abs(columns.max(axis=0) - 1) < 1e-6)
