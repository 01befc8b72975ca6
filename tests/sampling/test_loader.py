from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch_geometric.data import Data

from graphkit.errors import ConfigError, GraphValidationError
from graphkit.kernels import as_graph, spmm
from graphkit.sampling import GraphBatches, NeighborSampler, neighbor_loader


def random_graph(nodes: int = 40, edges: int = 200) -> Data:
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.randint(nodes, (2, edges), generator=generator)
    return Data(x=torch.randn(nodes, 3, generator=generator), edge_index=edge_index, y=torch.arange(nodes))


def test_every_seed_node_is_served_once_in_an_order_of_the_seed() -> None:
    data, orders = random_graph(), []
    for seed in (0, 0, 1):
        blocks = neighbor_loader(data, fanout=[2], batch_size=7, seed=seed, shuffle=True)
        orders.append([node for block in blocks for node in block.y[: block.batch_size].tolist()])
    assert orders[0] == orders[1] != orders[2]
    assert all(sorted(order) == list(range(40)) for order in orders)


def test_loaders_that_share_a_sampler_do_not_disturb_each_other() -> None:
    data = random_graph()
    sampler = NeighborSampler(data, [2])

    def start(seed: int) -> Iterator[Data]:
        return neighbor_loader(data, fanout=[2], batch_size=8, seed=seed, sampler=sampler)

    alone = [block.e_id for block in start(1)]
    mixed = [one.e_id for one, _ in zip(start(1), start(2), strict=True)]
    assert all(torch.equal(a, b) for a, b in zip(alone, mixed, strict=True))


def test_full_neighbourhoods_give_the_full_graph_result() -> None:
    data = random_graph()
    graph = as_graph(data.edge_index, 40)
    expected = spmm(graph, spmm(graph, data.x, reduce="mean"), reduce="mean")
    for block in neighbor_loader(data, fanout=[-1, -1], batch_size=9):
        graph = as_graph(block.edge_index, block.num_nodes)
        result = spmm(graph, spmm(graph, block.x, reduce="mean"), reduce="mean")[: block.batch_size]
        torch.testing.assert_close(result, expected[block.n_id[: block.batch_size]])


def test_a_batch_size_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size"):
        next(iter(neighbor_loader(random_graph(), fanout=[1], batch_size=0)))


def union() -> Data:
    """Three graphs of 2, 3 and 1 nodes; the edges are not stored graph by graph."""
    edge_index = torch.tensor([[2, 0, 4, 5, 1], [3, 1, 2, 5, 0]])
    return Data(
        x=torch.arange(12.0).view(6, 2),
        y=torch.arange(6),
        edge_index=edge_index,
        edge_attr=torch.arange(5.0).unsqueeze(-1),
        ptr=torch.tensor([0, 2, 5, 6]),
    )


@pytest.mark.parametrize("seed", [None, 0, 3])
def test_graph_batches_are_the_graphs(seed: int | None) -> None:
    data, seen = union(), []
    for batch in GraphBatches(data, [0, 2, 1], 2).epoch(seed):
        assert torch.equal(batch.x, data.x[batch.node_id]) and torch.equal(batch.y, data.y[batch.node_id])
        original = data.edge_index[:, batch.edge_attr.flatten().long()]
        assert torch.equal(batch.node_id[batch.edge_index], original)
        assert torch.equal(batch.batch.bincount(), batch.ptr.diff())
        seen += batch.node_id.tolist()
    assert sorted(seen) == list(range(6))
    if seed is None:
        assert seen == [0, 1, 5, 2, 3, 4]


def test_batches_in_given_order_are_served_again() -> None:
    batches = GraphBatches(union(), [0, 1], 1)
    assert all(a is b for a, b in zip(batches.epoch(), batches.epoch(), strict=True))


def test_bad_unions_are_refused() -> None:
    with pytest.raises(GraphValidationError, match="graph ids"):
        GraphBatches(union(), [3], 1)
    with pytest.raises(ConfigError, match="ptr"):
        GraphBatches(random_graph(), [0], 1)
    data = union()
    data.edge_index[1, 0] = 0
    with pytest.raises(GraphValidationError, match="joins"):
        GraphBatches(data, [0], 1)
