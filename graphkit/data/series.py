"""Attributes of nodes that change in time on a graph: what comes next is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card
from graphkit.data.event_splits import SHARES, EventSplit
from graphkit.errors import GraphValidationError

Array = NDArray[Any]


@dataclass
class RawSeries:
    """Attributes of N nodes at S steps on one directed graph.

    Args:
        edge_index: [2, E] edges.
        x: [S, N, F] float32 attributes.
        name: name of the dataset, for messages.
    """

    edge_index: NDArray[np.int64]
    x: NDArray[np.float32]
    name: str = ""


class SeriesDataset(CardedDataset):
    """A series whose steps are divided in the order of time.

    Args:
        card: what the dataset is.
        raw: graph and attributes.
        content: sha256 of their arrays.
        provenance: files, digests and reader, for the result record.
    """

    def __init__(self, card: Card, raw: RawSeries, content: str, provenance: Mapping[str, Any]) -> None:
        super().__init__(card, content, provenance)
        self.raw = raw

    @property
    def num_nodes(self) -> int:
        """N."""
        return int(self.raw.x.shape[1])

    def split(self, protocol: str | None = None, index: int = 0) -> EventSplit:
        """Returns 70, 15 and 15 % of the steps that are asked for; step 0 is only given.

        Raises:
            ProtocolError: another split than 0, or a protocol that the dataset lacks.
        """
        name = self._protocol_of(protocol, index)
        steps = len(self.raw.x)
        first, second = 1 + int(SHARES[0] * (steps - 1)), 1 + int((SHARES[0] + SHARES[1]) * (steps - 1))
        return EventSplit(name, 0, slice(1, first), slice(first, second), slice(second, steps))

    def __repr__(self) -> str:
        steps, nodes, features = self.raw.x.shape
        return f"SeriesDataset({self.name!r}, steps={steps}, nodes={nodes}, features={features})"


def pack(raw: RawSeries) -> dict[str, Array]:
    """Lays a series out as named arrays."""
    return {"edge_index": np.ascontiguousarray(raw.edge_index), "x": np.ascontiguousarray(raw.x)}


def unpack(arrays: Mapping[str, Array], name: str) -> RawSeries:
    """Builds the series that `pack` laid out."""
    return RawSeries(arrays["edge_index"], arrays["x"], name)


def count(raw: RawSeries, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish."""
    return {"nodes": raw.x.shape[1], "edges": raw.edge_index.shape[1], "features": raw.x.shape[2]}


def measure(raw: RawSeries, card: Card) -> dict[str, Any]:
    """Returns what `graphkit data info` tells besides the counts."""
    split = SeriesDataset(card, raw, "", {}).split()
    return {"steps": len(raw.x), "split_sizes": " / ".join(map(str, split.sizes)), "deviation": float(raw.x.std())}


def check(raw: RawSeries, card: Card) -> dict[str, int]:
    """Checks shapes, numbers and the card's published counts.

    Raises:
        GraphValidationError: attributes are not finite [S, N, F] with S >= 10, an edge names no node, or counts differ.
    """
    from graphkit.data.checks import check_statistics

    if raw.x.ndim != 3 or len(raw.x) < 10 or not np.isfinite(raw.x).all():
        raise GraphValidationError(f"{raw.name}: attributes are finite [S, N, F] with S >= 10, got {list(raw.x.shape)}")
    if raw.edge_index.size and not (raw.edge_index.min() >= 0 and raw.edge_index.max() < raw.x.shape[1]):
        raise GraphValidationError(f"{raw.name}: edges name nodes up to {raw.edge_index.max()} of {raw.x.shape[1]}")
    found = count(raw, card)
    check_statistics(card.statistics, found, card.name)
    return found
