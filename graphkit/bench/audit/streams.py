"""Audits of temporal encoders: the future, the column of the positive, the rest of a batch, memory, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graphkit.bench.audit.checks import TOLERANCE, Array, Check, common_checks, gradient_check, of_finding
from graphkit.config import RunSpec
from graphkit.data.event_dataset import EventDataset
from graphkit.data.events import EventStore
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import ConfigError
from graphkit.evaluation.guards import check_leakage
from graphkit.seeds import SeedStreams
from graphkit.training.stream_build import build_stream_model
from graphkit.training.stream_feed import StreamFeed
from graphkit.training.stream_model import StreamModel
from graphkit.training.streams import stream_step

PAST, BATCH = 1000, 100
"""Events that are shown before the questions, and how many at a time."""
SOURCES, CANDIDATES = 6, 5
"""Questions, each about its true destination among so many."""


@dataclass(frozen=True)
class _Question:
    events: dict[str, Array]
    src: Array
    candidates: Array
    t: Array


def audit_stream(spec: RunSpec, dataset: EventDataset, index: int) -> Iterator[Check]:
    """Yields the verdict of every guard for a temporal encoder and its head on a stream.

    Args:
        spec: the model's settings on the dataset.
        dataset: a stream of events.
        index: the split, whose training events are used.

    Raises:
        ConfigError: too few training events.
    """
    events = dataset.events[dataset.split(spec.protocol, index).train]
    arrays, cut = _around_a_moment(events)
    info = StreamInfo.of(
        events.src,
        events.dst,
        events.t,
        dataset.num_nodes,
        destinations=dataset.events.destination_range,
        msg_channels=0 if events.msg is None else events.msg.shape[1],
    )
    random = np.random.default_rng(spec.seed)

    def build() -> StreamModel:
        return build_stream_model(spec, info, SeedStreams(spec.seed))

    here = np.flatnonzero(arrays["t"] >= cut)[:SOURCES]
    candidates = random.integers(info.destinations[0], info.destinations[1] + 1, size=(len(here), CANDIDATES))
    candidates[np.arange(len(here)), random.integers(CANDIDATES, size=len(here))] = arrays["dst"][here]
    question = _Question(arrays, arrays["src"][here], candidates, arrays["t"][here])
    shuffled = {**arrays, "dst": random.permutation(arrays["dst"])}
    yield from common_checks(build, _ask, question, _Question(shuffled, question.src, candidates, question.t), _score)
    model = build()

    def asked(events: dict[str, Array], src: Array, candidates: Array, t: Array) -> Array:
        past = {name: values[events["t"] < cut] for name, values in events.items()}
        return _ask(model, _Question(past, src, candidates, t))

    given: dict[str, Any] = {"events": arrays, "cut": cut, "seed": spec.seed, "tolerance": TOLERANCE, "strict": False}
    for finding in check_leakage(asked, queries=(question.src, candidates, question.t), **given)[1:]:
        yield of_finding(finding)
    yield _gradients(build(), spec, events, info)


def _around_a_moment(events: EventStore) -> tuple[dict[str, Array], float]:
    """Returns events before and after a moment, and that moment, which no event before has."""
    first = min(PAST, 2 * len(events) // 3)
    times = np.asarray(events.t)
    at = int(np.searchsorted(times, times[first])) if len(times) > first else 0
    if at < 2:
        raise ConfigError(f"{len(events)} training events are too few to audit a stream")
    part = slice(0, min(len(events), at + first // 2 + SOURCES))
    arrays = {"src": events.src[part], "dst": events.dst[part], "t": events.t[part]}
    if events.msg is not None:
        arrays["msg"] = events.msg[part]
    return {name: np.array(values) for name, values in arrays.items()}, float(times[at])


@torch.no_grad()
def _ask(model: StreamModel, question: _Question) -> Array:
    """Replays the events before the first question from an empty state, then scores without showing more."""
    model.eval()
    model.begin()
    events = question.events
    past = int(np.count_nonzero(events["t"] < question.t.min()))
    for start in range(0, past, BATCH):
        part = slice(start, min(start + BATCH, past))
        msg = events["msg"][part] if "msg" in events else None
        model.observe(events["src"][part], events["dst"][part], events["t"][part], msg)
    return _score(model, question)


@torch.no_grad()
def _score(model: StreamModel, question: _Question) -> Array:
    return model.logits(question.src, question.candidates, question.t).double().numpy()


def _gradients(model: StreamModel, spec: RunSpec, events: EventStore, info: StreamInfo) -> Check:
    """Looks at the gradient of the third batch, before which the state has been filled."""
    feed = StreamFeed(events, info.destinations, spec.train, spec.data.batch_size or 200, SeedStreams(spec.seed))
    model.train()
    for number, batch in enumerate(feed.train_batches(0)):
        loss, _ = stream_step(model, batch, spec.train.loss)
        if number == 2:
            break
    return gradient_check(model, loss)
