"""Forecasts of node labels from the labels that were shown: the last one, and a moving average."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array


class LabelForecaster:
    """Says what label a node will have, from the labels it had."""

    kind: ClassVar[str] = "temporal-node"

    def fit(self, num_nodes: int, num_classes: int) -> None:
        """Forgets everything."""
        raise TypeError(f"{type(self).__name__} must define fit(num_nodes, num_classes)")

    def observe(self, nodes: Array, labels: NDArray[np.float32]) -> None:
        """Takes in labels [B, C] of different nodes [B] at one time."""
        raise TypeError(f"{type(self).__name__} must define observe(nodes, labels)")

    def predict(self, nodes: Array) -> NDArray[np.float32]:
        """Returns [B, C] scores of classes."""
        raise TypeError(f"{type(self).__name__} must define predict(nodes)")


class LastLabel(LabelForecaster):
    """Repeats the last label of a node; zeros, all classes level, for a node without one.

    Huang et al., "Temporal Graph Benchmark", NeurIPS 2023 (arXiv 2307.01026), persistent forecast.

    Shapes:
        nodes [B]; labels and scores [B, C].

    Example:
        >>> model = LastLabel()
        >>> model.fit(2, 2)
        >>> model.observe(np.array([1]), np.array([[0.0, 3.0]], dtype=np.float32))
        >>> model.predict(np.array([0, 1])).tolist()
        [[0.0, 0.0], [0.0, 3.0]]
    """

    def __init__(self) -> None:
        self._label = np.zeros((0, 0), dtype=np.float32)

    def fit(self, num_nodes: int, num_classes: int) -> None:
        """Forgets everything."""
        self._label = np.zeros((num_nodes, num_classes), dtype=np.float32)

    def observe(self, nodes: Array, labels: NDArray[np.float32]) -> None:
        """Takes in labels."""
        self._label[nodes] = labels

    def predict(self, nodes: Array) -> NDArray[np.float32]:
        """Returns the last labels."""
        return self._label[nodes]


class LabelAverage(LastLabel):
    """Moves a node's average a part of the way to every new label: a' = a + (y - a) / window; the first label is a.

    Huang et al., NeurIPS 2023 (arXiv 2307.01026), moving average as in the benchmark's code, window 7.

    Args:
        window: how slowly the average follows, at least 1; 1 is the last label.

    Shapes:
        nodes [B]; labels and scores [B, C].

    Raises:
        ConfigError: the window is below 1.
    """

    def __init__(self, window: float = 7.0) -> None:
        super().__init__()
        if not window >= 1:
            raise ConfigError(f"label-average: scorer.options.window is at least 1, got {window}")
        self.window = window
        self._known = np.zeros(0, dtype=bool)

    def fit(self, num_nodes: int, num_classes: int) -> None:
        """Forgets everything."""
        super().fit(num_nodes, num_classes)
        self._known = np.zeros(num_nodes, dtype=bool)

    def observe(self, nodes: Array, labels: NDArray[np.float32]) -> None:
        """Takes in labels."""
        before = self._label[nodes]
        part = np.where(self._known[nodes], 1.0 / self.window, 1.0).astype(np.float32)
        self._label[nodes] = before + part[:, None] * (labels - before)
        self._known[nodes] = True
