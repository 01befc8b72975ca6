"""Scorers of pairs by how near two nodes are: random walks that return, shortest ways, similar surroundings."""

from __future__ import annotations

import numpy as np

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores
from graphkit.scorers.neighborhoods import Neighborhoods, checked_pairs


class PersonalizedPageRank(Neighborhoods):
    """Adds the probabilities to be at one node for a walk that keeps returning to the other.

    Andersen, Chung, Lang: "Local graph partitioning using PageRank vectors", FOCS 2006, by pushes, first in first out;
    as a score of links: rooted PageRank, Liben-Nowell and Kleinberg, CIKM 2003.

        score(i, j) = ppr_i(j) + ppr_j(i),    ppr_i = alpha e_i + (1 - alpha) ppr_i D^-1 A

    Each ppr_i(j) is too small by at most eps times the degree of j.

    Args:
        alpha: probability to return in a step.
        eps: mass a neighbour that stays where it is; a push costs 1 / (alpha eps) steps at most.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Raises:
        ConfigError: `alpha` or `eps` outside (0, 1).

    Example:
        >>> model = PersonalizedPageRank()
        >>> model.fit(np.array([[0], [1]]), 3)
        >>> model.score(np.array([[0, 0], [1, 2]])).round(4).tolist()
        [0.9189, 0.0]
    """

    def __init__(self, alpha: float = 0.15, eps: float = 1e-7) -> None:
        super().__init__()
        if not (0 < alpha < 1 and 0 < eps < 1):
            raise ConfigError(f"scorer.options.alpha and .eps must lie between 0 and 1, got {alpha} and {eps}")
        self.alpha, self.eps = alpha, eps

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        from graphkit.scorers.search import page_rank

        source, target = checked_pairs(pairs, self.num_nodes, "pair")
        root, leaf = np.concatenate([source, target]), np.concatenate([target, source])
        order = np.argsort(root, kind="stable")
        found, out = np.empty(len(root)), np.empty(len(root))
        page_rank(self.rowptr, self.col, root[order], leaf[order], self.alpha, self.eps, found)
        out[order] = found
        both: Scores = out[: len(source)] + out[len(source) :]
        return both


class ShortestPath(Neighborhoods):
    """Scores a pair by one over the number of steps between its nodes.

    Liben-Nowell and Kleinberg, CIKM 2003 (graph distance).

        score(i, j) = 1 / steps(i, j);  0 where there is no way, and for a node and itself

    Args:
        longest: most steps searched; pairs further apart score 0.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Raises:
        ConfigError: `longest` is below 1.

    Example:
        >>> model = ShortestPath()
        >>> model.fit(np.array([[0, 1], [1, 2]]), 4)
        >>> model.score(np.array([[0, 0], [2, 3]])).tolist()
        [0.5, 0.0]
    """

    def __init__(self, longest: int = 1_000_000) -> None:
        super().__init__()
        if longest < 1:
            raise ConfigError(f"scorer.options.longest must be at least 1, got {longest}")
        self.longest = longest

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        from graphkit.scorers.search import steps_between

        source, target = checked_pairs(pairs, self.num_nodes, "pair")
        steps = np.empty(len(source), dtype=np.int64)
        steps_between(self.rowptr, self.col, source, target, self.longest, steps)
        return np.divide(1.0, steps, out=np.zeros(len(steps)), where=steps > 0)


class SimRank(Neighborhoods):
    """Scores a pair by how alike its neighbourhoods are, which is how alike the pairs of neighbours are, and so on.

    Jeh and Widom: "SimRank: a measure of structural-context similarity", KDD 2002.

        score(i, i) = 1,    score(i, j) = decay / (|N(i)| |N(j)|) sum over u in N(i), v in N(j) of score(u, v)

    All N x N scores are computed, by repetition until none can move by more than `tolerance`.

    Args:
        decay: C of the paper.
        tolerance: most a score may be short of its limit.
        max_nodes: refuse larger graphs, whose table would not fit.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B].

    Raises:
        ConfigError: the graph has more than `max_nodes` nodes, `decay` lies outside (0, 1), or `tolerance` is not
            positive.

    Example:
        >>> model = SimRank()
        >>> model.fit(np.array([[0, 1], [2, 2]]), 3)
        >>> model.score(np.array([[0, 0], [1, 2]])).round(4).tolist()
        [0.8, 0.0]
    """

    def __init__(self, decay: float = 0.8, tolerance: float = 1e-5, max_nodes: int = 5000) -> None:
        super().__init__()
        if not (0 < decay < 1 and tolerance > 0):
            raise ConfigError(
                f"scorer.options.decay must lie between 0 and 1 and .tolerance above 0, got {decay} and {tolerance}"
            )
        self.decay, self.tolerance, self.max_nodes = decay, tolerance, max_nodes

    def fit(self, message: Array, num_nodes: int) -> None:
        """Computes the scores of all pairs."""
        if num_nodes > self.max_nodes:
            raise ConfigError(
                f"simrank keeps {num_nodes} x {num_nodes} scores, {8 * num_nodes**2 / 2**30:.1f} GiB, above its limit"
                f" of {self.max_nodes} nodes; raise scorer.options.max_nodes, or use ppr"
            )
        super().fit(message, num_nodes)
        averages = self.adjacency()
        averages.data /= np.repeat(self.degree, np.diff(self.rowptr))
        table = np.eye(num_nodes)
        change = np.inf
        # Every repetition moves the scores by at most `decay` times what the one before did.
        while change * self.decay / (1 - self.decay) > self.tolerance:
            following = self.decay * (averages @ np.ascontiguousarray((averages @ table).T))
            np.fill_diagonal(following, 1.0)
            change = float(np.abs(following - table).max(initial=0.0))
            table = following
        self._table = table

    def score(self, pairs: Array) -> Scores:
        """Returns the [B] scores of [2, B] pairs."""
        source, target = checked_pairs(pairs, self.num_nodes, "pair")
        found: Scores = self._table[source, target]
        return found
