"""Local and global recency and popularity, and their combination: the pair decides, the destination breaks ties.

"On the Power of Heuristics in Temporal Graphs", 2025 (arXiv 2502.04910). *Local* is about a pair (source, destination),
*global* about a destination whoever turned to it; *recency* is when it last happened, *popularity* how often it did.
Local and global recency by themselves are `streams.PairRecency` and `streams.DestinationRecency`.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores, StreamScorer
from graphkit.scorers.pair_table import PairTable

Signal = Literal["recency", "popularity"]


class _Clock:
    """Numbers distinct times 1, 2, ... as they come: whole numbers that compare as the times do."""

    def __init__(self) -> None:
        self.tick, self._last = 0, -np.inf

    def __call__(self, t: Array) -> Scores:
        """Returns the [B] numbers of times that never fall."""
        if not len(t):
            return np.empty(0)
        steps = np.diff(t.astype(np.float64), prepend=self._last) > 0
        ticks: Scores = self.tick + np.cumsum(steps).astype(np.float64)
        self.tick, self._last = int(ticks[-1]), float(t[-1])
        return ticks


class PairPopularity(StreamScorer):
    """Ranks candidates by how often they met the source.

    "On the Power of Heuristics in Temporal Graphs", 2025 (arXiv 2502.04910), local popularity.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], counts.

    Example:
        >>> model = PairPopularity()
        >>> model.fit(np.array([0, 0]), np.array([1, 1]), np.array([5, 6]), 3)
        >>> model.score(np.array([0]), np.array([[1, 2]]), np.array([7])).tolist()
        [[2.0, 0.0]]
    """

    def __init__(self) -> None:
        self._count = PairTable(1)

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._count = PairTable(num_nodes)
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Counts further events."""
        self._count.add(src, dst, np.ones(len(src)))

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return self._count.get(src, candidates, 0.0)


class DestinationPopularity(StreamScorer):
    """Ranks candidates by how often any source turned to them.

    "On the Power of Heuristics in Temporal Graphs", 2025 (arXiv 2502.04910), global popularity.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], counts.
    """

    def __init__(self) -> None:
        self._count = np.empty(0)

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._count = np.zeros(num_nodes)
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Counts further events."""
        np.add.at(self._count, dst, 1.0)

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return for_each_source(self._count[candidates], src)


class _LocalGlobal(StreamScorer):
    """Orders candidates by the signal of the pair, and those that are level by the signal of the destination.

    Both are whole numbers (times are counted, not measured), so that `local * (largest global + 1) + global` is that
    order exactly, in one float64.
    """

    def __init__(self, name: str, local: Signal, tie: Signal) -> None:
        if tie not in get_args(Signal):
            raise ConfigError(f"{name}: scorer.options.tie is one of {', '.join(get_args(Signal))}, got {tie!r}")
        self.local, self.tie = local, tie
        self._clock, self._pairs, self._nodes = _Clock(), PairTable(1), np.empty(0)

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._clock, self._pairs, self._nodes = _Clock(), PairTable(num_nodes), np.zeros(num_nodes)
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in further events."""
        ticks = self._clock(t)
        if self.local == "recency":
            self._pairs.put(src, dst, ticks)
        else:
            self._pairs.add(src, dst, np.ones(len(src)))
        if self.tie == "recency":
            np.maximum.at(self._nodes, dst, ticks)
        else:
            np.add.at(self._nodes, dst, 1.0)

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        step = 1.0 + (self._clock.tick if self.tie == "recency" else self._nodes.max(initial=0.0))
        found = self._pairs.get(src, candidates, 0.0)
        found *= step
        found += self._nodes[candidates]
        return found


class LocalGlobalRecency(_LocalGlobal):
    """Ranks candidates by when they last met the source; those level in that, such as strangers, by the destination.

    "On the Power of Heuristics in Temporal Graphs", 2025 (arXiv 2502.04910), local recency, ties broken by a global
    signal. On streams that repeat it is the strongest memory without parameters.

    Args:
        tie: `recency`, when the candidate was last turned to, or `popularity`, how often.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], whole numbers.

    Raises:
        ConfigError: no such signal.

    Example:
        >>> model = LocalGlobalRecency()
        >>> model.fit(np.array([0, 5]), np.array([1, 2]), np.array([5, 6]), 6)
        >>> model.score(np.array([0]), np.array([[1, 2, 3]]), np.array([7])).argsort().tolist()
        [[2, 1, 0]]
    """

    def __init__(self, tie: Signal = "recency") -> None:
        super().__init__("local-global-recency", "recency", tie)


class LocalGlobalPopularity(_LocalGlobal):
    """Ranks candidates by how often they met the source, and those level in that by the destination.

    "On the Power of Heuristics in Temporal Graphs", 2025 (arXiv 2502.04910), local popularity, ties broken by a global
    signal.

    Args:
        tie: as in `LocalGlobalRecency`.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K], whole numbers.

    Raises:
        ConfigError: no such signal.
    """

    def __init__(self, tie: Signal = "popularity") -> None:
        super().__init__("local-global-popularity", "popularity", tie)


def for_each_source(found: Array, src: Array) -> Scores:
    """Returns [B, K] from values [B, K], or from [K] that all B sources share."""
    return found if found.ndim == 2 else np.broadcast_to(found, (len(src), len(found)))
