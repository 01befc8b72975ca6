"""Checks of a graph after reading: broken data is an error that names the row, never a silent repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import RawGraph, Triple
from graphkit.data.splits import Split
from graphkit.errors import GraphValidationError, ProtocolError


def check_raw(raw: RawGraph, card: Card) -> dict[str, int]:
    """Checks features, edges, labels, splits and the card's published statistics.

    Args:
        raw: the graph as read.
        card: what its card promises.

    Returns:
        Counts of the graph: nodes, edges, features, classes, graphs, self_loops, duplicate_edges, isolated.

    Raises:
        GraphValidationError: non-finite features, an edge, label or split out of range, overlapping splits, or a count
            that differs from the published one (both are named).

    Example:
        >>> edges = np.array([[0, 1], [1, 0]])
        >>> raw = RawGraph(np.eye(2, dtype=np.float32), edges, np.array([0, 1]))
        >>> check_raw(raw, Card(name="pair", statistics={"nodes": 2}))["isolated"]
        0
    """
    name = raw.name or card.name
    check_features(raw.x, name)
    check_edges(raw.edge_index, raw.num_nodes, name)
    check_labels(raw.y, raw.num_nodes, card.target, name)
    if raw.edge_attr is not None:
        if raw.edge_attr.shape[0] != raw.num_edges:
            raise GraphValidationError(f"{name}: {raw.edge_attr.shape[0]} edge features for {raw.num_edges} edges")
        check_finite(raw.edge_attr, f"{name}: edge feature", "edge")
    if raw.ptr is not None:
        check_ptr(raw.ptr, raw.num_nodes, raw.edge_index, name)
    check_splits(raw.splits, raw.y, name)
    found = count(raw, card)
    check_statistics(card.statistics, found, name)
    return found


def count(raw: RawGraph, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish, and the number of duplicate edges."""
    source, target = raw.edge_index
    loops = source == target
    touched = np.zeros(raw.num_nodes, dtype=bool)
    touched[source[~loops]] = touched[target[~loops]] = True
    return {
        "nodes": raw.num_nodes,
        "edges": raw.num_edges,
        "features": raw.num_features,
        "classes": num_classes(raw.y, card.target),
        "graphs": 1 if raw.ptr is None else len(raw.ptr) - 1,
        "self_loops": int(loops.sum()),
        "duplicate_edges": raw.num_edges - len(np.unique(source * np.int64(raw.num_nodes) + target)),
        "isolated": int((~touched).sum()),
    }


def num_classes(y: NDArray[Any], target: str) -> int:
    """Returns the number of classes, or of labels or values where a node may have many."""
    if target in ("multilabel", "regression"):
        return int(y.shape[1])
    return max(int(y.max(initial=-1)) + 1, 2 if target == "binary" else 1)


def check_features(x: NDArray[np.float32] | sparse.csr_matrix, name: str) -> None:
    """Refuses features that are no finite [N, F] float32 array or CSR matrix."""
    if len(x.shape) != 2:
        raise GraphValidationError(f"{name}: features must be [N, F], got shape {list(x.shape)}")
    if x.dtype != np.float32:
        raise GraphValidationError(f"{name}: features must be float32, got {x.dtype}")
    if not isinstance(x, np.ndarray):
        bad = np.flatnonzero(~np.isfinite(x.data))
        if len(bad):
            row = int(np.searchsorted(x.indptr, bad[0], side="right")) - 1
            raise GraphValidationError(_non_finite(f"{name}: feature", "node", row, int(x.indices[bad[0]]), len(bad)))
    else:
        check_finite(x, f"{name}: feature", "node")


def check_edges(edge_index: NDArray[np.int64], num_nodes: int, name: str) -> None:
    """Refuses an edge index that is no [2, E] int64 array of numbers below `num_nodes`."""
    if edge_index.ndim != 2 or edge_index.shape[0] != 2 or edge_index.dtype != np.int64:
        raise GraphValidationError(
            f"{name}: edge_index must be int64 [2, E], got {edge_index.dtype} {list(edge_index.shape)}"
        )
    if not edge_index.size:
        return
    if edge_index.min() < 0 or edge_index.max() >= num_nodes:
        column = int(np.flatnonzero(((edge_index < 0) | (edge_index >= num_nodes)).any(axis=0))[0])
        source, target = edge_index[:, column]
        raise GraphValidationError(
            f"{name}: edge {column} is {source} -> {target}, but nodes are numbered 0..{num_nodes - 1}; "
            "mend the edge list or give features for every node"
        )


