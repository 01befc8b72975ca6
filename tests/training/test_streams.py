"""Stream cells: what a model may see, equal ranks however they are computed, resuming, records, and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphkit.config import RunSpec
from graphkit.data.events import EventStore
from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import ConfigError
from graphkit.evaluation import check_leakage
from graphkit.seeds import SeedStreams
from graphkit.training.stream_build import build_stream_model
from graphkit.training.stream_feed import StreamFeed
from graphkit.training.stream_model import StreamModel
from graphkit.training.streams import stream_loss, stream_step
from graphkit.training.tasks import check_model

NODES = 30
SMALL: dict[str, list[str]] = {
    "craft": ["hidden_channels=8", "num_neighbors=4", "num_layers=2", "repeats=true"],
    "gru-ids": ["hidden_channels=8", "num_neighbors=4", "num_layers=2"],
    "tpnet-0": ["hidden_channels=8", "num_neighbors=0", "dim_factor=2"],
    "tpnet": ["hidden_channels=8", "num_neighbors=4", "time_channels=6", "dim_factor=2"],
    "nat": ["hidden_channels=8", "self_channels=6", "near=6", "far=4"],
    "nat-sum": ["hidden_channels=8", "self_channels=6", "near=6", "far=4", "aggregator=sum"],
    "dygformer": ["channel_width=8", "max_length=6", "patch_size=2", "time_channels=6"],
    "static": ["encoder=gcn", "hidden_channels=8", "refresh=30"],
    "semba": ["hidden_channels=8", "num_neighbors=4", "time_channels=6", "heads=2"],
    "sequence": ["hidden_channels=8", "num_neighbors=4", "time_channels=6", "tokens=2", "refresh=30", "encoder=gcn"],
    "todyformer": ["hidden_channels=8", "window=120", "patches=3", "time_channels=6"],
    "tgat": ["hidden_channels=8", "num_neighbors=3", "time_channels=6"],
    "dyrep": ["hidden_channels=8", "num_neighbors=4", "time_channels=6", "identity=random"],
    "jodie": ["hidden_channels=8", "time_channels=6", "identity=learned", "corrector=pres"],
    "tgn": ["hidden_channels=8", "num_neighbors=4", "time_channels=6"],
    "graphmixer": ["hidden_channels=8", "num_neighbors=4", "time_channels=6"],
    "evolvegcn": ["hidden_channels=8", "snapshots=8", "window=3", "kind=H"],
    "gcrn": ["hidden_channels=8", "snapshots=8", "window=3"],
    "dyted": ["hidden_channels=8", "snapshots=8", "window=3"],
    "coevognn": ["hidden_channels=8", "snapshots=8", "window=3"],
}
"""Options that make encoders small."""


def events(many: int = 300, seed: int = 0, msg: bool = False) -> EventStore:
    random = np.random.default_rng(seed)
    features = random.normal(size=(many, 3)) if msg else None
    ends = random.integers(0, 15, many), random.integers(15, NODES, many)
    return EventStore(*ends, np.sort(random.integers(0, 5000, many)), features, num_nodes=NODES)


def spec_of(case: str, *more: str) -> RunSpec:
    name = case if case in TEMPORAL_ENCODERS else case.partition("-")[0]
    head = "identity" if TEMPORAL_ENCODERS.get(name).pair else "concat-mlp"
    options = [f"encoder.options.{option}" for option in SMALL[case]]
    return RunSpec().with_overrides([f"encoder.name={name}", f"head.name={head}", *options, *more])


def model_of(name: str, store: EventStore, *more: str) -> StreamModel:
    train = store[: len(store) // 2]
    info = StreamInfo.of(
        train.src, train.dst, train.t, NODES, destinations=(15, NODES - 1),
        msg_channels=0 if store.msg is None else store.msg.shape[1],
    )  # fmt: skip
    return build_stream_model(spec_of(name, *more), info, SeedStreams(0))


def show(model: StreamModel, store: EventStore, size: int = 40) -> None:
    for start in range(0, len(store), size):
        part = slice(start, start + size)
        model.observe(store.src[part], store.dst[part], store.t[part], None if store.msg is None else store.msg[part])


def trained(name: str, store: EventStore, *more: str, batches: int = 2) -> StreamModel:
    """A model after a few steps, so that its scores say something."""
    model = model_of(name, store, *more)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    spec = spec_of(name, *more).train
    feed = StreamFeed(store, (15, NODES - 1), spec, 50, SeedStreams(0))
    for batch, _ in zip(feed.train_batches(0), range(batches), strict=False):
        loss, _ = stream_step(model, batch, spec.loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    model.begin()
    return model


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("msg", [False, True])
def test_guards_find_no_leak_in_any_encoder(name: str, msg: bool) -> None:
    store = events(msg=msg)
    model = trained(name, store, "head.options.recency=true")
    random = np.random.default_rng(1)
    cut = store.t[250]
    src, t = store.src[250:270], np.full(20, cut)
    candidates = np.stack([random.permutation(np.arange(15, NODES))[:8] for _ in src])

    def ask(shown: dict[str, Any], src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        model.begin()
        past = shown["t"] < cut
        ends = shown["src"][past], shown["dst"][past]
        show(model, EventStore(*ends, shown["t"][past], store.msg[: past.sum()] if msg else None, num_nodes=NODES))
        return model.score(src, candidates, t)

    stream = {"src": store.src, "dst": store.dst, "t": store.t}
    check_leakage(ask, events=stream, cut=cut, queries=(src, candidates, t))


@pytest.mark.parametrize("name", SMALL)
def test_a_batch_is_ranked_as_its_questions_one_by_one(name: str) -> None:
    store = events()
    model = trained(name, store, "head.options.clock=event", "head.options.recency=true")
    show(model, store[:200])
    before = model.encoder.state.digest, model.tables.digest
    src, t, everyone = store.src[200:220], store.t[200:220], np.arange(15, NODES)
    together = model.score(src, everyone, t)
    listed = model.score(src, np.tile(everyone, (20, 1)), t)
    assert (model.encoder.state.digest, model.tables.digest) == before
    assert together.std() > 1e-4
    assert listed == pytest.approx(together, abs=1e-5)
    for row in range(20):
        alone = model.score(src[row : row + 1], everyone[None], t[row : row + 1])
        assert alone[0] == pytest.approx(together[row], abs=1e-5)
        one = model.score(src[row : row + 1], everyone[None, 3:4], t[row : row + 1])
        assert one[0, 0] == pytest.approx(together[row, 3], abs=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_learns_and_new_nodes_are_no_error(name: str) -> None:
    store = events(msg=True)
    model = model_of(name, store)
    feed = StreamFeed(store, (15, NODES - 1), spec_of(name).train, 100, SeedStreams(0))
    for batch in feed.train_batches(0):
        loss, many = stream_step(model, batch)
        loss.backward()
        assert many == 100
    silent = [
        name for name, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None
    ]
    assert not silent
    model.encoder.grow(NODES + 40)
    model.eval()
    scores = model.score(np.array([NODES + 3, 0]), np.array([[NODES + 7, 16], [NODES + 7, 16]]), np.array([6000, 6000]))
    assert np.isfinite(scores).all()


def test_negatives_are_no_positives_and_may_come_from_the_past() -> None:
    store = events(2000)
    for kind in ("non-links", "historical"):
        spec = RunSpec().with_overrides([f"train.negatives={kind}", "train.negative_count=6"]).train
        feed = StreamFeed(store, (15, NODES - 1), spec, 500, SeedStreams(0))
        batches = list(feed.train_batches(1))
        again = list(feed.train_batches(1))
        assert all(np.array_equal(a.candidates, b.candidates) for a, b in zip(batches, again, strict=True))
        for number, batch in enumerate(batches):
            assert batch.first == (number == 0) and (batch.candidates[:, 0] == batch.dst).all()
            others = batch.candidates[:, 1:]
            assert (others != batch.dst[:, None]).all() and others.min() >= 15 and others.max() < NODES
            if kind == "historical" and number:
                met = set(zip(store.src[: 500 * number].tolist(), store.dst[: 500 * number].tolist(), strict=True))
                pairs = zip(batch.src.tolist(), others[:, 0].tolist(), strict=True)
                assert np.mean([pair in met for pair in pairs]) > 0.9  # the true one is drawn anew


def test_t_batches_hold_a_node_once_and_every_event_weighs_the_same() -> None:
    store = events(400)
    spec = RunSpec().with_overrides(["train.batching=t-batch"]).train
    gradients = []
    for size in (5, 50):  # t-batches are cut differently, the sum of their gradients is the same
        model = model_of("craft", store, "encoder.options.dropout=0.0").train()
        feed = StreamFeed(store, (15, NODES - 1), spec, size, SeedStreams(0))
        show(model, store)  # nothing is shown after this: the state is the same for every batch
        batches = list(feed.train_batches(0))
        assert sum(len(batch.src) for batch in batches) == 400 and len(feed) == len(batches)
        for batch in batches:
            ends = np.concatenate([batch.src, batch.dst])
            assert len(np.unique(ends)) == len(ends) and (np.diff(batch.t) >= 0).all()
            candidates = np.stack([batch.dst, 15 + (batch.dst - 14) % (NODES - 15)], axis=1)
            logits = model.logits(batch.src, candidates, batch.t)
            (size * batch.weight * stream_loss(logits, "bpr")).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert gradients[0].abs().max() > 1e-3 and torch.allclose(*gradients, rtol=1e-4, atol=1e-4)


def test_losses() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]], dtype=torch.float64, requires_grad=True)
    softmax = -torch.log_softmax(logits, dim=1)[:, 0].mean()
    assert stream_loss(logits, "softmax").item() == pytest.approx(softmax.item())
    difference = logits[:, :1] - logits[:, 1:]
    assert stream_loss(logits, "bpr").item() == pytest.approx(-torch.log(torch.sigmoid(difference)).mean().item())
    for kind in ("bce", "softmax", "bpr"):
        assert torch.autograd.gradcheck(lambda x, kind=kind: stream_loss(x, kind), logits)


def test_mistakes_are_named(tmp_path: Path) -> None:
    from graphkit.data.cards import load_card

    with pytest.raises(ConfigError, match="its head is concat-mlp or dot"):
        model_of("graphmixer", events(), "head.name=identity")
    with pytest.raises(ConfigError, match="is for node-classification|graphmixer"):
        check_model(load_card("tgbl-wiki"), "gcn", RunSpec().with_overrides(["encoder.name=gcn"]))
    with pytest.raises(ConfigError, match="temporal-link"):
        check_model(load_card("cora"), "graphmixer", RunSpec().with_overrides(["encoder.name=graphmixer"]))
