"""Signs and weights of events: values are told after the batch, forecasts are those of a loop, encoders train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.data.cards import Card
from graphkit.data.event_dataset import EventDataset
from graphkit.data.events import EventStore
from graphkit.data.synthetic import GENERATORS
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, evaluate
from graphkit.scorers.ratings import MeanRating, NodeMeanRating
from graphkit.training.edge_streams import EdgeFeed, ValuedStream, score_edge_stream, train_edge_stream
from graphkit.training.tasks import check_model

SMALL = ["data.name=signed-balance-sign", "data.options.events=800", "data.options.nodes=20"]


def toy(target: str, seed: int = 0) -> ValuedStream:
    rng = np.random.default_rng(seed)
    store = EventStore(rng.integers(0, 9, 400), rng.integers(0, 9, 400), np.arange(400), y=rng.integers(-5, 6, 400))
    metric = "roc-auc" if target == "binary" else "mae"
    card = Card(
        name="toy",
        task="temporal-edge-prediction",
        target=target,
        metric=metric,
        protocols=("stream-edges",),  # type: ignore[arg-type]
    )
    dataset = EventDataset(card, store, "content", {})
    return ValuedStream(dataset, dataset.split(), PROTOCOLS["stream-edges"], metric)


@pytest.mark.parametrize(("source", "destination"), [(True, True), (True, False), (False, True), (False, False)])
def test_mean_ratings_are_those_of_a_loop(source: bool, destination: bool) -> None:
    rng = np.random.default_rng(1)
    src, dst, y = rng.integers(0, 6, 60), rng.integers(0, 6, 60), rng.normal(size=60)
    model = MeanRating() if not (source or destination) else NodeMeanRating(source, destination, damping=2.0)
    model.fit(7)
    assert model.predict(src[:2], dst[:2]).tolist() == [0.0, 0.0]
    for start in range(0, 60, 7):
        model.observe(src[start : start + 7], dst[start : start + 7], y[start : start + 7])
    for u in range(7):
        for v in range(7):
            due = y.mean()
            if source and (src == u).any():
                due += (y[src == u] - y.mean()).sum() / ((src == u).sum() + 2)
            if destination and (dst == v).any():
                due += (y[dst == v] - y.mean()).sum() / ((dst == v).sum() + 2)
            assert model.predict(np.array([u]), np.array([v]))[0] == pytest.approx(due)


def test_the_cell_of_a_scorer_tells_values_after_each_batch() -> None:
    found = score_edge_stream(RunSpec().with_overrides([*SMALL, "scorer.name=node-mean-rating"]))
    dataset: Any = ValuedStream.of(RunSpec().with_overrides([*SMALL, "scorer.name=node-mean-rating"]))
    events, y, own = dataset.dataset.events, dataset.values, dataset.split.test
    scores = []
    for at in range(own.start, own.stop):
        seen = slice(0, own.start + (at - own.start) // 200 * 200)
        model = NodeMeanRating()
        model.fit(events.num_nodes)
        model.observe(events.src[seen], events.dst[seen], y[seen])
        scores.append(model.predict(events.src[at : at + 1], events.dst[at : at + 1])[0])
    assert found.test == pytest.approx(evaluate("roc-auc", np.array(scores), (y[own] > 0).astype(int)))
    assert found.evaluation["batch_size"] == 200


def test_means_say_nothing_of_balance_and_camps_say_all() -> None:
    found = score_edge_stream(
        RunSpec().with_overrides(["data.name=signed-balance-sign", "scorer.name=node-mean-rating"])
    )
    assert found.test == pytest.approx(0.5, abs=0.06)
    raw: Any = GENERATORS.get("signed-balance")()
    camp = np.zeros(200)
    camp[raw.src[0]] = 1
    for _ in range(6):
        for u, v, s in zip(raw.src, raw.dst, raw.y, strict=True):
            if camp[u] and not camp[v]:
                camp[v] = camp[u] * s
            elif camp[v] and not camp[u]:
                camp[u] = camp[v] * s
    assert (camp[raw.src] * camp[raw.dst] == raw.y).all()


@pytest.mark.parametrize("target", ["binary", "regression"])
def test_batches_carry_the_values_and_their_features(target: str) -> None:
    stream = toy(target)
    feed = EdgeFeed(stream)
    batches = list(feed.train_batches(0))
    assert [len(batch.src) for batch in batches] == [200, 80] and [batch.first for batch in batches] == [True, False]
    y = stream.values[:200]
    due = (y > 0) if target == "binary" else y / stream.values[:280].std()
    np.testing.assert_allclose(batches[0].target.numpy(), due, rtol=1e-6)
    assert stream.value("test", stream.values[stream.split.test]) == (1.0 if target == "binary" else 0.0)


def test_an_encoder_of_streams_trains_on_signs() -> None:
    options = ["encoder.name=graphmixer", "encoder.options.hidden_channels=8", "encoder.options.num_neighbors=4"]
    spec = RunSpec().with_overrides([*SMALL, *options, "head.name=concat-mlp", "train.epochs=2"])
    first, again = train_edge_stream(spec), train_edge_stream(spec)
    assert first.test == again.test and first.status == "ok" and first.parameters
    assert check_model(ValuedStream.of(spec).dataset.card, "graphmixer", spec).endswith("train_edge_stream")


def test_streams_without_values_and_other_scorers_are_refused() -> None:
    with pytest.raises(ConfigError, match="no events with signs"):
        ValuedStream.of(RunSpec().with_overrides(["data.name=sequential-rules"]))
    with pytest.raises(ConfigError, match="node-mean-rating does"):
        score_edge_stream(RunSpec().with_overrides([*SMALL, "scorer.name=edgebank"]))
    with pytest.raises(ConfigError, match="damping"):
        NodeMeanRating(damping=-1.0)