def check_labels(y: NDArray[Any], rows: int, target: str, name: str, unit: str = "node") -> None:
    """Refuses labels that do not fit the target.

    Due are [N] int64 from 0 (-1: no label); [N, L] float32 of 0, 1 and NaN (no label) for multilabel; [N, L] float32 of
    finite values and NaN for regression.
    """
    if y.shape[:1] != (rows,):
        raise GraphValidationError(f"{name}: labels of shape {list(y.shape)} for {rows} {unit}s")
    if target in ("multilabel", "regression"):
        if y.ndim != 2 or y.dtype != np.float32:
            raise GraphValidationError(f"{name}: {target} y must be float32 [N, L], got {y.dtype} {list(y.shape)}")
        if target == "regression" and np.isinf(y).any():
            raise GraphValidationError(f"{name}: regression y holds infinite values; NaN means no label")
        if target == "multilabel" and not np.isin(y[~np.isnan(y)], (0.0, 1.0)).all():
            raise GraphValidationError(f"{name}: multilabel y holds values other than 0, 1 and NaN (no label)")
        return
    if y.ndim != 1 or y.dtype != np.int64:
        raise GraphValidationError(f"{name}: {target} y must be int64 [N], got {y.dtype} {list(y.shape)}")
    top = 1 if target == "binary" else np.iinfo(np.int64).max
    bad = np.flatnonzero((y < -1) | (y > top))
    if len(bad):
        raise GraphValidationError(
            f"{name}: label {y[bad[0]]} of {unit} {bad[0]} is out of range; {target} labels start at 0"
            + (" and end at 1" if target == "binary" else "")
            + ", and -1 means no label"
        )


def check_splits(splits: Mapping[str, list[Triple]], y: NDArray[Any], name: str, unit: str = "node") -> None:
    """Refuses parts that overlap, name a node (or graph) there is not, or hold one without a label."""
    labelled = ~np.isnan(y).all(axis=1) if y.ndim == 2 else y >= 0
    for protocol, triples in splits.items():
        for index, triple in enumerate(triples):
            try:
                parts = Split(protocol, index, *triple).parts
            except ProtocolError as error:
                raise GraphValidationError(f"{name}: {error}") from error
            for label, part in zip(("train", "valid", "test"), parts, strict=True):
                where = f"{name}: {label} of split {index} of {protocol}"
                if len(part) and part[-1] >= len(y):
                    raise GraphValidationError(
                        f"{where} names {unit} {part[-1]}, but {unit}s are numbered 0..{len(y) - 1}"
                    )
                unlabelled = part[~labelled[part]]
                if len(unlabelled):
                    raise GraphValidationError(
                        f"{where} holds {len(unlabelled)} {unit}s without a label, {unit} {unlabelled[0]} first"
                    )


def check_statistics(published: Mapping[str, int], found: Mapping[str, int], name: str) -> None:
    """Refuses counts that differ from the published ones, or that nothing was counted for."""
    absent = [key for key in published if key not in found]
    if absent:
        raise GraphValidationError(f"{name}: its card publishes {absent[0]}, which this kind of dataset does not have")
    wrong = [f"{key} {found[key]:,} (published {value:,})" for key, value in published.items() if found[key] != value]
    if wrong:
        raise GraphValidationError(
            f"{name} differs from its published statistics: {', '.join(wrong)}; "
            "the file is another version, or the card is wrong"
        )


def check_finite(values: NDArray[Any], what: str, row_name: str) -> None:
    """Refuses NaN and infinity, naming the first."""
    # the sum is finite unless a value is not (or the sum overflows), and needs no [N, F] mask
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0][0], bad[0][1] if values.ndim > 1 else 0
        raise GraphValidationError(_non_finite(what, row_name, int(row), int(column), len(bad)))


def _non_finite(what: str, row_name: str, row: int, column: int, total: int) -> str:
    return (
        f"{what} {column} of {row_name} {row} is NaN or infinite ({total} such values); "
        "impute or drop them before training"
    )


def check_ptr(ptr: NDArray[np.int64], num_nodes: int, edge_index: NDArray[np.int64], name: str) -> None:
    """Refuses offsets of graphs that do not fit the nodes, and edges between two graphs."""
    if ptr.dtype != np.int64 or ptr.ndim != 1 or len(ptr) < 2 or ptr[0] != 0 or ptr[-1] != num_nodes:
        raise GraphValidationError(f"{name}: ptr must be int64 from 0 to {num_nodes}, one entry a graph and one more")
    if (np.diff(ptr) < 0).any():
        raise GraphValidationError(f"{name}: ptr decreases")
    graph = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    crossing = np.flatnonzero(graph[edge_index[0]] != graph[edge_index[1]])
    if len(crossing):
        raise GraphValidationError(f"{name}: edge {crossing[0]} joins two graphs of the union")
