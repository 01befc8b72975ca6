"""Cards of encoders on molecules: bonds are read where the encoder can, and regressions share their loss."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch_geometric.data import Data

from graphkit.bench.models import list_models, load_model
from graphkit.data.cards import load_card
from graphkit.data.graphs import GraphDataset
from graphkit.encoders import ENCODERS
from graphkit.seeds import SeedStreams
from graphkit.training.build import build_model
from graphkit.training.feeds import ManyGraphsFeed
from graphkit.training.structures import structure_of

SUBGRAPHS = ["ds", "dss", "sun", "gnn-ak", "spen", "kl-gnn", "ngn", "k-path", "policy-learn", "policy-random"]
MESSAGES = ["gin", "gps", "graph-mamba", "gatedgcn", "gatedgcn-tuned", "gat-tuned"]
READERS = [*SUBGRAPHS, *MESSAGES, "pathnn-sp", "pathnn-spplus", "pathnn-ap"]
PLAIN = {"gcn-tuned", "gmn", "gsm++", "rni", "gin-cycles", "gin-canonical"}
"""Their convolutions have no place for bonds."""
MOLECULES = ("ogbg-molesol", "ogbg-molhiv", "moleculenet-esol", "peptides-func", "zinc")
SMALL = {"hidden_channels": 8, "num_layers": 2, "encoding": "none", "inner_layers": 1, "local": "gatedgcn"}


def molecules() -> GraphDataset:
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for size in range(5, 11):
        chain = torch.arange(size - 1)
        bonds = torch.stack([torch.cat([chain, chain + 1]), torch.cat([chain + 1, chain])])
        kinds = torch.rand(size - 1, 2, generator=generator).repeat(2, 1)
        x = torch.rand(size, 3, generator=generator)
        graphs.append(Data(x=x, edge_index=bonds, edge_attr=kinds, y=torch.tensor([size % 2])))
    return GraphDataset.from_graphs(graphs * 5)


@pytest.mark.parametrize("model", READERS)
def test_bonds_reach_the_scores(model: str) -> None:
    spec = load_model(model).spec(load_card("ogbg-molesol"), "ogb")
    taken = inspect.signature(ENCODERS.get(spec.encoder.name)).parameters
    small = {name: value for name, value in SMALL.items() if name in taken}
    if small.pop("local", None) and spec.encoder.options.get("local") != "gine":
        small["local"] = "gatedgcn"
    spec = spec.merged({"encoder": {"options": small}})
    dataset = molecules()
    net = build_model(spec, dataset, SeedStreams(0)).eval()
    structure = structure_of(dataset, net.encoder.requires, 100)
    feed = ManyGraphsFeed(dataset, dataset.split(), torch.device("cpu"), 4, 0, structure)
    (batch, *_) = feed.eval_batches("train")
    scores = batch.scores(net)
    assert scores.isfinite().all()
    assert batch.edge_attr is not None
    other = net(batch.x, batch.graph, batch.edge_attr + 1.0, batch.structure)
    assert (scores - other).abs().max() > 1e-7


@pytest.mark.parametrize("dataset", MOLECULES)
def test_every_encoder_that_takes_bonds_gets_them(dataset: str) -> None:
    card = load_card(dataset)
    for model in READERS:
        assert load_model(model).spec(card, card.protocols[0]).data.edge_features, model
    for model in PLAIN:
        assert not load_model(model).spec(card, card.protocols[0]).data.edge_features, model


@pytest.mark.parametrize("model", [*READERS, *sorted(PLAIN)])
def test_regressions_of_the_open_graph_benchmark_share_a_loss(model: str) -> None:
    card = load_card("ogbg-molesol")
    assert load_model(model).spec(card, card.protocols[0]).head.options["loss"] == "mse"
    assert "loss" not in load_model(model).spec(load_card("zinc"), "benchmarking-gnns-500k").head.options


def test_no_card_of_a_reader_is_left_out() -> None:
    card = load_card("ogbg-molesol")
    for model in list_models():
        spec = load_model(model).spec(card, card.protocols[0])
        general = model == spec.encoder.name and model not in READERS  # an encoder without a card of its own
        if spec.encoder.name in ("subgraph", "policy-learn", "pathnn", "hybrid") and not general:
            assert model in READERS or model in PLAIN, model
