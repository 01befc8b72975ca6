"""The graph scorers of pairs look at: simple, undirected, its rows sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.errors import GraphValidationError
from graphkit.scorers.base import Array, PairScorer, Scores

Nodes = NDArray[np.int64]


class Neighborhoods(PairScorer):
    """Keeps the simple undirected graph as sorted rows of neighbours."""

    def __init__(self) -> None:
        self.rowptr: Nodes = np.zeros(1, dtype=np.int64)
        self.col: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def fit(self, message: Array, num_nodes: int) -> None:
        """Keeps the simple undirected graph of the edges."""
        source, target = checked_pairs(message, num_nodes, "edge")
        proper = source != target
        ends = np.concatenate([source[proper], target[proper]]), np.concatenate([target[proper], source[proper]])
        there = np.ones(len(ends[0]), dtype=bool)
        rows = sparse.coo_matrix((there, ends), shape=(num_nodes, num_nodes)).tocsr()  # linear, where a sort is not
        rows.sum_duplicates()  # sorts the rows, too
        self.rowptr, self.col = rows.indptr.astype(np.int64), rows.indices

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.rowptr) - 1

    @property
    def degree(self) -> Scores:
        """[N] number of neighbours."""
        return np.diff(self.rowptr).astype(np.float64)

    def adjacency(self) -> sparse.csr_matrix:
        """The adjacency matrix [N, N] of zeros and ones in float64."""
        return sparse.csr_matrix((np.ones(len(self.col)), self.col, self.rowptr), shape=(self.num_nodes,) * 2)


def checked_pairs(pairs: Array, num_nodes: int, what: str) -> tuple[Nodes, Nodes]:
    """Returns the two ends of pairs or edges [2, B] as int64.

    Args:
        pairs: to be checked.
        num_nodes: N.
        what: `pair` or `edge`, for messages.

    Raises:
        GraphValidationError: no whole numbers [2, B], or a node that is not there; the first one is named.
    """
    array: NDArray[Any] = np.asarray(pairs)
    if array.ndim != 2 or len(array) != 2 or array.dtype.kind not in "iu":
        raise GraphValidationError(f"{what}s must be whole numbers [2, B], got {array.dtype} {list(array.shape)}")
    if array.size and not (array.min() >= 0 and array.max() < num_nodes):
        column = int(np.flatnonzero(((array < 0) | (array >= num_nodes)).any(axis=0))[0])
        raise GraphValidationError(
            f"{what} {column} is {array[0, column]} - {array[1, column]}, but nodes are numbered 0..{num_nodes - 1}"
        )
    return array[0].astype(np.int64), array[1].astype(np.int64)


def by_root(source: Nodes, target: Nodes) -> tuple[Nodes, Nodes]:
    """Puts that end first of which there are fewer different ones: each is searched from once."""
    return (source, target) if len(np.unique(source)) <= len(np.unique(target)) else (target, source)
