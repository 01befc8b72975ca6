"""Scorers of pairs: what two nodes have in common, and how busy they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.errors import GraphValidationError
from graphkit.scorers.base import Array, PairScorer, Scores


class _Neighbourhoods(PairScorer):
    """Keeps the simple undirected graph as sorted rows of neighbours."""

    def __init__(self) -> None:
        self.rowptr: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self.col: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def fit(self, message: Array, num_nodes: int) -> None:
        """Keeps the simple undirected graph of the edges."""
        source, target = _checked(message, num_nodes, "edge")
        proper = source != target
        ends = np.concatenate([source[proper], target[proper]]), np.concatenate([target[proper], source[proper]])
        there = np.ones(len(ends[0]), dtype=bool)
        rows = sparse.coo_matrix((there, ends), shape=(num_nodes, num_nodes)).tocsr()  # linear, where a sort is not
        rows.sum_duplicates()  # sorts the rows, too
        self.rowptr, self.col = rows.indptr.astype(np.int64), rows.indices

    @property
    def degree(self) -> Scores:
        """[N] number of neighbours."""
        return np.diff(self.rowptr).astype(np.float64)

    def _overlap(self, pairs: Array, weight: Scores) -> Scores:
        from graphkit.scorers.overlap import weighted_overlap

        source, target = _checked(pairs, len(self.rowptr) - 1, "pair")
        return weighted_overlap(self.rowptr, self.col, source, target, weight)


class CommonNeighbors(_Neighbourhoods):
    """Counts the neighbours two nodes share.

    Liben-Nowell and Kleinberg: "The link prediction problem for social networks", CIKM 2003.

        score(i, j) = |N(i) & N(j)|

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Example:
        >>> model = CommonNeighbors()
        >>> model.fit(np.array([[0, 1, 1], [1, 2, 3]]), 4)
        >>> model.score(np.array([[0, 2], [2, 3]])).tolist()
        [1.0, 1.0]
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        return self._overlap(pairs, np.ones(len(self.rowptr) - 1))


class AdamicAdar(_Neighbourhoods):
    """Counts shared neighbours, those with few neighbours more; a neighbour of degree 1 counts 0.

    Adamic and Adar: "Friends and neighbors on the Web", Social Networks 25(3), 2003.

        score(i, j) = sum over u in N(i) & N(j) of 1 / log |N(u)|

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        logs = np.log(np.maximum(self.degree, 1.0))
        return self._overlap(pairs, np.divide(1.0, logs, out=np.zeros_like(logs), where=logs > 0))


class ResourceAllocation(_Neighbourhoods):
    """Counts shared neighbours, each divided by its number of neighbours.

    Zhou, Lue, Zhang: "Predicting missing links via local information", Eur. Phys. J. B 71, 2009 (arXiv 0901.0553).

        score(i, j) = sum over u in N(i) & N(j) of 1 / |N(u)|

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        return self._overlap(pairs, 1.0 / np.maximum(self.degree, 1.0))


class Jaccard(_Neighbourhoods):
    """Counts shared neighbours as a part of all neighbours two nodes have; 0 where they have none.

    Liben-Nowell and Kleinberg, CIKM 2003.

        score(i, j) = |N(i) & N(j)| / |N(i) | N(j)|

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        common = self._overlap(pairs, np.ones(len(self.rowptr) - 1))
        union = self.degree[np.asarray(pairs[0])] + self.degree[np.asarray(pairs[1])] - common
        return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


class PreferentialAttachment(_Neighbourhoods):
    """Multiplies the numbers of neighbours: the rich get richer.

    Newman, 2001, and Barabasi et al., 2002, as in Liben-Nowell and Kleinberg, CIKM 2003.

        score(i, j) = |N(i)| |N(j)|

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        source, target = _checked(pairs, len(self.rowptr) - 1, "pair")
        product: Scores = self.degree[source] * self.degree[target]
        return product


def _checked(pairs: Array, num_nodes: int, what: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    array: NDArray[Any] = np.asarray(pairs)
    if array.ndim != 2 or len(array) != 2 or array.dtype.kind not in "iu":
        raise GraphValidationError(f"{what}s must be whole numbers [2, B], got {array.dtype} {list(array.shape)}")
    if array.size and not (array.min() >= 0 and array.max() < num_nodes):
        column = int(np.flatnonzero(((array < 0) | (array >= num_nodes)).any(axis=0))[0])
        raise GraphValidationError(
            f"{what} {column} is {array[0, column]} - {array[1, column]}, but nodes are numbered 0..{num_nodes - 1}"
        )
    return array[0].astype(np.int64), array[1].astype(np.int64)
