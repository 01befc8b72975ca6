"""No subgraph encoder tells more apart than its oracle, and every one reaches it, weights random in float64."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphkit.encoders.gcn import GCN
from graphkit.encoders.path import PathNN
from graphkit.encoders.subgraph import SubgraphEncoder
from graphkit.expressiveness import ORACLES, FlatGraphs, from_networkx, ladder, oracles, read_graph6
from graphkit.expressiveness.generators import csl, cycles
from graphkit.training.separation import apart, count_classes, graph_vectors, random_encoder
from graphkit.transforms.structures import attach

BOUNDS: dict[str, tuple[dict[str, Any], Any]] = {
    "ds node-marked": ({"num_layers": 8}, ORACLES["nm"].run),
    "ds node-deleted": ({"policy": "node-deleted", "num_layers": 8}, ORACLES["ds-nd"].run),
    "dss node-marked": ({"mixing": "dss", "num_layers": 8}, ORACLES["dss-nm"].run),
    "dss ego": (
        {"mixing": "dss", "policy": "ego", "radius": 2},
        lambda graphs: oracles.shared_bags(graphs, "ego", 2),
    ),
    "ds ego": ({"policy": "ego", "radius": 1}, ORACLES["ego1"].run),
    "ds ego+": ({"policy": "ego+", "radius": 2}, ORACLES["ego2+"].run),
    "gnn-ak 1": ({"mixing": "ak", "policy": "ego", "radius": 1, "num_layers": 3}, ORACLES["ak1"].run),
    "gnn-ak 2": ({"mixing": "ak", "policy": "ego", "radius": 2, "num_layers": 3}, ORACLES["ak2"].run),
}


def encoder(**options: Any) -> SubgraphEncoder:
    settings: dict[str, Any] = {"hidden_channels": 16, "inner_layers": 3} | options
    return SubgraphEncoder(1, 16, **settings)


@pytest.mark.parametrize("name", BOUNDS)
def test_ladder(name: str) -> None:
    options, oracle = BOUNDS[name]
    for family, graphs in ladder().items():
        colors = oracle(graphs)
        expected = colors[:, None] != colors[None, :]
        found = apart(functools.partial(encoder, **options), graphs)
        assert not (found & ~expected).any(), f"{name} tells more apart than its oracle on {family}"
        assert (found == expected).all(), f"{name} does not reach its oracle on {family}"


@pytest.mark.parametrize(
    "options", [{"mixing": "sun", "num_layers": 8}, {"mixing": "2ign", "policy": "ego", "radius": 1, "num_layers": 4}]
)
def test_one_root_is_bounded_by_2_fwl(options: dict[str, Any]) -> None:
    for family, graphs in ladder().items():
        colors = oracles.fwl2(graphs)
        found = apart(functools.partial(encoder, **options), graphs)
        assert not (found & (colors[:, None] == colors[None, :])).any(), family


def test_sun_reaches_marked_nodes() -> None:
    for family in ("c6-2c3", "c8-2c4", "decalin", "cfi-c5", "dodecahedron"):
        assert count_classes(apart(functools.partial(encoder, mixing="sun", num_layers=8), ladder()[family])) == 2


@pytest.mark.parametrize(
    ("family", "classes"), {"rook-shrikhande": 2, "chang": 4, "latin5": 2, "cfi-k33": 2, "cfi-prism": 2}.items()
)
def test_marked_pairs_tell_strongly_regular_graphs_apart(family: str, classes: int) -> None:
    options = {"policy": "tuples", "radius": 0, "pool": "subgraph", "num_layers": 5}
    assert count_classes(apart(functools.partial(encoder, **options), ladder()[family], draws=1)) == classes


@pytest.mark.slow
def test_marked_pairs_do_not_tell_cfi_k5_apart() -> None:
    options = {"policy": "tuples", "radius": 0, "pool": "subgraph", "num_layers": 5}
    assert count_classes(apart(functools.partial(encoder, **options), ladder()["cfi-k5"], draws=1)) == 1


@pytest.mark.mirror
def test_marked_pairs_tell_all_of_sr25_apart(mirror: Path) -> None:
    graphs = read_graph6((mirror / "expressiveness/SR/sr251256.g6").read_bytes().splitlines())
    options = {"policy": "tuples", "radius": 0, "pool": "subgraph", "num_layers": 4}
    assert count_classes(apart(functools.partial(encoder, **options), graphs, draws=1)) == 15


@pytest.mark.slow
@pytest.mark.mirror
def test_simple_paths_of_five_edges_tell_all_of_sr25_apart(mirror: Path) -> None:
    """Means over the two million paths of a graph keep states small; weights four times as large bend the gates."""
    graphs = read_graph6((mirror / "expressiveness/SR/sr251256.g6").read_bytes().splitlines())
    torch.manual_seed(0)
    model = PathNN(1, 8, "ap", 5, hidden_channels=8, distances=True, norm="none", aggregate="mean").double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    states = []
    for one in [graphs.take([0]).relabelled(1), *(graphs.take([place]) for place in range(15))]:
        data = Data(x=torch.ones(25, 1, dtype=torch.float64), edge_index=torch.from_numpy(one.edge_index()))
        with torch.no_grad():
            states.append(model(attach(data, model.requires)).x)
    mean, spread = states[0].mean(0), states[0].std(0)  # constants for all graphs
    alive = spread > 1e-12  # a channel that ReLU keeps at zero tells nothing
    states, mean, spread = [state[:, alive] for state in states], mean[alive], spread[alive]
    vectors = torch.stack([torch.tanh((state - mean) / (3 * spread)).sum(0) for state in states])
    distance = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist") / vectors.norm(dim=1).max()
    assert distance[0, 1] < 1e-7 and distance[1:, 1:].fill_diagonal_(1.0).min() > 1e-5


def test_message_passing_is_bounded_by_1_wl() -> None:
    pair = from_networkx([cycles(6), cycles(3, 3), csl(12, 2), csl(12, 5)])
    assert count_classes(apart(lambda: GCN(1, 8, hidden_channels=8), pair)) == 2  # the sizes alone


def test_vectors_do_not_depend_on_the_order_of_nodes() -> None:
    graphs: FlatGraphs = ladder()["decalin"]
    model = random_encoder(lambda: encoder(mixing="dss"), 0)
    turned = graph_vectors(model, graphs.relabelled(1))
    np.testing.assert_allclose(turned, graph_vectors(model, graphs), atol=1e-9 * float(turned.abs().max()))


def test_the_draw_of_weights_follows_the_seed() -> None:
    first, again, other = (random_encoder(encoder, seed) for seed in (0, 0, 1))
    graphs = ladder()["c6-2c3"]
    assert torch.equal(graph_vectors(first, graphs), graph_vectors(again, graphs))
    assert not torch.equal(graph_vectors(first, graphs), graph_vectors(other, graphs))
