"""Cells of links inside graphs: what is learnt, drawn and ranked, and settings that do not fit."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from graphkit.bench.models import load_model
from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.cards import load_card
from graphkit.data.graph_links import GraphLinkDataset, RawGraphLinks
from graphkit.data.molecules import ATOM_SIZES, BOND_SIZES
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS
from graphkit.seeds import SeedStreams
from graphkit.training.build import build_graph_link_model
from graphkit.training.graph_link_feed import GraphLinkFeed, draw_negatives
from graphkit.training.graph_links import candidate_scores, train_graph_links
from graphkit.training.tasks import check_model

SMALL = ["data.name=far-links", "data.options.graphs=40", "data.batch_size=8", "encoder.name=classic"]
SMALL += ["encoder.options.hidden_channels=24", "encoder.options.encoding=laplacian", "head.name=hadamard-mlp"]


def cell(*more: str, folder: Path | None = None) -> tuple[float, dict[str, float]]:
    found = train_graph_links(RunSpec().with_overrides([*SMALL, "train.lr=3e-3", *more]), folder)
    assert found.test is not None
    return found.test, found.evaluation["under_filtering"]


def test_a_cell_learns_what_colours_alone_do_not_say() -> None:
    options = ["data.options.graphs=120", "data.options.colours=2", "encoder.options.encoding=walk"]
    value, under = cell("train.epochs=15", "train.lr=1e-2", "encoder.options.dropout=0.0", *options)
    assert value > 0.6 and under["raw"] < under["filtered"] < under["extended"] == value


def test_a_cell_resumes_and_keeps_ranks(tmp_path: Path) -> None:
    cell("train.epochs=1", folder=tmp_path)
    with np.load(tmp_path / "ranks.npz") as ranks:
        assert ranks["test"].min() >= 1 and len(ranks["valid"]) > 100
    assert cell("train.epochs=2", folder=tmp_path) == cell("train.epochs=2")


def test_batches_change_no_score_and_states_give_the_scores() -> None:
    dataset = load_dataset("far-links", options={"graphs": 20})
    assert isinstance(dataset, GraphLinkDataset)
    spec = RunSpec().with_overrides(["data.name=far-links", "encoder.name=gcn", "head.name=dot"])
    model, found = build_graph_link_model(spec, dataset, SeedStreams(0)), {}
    for size in (1, 4):
        asked = spec.with_overrides([f"data.batch_size={size}"])
        feed = GraphLinkFeed(dataset, dataset.split(), asked, SeedStreams(0), torch.device("cpu"))
        found[size] = candidate_scores(model, feed.eval_batches("test"))
    ranked = [scores.ranked("mrr", PROTOCOLS["links-in-graphs"]) for scores in found.values()]
    assert ranked[0].value == ranked[1].value and ranked[0].ranks.tolist() == ranked[1].ranks.tolist()
    per_graph = [ranked[0].per_row[ranked[0].groups == graph].mean() for graph in range(4)]
    assert ranked[0].value == pytest.approx(np.mean(per_graph))
    graph = dataset.graph(int(dataset.split().test[0]))
    states = model.states(graph.x, graph.edge_index)
    own = found[1].own[0]
    np.testing.assert_allclose(found[1].scores[:24], (states @ states[own]).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_negatives_are_no_links_and_every_other_node_is_drawn() -> None:
    links, ptr = np.array([[0, 3, 0, 5], [3, 0, 2, 6]]), np.array([0, 4, 9])
    drawn = draw_negatives(links, ptr, 400, np.random.default_rng(0))
    for source, left in ((0, {0, 1}), (3, {1, 2, 3}), (5, {4, 5, 7, 8})):
        assert set(drawn[1][drawn[0] == source]) == left
    again = draw_negatives(links, ptr, 400, np.random.default_rng(0))
    assert (again == drawn).all() and drawn.shape == (2, 1600)


def molecules() -> GraphLinkDataset:
    """Three chains of eight atoms with their ends in contact, one a part."""
    chain = np.concatenate([np.arange(7) + 8 * number for number in range(3)])
    edges = np.stack([np.stack([chain, chain + 1], 1), np.stack([chain + 1, chain], 1)], 1).reshape(-1, 2).T
    ends = np.array([[0, 7], [7, 0]])
    parts = [(np.array([0]), np.array([1]), np.array([2]))]
    raw = RawGraphLinks(
        ptr=np.arange(4) * 8,
        edge_index=edges,
        x=np.ones((24, 9), dtype=np.int64),
        links=np.concatenate([ends + 8 * number for number in range(3)]).T,
        splits={protocol: parts for protocol in ("lrgb-original", "lrgb-reassessed")},
        x_sizes=ATOM_SIZES,
        edge_attr=np.zeros((edges.shape[1], 3), dtype=np.int64),
        edge_sizes=BOND_SIZES,
    )
    return GraphLinkDataset(load_card("pcqm-contact"), raw, "molecules", MappingProxyType({}))


@pytest.mark.parametrize("name", ["gcn-tuned", "gatedgcn-tuned", "gps", "graph-mamba"])
def test_models_of_pcqm_contact_keep_to_the_budget_of_the_protocol(name: str) -> None:
    card = load_card("pcqm-contact")
    spec = load_model(name).spec(card, "lrgb-reassessed")
    assert check_model(card, name, spec) == "graphkit.training.graph_links:train_graph_links"
    assert spec.head.name == "dot" and spec.train.negative_count == 2
    model = build_graph_link_model(spec, molecules(), SeedStreams(0))
    size = sum(parameter.numel() for parameter in model.parameters())
    budget = PROTOCOLS["lrgb-reassessed"].budget
    assert budget is not None and 0.8 * budget < size <= budget


def test_settings_that_do_not_fit() -> None:
    for setting, message in (
        ("train.negatives=published", "non-links"),
        ("train.negative_count=0", "negative_count"),
        ("head.name=ncn", "not for graph-links"),
    ):
        with pytest.raises(ConfigError, match=message):
            spec = RunSpec().with_overrides([*SMALL, setting])
            check_model(load_card("far-links"), "classic", spec)
            train_graph_links(spec)
    with pytest.raises(ConfigError, match="without links inside graphs"):
        train_graph_links(RunSpec().with_overrides(["data.name=karate", "encoder.name=gcn", "head.name=dot"]))
