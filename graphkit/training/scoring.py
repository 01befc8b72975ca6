"""One benchmark cell of a model that needs no training: show it the data, and rank the positives of both parts."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphkit.config import RunSpec
from graphkit.data.event_dataset import EventDataset
from graphkit.data.event_negatives import part_negatives
from graphkit.data.event_splits import EventSplit
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.data.load import load_dataset
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Protocol, Result, metric_named
from graphkit.evaluation.rank_metrics import RankMetric
from graphkit.evaluation.streaming import stream_ranks
from graphkit.scorers import SCORERS
from graphkit.scorers.base import PairScorer, StreamScorer
from graphkit.training.embedding import EmbeddedPairs, make_embedding
from graphkit.training.options import typed_options
from graphkit.training.pair_values import PARTS, RANKS, Part, Ranks, negatives_rules, pair_part, save_ranks
from graphkit.training.record import record_of

Event = dict[str, Any]
_Found = TypeVar("_Found", LinkDataset, EventDataset)


def score_pairs(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Scores the links of a link dataset with a scorer of pairs, or an embedding's cosines, and returns the record.

    Arguments and errors as in `training.run_cell`.

    Example:
        >>> spec = RunSpec().with_overrides(["data.name=usair", "scorer.name=ra"])
        >>> score_pairs(spec).test  # doctest: +SKIP
        0.9585
    """
    dataset = _dataset(spec, LinkDataset)
    protocol, index = _protocol(spec, dataset)
    split, metric = dataset.split(protocol.id, index), protocol.metric_for(dataset.card.metric)
    model = _build(spec, PairScorer) if spec.scorer.name else _embedded(spec)
    on_event({"event": "start", "parameters": 0, "epochs": 0})
    started = time.perf_counter()
    model.fit(split.message, dataset.num_nodes)
    fitted = time.perf_counter()
    found: dict[Part, tuple[float, Ranks]] = {}
    for part in PARTS:
        if split.message_of(part) is not split.message:
            model.fit(split.message_of(part), dataset.num_nodes)
        found[part] = pair_part(model.score, split, part, metric, protocol)
    rules = negatives_rules(split)
    seconds = fitted - started, time.perf_counter() - fitted
    rules["deterministic"] = bool(spec.scorer.name)
    return _record(spec, folder, model_name, dataset, protocol, split, found, rules, seconds, on_event)


