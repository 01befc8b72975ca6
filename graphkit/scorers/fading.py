"""Popularity that fades, by itself and with memory of pairs: PopTrack and Base3."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.errors import ConfigError
from graphkit.scorers.base import Array, Scores, StreamScorer
from graphkit.scorers.heuristics import for_each_source
from graphkit.scorers.pair_table import PairTable

_jit = njit(cache=True, nogil=True)


class PopTrack(StreamScorer):
    """Ranks candidates by how often they were turned to of late, whoever did: every event fades as others follow.

    Daniluk and Dabrowski, "Temporal graph models fail to capture global temporal dynamics", 2023 (arXiv 2309.15730):
    P_v = sum over the events i of v of decay^(events after i). The paper fades once a batch; here every event fades, as
    in the code of Base3, so that the score does not depend on how the stream is cut into batches.

    Args:
        decay: what an event keeps of its weight as one more event passes, in (0, 1].

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K] >= 0.

    Raises:
        ConfigError: a decay outside (0, 1].

    Example:
        >>> model = PopTrack(decay=0.5)
        >>> model.fit(np.array([0, 0, 0]), np.array([1, 1, 2]), np.array([5, 6, 7]), 3)
        >>> model.score(np.array([0]), np.array([[1, 2]]), np.array([8])).tolist()
        [[0.75, 1.0]]
    """

    def __init__(self, decay: float = 0.995) -> None:
        self._popularity = _Fading(decay, "poptrack")

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._popularity.clear(num_nodes)
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in further events."""
        self._popularity.put(dst)

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores; the time of the question does not count."""
        return for_each_source(self._popularity.now()[candidates], src)


class Base3(StreamScorer):
    """Blends three memories: whether a pair met (EdgeBank), popularity (PopTrack) and co-occurrence (t-CoMem).

    Kondrup, "Base3: a simple interpolation-based ensemble method for robust dynamic link prediction", 2025 (arXiv
    2506.12764), with the weights of its code: score = a E + b P + c M, (a, b, c) = (0.5, 0.2, 0.3) for pairs that met
    and (0.2, 0.3, 0.5) for others. E is 1 for a pair that met; P is 1 for the `top` most popular destinations; M =
    x / (1 + x), x = sum over recent destinations w of the source of exp(-age / window) popularity(w) +
    cooccurrence n / (1 + n), n the times the two met in either direction. The code keeps the popularity of a recent
    destination as it was first asked for; here it is the present one.

    Args:
        top: how many destinations count as popular, at least 1; those level with the last one count, too.
        window: how long destinations are recent, in the time unit of the dataset, above 0.
        cooccurrence: weight of meetings.
        decay: as in `PopTrack`.
        recent: how many destinations of a source are remembered, at least 1.

    Shapes:
        src, dst, t [T]; candidates [B, K] or [K]; scores [B, K] in [0, 1].

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self,
        top: int = 500,
        window: float = 1e6,
        cooccurrence: float = 0.5,
        decay: float = 0.995,
        recent: int = 100,
    ) -> None:
        for name, value, least in (("top", top, 1), ("recent", recent, 1), ("cooccurrence", cooccurrence, 0.0)):
            if value < least:
                raise ConfigError(f"base3: scorer.options.{name} is at least {least}, got {value}")
        if not window > 0:
            raise ConfigError(f"base3: scorer.options.window is a time above 0, got {window}")
        self.top, self.window, self.cooccurrence, self.recent = top, window, cooccurrence, recent
        self._popularity = _Fading(decay, "base3")
        self._met, self._meetings = PairTable(1), PairTable(1)
        self._row, self._used = np.empty(0, dtype=np.int64), 0
        self._ring, self._when, self._count = _rings(0, recent)

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Starts over from the training events."""
        self._popularity.clear(num_nodes)
        self._met, self._meetings = PairTable(num_nodes), PairTable(num_nodes)
        self._row, self._used = np.full(num_nodes, -1, dtype=np.int64), 0
        self._ring, self._when, self._count = _rings(1024, self.recent)
        self.observe(src, dst, t)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in further events."""
        self._popularity.put(dst)
        ones = np.ones(len(src))
        self._met.put(src, dst, ones)
        self._meetings.add(src, dst, ones)
        self._meetings.add(dst, src, ones)
        fresh = np.unique(src[self._row[src] < 0])
        self._row[fresh] = self._used + np.arange(len(fresh))
        self._used += len(fresh)
        if self._used > len(self._ring):
            kept, grown = len(self._ring), _rings(2 * self._used, self.recent)
            for old, new in zip((self._ring, self._when, self._count), grown, strict=True):
                new[:kept] = old
            self._ring, self._when, self._count = grown
        _remember(self._ring, self._when, self._count, self._row[src], dst, t.astype(np.float64))

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] scores."""
        popularity = self._popularity.now()
        least = np.partition(popularity, -self.top)[-self.top] if len(popularity) > self.top else 0.0
        popular = (popularity >= least) & (popularity > 0)
        rows = self._row[src]
        context = np.zeros(len(src))
        _recall(self._ring, self._when, self._count, rows, t.astype(np.float64), self.window, popularity, context)
        met = self._met.get(src, candidates, 0.0)
        times = self._meetings.get(src, candidates, 0.0)
        x = context[:, None] + self.cooccurrence * times / (1.0 + times)
        return (
            0.5 * met
            + (0.3 - 0.1 * met) * for_each_source(popular[candidates], src)
            + (0.5 - 0.2 * met) * x / (1.0 + x)
        )


class _Fading:
    """Popularity of every node, faded by a factor at every event; a node is brought up to date when it is touched."""

    def __init__(self, decay: float, owner: str) -> None:
        if not 0 < decay <= 1:
            raise ConfigError(f"{owner}: scorer.options.decay is in (0, 1], got {decay}")
        self.decay = decay
        self.clear(0)

    def clear(self, num_nodes: int) -> None:
        """Forgets everything."""
        self._value, self._seen, self._events = np.zeros(num_nodes), np.zeros(num_nodes, dtype=np.int64), 0

    def put(self, nodes: Array) -> None:
        """Counts events [B] of nodes, in order."""
        _fade(self._value, self._seen, nodes, self._events, self.decay)
        self._events += len(nodes)

    def now(self) -> Scores:
        """Returns the [N] popularity after the last event."""
        return self._value * self.decay ** (self._events - self._seen).astype(np.float64)


def _rings(rows: int, width: int) -> tuple[Array, Scores, Array]:
    return np.zeros((rows, width), dtype=np.int64), np.zeros((rows, width)), np.zeros(rows, dtype=np.int64)


@_jit
def _fade(value, seen, nodes, events, decay):  # type: ignore[no-untyped-def]
    for i in range(len(nodes)):
        node, now = nodes[i], events + i + 1
        value[node] = 1.0 + value[node] * decay ** (now - seen[node])
        seen[node] = now


@_jit
def _remember(ring, when, count, rows, dst, t):  # type: ignore[no-untyped-def]
    width = ring.shape[1]
    for i in range(len(rows)):
        row = rows[i]
        place = count[row] % width
        ring[row, place], when[row, place] = dst[i], t[i]
        count[row] += 1


@_jit
def _recall(ring, when, count, rows, t, window, popularity, found):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        if rows[i] < 0:
            continue
        for place in range(min(count[rows[i]], ring.shape[1])):
            age = t[i] - when[rows[i], place]
            if 0 <= age <= window:
                found[i] += np.exp(-age / window) * popularity[ring[rows[i], place]]
