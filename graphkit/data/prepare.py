"""Preparation of a graph before a model sees it; every step returns a new graph and keeps the splits valid."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from graphkit.data.raw import Features, RawGraph
from graphkit.errors import GraphValidationError


@dataclass(frozen=True)
class PrepareOptions:
    """What is done to a graph after reading, in this order: component, edges, features."""

    features: Literal["raw", "row"] = "raw"
    undirected: bool = False
    largest_component: bool = False


def prepare(raw: RawGraph, options: PrepareOptions) -> RawGraph:
    """Applies the chosen steps."""
    if options.largest_component:
        raw = largest_component(raw)
    if options.undirected:
        raw = undirected(raw)
    if options.features == "row":
        raw = dataclasses.replace(raw, x=row_normalise(raw.x))
    return raw


def row_normalise(x: Features) -> Features:
    """Divides every feature row by its sum; rows that sum to zero stay as they are.

    Args:
        x: [N, F] float32, dense or CSR.

    Example:
        >>> row_normalise(np.array([[1, 3], [0, 0]], dtype=np.float32))
        array([[0.25, 0.75],
               [0.  , 0.  ]], dtype=float32)
    """
    sums = np.asarray(x.sum(axis=1, dtype=np.float64)).ravel()
    scale = np.divide(1.0, sums, out=np.ones_like(sums), where=sums != 0).astype(np.float32)
    if not isinstance(x, np.ndarray):
        scaled = x.copy()
        scaled.data *= np.repeat(scale, np.diff(x.indptr))
        return scaled
    return x * scale[:, None]


def undirected(raw: RawGraph) -> RawGraph:
    """Adds the reverse of every edge, drops duplicates and sorts by source, then target.

    Raises:
        GraphValidationError: the graph has edge features, which have no agreed value on a reversed edge.
    """
    if raw.edge_attr is not None:
        raise GraphValidationError(f"{raw.name}: edge features have no meaning on reversed edges; leave undirected off")
    source, target = raw.edge_index
    nodes = np.int64(raw.num_nodes)
    key = np.unique(np.concatenate([source * nodes + target, target * nodes + source]))
    return dataclasses.replace(raw, edge_index=np.stack([key // nodes, key % nodes]) if len(key) else raw.edge_index)


def largest_component(raw: RawGraph) -> RawGraph:
    """Keeps the largest weakly connected component (the first of equals) and renumbers nodes, edges and splits.

    Raises:
        GraphValidationError: the dataset is a union of graphs, or a split would lose all its training nodes.
    """
    if raw.ptr is not None:
        raise GraphValidationError(f"{raw.name} is a union of graphs; largest_component is for single graphs")
    source, target = raw.edge_index
    adjacency = sparse.coo_matrix((np.ones(raw.num_edges, np.int8), (source, target)), shape=(raw.num_nodes,) * 2)
    _, label = connected_components(adjacency, directed=False)
    keep = label == np.argmax(np.bincount(label))
    number = np.where(keep, np.cumsum(keep) - 1, -1)
    edges = keep[source]
    splits = {}
    for protocol, triples in raw.splits.items():
        splits[protocol] = [(_kept(a, number), _kept(b, number), _kept(c, number)) for a, b, c in triples]
        if not all(len(triple[0]) for triple in splits[protocol]):
            raise GraphValidationError(
                f"{raw.name}: a split of {protocol} has no training node in the largest component"
            )
    return dataclasses.replace(
        raw,
        x=raw.x[np.flatnonzero(keep)],
        y=raw.y[keep],
        edge_index=number[raw.edge_index[:, edges]].astype(np.int64),
        edge_attr=None if raw.edge_attr is None else raw.edge_attr[edges],
        splits=splits,
    )


def _kept(part: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
    nodes = number[part]
    return nodes[nodes >= 0]
