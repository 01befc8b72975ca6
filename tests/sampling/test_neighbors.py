from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.loader import LinkLoader, NodeLoader
from torch_geometric.sampler import NegativeSampling

from graphkit.errors import ConfigError, GraphValidationError, ShapeError
from graphkit.sampling import NeighborSampler


def random_graph(nodes: int = 60, edges: int = 400, seed: int = 0) -> Data:
    generator = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(nodes, (2, edges), generator=generator)
    x = torch.randn(nodes, 4, generator=generator)
    return Data(x=x, edge_index=edge_index, y=torch.arange(nodes), edge_attr=torch.arange(float(edges)).unsqueeze(-1))


def star(leaves: int) -> tuple[Tensor, int]:
    """Edges from nodes 1..leaves to node 0."""
    return torch.stack([torch.arange(1, leaves + 1), torch.zeros(leaves, dtype=torch.long)]), leaves + 1


def picks(sampler: NeighborSampler, draws: int) -> np.ndarray:
    """How often each edge into node 0 was drawn in `draws` epochs."""
    counts = np.zeros(sampler.num_nodes - 1, dtype=int)
    for epoch in range(draws):
        sampler.epoch = epoch
        found = sampler.sample(torch.tensor([0]))
        np.add.at(counts, found.edge_id.numpy(), 1)
    return counts


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("subgraph", ["directional", "induced"])
def test_every_edge_of_a_sample_is_an_edge_of_the_graph(replace: bool, subgraph: str) -> None:
    data = random_graph()
    sampler = NeighborSampler(data, [3, 2], replace=replace, subgraph=subgraph)  # type: ignore[arg-type]
    seeds = torch.tensor([5, 0, 17])
    found = sampler.sample(seeds)
    assert torch.equal(found.nodes[:3], seeds)
    assert len(found.nodes.unique()) == len(found.nodes)
    assert torch.equal(found.nodes[found.edge_index], data.edge_index[:, found.edge_id])
    assert sum(found.nodes_per_hop) == len(found.nodes)
    if not replace:
        assert len(found.edge_id.unique()) == len(found.edge_id)
    if subgraph == "directional":
        into_seed = torch.bincount(found.edge_index[1], minlength=3)[:3]
        degree = torch.bincount(data.edge_index[1], minlength=60)[seeds]
        assert torch.equal(into_seed, torch.full((3,), 3) if replace else degree.clamp(max=3))


def test_a_full_fanout_is_the_whole_neighbourhood() -> None:
    data = random_graph()
    found = NeighborSampler(data, [-1, -1]).sample(torch.tensor([7]))
    one = data.edge_index[0, data.edge_index[1] == 7]
    reached = torch.cat([torch.tensor([7]), one]).unique()
    inner = torch.isin(data.edge_index[1], reached)
    assert set(found.edge_id.tolist()) == set(inner.nonzero().flatten().tolist())


def test_induced_subgraphs_hold_every_edge_between_their_nodes() -> None:
    data = random_graph()
    found = NeighborSampler(data, [2, 2], subgraph="induced").sample(torch.tensor([1, 2]))
    inside = torch.isin(data.edge_index, found.nodes).all(0).nonzero().flatten()
    assert set(found.edge_id.tolist()) == set(inside.tolist())


def test_bidirectional_subgraphs_add_the_reverse_edges_that_exist() -> None:
    data, seeds = random_graph(edges=800), torch.tensor([1, 2])
    drawn = NeighborSampler(data, [3, 2]).sample(seeds).edge_id
    found = NeighborSampler(data, [3, 2], subgraph="bidirectional").sample(seeds)
    wanted = {tuple(edge) for edge in data.edge_index[:, drawn].t().tolist()}
    reverse = [edge for edge, (a, b) in enumerate(data.edge_index.t().tolist()) if (b, a) in wanted]
    assert set(reverse) - set(drawn.tolist())
    assert sorted(found.edge_id.tolist()) == sorted({*drawn.tolist(), *reverse})
    assert torch.equal(found.nodes[found.edge_index], data.edge_index[:, found.edge_id])


def test_a_sample_is_a_function_of_seed_epoch_and_seeds() -> None:
    data, seeds = random_graph(), torch.tensor([3, 9])
    sampler = NeighborSampler(data, [2, 2], seed=1)
    first = sampler.sample(seeds)
    assert torch.equal(first.edge_id, sampler.sample(seeds).edge_id)
    assert torch.equal(first.edge_id, pickle.loads(pickle.dumps(sampler)).sample(seeds).edge_id)
    others = [copy.copy(sampler) for _ in range(2)]
    others[0].seed, others[1].epoch = 2, 1
    assert all(not torch.equal(first.nodes, other.sample(seeds).nodes) for other in others)


@pytest.mark.parametrize(("leaves", "count"), [(6, 2), (40, 3), (6, 5)])
def test_uniform_draws_are_uniform(leaves: int, count: int) -> None:
    counts = picks(NeighborSampler(star(leaves), [count]), 2000)
    assert counts.sum() == 2000 * count
    assert chisquare(counts).pvalue > 1e-3


