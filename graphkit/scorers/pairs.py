"""Scorers of pairs: what two nodes have in common, and how busy they are."""

from __future__ import annotations

import numpy as np

from graphkit.scorers.base import Array, Scores
from graphkit.scorers.neighborhoods import Neighborhoods, checked_pairs


class _Overlaps(Neighborhoods):
    def _overlap(self, pairs: Array, weight: Scores) -> Scores:
        from graphkit.scorers.overlap import weighted_overlap

        source, target = checked_pairs(pairs, self.num_nodes, "pair")
        return weighted_overlap(self.rowptr, self.col, source, target, weight)


class CommonNeighbors(_Overlaps):
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


class AdamicAdar(_Overlaps):
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


class ResourceAllocation(_Overlaps):
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


class Jaccard(_Overlaps):
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


class PreferentialAttachment(Neighborhoods):
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
        source, target = checked_pairs(pairs, self.num_nodes, "pair")
        product: Scores = self.degree[source] * self.degree[target]
        return product
