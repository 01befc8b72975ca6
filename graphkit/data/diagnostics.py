"""What a graph is like, and how its labels lie on it: the numbers that say which model may help.

Label measures are taken on the simple undirected graph: edges in either direction count once, self loops and edges with
an unlabelled end are left out. Definitions: edge homophily (Zhu et al., arXiv 2006.11468); node homophily (Pei et al.,
arXiv 2002.05287); class homophily (Lim et al., arXiv 2110.14446); adjusted homophily and label informativeness
(Platonov et al., arXiv 2209.06177); cross-class neighbourhood similarity (Ma et al., arXiv 2106.06134).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from graphkit.data.cards import Card
from graphkit.data.raw import Features, RawGraph, RawLinks
from graphkit.errors import GraphValidationError, ShapeError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelDiagnostics:
    """How class labels lie on a graph.

    Args:
        edge_homophily: share of edges that join nodes of one class.
        node_homophily: mean over nodes with neighbours of the share of neighbours of the same class.
        class_homophily: mean excess over chance of the same-class share, class by class, negative excess counted as 0.
        adjusted_homophily: edge homophily minus what degrees alone would give, scaled so that 1 is the most; 0 is
            chance. NaN where all edge ends have one class.
        label_informativeness: share of a node's label entropy that a neighbour's label removes, 0 to 1. NaN as above.
        neighbourhood_similarity: [C, C] mean cosine of the neighbour-class histograms of pairs of nodes, class by
            class; a node without neighbours counts as dissimilar to all.
        class_counts: [C] labelled nodes of each class.
    """

    edge_homophily: float
    node_homophily: float
    class_homophily: float
    adjusted_homophily: float
    label_informativeness: float
    neighbourhood_similarity: tuple[tuple[float, ...], ...]
    class_counts: tuple[int, ...]


@dataclass(frozen=True)
class Diagnostics:
    """Counts and label measures of a graph.

    Args:
        num_nodes: N.
        num_edges: E, columns of the edge index.
        is_undirected: every edge has its reverse.
        self_loops: edges from a node to itself.
        duplicate_edges: columns that repeat an earlier one.
        isolated_nodes: nodes without any edge but self loops.
        components: connected components, directions ignored.
        largest_component: nodes of the largest one.
        mean_degree: of the simple undirected graph.
        max_degree: of the simple undirected graph.
        feature_density: share of features that are not zero, or None without features.
        labels: label measures, or None where labels are not single classes.
    """

    num_nodes: int
    num_edges: int
    is_undirected: bool
    self_loops: int
    duplicate_edges: int
    isolated_nodes: int
    components: int
    largest_component: int
    mean_degree: float
    max_degree: int
    feature_density: float | None
    labels: LabelDiagnostics | None

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for JSON; NaN becomes None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain


def measure_nodes(raw: RawGraph, card: Card) -> dict[str, Any]:
    """Returns the measures of a graph with labelled nodes as plain values."""
    return diagnose(raw.edge_index, raw.y, raw.num_nodes, raw.x).to_dict()


def measure_links(raw: RawLinks, card: Card) -> dict[str, Any]:
    """Returns the measures of a graph whose links are asked for, as plain values; it has no labels."""
    found = diagnose(raw.edge_index, None, raw.num_nodes, raw.x).to_dict()
    return {key: value for key, value in found.items() if key not in ("labels", "is_undirected")}


def diagnose(edge_index: ArrayLike, y: ArrayLike | None, num_nodes: int, x: Features | None = None) -> Diagnostics:
    """Measures a graph in time linear in its size.

    Args:
        edge_index: [2, E] integers, row 0 sources and row 1 targets.
        y: [N] classes, negative where unlabelled; [N, L] labels and None get no label measures.
        num_nodes: N.
        x: [N, F] features, dense or scipy CSR.

    Raises:
        ShapeError: shapes do not fit each other.
        GraphValidationError: an edge names a node outside 0..N-1.

    Example:
        >>> path = [[0, 1, 1, 2], [1, 0, 2, 1]]
        >>> diagnose(path, [0, 0, 1], 3).labels.edge_homophily
        0.5
    """
    edges = np.asarray(edge_index, dtype=np.int64)
    if edges.ndim != 2 or len(edges) != 2:
        raise ShapeError(f"edge_index must be [2, E], got shape {list(edges.shape)}")
    if edges.size and (edges.min() < 0 or edges.max() >= num_nodes):
        raise GraphValidationError(
            f"edge_index names nodes {edges.min()}..{edges.max()}, but there are {num_nodes} nodes"
        )
    labels = None if y is None else np.asarray(y)
    if labels is not None and len(labels) != num_nodes:
        raise ShapeError(f"{len(labels)} labels for {num_nodes} nodes")
    forward = np.unique(edges[0] * num_nodes + edges[1])
    backward = np.unique(edges[1] * num_nodes + edges[0])
    simple = simple_undirected(edges, num_nodes)
    degree = np.diff(simple.indptr)
    count, member = connected_components(simple, directed=False)
    return Diagnostics(
        num_nodes=num_nodes,
        num_edges=edges.shape[1],
        is_undirected=np.array_equal(forward, backward),
        self_loops=int((edges[0] == edges[1]).sum()),
        duplicate_edges=edges.shape[1] - len(forward),
        isolated_nodes=int((degree == 0).sum()),
        components=int(count),
        largest_component=int(np.bincount(member).max()) if num_nodes else 0,
        mean_degree=float(degree.mean()) if num_nodes else 0.0,
        max_degree=int(degree.max()) if num_nodes else 0,
        feature_density=None if x is None else _density(x),
        labels=label_diagnostics(simple, labels) if labels is not None and labels.ndim == 1 else None,
    )


def simple_undirected(edges: NDArray[np.int64], num_nodes: int) -> sparse.csr_matrix:
    """Returns the [N, N] symmetric 0/1 adjacency without self loops."""
    proper = edges[:, edges[0] != edges[1]]
    rows, columns = np.concatenate([proper[0], proper[1]]), np.concatenate([proper[1], proper[0]])
    adjacency = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_nodes, num_nodes))
    adjacency.data[:] = 1.0
    return adjacency


def label_diagnostics(adjacency: sparse.csr_matrix, y: NDArray[Any]) -> LabelDiagnostics:
    """Measures how classes lie on a simple undirected graph.

    Args:
        adjacency: [N, N] symmetric, 0/1, without self loops.
        y: [N] classes; negative or NaN where unlabelled.

    Raises:
        ShapeError: no node has a label.
    """
    known = np.flatnonzero(np.where(np.isnan(y), -1, y) >= 0 if y.dtype.kind == "f" else y >= 0)
    if not len(known):
        raise ShapeError("no node has a label; pass y=None for a graph without labels")
    label = y[known].astype(np.int64)
    num_classes = int(label.max()) + 1
    member = np.eye(num_classes)[label]
    neighbours = adjacency[known][:, known] @ member  # [K, C]: neighbours of each class
    degree = neighbours.sum(axis=1)
    same = neighbours[np.arange(len(known)), label]
    joint = member.T @ neighbours  # [C, C]: edge ends by class and neighbour's class
    ends = joint.sum(axis=1)
    sizes = member.sum(axis=0)
    touched = degree > 0
    edge = _ratio(same.sum(), degree.sum())
    return LabelDiagnostics(
        edge_homophily=edge,
        node_homophily=float((same[touched] / degree[touched]).mean()) if touched.any() else float("nan"),
        class_homophily=_class_homophily(joint, ends, sizes),
        adjusted_homophily=_adjusted(edge, ends),
        label_informativeness=_informativeness(joint, ends),
        neighbourhood_similarity=_similarity(neighbours, member, sizes),
        class_counts=tuple(int(size) for size in sizes),
    )


def _class_homophily(joint: Floats, ends: Floats, sizes: Floats) -> float:
    if len(sizes) < 2:
        return float("nan")
    share = np.divide(np.diag(joint), ends, out=np.zeros_like(ends), where=ends > 0)
    return float(np.maximum(share - sizes / sizes.sum(), 0.0).sum() / (len(sizes) - 1))


def _adjusted(edge_homophily: float, ends: Floats) -> float:
    chance = float(np.square(ends / ends.sum()).sum()) if ends.sum() else 1.0
    return _ratio(edge_homophily - chance, 1.0 - chance)


def _informativeness(joint: Floats, ends: Floats) -> float:
    """2 - H(label, neighbour's label) / H(label), both over the ends of a random edge."""
    return 2.0 - _ratio(_entropy(joint.ravel()), _entropy(ends))


def _entropy(weights: Floats) -> float:
    share = weights[weights > 0] / weights.sum() if weights.any() else np.empty(0)
    return float(-(share * np.log(share)).sum()) + 0.0


def _similarity(neighbours: Floats, member: Floats, sizes: Floats) -> tuple[tuple[float, ...], ...]:
    """The mean over all pairs is the product of mean unit vectors, so no pair is ever formed."""
    length = np.linalg.norm(neighbours, axis=1, keepdims=True)
    unit = np.divide(neighbours, length, out=np.zeros_like(neighbours), where=length > 0)
    mean = (member.T @ unit) / np.maximum(sizes, 1.0)[:, None]
    return tuple(tuple(float(value) for value in row) for row in mean @ mean.T)


def _density(x: Features) -> float:
    nonzero = np.count_nonzero(x.data if isinstance(x, sparse.csr_matrix) else x)
    return _ratio(float(nonzero), float(x.shape[0] * x.shape[1]))


def _ratio(above: float, below: float) -> float:
    return float(above / below) if abs(below) > 1e-12 else float("nan")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and np.isnan(value) else value
