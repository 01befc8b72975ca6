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
    "age of the meeting before the last",
    "age of the candidate's event before the last",
)
"""Ages are log(1 + age / gap) / 10 (2 where there is none), numbers log(1 + n) / 5."""
_START = 1 << 10
_HASH = ("key", "t", "before", "n")


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
        self._hash(*_empty(_START))
        self.state.put("history/pairs", np.zeros(1, dtype=np.int64))
        for key in ("seen_t", "seen_before", "sent_t"):
            self.state.add(f"history/{key}", dtype=np.float64)
        for key in ("seen_n", "sent_n"):
            self.state.add(f"history/{key}", dtype=np.int64)
        self.state.add("history/last", dtype=np.int64, fill=-1)

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in events [B]."""
        pairs = self.state["history/pairs"]
        wanted = 2 * (int(pairs[0]) + len(src))
        if wanted > len(self.state["history/key"]):
            new = _empty(1 << wanted.bit_length())
            old = tuple(self.state[f"history/{key}"] for key in _HASH)
            compiled.rehash(old, new)
            self._hash(*new)
        pairs += compiled.remember(self._tables(), src, dst, np.asarray(t, dtype=np.float64))

    def features(self, src: Array, candidates: Array, t: Array) -> NDArray[np.float32]:
        """Returns [B, K, 10] features of sources [B] with candidates [B, K], or [K] for all, at times [B]."""
        lines = np.ascontiguousarray(candidates).reshape(-1, candidates.shape[-1])
        found = np.empty((len(src), lines.shape[1], len(FEATURES)), dtype=np.float32)
        compiled.recall(self._tables(), src, lines, np.asarray(t, dtype=np.float64), self.gap, found)
        return found

    def _tables(self) -> tuple[Array, ...]:
        keys = (*_HASH, "seen_t", "seen_before", "seen_n", "sent_t", "sent_n", "last")
        return tuple(self.state[f"history/{key}"] for key in keys)

    def _hash(self, *arrays: Array) -> None:
        for key, array in zip(_HASH, arrays, strict=True):
            self.state.put(f"history/{key}", array)


def _empty(size: int) -> tuple[Array, Array, Array, Array]:
    return np.full(size, compiled.EMPTY), np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64)
