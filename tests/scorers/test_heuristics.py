from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.errors import ConfigError
from graphkit.evaluation import AllDestinations, stream_ranks
from graphkit.scorers.fading import Base3, PopTrack
from graphkit.scorers.heuristics import LocalGlobalPopularity, LocalGlobalRecency

NODES = 25


def stream(seed: int, events: int = 400) -> tuple[Any, Any, Any]:
    """Events with many ties of time, self loops and repeats."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 12, events), rng.integers(8, NODES, events), np.sort(rng.integers(0, 90, events))


def streamed(model: Any, events: tuple[Any, Any, Any], step: int) -> Any:
    """A model that was fitted on the first half and saw the rest in batches."""
    half = len(events[0]) // 2
    model.fit(*(column[:half] for column in events), NODES)
    for start in range(half, len(events[0]), step):
        model.observe(*(column[start : start + step] for column in events))
    return model


@pytest.mark.parametrize("step", [1, 7, 200])
@pytest.mark.parametrize("tie", ["recency", "popularity"])
@pytest.mark.parametrize("local", ["recency", "popularity"])
def test_the_combination_is_the_order_by_pair_then_by_destination(local: str, tie: str, step: int) -> None:
    src, dst, t = stream(3)
    model = {"recency": LocalGlobalRecency, "popularity": LocalGlobalPopularity}[local](tie=tie)  # type: ignore[arg-type]
    found = streamed(model, (src, dst, t), step).score(np.arange(12), np.arange(NODES), t[-1:])
    met = list(zip(src, dst, strict=True))
    pairs = {"recency": dict(zip(met, t, strict=True)), "popularity": Counter(met)}
    nodes = {"recency": dict(zip(dst, t, strict=True)), "popularity": Counter(dst)}
    for source in range(12):
        keys = [(pairs[local].get((source, v), -1), nodes[tie].get(v, -1)) for v in range(NODES)]
        level = {"recency": -1, "popularity": 0}
        keys = [(max(a, level[local]), max(b, level[tie])) for a, b in keys]
        for a in range(NODES):
            for b in range(NODES):
                assert (found[source, a] > found[source, b]) == (keys[a] > keys[b])


def test_poptrack_is_the_sum_of_faded_events_however_the_stream_is_cut() -> None:
    src, dst, t = stream(5)
    due = np.zeros(NODES)
    for at, node in enumerate(dst):
        due[node] += 0.9 ** (len(dst) - 1 - at)
    for step in (1, 13, 400):
        model = streamed(PopTrack(decay=0.9), (src, dst, t), step)
        found = model.score(np.array([0]), np.arange(NODES), t[-1:])
        np.testing.assert_allclose(found[0], due, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("step", [1, 9, 400])
def test_base3_is_its_definition(step: int) -> None:
    options = {"top": 4, "window": 20.0, "cooccurrence": 0.7, "decay": 0.95, "recent": 5}
    src, dst, t = stream(6)
    sources, now = np.arange(14), np.full(14, t[-1] + 3.0)
    model = streamed(Base3(**options), (src, dst, t), step)  # type: ignore[arg-type]
    found = model.score(sources, np.arange(NODES), now)
    popularity = np.zeros(NODES)
    for at, node in enumerate(dst):
        popularity[node] += 0.95 ** (len(dst) - 1 - at)
    met = Counter(zip(src, dst, strict=True))
    popular = set(np.argsort(-popularity)[:4])
    for source in sources:
        own = [(w, when) for u, w, when in zip(src, dst, t, strict=True) if u == source][-5:]
        context = sum(math.exp(-(now[0] - when) / 20) * popularity[w] for w, when in own if now[0] - when <= 20)
        for v in range(NODES):
            n = met[source, v] + met[v, source]
            x = context + 0.7 * n / (1 + n)
            a, b, c = (0.5, 0.2, 0.3) if met[source, v] else (0.2, 0.3, 0.5)
            due = a * bool(met[source, v]) + b * (v in popular) + c * x / (1 + x)
            assert found[source, v] == pytest.approx(due, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalGlobalRecency(tie="age"), "recency, popularity"),  # type: ignore[arg-type]
        (lambda: PopTrack(decay=0.0), "decay"),
        (lambda: Base3(top=0), "top"),
        (lambda: Base3(window=0.0), "window"),
    ],
)
def test_options_out_of_range_are_named(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.mirror
@pytest.mark.parametrize(("batch", "due"), [(200, 0.7290), (1, 0.8206)])
def test_wikipedia_with_strangers_by_destination_recency(mirror: Path, batch: int, due: float) -> None:
    from graphkit import load_dataset

    dataset = load_dataset("tgbl-wiki")
    events, split = dataset.events, dataset.split()
    model = LocalGlobalRecency()
    train, rest = slice(0, split.test.start), split.test
    model.fit(events.src[train], events.dst[train], events.t[train], events.num_nodes)
    own = events[rest]
    negatives = AllDestinations(own.src, own.dst, own.t, events.destination_range)
    ranks = stream_ranks(model, own.src, own.dst, own.t, negatives, batch_size=batch)
    assert (1 / ranks).mean() == pytest.approx(due, abs=5e-5)