def score_stream(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Streams the events of a temporal dataset past a scorer, ranks those of validation and test, returns the record.

    Arguments and errors as in `training.run_cell`.

    Example:
        >>> spec = RunSpec().with_overrides(["data.name=tgbl-wiki", "scorer.name=pair-recency"])
        >>> round(score_stream(spec).test, 4)  # doctest: +SKIP
        0.7248
    """
    dataset = _dataset(spec, EventDataset)
    protocol, index = _protocol(spec, dataset)
    split, metric = dataset.split(protocol.id, index), metric_named(protocol.metric_for(dataset.card.metric))
    if not isinstance(metric, RankMetric) or protocol.batch_size is None:
        raise ConfigError(f"{dataset.name}: streams are ranked in batches, not scored by {metric.name}, {protocol.id}")
    model = _build(spec, StreamScorer)
    negatives = {part: part_negatives(dataset, split, part) for part in PARTS}
    on_event({"event": "start", "parameters": 0, "epochs": 0})
    events = dataset.events
    started = time.perf_counter()
    model.fit(events.src[split.train], events.dst[split.train], events.t[split.train], dataset.num_nodes)
    fitted = time.perf_counter()
    found: dict[Part, tuple[float, Ranks]] = {}
    for part in PARTS:
        own: slice = getattr(split, part)
        ranks = stream_ranks(
            model,
            events.src[own],
            events.dst[own],
            events.t[own],
            negatives[part],
            batch_size=protocol.batch_size,
            ties=protocol.ties_for(metric.name),
        )
        found[part] = metric.fn(ranks), ranks
    rules = negatives_record(negatives, protocol)
    seconds = fitted - started, time.perf_counter() - fitted
    return _record(spec, folder, model_name, dataset, protocol, split, found, rules, seconds, on_event)


def negatives_record(negatives: Mapping[Part, Any], protocol: Protocol) -> dict[str, Any]:
    """Returns what a record says of the negatives, the batches and the freshness that a stream was ranked with."""
    return {
        "negatives": negatives["test"].sha256,
        "valid_negatives": negatives["valid"].sha256,
        "negatives_kind": negatives["test"].kind,
        "negatives_per_positive": {part: _histogram(negatives[part].counts) for part in PARTS},
        "batch_size": protocol.batch_size,
        "freshness": protocol.freshness,
    }


def _record(
    spec: RunSpec,
    folder: Path | None,
    model_name: str,
    dataset: LinkDataset | EventDataset,
    protocol: Protocol,
    split: LinkSplit | EventSplit,
    found: dict[Part, tuple[float, Ranks]],
    rules: dict[str, Any],
    seconds: tuple[float, float],
    on_event: Callable[[Event], None],
) -> Result:
    if folder:
        save_ranks(folder / RANKS, {part: ranks for part, (_, ranks) in found.items()})
    on_event({"event": "tested", "test": found["test"][0], "valid": found["valid"][0]})
    return record_of(
        spec,
        dataset,
        protocol,
        protocol.metric_for(dataset.card.metric),
        model_name or spec.scorer.name or spec.embedding.name,
        split=split.index,
        test=found["test"][0],
        valid=found["valid"][0],
        split_sha256=split.sha256,
        evaluation={
            "ties": protocol.ties_for(protocol.metric_for(dataset.card.metric)),
            "deterministic": True,
            **rules,
        },
        parameters=0,
        train_seconds=seconds[0],
        eval_seconds=seconds[1],
    )


def _dataset(spec: RunSpec, cls: type[_Found]) -> _Found:
    dataset = loaded(spec)
    if not isinstance(dataset, cls):
        raise ConfigError(
            f"dataset {dataset.name} is a {dataset.card.task} task; scorer {spec.scorer.name} is not for it"
        )
    return dataset


def loaded(spec: RunSpec) -> Any:
    """Returns the dataset of a cell as its protocol sees it, read once a process however many seeds use it."""
    data = spec.data
    preparation = data.features, data.undirected, data.largest_component
    return _loaded(data.name, *preparation, tuple(data.options.items()), spec.protocol)


@functools.lru_cache(maxsize=2)
def _loaded(
    name: str, features: Any, undirected: bool, largest_component: bool, options: tuple[Any, ...], protocol: str
) -> Any:
    preparation = {"features": features, "undirected": undirected, "largest_component": largest_component}
    return load_dataset(name, **preparation, options=dict(options), protocol=protocol)


def _protocol(spec: RunSpec, dataset: LinkDataset | EventDataset) -> tuple[Protocol, int]:
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    return protocol, protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split


def _build(spec: RunSpec, cls: type[Any]) -> Any:
    scorer = SCORERS.get(spec.scorer.name)
    if not issubclass(scorer, cls):
        raise ConfigError(f"scorer {spec.scorer.name!r} is no {cls.__name__}; its kind is {scorer.kind}")
    return scorer(**typed_options(scorer, spec.scorer.options, what="scorer", name=spec.scorer.name))


def _embedded(spec: RunSpec) -> EmbeddedPairs:
    return EmbeddedPairs(make_embedding(spec.embedding.name, spec.embedding.options, spec.seed))


def _histogram(counts: NDArray[np.int64]) -> dict[str, int]:
    sizes, times = np.unique(counts, return_counts=True)
    return {str(size): int(many) for size, many in zip(sizes.tolist(), times.tolist(), strict=True)}
