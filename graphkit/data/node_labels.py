"""Labels of nodes that change in time: at some moments, some nodes have weights on classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data import events as stream
from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card
from graphkit.data.event_splits import EventSplit, split_events
from graphkit.data.events import EventStore
from graphkit.data.raw import RawEvents
from graphkit.errors import GraphValidationError

Array = NDArray[Any]
_PREFIX = "labels."


@dataclass(frozen=True, eq=False)
class NodeLabels:
    """L rows of labels in the order of time, each with its weights on classes.

    Args:
        t: [L] times that never fall.
        node: [L] nodes.
        ptr: [L + 1] where the weights of each row begin.
        label: [S] classes, 0..num_classes-1, each once a row.
        weight: [S] weights, at least 0.
        num_classes: C.

    Raises:
        GraphValidationError: lengths differ, times fall, or a class or weight is out of range.

    Example:
        >>> labels = NodeLabels(np.array([3]), np.array([7]), np.array([0, 2]), np.array([0, 2]), np.array([1.0, 3]), 3)
        >>> labels.dense(slice(0, 1)).tolist()
        [[1.0, 0.0, 3.0]]
    """

    t: Array
    node: Array
    ptr: Array
    label: Array
    weight: Array
    num_classes: int

    def __post_init__(self) -> None:
        if not len(self.t) == len(self.node) == len(self.ptr) - 1 or self.ptr[-1] != len(self.label):
            raise GraphValidationError(f"labels: {len(self.t)} times, {len(self.node)} nodes, {len(self.ptr) - 1} rows")
        if np.any(np.diff(self.t) < 0):
            raise GraphValidationError("labels: times fall; sort the rows by time")
        if self.label.size and not (self.label.min() >= 0 and self.label.max() < self.num_classes):
            raise GraphValidationError(f"labels: classes are 0..{self.num_classes - 1}, got {self.label.max()}")
        if not np.all(np.isfinite(self.weight) & (self.weight >= 0)):
            row = int(np.flatnonzero(~(np.isfinite(self.weight) & (self.weight >= 0)))[0])
            raise GraphValidationError(
                f"labels: weight {row} is {self.weight[row]}; weights are finite and not below 0"
            )

    @classmethod
    def of_weights(cls, t: Array, node: Array, label: Array, weight: Array, num_classes: int) -> NodeLabels:
        """Gathers weights (time, node, class, weight) into rows; of a class that comes twice, the last counts."""
        order = np.lexsort((np.arange(len(t)), label, node, t))
        t, node, label, weight = (column[order] for column in (t, node, label, weight))
        same_row = (np.diff(t) == 0) & (np.diff(node) == 0)
        last = np.append(~(same_row & (np.diff(label) == 0)), True)[: len(t)]
        t, node, label, weight = (column[last] for column in (t, node, label, weight))
        begins = np.flatnonzero(np.append(True, (np.diff(t) != 0) | (np.diff(node) != 0))[: len(t)])
        return cls(t[begins], node[begins], np.append(begins, len(t)), label, weight.astype(np.float32), num_classes)

    def __len__(self) -> int:
        return len(self.t)

    def dense(self, rows: slice) -> NDArray[np.float32]:
        """Returns weights [B, C] of some rows."""
        start, stop, _ = rows.indices(len(self))
        found = np.zeros((stop - start, self.num_classes), dtype=np.float32)
        own = slice(int(self.ptr[start]), int(self.ptr[stop]))
        found[np.repeat(np.arange(stop - start), np.diff(self.ptr[start : stop + 1])), self.label[own]] = self.weight[
            own
        ]
        return found

    @cached_property
    def moments(self) -> Array:
        """[M + 1] first row of every distinct time, and L."""
        return np.append(np.flatnonzero(np.append(True, np.diff(self.t) != 0)[: len(self)]), len(self))


@dataclass
class RawLabelledEvents:
    """Events and labels of nodes under the publisher's numbers, as readers and generators return them."""

    events: RawEvents
    labels: NodeLabels
    name: str = ""


