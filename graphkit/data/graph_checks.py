"""Checks, counts and measures of a dataset of graphs after reading: broken data is an error that names the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data import checks
from graphkit.data.cards import Card
from graphkit.data.raw import RawGraphs
from graphkit.errors import GraphValidationError


def check(raw: RawGraphs, card: Card) -> dict[str, int]:
    """Checks offsets, features, edges, labels, splits and the card's published statistics.

    Raises:
        GraphValidationError: an edge joins two graphs or the edges of a graph do not lie side by side, a value is not
            finite, a category, edge, label or split is out of range, or a count differs from the published one.
    """
    check_graphs(raw, card)
    found = count(raw, card)
    checks.check_statistics(card.statistics, found, raw.name or card.name)
    return found


def check_graphs(raw: RawGraphs, card: Card) -> None:
    """Checks all that `check` does but the published statistics."""
    name = raw.name or card.name
    _check_columns(raw.x, raw.x_sizes, raw.num_nodes, f"{name}: node feature", "node")
    checks.check_edges(raw.edge_index, raw.num_nodes, name)
    checks.check_ptr(raw.ptr, raw.num_nodes, raw.edge_index, name)
    owner = np.searchsorted(raw.ptr, raw.edge_index[0], side="right")
    if (np.diff(owner) < 0).any():
        raise GraphValidationError(f"{name}: the edges of a graph must lie side by side, in the order of the graphs")
    checks.check_labels(raw.y, raw.num_graphs, card.target, name, unit="graph")
    if raw.edge_attr is not None:
        _check_columns(raw.edge_attr, raw.edge_sizes, raw.num_edges, f"{name}: edge feature", "edge")
    for key in ("z", "pos"):
        if getattr(raw, key) is not None and len(getattr(raw, key)) != raw.num_nodes:
            raise GraphValidationError(f"{name}: {len(getattr(raw, key))} rows of {key} for {raw.num_nodes} nodes")
    checks.check_splits(raw.splits, raw.y, name, unit="graph")


def count(raw: RawGraphs, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish."""
    loops = raw.edge_index[0] == raw.edge_index[1]
    touched = np.zeros(raw.num_nodes, dtype=bool)
    touched[raw.edge_index[:, ~loops].ravel()] = True
    return {
        "graphs": raw.num_graphs,
        "nodes": raw.num_nodes,
        "edges": raw.num_edges,
        "features": raw.num_features,
        "classes": checks.num_classes(raw.y, card.target),
        "self_loops": int(loops.sum()),
        "isolated": int((~touched).sum()),
    }


def measure(raw: RawGraphs, card: Card) -> dict[str, Any]:
    """Returns sizes of the graphs, how their labels lie, and what the reader left out, as plain values."""
    sizes = np.diff(raw.ptr)
    found: dict[str, Any] = {
        "smallest_graph": int(sizes.min()),
        "median_graph": float(np.median(sizes)),
        "largest_graph": int(sizes.max()),
        "mean_degree": raw.num_edges / max(1, raw.num_nodes),
        "edge_features": 0 if raw.edge_attr is None else int(raw.edge_attr.shape[1]),
    }
    if raw.y.ndim == 1:
        classes = np.bincount(raw.y[raw.y >= 0])
        found["labels"] = {"class_counts": classes.tolist()}
    else:
        found["missing_labels"] = float(np.isnan(raw.y).mean())
    found |= wl_bound(raw)
    if raw.rejected:
        found["rejected"] = "; ".join(raw.rejected)
    return found


def wl_bound(raw: RawGraphs) -> dict[str, Any]:
    """Returns how far colour refinement (1-WL) can go: no message-passing network does better on these graphs.

    Zopf, 1-WL Expressiveness Is (Almost) All You Need, IJCNN 2022 (arXiv 2202.10156). Features count.
    `wl_classes` of the graphs differ in colour; `wl_bound` is the accuracy of naming the most frequent label of every
    class, for single labels and on the graphs themselves; `wl_bound_without_features` the same for the bare graphs.
    """
    from graphkit.expressiveness import FlatGraphs
    from graphkit.expressiveness.oracles import wl

    edges = None if raw.edge_attr is None else _colors(raw.edge_attr)
    colors = wl(FlatGraphs.from_union(raw.edge_index, raw.ptr, _colors(raw.x), edges))
    bare = wl(FlatGraphs.from_union(raw.edge_index, raw.ptr))
    found: dict[str, Any] = {"wl_classes": len(np.unique(colors))}
    if raw.y.ndim == 1 and raw.y.dtype.kind == "i" and (raw.y >= 0).any():
        found |= {"wl_bound": _majority(colors, raw.y), "wl_bound_without_features": _majority(bare, raw.y)}
    return found


def _colors(features: NDArray[Any]) -> NDArray[np.uint64]:
    """Equal rows get equal colours."""
    packed = np.ascontiguousarray(features).view(np.dtype((np.void, features.dtype.itemsize * features.shape[1])))
    return (np.unique(packed.ravel(), return_inverse=True)[1].reshape(-1) + 1).astype(np.uint64)


def _majority(colors: NDArray[np.uint64], y: NDArray[Any]) -> float:
    known = y >= 0
    pairs, count = np.unique(np.stack([colors[known], y[known].astype(np.uint64)]), axis=1, return_counts=True)
    first = np.flatnonzero(np.concatenate([[True], np.diff(pairs[0]) != 0]))
    return float(np.maximum.reduceat(count, first).sum() / known.sum())


def _check_columns(values: NDArray[Any], sizes: tuple[int, ...], rows: int, what: str, row_name: str) -> None:
    """Refuses features that are not finite, categories out of range, and a wrong number of rows."""
    if values.ndim != 2 or len(values) != rows:
        raise GraphValidationError(f"{what}s have shape {list(values.shape)}, but there are {rows} {row_name}s")
    if not sizes:
        if values.dtype != np.float32:
            raise GraphValidationError(f"{what}s must be float32, got {values.dtype}; give sizes for categories")
        checks.check_finite(values, what, row_name)
        return
    if values.dtype != np.int64 or values.shape[1] != len(sizes):
        raise GraphValidationError(f"{what}s must be {len(sizes)} int64 categories, got {values.dtype} {values.shape}")
    bad = np.argwhere((values < 0) | (values >= np.array(sizes)))
    if len(bad):
        row, column = bad[0]
        raise GraphValidationError(
            f"{what} {column} of {row_name} {row} is {values[row, column]}, but there are {sizes[column]} categories"
        )
