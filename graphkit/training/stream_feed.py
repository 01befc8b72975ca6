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
from graphkit.kernels.neighbors import TimeCSR
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
        return -(-len(self.events) // self.batch_size)

    def train_batches(self, epoch: int) -> Iterator[StreamBatch]:
        """Yields the batches of an epoch."""
        events = self.events
        for number, start in enumerate(range(0, len(events), self.batch_size)):
            part = slice(start, min(start + self.batch_size, len(events)))
            random = np.random.default_rng([self._seed, epoch, number])
            src, dst = events.src[part], events.dst[part]
            negatives = self._draw(random, src, dst, start)
            candidates = np.concatenate([dst[:, None].astype(np.int64), negatives], axis=1)
            msg = None if events.msg is None else events.msg[part]
            yield StreamBatch(src, dst, events.t[part], msg, candidates, number == 0)

    def _draw(self, random: np.random.Generator, src: Array, dst: Array, start: int) -> NDArray[np.int64]:
        first, last = self.destinations
        shape = len(src), self.train.negative_count
        found = random.integers(first, last, shape)  # one less than there are: the true one is stepped over
        found += found >= dst[:, None]
        if self._past is not None:
            many = (shape[1] + 1) // 2
            seed = int(random.integers(1 << 31))
            past = self._past.read(src, k=many, cut=np.full(len(src), start), strategy="uniform", seed=seed).node
            usable = (past >= first) & (past <= last) & (past != dst[:, None])
            found[:, :many] = np.where(usable, past, found[:, :many])
        return found
