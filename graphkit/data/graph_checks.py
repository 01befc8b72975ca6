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
    found = count(raw, card)
    checks.check_statistics(card.statistics, found, name)
    return found


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
    if raw.rejected:
        found["rejected"] = "; ".join(raw.rejected)
    return found


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
