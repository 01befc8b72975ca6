"""Training batches of a stream: events in the order of time, each with the destinations it did not turn to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.config import TrainSpec
from graphkit.data.events import EventStore
from graphkit.errors import ConfigError
from graphkit.kernels.neighbors import TimeCSR, t_batches
from graphkit.seeds import SeedStreams

Array = NDArray[Any]


@dataclass(frozen=True)
class StreamBatch:
    """Some training events, and candidates of which the first column is true.

    Shapes:
        src, dst, t [B]; msg [B, D] or None; candidates [B, 1 + K].
    """

    src: Array
    dst: Array
    t: Array
    msg: Array | None
    candidates: Array
    first: bool
    """Whether an epoch begins here."""
    weight: float = 1.0
    """What the batch's mean loss is multiplied by."""


class StreamFeed:
    """The training events of a stream, batch by batch.

    A batch's negatives depend on (seed, epoch, batch) alone, so a resumed run sees those it would have seen.

    Args:
        events: the training events.
        destinations: the smallest and the largest destination; negatives come from between.
        train: `negatives` and `negative_count`. `non-links` draws uniformly, `historical` every other one among the
            earlier partners of the source (where it has some), and none equals the true destination.
        batch_size: B.
        streams: the run's random streams.

    Raises:
        ConfigError: another kind of negatives, or fewer than two destinations.
    """

    def __init__(
        self,
        events: EventStore,
        destinations: tuple[int, int],
        train: TrainSpec,
        batch_size: int,
        streams: SeedStreams,
    ) -> None:
        if train.negatives == "published":
            raise ConfigError('streams publish no training negatives; set train.negatives to "non-links"')
        if destinations[1] <= destinations[0]:
            raise ConfigError("negatives need at least two destinations")
        self.events, self.destinations, self.train, self.batch_size = events, destinations, train, batch_size
        self._seed = streams.integer("negatives")
        self._past = (
            TimeCSR(events.src, events.dst, events.t, events.num_nodes) if train.negatives == "historical" else None
        )

    def __len__(self) -> int:
        return sum(1 for _ in self._parts())

    def train_batches(self, epoch: int) -> Iterator[StreamBatch]:
        """Yields the batches of an epoch."""
        events = self.events
        for number, part in enumerate(self._parts()):
            random = np.random.default_rng([self._seed, epoch, number])
            src, dst = events.src[part], events.dst[part]
            negatives = self._draw(random, src, dst, part)
            candidates = np.concatenate([dst[:, None].astype(np.int64), negatives], axis=1)
            msg = None if events.msg is None else events.msg[part]
            weight = len(src) / self.batch_size if self.train.batching == "t-batch" else 1.0
            yield StreamBatch(src, dst, events.t[part], msg, candidates, number == 0, weight)

    def _parts(self) -> Iterator[slice | NDArray[np.int64]]:
        """The events of every batch. Those of a t-batch are in the order of time, each node's batches too."""
        if self.train.batching == "events":
            for start in range(0, len(self.events), self.batch_size):
                yield slice(start, min(start + self.batch_size, len(self.events)))
            return
        order, ptr = t_batches(self.events.src, self.events.dst, self.events.num_nodes)
        for begin, end in zip(ptr[:-1].tolist(), ptr[1:].tolist(), strict=True):
            for start in range(begin, end, self.batch_size):
                yield order[start : min(start + self.batch_size, end)]

    def _draw(
        self, random: np.random.Generator, src: Array, dst: Array, part: slice | NDArray[np.int64]
    ) -> NDArray[np.int64]:
        first, last = self.destinations
        shape = len(src), self.train.negative_count
        found = random.integers(first, last, shape)  # one less than there are: the true one is stepped over
        found += found >= dst[:, None]
        if self._past is not None:
            many = (shape[1] + 1) // 2
            seed = int(random.integers(1 << 31))
            cut = np.full(len(src), part.start) if isinstance(part, slice) else part
            past = self._past.read(src, k=many, cut=cut, strategy="uniform", seed=seed).node
            usable = (past >= first) & (past <= last) & (past != dst[:, None])
            found[:, :many] = np.where(usable, past, found[:, :many])
        return found