def test_uniform_pairs_are_uniform() -> None:
    sampler, pairs = NeighborSampler(star(5), [2]), np.zeros((5, 5))
    for epoch in range(3000):
        sampler.epoch = epoch
        a, b = sorted(sampler.sample(torch.tensor([0])).edge_id.tolist())
        pairs[a, b] += 1
    assert chisquare(pairs[np.triu_indices(5, 1)]).pvalue > 1e-3


def test_draws_with_replacement_follow_the_weights() -> None:
    weight = torch.tensor([1.0, 2.0, 0.0, 4.0])
    counts = picks(NeighborSampler(star(4), [5], replace=True, weight=weight), 1500)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3]], 7500 * np.array([1, 2, 4]) / 7).pvalue > 1e-3


def test_weighted_draws_without_replacement_are_successive_draws() -> None:
    weight = torch.tensor([1.0, 2.0, 3.0, 0.0])
    counts = picks(NeighborSampler(star(4), [2], weight=weight), 4000)
    w = weight[:3].double().numpy() / 6
    inclusion = [w[i] + sum(w[j] * w[i] / (1 - w[j]) for j in range(3) if j != i) for i in range(3)]
    assert counts[3] == 0 and counts.sum() == 8000
    assert chisquare(counts[:3], 4000 * np.array(inclusion)).pvalue > 1e-3


def test_zero_weights_are_left_out_of_a_full_fanout() -> None:
    found = NeighborSampler(star(3), [-1], weight=torch.tensor([1.0, 0.0, 1.0])).sample(torch.tensor([0]))
    assert found.edge_id.tolist() == [0, 2]


def test_nodes_without_neighbours_stay_alone() -> None:
    found = NeighborSampler(star(3), [2, 2], replace=True).sample(torch.tensor([2]))
    assert found.nodes.tolist() == [2] and found.edge_index.shape == (2, 0)


def test_pyg_node_loader_takes_the_sampler() -> None:
    data = random_graph()
    loader = NodeLoader(data, NeighborSampler(data, [3, 3]), input_nodes=torch.arange(10), batch_size=4)
    seen = []
    for block in loader:
        seen += block.n_id[: block.batch_size].tolist()
        assert torch.equal(block.x, data.x[block.n_id])
        assert torch.equal(block.edge_attr.flatten().long(), block.e_id)
        assert torch.equal(block.n_id[block.edge_index], data.edge_index[:, block.e_id])
    assert seen == list(range(10))


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_loader_workers_draw_what_the_main_process_draws(context: str) -> None:
    data = random_graph()
    NeighborSampler(data, [2]).sample(torch.tensor([0]))  # the kernels have run before the workers start
    options = {"data": data, "node_sampler": NeighborSampler(data, [3, 3]), "input_nodes": torch.arange(12)}
    alone = [block.e_id for block in NodeLoader(**options, batch_size=4)]
    workers = {"num_workers": 2, "multiprocessing_context": context, "filter_per_worker": True}
    together = [block.e_id for block in NodeLoader(**options, batch_size=4, **workers)]
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_threads_may_share_a_sampler() -> None:
    sampler = NeighborSampler(random_graph(), [4, 4])
    seeds = [torch.tensor([node, (node + 7) % 60]) for node in range(60)] * 5
    expected = [sampler.sample(pair).edge_id for pair in seeds]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: sampler.sample(pair).edge_id, seeds))
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("mode", ["none", "binary", "triplet"])
def test_pyg_link_loader_takes_the_sampler(mode: str) -> None:
    data = random_graph()
    negatives = None if mode == "none" else NegativeSampling(mode, 2)
    loader = LinkLoader(
        data,
        NeighborSampler(data, [3]),
        edge_label_index=data.edge_index[:, :12],
        batch_size=6,
        neg_sampling=negatives,
    )
    for number, block in enumerate(loader):
        true = data.edge_index[:, 6 * number : 6 * number + 6]
        if mode == "triplet":
            ends = torch.stack([block.n_id[block.src_index], block.n_id[block.dst_pos_index]])
            assert block.dst_neg_index.shape == (6, 2)
        else:
            ends = block.n_id[block.edge_label_index[:, :6]]
        assert torch.equal(ends, true)
        if mode == "binary":
            assert block.edge_label.tolist() == [1.0] * 6 + [0.0] * 12
            assert block.edge_label_index.shape == (2, 18)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fanout": []}, ConfigError, "fanout"),
        ({"fanout": [-2]}, ConfigError, "fanout"),
        ({"fanout": [1], "subgraph": "other"}, ConfigError, "directional"),
        ({"fanout": [1], "weight": torch.ones(2)}, ShapeError, "3 edges"),
        ({"fanout": [1], "weight": torch.tensor([1.0, -1.0, 1.0])}, GraphValidationError, "negative"),
        ({"fanout": [1], "weight": torch.tensor([1.0, float("nan"), 1.0])}, GraphValidationError, "finite"),
    ],
)
def test_bad_options_are_refused(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NeighborSampler(star(3), **options)


@pytest.mark.parametrize("seeds", [[0, 0], [4], [-1], [0, 1, 2, 3, 0]])
def test_bad_seeds_are_refused_and_leave_the_sampler_usable(seeds: list[int]) -> None:
    sampler = NeighborSampler(star(3), [2])
    with pytest.raises(GraphValidationError):
        sampler.sample(torch.tensor(seeds))
    assert len(sampler.sample(torch.tensor([0])).nodes) == 3
