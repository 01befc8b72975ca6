"""The negatives of a temporal dataset's positives, as its card says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from graphkit.errors import ConfigError
from graphkit.evaluation.streaming import AllDestinations

if TYPE_CHECKING:
    from graphkit.data.event_dataset import EventDataset, EventSplit


def part_negatives(dataset: EventDataset, split: EventSplit, part: Literal["valid", "test"]) -> AllDestinations:
    """Returns the negatives of the validation or test events of a split, in the order of the events.

    Raises:
        ConfigError: the card names no negatives, or an unknown kind of them.
    """
    wanted = dict(dataset.card.negatives)
    kind = wanted.pop("kind", "")
    own: slice = getattr(split, part)
    events = dataset.events[own]
    if kind == "tgb-all":
        return AllDestinations(events.src, events.dst, events.t, dataset.events.destination_range)
    raise ConfigError(f"dataset {dataset.name}: its card asks for negatives of kind {kind!r}")
