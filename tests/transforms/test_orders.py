"""Node orders: a place for every node, the same one whatever the numbering and whatever other graphs are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
import torch

from graphkit.errors import UnknownNameError
from graphkit.transforms.orders import NodeOrder, Order
from graphkit.transforms.structures import Graphs

Moved = tuple[Graphs, torch.Tensor]
every = pytest.mark.parametrize("kind", get_args(Order))


def places(graphs: Graphs, kind: Order) -> torch.Tensor:
    return NodeOrder(kind).compute(graphs)["order"].values


@every
def test_every_graph_gets_the_places_from_0(kind: Order, graphs: Graphs) -> None:
    for part in places(graphs, kind).split(graphs.ptr.diff().tolist()):
        assert sorted(part.tolist()) == list(range(len(part)))


@every
def test_other_graphs_do_not_matter(kind: Order, graphs: Graphs) -> None:
    low = int(graphs.ptr[3])
    alone = Graphs(graphs.edge_index[:, graphs.edge_ptr[3] : graphs.edge_ptr[4]] - low, torch.tensor([0, 12]))
    assert torch.equal(places(alone, kind), places(graphs, kind)[low : low + 12])


@pytest.mark.parametrize("kind", ["degree", "pagerank", "eigenvector", "hac"])
def test_places_follow_the_nodes(kind: Order, union: Callable[..., Graphs], renumbered: Callable[..., Moved]) -> None:
    graphs = union([20, 25], seed=5)
    moved, place = renumbered(graphs)
    assert torch.equal(places(moved, kind)[place], places(graphs, kind))


def test_degrees_ascend(graphs: Graphs) -> None:
    degree = torch.bincount(graphs.edge_index[0], minlength=graphs.num_nodes)
    for part, order in zip(
        degree.split(graphs.ptr.diff().tolist()),
        places(graphs, "degree").split(graphs.ptr.diff().tolist()),
        strict=True,
    ):
        assert (part[order.argsort()].diff() >= 0).all()


def test_cuthill_mckee_keeps_neighbours_close() -> None:
    cycle = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    edges = torch.stack([cycle, cycle.roll(1)])
    place = places(Graphs(torch.cat([edges, edges.flip(0)], dim=1), torch.tensor([0, 40])), "rcm")
    assert int((place[edges[0]] - place[edges[1]]).abs().max()) <= 2


def test_clusters_of_two_cliques_stay_together() -> None:
    clique = torch.combinations(torch.arange(6)).t()
    edges = torch.cat([clique, clique + 6, torch.tensor([[0], [6]])], dim=1)
    place = places(Graphs(torch.cat([edges, edges.flip(0)], dim=1), torch.tensor([0, 12])), "hac")
    halves = [sorted(place[:6].tolist()), sorted(place[6:].tolist())]
    assert sorted(halves) == [list(range(6)), list(range(6, 12))]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="degree"):
        NodeOrder("degre")  # type: ignore[arg-type]
