"""Forecasts of what an event will be worth, its sign or rating, from what earlier ones of its ends were."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores


class EdgeForecaster:
    """Says what value an event between two nodes will have, from the events that were shown."""

    kind: ClassVar[str] = "temporal-edge"

    def fit(self, num_nodes: int) -> None:
        """Forgets everything."""
        raise TypeError(f"{type(self).__name__} must define fit(num_nodes)")

    def observe(self, src: Array, dst: Array, value: Array) -> None:
        """Takes in events [B] and their values [B]."""
        raise TypeError(f"{type(self).__name__} must define observe(src, dst, value)")

    def predict(self, src: Array, dst: Array) -> Scores:
        """Returns values [B]; changes nothing."""
        raise TypeError(f"{type(self).__name__} must define predict(src, dst)")


class NodeMeanRating(EdgeForecaster):
    """The mean of all values, moved by how the source gives and how the destination is given.

    m + sum over earlier events of v as a destination of (y - m) / (n_v + damping) + likewise for u as a source: the
    bias terms of Koren, Bell, Volinsky, "Matrix factorization techniques for recommender systems", Computer 42(8),
    2009, each estimated by itself. Nodes without events leave the mean as it is.

    Args:
        source: lets the source's events count.
        destination: lets the destination's events count.
        damping: events that a node's mean is pulled to the mean of all by, at least 0.

    Shapes:
        src, dst, value [B]; returns [B].

    Raises:
        ConfigError: a damping below 0.

    Example:
        >>> model = NodeMeanRating(damping=0.0)
        >>> model.fit(3)
        >>> model.observe(np.array([0, 0]), np.array([1, 2]), np.array([1.0, -1.0]))
        >>> model.predict(np.array([0, 1]), np.array([1, 0])).tolist()
        [1.0, 0.0]
    """

    def __init__(self, source: bool = True, destination: bool = True, damping: float = 1.0) -> None:
        if damping < 0:
            raise ConfigError(f"node-mean-rating: scorer.options.damping is at least 0, got {damping}")
        self.source, self.destination, self.damping = source, destination, damping
        self.fit(0)

    def fit(self, num_nodes: int) -> None:
        """Forgets everything."""
        self._sum, self._many = np.zeros((2, num_nodes)), np.zeros((2, num_nodes))

    def observe(self, src: Array, dst: Array, value: Array) -> None:
        """Takes in events and their values."""
        for side, nodes in enumerate((src, dst)):
            np.add.at(self._sum[side], nodes, value)
            np.add.at(self._many[side], nodes, 1.0)

    def predict(self, src: Array, dst: Array) -> Scores:
        """Returns values [B]."""
        total = self._many[0].sum()
        mean = self._sum[0].sum() / total if total else 0.0
        found = np.full(len(src), mean)
        for side, nodes, counts in ((0, src, self.source), (1, dst, self.destination)):
            if counts:
                many = self._many[side][nodes]
                apart = self._sum[side][nodes] - many * mean
                found += np.divide(apart, many + self.damping, out=np.zeros(len(nodes)), where=many > 0)
        return found


class MeanRating(NodeMeanRating):
    """The mean of all values so far, the same for every pair: what the majority says."""

    def __init__(self) -> None:
        super().__init__(source=False, destination=False)
