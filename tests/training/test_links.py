"""Link cells: what a model may see, resuming, batches, records, and mistakes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.errors import ConfigError, ProtocolError, UnknownNameError
from graphkit.evaluation import Result
from graphkit.evaluation.leakage import check_link_leakage
from graphkit.kernels import CSRGraph
from graphkit.seeds import SeedStreams
from graphkit.training.link_feed import LinkFeed, ReweightedFeed
from graphkit.training.link_model import build_link_model, link_loss
from graphkit.training.run import run_cell

SMALL = (
    "data.name=csbm",
    "data.options.nodes=150",
    "protocol=random-85-5-10",
    "data.batch_size=200",
    "encoder.name=gcn",
    "encoder.options.hidden_channels=16",
    "head.name=hadamard-mlp",
    "train.epochs=4",
)
CPU = torch.device("cpu")


def spec_of(*more: str) -> RunSpec:
    return RunSpec().with_overrides([*SMALL, *more])


def dataset() -> LinkDataset:
    found = load_dataset("csbm", options={"nodes": 150}, protocol="random-85-5-10")
    assert isinstance(found, LinkDataset)
    return found


def feed_of(*more: str, split: LinkSplit | None = None) -> LinkFeed:
    links = dataset()
    return LinkFeed(links, split or links.split(), spec_of(*more), SeedStreams(0), CPU)


def keys(pairs: torch.Tensor) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in pairs.t().tolist()}


def test_batches_cover_the_links_and_hide_their_own() -> None:
    split, feed = dataset().split(), feed_of()
    shown = keys(torch.from_numpy(split.message))
    seen: list[set[tuple[int, int]]] = []
    for batch in feed.train_batches(0):
        positives, negatives = batch.pairs[:, batch.y == 1], batch.pairs[:, batch.y == 0]
        assert positives.shape == negatives.shape
        assert not keys(negatives) & shown
        assert keys(batch.graph.edge_index()) == shown - keys(positives)
        assert batch.whole.num_edges == split.message.shape[1]
        seen.append(keys(positives))
    assert set().union(*seen) == keys(torch.from_numpy(split.train)) and sum(map(len, seen)) == split.train.shape[1]


def test_no_asked_link_is_among_the_messages() -> None:
    split, feed = dataset().split(), feed_of()
    check_link_leakage(split.message, split.train, split.valid, split.test)
    asked = keys(torch.from_numpy(np.concatenate([split.valid, split.test], axis=1)))
    assert all(not keys(batch.graph.edge_index()) & asked for batch in feed.train_batches(1))


def test_a_feed_is_a_function_of_seed_and_epoch() -> None:
    first, again = feed_of(), feed_of()
    for epoch in (3, 0):
        pairs = [[batch.pairs for batch in feed.train_batches(epoch)] for feed in (first, again)]
        assert all(torch.equal(a, b) for a, b in zip(*pairs, strict=True))
    epochs = [torch.cat([batch.pairs for batch in first.train_batches(epoch)], dim=1) for epoch in (0, 1)]
    assert not torch.equal(*epochs)


def test_feed_options() -> None:
    links = dataset().split().train.shape[1]
    whole = list(feed_of("data.batch_size=0", "train.remove_targets=false").train_batches(0))
    assert len(whole) == 1 and whole[0].graph is whole[0].whole
    assert len(list(feed_of("train.drop_last=true").train_batches(0))) == links // 200
    (batch,) = feed_of("data.batch_size=0", "train.negatives=published").train_batches(0)
    assert keys(batch.pairs[:, links:]) == keys(torch.from_numpy(dataset().split().train_negatives))
    assert feed_of("data.inputs=ones", "data.input_channels=3").x.shape == (150, 3)
    assert feed_of("data.inputs=embedding", "data.input_channels=3").x is None


def test_training_without_the_links_equals_training_on_a_graph_built_without_them() -> None:
    links, spec = dataset(), spec_of("train.negatives=published")
    model = build_link_model(spec, links, SeedStreams(0)).double()
    feed = LinkFeed(links, links.split(), spec, SeedStreams(0), CPU)
    batch = next(iter(feed.train_batches(0)))
    gone = keys(batch.pairs[:, batch.y == 1])
    edges = feed.graph.edge_index()
    left = edges[:, [(min(pair), max(pair)) not in gone for pair in edges.t().tolist()]]
    rebuilt = CSRGraph.from_edge_index(left, links.num_nodes)
    gradients = []
    for graph in (batch.graph, rebuilt):
        model.eval()
        scores = model(dataclasses.replace(batch, graph=graph, x=batch.x.double()))
        loss = link_loss(scores, batch.y.double())
        gradients.append((scores.detach(), torch.autograd.grad(loss, list(model.parameters()))))
    assert torch.allclose(gradients[0][0], gradients[1][0], rtol=0, atol=1e-12)
    for a, b in zip(gradients[0][1], gradients[1][1], strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-12)


def test_records_say_how_links_were_ranked(tmp_path: Path) -> None:
    result = run_cell(spec_of(), tmp_path)
    assert result.metric == "roc-auc" and result.test is not None and 0.4 < result.test <= 1
    split = dataset().split()
    shown = {"valid": split.valid.shape[1], "test": split.test.shape[1]}
    assert result.evaluation["negatives_per_positive"] == shown
    assert len(result.evaluation["negatives"]) == 64 and result.evaluation["shared_negatives"] is True
    assert Result.from_json(result.to_json()) == result and result.model == "gcn-hadamard-mlp"
    assert {"best.safetensors", "ranks.npz", "last.ckpt"} <= {path.name for path in tmp_path.iterdir()}
    assert run_cell(spec_of()).test == result.test
    assert run_cell(spec_of(), None).split == 0 and run_cell(spec_of("seed=1")).split == 1


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(event: dict[str, Any]) -> None:
        if event.get("epoch") == 1:
            raise Stop

    with pytest.raises(Stop):
        run_cell(spec_of(), tmp_path, on_event=stop)
    resumed, whole = run_cell(spec_of(), tmp_path), run_cell(spec_of())
    assert (resumed.test, resumed.valid, resumed.best_epoch) == (whole.test, whole.valid, whole.best_epoch)


def test_a_model_learns_the_links_of_a_block_model() -> None:
    result = run_cell(spec_of("train.epochs=60", "encoder.options.dropout=0.0", "train.head_lr=0.003"))
    assert result.test is not None and result.test > 0.6


def test_learned_rows_stand_in_for_features() -> None:
    more = ("data.inputs=embedding", "data.input_channels=8")
    assert build_link_model(spec_of(*more), dataset(), SeedStreams(0)).rows.shape == (150, 8)
    assert run_cell(spec_of(*more, "train.epochs=1")).status == "ok"


def test_edges_are_weighted_anew_from_the_states_of_the_whole_graph(tmp_path: Path) -> None:
    more = ("train.reweight=1.5", "train.reweight_from=1", "train.reweight_every=2", "train.epochs=5")
    links, spec = dataset(), spec_of(*more)
    feed = LinkFeed(links, links.split(), spec, SeedStreams(0), CPU)
    model = build_link_model(spec, links, SeedStreams(0), num_edges=feed.graph.num_edges)
    batches, found = ReweightedFeed(feed, model, spec.train), []
    for epoch in range(5):
        with torch.no_grad():
            next(model.head.parameters()).add_(0.1)  # as if it learned
        next(iter(batches.train_batches(epoch)))
        assert model.training
        found.append(model.edge_weight.clone())
    changed = [not torch.equal(a, b) for a, b in zip(found, found[1:], strict=False)]
    assert changed == [True, False, True, False] and torch.equal(found[0], torch.ones_like(found[0]))
    target = feed.graph.edge_index()[1]
    total = torch.zeros(150).index_add(0, target, found[1])
    assert torch.allclose(total, 2.5 * torch.bincount(target, minlength=150).float(), rtol=1e-4)

    batch = next(iter(feed.train_batches(0)))  # a graph without the links of a batch keeps the weights of the others
    rebuilt = CSRGraph.from_edge_index(batch.graph.edge_index(), 150)
    expected = model.eval().encoder(batch.x, rebuilt, None, model.edge_weight[batch.graph.parent_edge.long()])
    states = model.context(batch.pairs, batch.x, batch.graph).states
    assert torch.allclose(states, expected, atol=1e-6)

    plain, weighted = run_cell(spec_of("train.epochs=5")), run_cell(spec, tmp_path)
    assert plain.test != weighted.test and plain.parameters == weighted.parameters
    assert run_cell(spec).test == weighted.test


def test_edge_weights_need_an_encoder_and_a_head_that_have_them() -> None:
    with pytest.raises(ConfigError, match="takes no edge weights"):
        run_cell(spec_of("train.reweight=1.0", "encoder.name=gat"))
    with pytest.raises(ConfigError, match="hadamard-mlp"):
        run_cell(spec_of("train.reweight=1.0", "head.name=ncn"))
    with pytest.raises(ConfigError, match=r"train\.reweight_every"):
        run_cell(spec_of("train.reweight=1.0", "train.reweight_every=0"))


@pytest.mark.parametrize("model", ["encoder.name=gcn", "scorer.name=cn"])
def test_validation_links_help_only_the_test_links(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    links = dataset()
    (parts, *_) = links.raw.splits["random-85-5-10"]
    joined = {**parts, "test_message": np.concatenate([parts["message"], parts["valid"]], axis=1)}
    richer = LinkDataset(links.card, dataclasses.replace(links.raw, splits={"random-85-5-10": [joined]}), "", {})
    more = ("train.reweight=1.0",) if "gcn" in model else ("encoder.name=", "head.name=identity")
    spec, found = spec_of("train.epochs=3", *more, model), []
    for each in (links, richer):
        monkeypatch.setattr("graphkit.training.scoring._loaded", lambda *key, each=each: each)
        found.append(run_cell(spec))
    assert found[0].valid == found[1].valid and found[0].test != found[1].test


def test_head_rates_are_the_heads_own() -> None:
    from graphkit.training.optimise import Schedule, make_optimizer

    spec = spec_of("train.lr=0.01", "train.head_lr=0.002", "train.warmup_epochs=2")
    model = build_link_model(spec, dataset(), SeedStreams(0))
    optimizer = make_optimizer(model, spec.train)
    Schedule(optimizer, spec.train).step(0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert {rates[id(p)] for p in model.head.parameters()} == {0.001}
    assert {rates[id(p)] for p in model.encoder.parameters()} == {0.005}


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="head 'identity', which is not for links"):
        run_cell(spec_of("head.name=identity"))
    with pytest.raises(ConfigError, match="head 'dot', which is not for nodes"):
        run_cell(spec_of("head.name=dot", "protocol=generator"))
    with pytest.raises(UnknownNameError, match="hadamard-mlp"):
        run_cell(spec_of("head.name=hadamard-mpl"))
    with pytest.raises(UnknownNameError, match="head.options.dropout"):
        run_cell(spec_of("head.options.droput=0.1"))
    with pytest.raises(ConfigError, match=r"input_channels"):
        run_cell(spec_of("data.inputs=ones"))
    with pytest.raises(ProtocolError, match="has no protocol"):
        run_cell(spec_of("protocol=heart"))


def test_leaking_splits_are_refused() -> None:
    train, valid, test = np.array([[0, 1], [1, 2]]), np.array([[2], [3]]), np.array([[0], [3]])
    check_link_leakage(train, train, valid, test)
    for message, learned, looked in (
        (np.array([[3], [0]]), train, valid),  # the reverse of a test link
        (train, np.array([[0], [3]]), valid),
        (train, train, np.array([[3], [0]])),
    ):
        with pytest.raises(ProtocolError, match="1 test links are among the .* links, 0 - 3 first"):
            check_link_leakage(message, learned, looked, test)
    check_link_leakage([[3], [0]], train, valid, test, undirected=False)
    with pytest.raises(ProtocolError, match="1 valid links are among the train links"):
        check_link_leakage(train, train, train[:, :1], test)


def test_the_loss_weighs_both_sides_alike() -> None:
    scores = torch.tensor([0.5, -1.0, 2.0])
    expected = -torch.log(torch.sigmoid(scores[0])) - torch.log(torch.sigmoid(-scores[1:])).mean()
    assert torch.allclose(link_loss(scores, torch.tensor([1.0, 0.0, 0.0])), expected)
    assert float(link_loss(torch.zeros(0), torch.zeros(0))) == 0.0
