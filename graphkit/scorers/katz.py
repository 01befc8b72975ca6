"""Scorers of pairs by the walks between two nodes, all of them or the short ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import eigsh

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores
from graphkit.scorers.neighborhoods import Neighborhoods, by_root, checked_pairs

_CELLS = 1 << 22
"""Sums computed at a time: columns of N."""
_KEPT = 1 << 25
"""Sums kept for the next call on the same graph, where there are no more than that (5,792 nodes)."""
_WIDTH = 64
"""Columns computed at a time; so many stay in the cache of a processor."""


class Katz(Neighborhoods):
    """Counts all walks between two nodes, longer ones less.

    Katz: "A new status index derived from sociometric analysis", Psychometrika 18(1), 1953.

        score(i, j) = sum over l >= 1 of beta^l (A^l)_ij = ((I - beta A)^-1 - I)_ij

    The series is summed until the last terms are below 1e-13 of every single score. Its terms are not negative, so far
    pairs, whose scores are tiny, are as precise as near ones, which a solver does not give.

    Args:
        beta: what a step costs; below 1 / (largest eigenvalue of A), or the sum has no limit.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Raises:
        ConfigError: `beta` is not positive, or too large for the graph.

    Example:
        >>> model = Katz(beta=0.1)
        >>> model.fit(np.array([[0], [1]]), 2)
        >>> model.score(np.array([[0], [1]])).round(6).tolist()
        [0.10101]
    """

    def __init__(self, beta: float = 0.005) -> None:
        super().__init__()
        self.beta = _positive(beta)
        self._kept: Scores | None = None

    def fit(self, message: Array, num_nodes: int) -> None:
        """Keeps the simple undirected graph of the edges, and makes sure that the sum has a limit."""
        super().fit(message, num_nodes)
        self._matrix = self.adjacency()
        self._kept = np.empty((num_nodes, num_nodes)) if num_nodes**2 <= _KEPT else None
        self._known = np.zeros(num_nodes, dtype=bool)
        radius = _largest_eigenvalue(self._matrix)
        if self.beta * radius >= 1:
            raise ConfigError(
                f"katz has no limit for beta = {self.beta:g} on this graph, whose largest eigenvalue is {radius:.4g}:"
                f" set scorer.options.beta below {1 / radius:.3g}, or use katz-truncated"
            )

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        root, leaf = by_root(*checked_pairs(pairs, self.num_nodes, "pair"))
        if self._kept is not None:
            missing = np.unique(root[~self._known[root]])
            for columns in self._blocks(missing):
                self._kept[columns] = self._columns(columns).T
                self._known[columns] = True
            return self._kept[root, leaf]
        out = np.empty(len(root))
        roots, place = np.unique(root, return_inverse=True)
        for columns in self._blocks(roots):
            first, last = np.searchsorted(roots, columns[[0, -1]])
            own = (place >= first) & (place <= last)
            out[own] = self._columns(columns)[leaf[own], place[own] - first]
        return out

    def _blocks(self, roots: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        width = max(1, min(_WIDTH, _CELLS // max(self.num_nodes, 1)))
        return [roots[first : first + width] for first in range(0, len(roots), width)]

    def _columns(self, roots: NDArray[np.int64]) -> Scores:
        """Columns of the sum; each one ends by itself, so that a score does not depend on the other pairs."""
        total = np.zeros((self.num_nodes, len(roots)))
        term = np.zeros_like(total)
        term[roots, np.arange(len(roots))] = 1.0
        before, running = np.zeros_like(term), np.arange(len(roots))
        while len(running):
            before, term = term, self.beta * (self._matrix @ term)
            total[:, running] += term
            # Two terms, because on a bipartite graph every other one is zero.
            open_ = (np.maximum(before, term) > 1e-13 * total[:, running]).any(axis=0)
            before, term, running = before[:, open_], term[:, open_], running[open_]
        return total


class TruncatedKatz(Neighborhoods):
    """Counts the walks of at most a few steps between two nodes, longer ones less.

    The usual shortening of `Katz` (Liben-Nowell and Kleinberg, CIKM 2003), which needs no limit of the sum. HeaRT
    (arXiv 2306.10453) counts simple paths instead of walks, so its numbers differ.

        score(i, j) = sum over 1 <= l <= length of beta^l (A^l)_ij

    Args:
        beta: what a step costs.
        length: most steps; three look at the neighbours' neighbours of one end and the neighbours of the other.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Raises:
        ConfigError: `beta` is not positive or `length` below 1.

    Example:
        >>> model = TruncatedKatz(beta=0.1, length=3)
        >>> model.fit(np.array([[0], [1]]), 2)
        >>> model.score(np.array([[0], [1]])).round(6).tolist()
        [0.101]
    """

    def __init__(self, beta: float = 0.005, length: int = 3) -> None:
        super().__init__()
        self.beta, self.length = _positive(beta), length
        if length < 1:
            raise ConfigError(f"scorer.options.length must be at least 1, got {length}")

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        from graphkit.scorers.search import walks

        root, leaf = by_root(*checked_pairs(pairs, self.num_nodes, "pair"))
        order, out = np.argsort(root, kind="stable"), np.empty(len(root))
        found = np.empty(len(root))
        walks(self.rowptr, self.col, root[order], leaf[order], self.beta, self.length, found)
        out[order] = found
        return out


def _positive(beta: float) -> float:
    if not 0 < beta < np.inf:
        raise ConfigError(f"scorer.options.beta must be a positive number, got {beta}")
    return beta


def _largest_eigenvalue(matrix: sparse.csr_matrix) -> float:
    nodes = matrix.shape[0]
    if matrix.nnz == 0:
        return 0.0
    if nodes < 64:
        return float(np.linalg.eigvalsh(matrix.toarray())[-1])
    # Never orthogonal to the leading vector, which is not negative; and the same for every run.
    return float(eigsh(matrix, k=1, which="LA", v0=np.ones(nodes), return_eigenvectors=False)[0])
