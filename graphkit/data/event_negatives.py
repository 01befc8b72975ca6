"""The negatives of a temporal dataset's positives, as its card says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from graphkit.data.negatives import NegativeSet, hist_rnd
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation.streaming import AllDestinations

if TYPE_CHECKING:
    from graphkit.data.event_dataset import EventDataset, EventSplit

PARAMETERS = {"tgb-all": (), "hist_rnd": ("count", "seed", "ratio")}
"""Kinds of negatives a card may ask for, with what may be said of each."""


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
    first, last = dataset.events.destination_range
    if kind == "tgb-all":
        events = dataset.events[own]
        return AllDestinations(events.src, events.dst, events.t, (first, last))
    if "count" not in wanted:
        raise ConfigError(f"{where} of kind {kind} need a count a positive; write count = 100")
    return hist_rnd(dataset.events, own, split.train, pool=(first, last + 1), split=part, **wanted)
