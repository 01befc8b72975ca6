"""The negatives of a temporal dataset's positives, as its card says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from graphkit.data.events import EventStore
from graphkit.data.negatives import NegativeSet, Positives, hist_rnd, uniform
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation.streaming import AllDestinations

if TYPE_CHECKING:
    from graphkit.data.event_dataset import EventDataset
    from graphkit.data.event_splits import EventSplit

PARAMETERS = {"tgb-all": (), "hist_rnd": ("count", "seed", "ratio"), "published": ("count", "seed")}
"""Kinds of negatives a card may ask for, with what may be said of each.

`published` are the dataset's own; a part for which none are published gets `count` uniform destinations a positive.
"""


def part_negatives(
    dataset: EventDataset, split: EventSplit, part: Literal["valid", "test"]
) -> AllDestinations | NegativeSet:
    """Returns the negatives of the validation or test events of a split, in the order of the events.

    They come from all numbers between the smallest and the largest destination, as in the Temporal Graph Benchmark.

    Args:
        dataset: the events and the card.
        split: which events are trained on, which ask.
        part: `valid` or `test`.

    Raises:
        ConfigError: the card says nothing of negatives, leaves out how many, or a parameter has no meaning.
        UnknownNameError: an unknown kind of negatives.

    Example:
        >>> from graphkit.data import load_dataset
        >>> data = load_dataset("tgbl-wiki")  # doctest: +SKIP
        >>> part_negatives(data, data.split(), "test").counts[:3]  # doctest: +SKIP
        array([999, 999, 999])
    """
    wanted = dict(dataset.card.negatives)
    kind = wanted.pop("kind", "")
    where = f"dataset {dataset.name}: negatives"
    if not kind:
        raise ConfigError(f'{where} are not on its card; write negatives = {{ kind = "hist_rnd", count = 100 }}')
    if kind not in PARAMETERS:
        raise UnknownNameError(f"kind of {where}", kind, PARAMETERS)
    for key in wanted:
        if key not in PARAMETERS[kind]:
            raise UnknownNameError(f"parameter of {where} of kind {kind}:", key, PARAMETERS[kind])
    own: slice = getattr(split, part)
    if kind == "published" and part in dataset.events.negatives:
        return _published(dataset.events, own, part)
    first, last = dataset.events.destination_range
    if kind == "tgb-all":
        events = dataset.events[own]
        return AllDestinations(events.src, events.dst, events.t, (first, last))
    if "count" not in wanted:
        raise ConfigError(f"{where} of kind {kind} need a count a positive; write count = 100")
    if kind == "published":
        positives = Positives(dataset.events.src[own], dataset.events.dst[own], dataset.events.t[own])
        seed = int(wanted.get("seed", 42))
        return uniform(
            positives, int(wanted["count"]), pool=(first, last + 1), seed=seed, split=part, filtered="own", replace=True
        )
    return hist_rnd(dataset.events, own, split.train, pool=(first, last + 1), split=part, **wanted)


def _published(events: EventStore, own: slice, part: str) -> NegativeSet:
    positives = Positives(events.src[own], events.dst[own], events.t[own])
    candidates, offsets = events.negatives[part]
    if len(offsets) != len(positives) + 1:
        raise ConfigError(
            f"{events.name}: {len(offsets) - 1} rows of published {part} negatives for {len(positives)} positives; "
            "published negatives belong to the publisher's split"
        )
    return NegativeSet("published", candidates, offsets, {"split": part, "filtered": False}, positives)
