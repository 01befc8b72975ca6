"""Recency and popularity of pairs as inputs of a learned head: what the best baselines without parameters know."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.kernels.cpu import pair_history as compiled
from graphkit.kernels.tables import Tables

Array = NDArray[Any]
FEATURES = (
    "met before",
    "age of the last meeting",
    "number of meetings",
    "was the source's last destination",
    "age of the candidate's last event as a destination",
    "number of those events",
    "age of the source's last event as a source",
    "number of those events",
)
"""Ages are log(1 + age / gap) / 10 (2 where there is none), numbers log(1 + n) / 5."""
_START = 1 << 10


class PairHistory:
    """Counts and last times of pairs, sources and destinations, in tables that grow.

    Args:
        state: tables to live in.
        gap: time that ages are divided by, such as the mean time between two events of the stream.

    Example:
        >>> history = PairHistory(Tables(3), 1.0)
        >>> history.observe(np.array([0]), np.array([1]), np.array([5.0]))
        >>> history.features(np.array([0]), np.array([[1, 2]]), np.array([5.0]))[0, :, 0].tolist()
        [1.0, 0.0]
    """

    def __init__(self, state: Tables, gap: float) -> None:
        self.state, self.gap = state, gap
        self.reset()

    def reset(self) -> None:
        """Forgets every event."""
        self._hash(np.full(_START, compiled.EMPTY), np.zeros(_START), np.zeros(_START, dtype=np.int64))
        self.state.put("history/pairs", np.zeros(1, dtype=np.int64))
        for key, dtype in (("seen_t", np.float64), ("seen_n", np.int64), ("sent_t", np.float64), ("sent_n", np.int64)):
            self.state.add(f"history/{key}", dtype=dtype)
        self.state.add("history/last", dtype=np.int64, fill=-1)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in events [B]."""
        pairs = self.state["history/pairs"]
        wanted = 2 * (int(pairs[0]) + len(src))
        if wanted > len(self.state["history/key"]):
            size = 1 << wanted.bit_length()
            new = np.full(size, compiled.EMPTY), np.zeros(size), np.zeros(size, dtype=np.int64)
            old = tuple(self.state[f"history/{key}"] for key in ("key", "t", "n"))
            compiled.rehash(old, new)
            self._hash(*new)
        pairs += compiled.remember(self._tables(), src, dst, np.asarray(t, dtype=np.float64))

    def features(self, src: Array, candidates: Array, t: Array) -> NDArray[np.float32]:
        """Returns [B, K, 8] features of sources [B] with candidates [B, K], or [K] for all, at times [B]."""
        lines = np.ascontiguousarray(candidates).reshape(-1, candidates.shape[-1])
        found = np.empty((len(src), lines.shape[1], len(FEATURES)), dtype=np.float32)
        compiled.recall(self._tables(), src, lines, np.asarray(t, dtype=np.float64), self.gap, found)
        return found

    def _tables(self) -> tuple[Array, ...]:
        keys = ("key", "t", "n", "seen_t", "seen_n", "sent_t", "sent_n", "last")
        return tuple(self.state[f"history/{key}"] for key in keys)

    def _hash(self, keys: Array, times: Array, counts: Array) -> None:
        for key, array in (("key", keys), ("t", times), ("n", counts)):
            self.state.put(f"history/{key}", array)
