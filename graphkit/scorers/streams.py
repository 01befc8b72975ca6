"""Scorers of event streams: whether and when a pair met, and when a destination was last turned to."""

from __future__ import annotations

import numpy as np

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores, StreamScorer
from graphkit.scorers.heuristics import for_each_source
from graphkit.scorers.pair_table import PairTable

_NEVER = -np.inf


class _PairMemory(StreamScorer):
    """Remembers the last time of every pair."""

    def __init__(self) -> None:
        self._table = PairTable(1)
        self._origin = self._now = 0.0

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._table = PairTable(num_nodes)
        self._origin = float(t[0]) if len(t) else 0.0
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Remembers further events."""
        self._table.put(src, dst, t.astype(np.float64))
        if len(t):
            self._now = float(t[-1])

    def _last(self, src: Array, candidates: Array) -> Scores:
        return self._table.get(src, candidates, _NEVER)


class EdgeBank(_PairMemory):
    """Predicts that what happened will happen again: 1 for a pair that met before, 0 for any other.

    Poursafaei, Huang, Pelrine, Rabbany: "Towards Better Evaluation for Dynamic Link Prediction", NeurIPS 2022 (arXiv
    2207.10128), EdgeBank with unlimited memory.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K] of 0 and 1.

    Example:
        >>> model = EdgeBank()
        >>> model.fit(np.array([0]), np.array([1]), np.array([5]), 3)
        >>> model.score(np.array([0]), np.array([[1, 2]]), np.array([6])).tolist()
        [[1.0, 0.0]]
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return self._table.at_least(src, candidates, _NEVER)


class TimeWindowEdgeBank(_PairMemory):
    """EdgeBank that forgets: 1 for a pair that met within the last part of the time the training events took.

    Poursafaei et al., NeurIPS 2022 (arXiv 2207.10128), EdgeBank with a time window. The window ends at the latest event
    that was shown, as in the code of the Temporal Graph Benchmark, not at the time of the question.

    Args:
        window: length of the window as a part of the training time, above 0.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K] of 0 and 1.

    Raises:
        ConfigError: the window is not above 0.
    """

    def __init__(self, window: float = 0.15) -> None:
        super().__init__()
        if not window > 0:
            raise ConfigError(
                f"edgebank-tw: scorer.options.window is a part of the training time above 0, got {window}"
            )
        self.window = window
        self._length = 0.0

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        super().fit(src, dst, t, num_nodes)
        self._length = self.window * (self._now - self._origin)

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return self._table.at_least(src, candidates, self._now - self._length)


class PairRecency(_PairMemory):
    """Ranks candidates by when they last met the source; those it never met come last, all level.

    The strongest memory without parameters on streams that repeat (see docs/temporal-links.md).

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], 0 where a pair never met.
    """

    def __init__(self) -> None:
        super().__init__()

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        last = self._last(src, candidates)
        return np.where(last > _NEVER, 1.0 + (last - self._origin), 0.0)


class DestinationRecency(StreamScorer):
    """Ranks candidates by when any source last turned to them; those nobody did come last, all level.

    The time version of the popularity baselines of Daniluk and Dabrowski, "Temporal graph models fail to capture global
    temporal dynamics", 2023 (arXiv 2309.15730).

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], 0 where a node was never a destination.
    """

    def __init__(self) -> None:
        self._last = np.empty(0)
        self._origin = 0.0

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._last = np.zeros(num_nodes)
        self._origin = float(t[0]) if len(t) else 0.0
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Remembers further events."""
        np.maximum.at(self._last, dst, 1.0 + (t.astype(np.float64) - self._origin))

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return for_each_source(self._last[candidates], src)