@dataclass
class LabelledEvents:
    """A store of events and the labels of its nodes."""

    events: EventStore
    labels: NodeLabels
    name: str = ""

    @classmethod
    def from_raw(cls, raw: RawLabelledEvents) -> LabelledEvents:
        """Sorts and numbers events, and gives labels the store's numbers.

        Raises:
            GraphValidationError: a label names a node that no event has and nobody lists, or events are broken.
        """
        raw.events.name = raw.name
        events = EventStore.from_raw(raw.events)
        place = np.minimum(np.searchsorted(events.node_ids, raw.labels.node), events.num_nodes - 1)
        if len(strange := np.flatnonzero(events.node_ids[place] != raw.labels.node)):
            raise GraphValidationError(
                f"{raw.name}: a label names node {raw.labels.node[strange[0]]}, which no event has"
            )
        found = raw.labels
        labels = NodeLabels(found.t, place, found.ptr, found.label, found.weight, found.num_classes)
        return cls(events, labels, raw.name)


class NodeEventDataset(CardedDataset):
    """Events in time and labels of their nodes, which are asked about as time goes by.

    Args:
        card: what the dataset is.
        raw: events and labels.
        content: sha256 of their arrays.
        provenance: files, digests and reader, for the result record.
    """

    def __init__(self, card: Card, raw: LabelledEvents, content: str, provenance: Mapping[str, Any]) -> None:
        super().__init__(card, content, provenance)
        self.events, self.labels = raw.events, raw.labels

    @property
    def num_nodes(self) -> int:
        """N."""
        return self.events.num_nodes

    def split(self, protocol: str | None = None, index: int = 0) -> EventSplit:
        """Returns the split of the events by quantiles of time, Huang et al., NeurIPS 2023 (arXiv 2307.01026).

        Raises:
            ProtocolError: the dataset does not have that protocol or split.
        """
        return split_events(self.events, name=self._protocol_of(protocol, index))

    def label_rows(self, split: EventSplit) -> dict[str, slice]:
        """Returns the rows of labels of every part: a label is asked about when the first later event arrives.

        As in the benchmark's loop, labels after the last event are never asked about.

        Raises:
            GraphValidationError: a part has no labels.
        """
        event = np.searchsorted(self.events.t, self.labels.t, "right")
        bounds = [int(np.searchsorted(event, at)) for at in (split.valid.start, split.test.start, len(self.events))]
        rows = {"train": slice(0, bounds[0]), "valid": slice(*bounds[:2]), "test": slice(*bounds[1:])}
        if empty := [part for part in ("valid", "test") if rows[part].start >= rows[part].stop]:
            raise GraphValidationError(f"{self.name}: no labels fall into the {empty[0]} events")
        return rows

    def __repr__(self) -> str:
        return f"NodeEventDataset({self.name!r}, events={len(self.events)}, labels={len(self.labels)})"


def pack(raw: LabelledEvents) -> dict[str, Array]:
    """Lays events and labels out as named arrays."""
    own = {key: getattr(raw.labels, key) for key in ("t", "node", "ptr", "label", "weight")}
    own["classes"] = np.array([raw.labels.num_classes])
    return {**stream.pack(raw.events), **{_PREFIX + key: np.ascontiguousarray(value) for key, value in own.items()}}


def unpack(arrays: Mapping[str, Array], name: str) -> LabelledEvents:
    """Builds what `pack` laid out."""
    own = {key.removeprefix(_PREFIX): value for key, value in arrays.items() if key.startswith(_PREFIX)}
    labels = NodeLabels(own["t"], own["node"], own["ptr"], own["label"], own["weight"], int(own["classes"][0]))
    return LabelledEvents(stream.unpack(arrays, name), labels, name)


def count(raw: LabelledEvents, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish."""
    return {**raw.events.statistics(), "classes": raw.labels.num_classes}


def measure(raw: LabelledEvents, card: Card) -> dict[str, Any]:
    """Returns what `graphkit data info` tells besides the counts."""
    dataset = NodeEventDataset(card, raw, "", {})
    split = dataset.split()
    rows = dataset.label_rows(split)
    return {
        "first_time": raw.events.t[0].item(),
        "last_time": raw.events.t[-1].item(),
        "split_sizes": " / ".join(f"{size:,}" for size in split.sizes),
        "label_rows": " / ".join(f"{part.stop - part.start:,}" for part in rows.values()),
        "label_times": len(raw.labels.moments) - 1,
        "labelled_nodes": len(np.unique(raw.labels.node)),
    }


def check(raw: LabelledEvents, card: Card) -> dict[str, int]:
    """Checks counts against the card's published ones.

    Raises:
        GraphValidationError: a count differs; both are named.
    """
    from graphkit.data.checks import check_statistics

    found = count(raw, card)
    check_statistics(card.statistics, found, card.name)
    return found
