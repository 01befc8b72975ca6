"""Encoders with a sequence model inside: graphs do not touch, fixed orders are exact, drawn ones converge."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder
from graphkit.encoders.hybrid import Hybrid
from graphkit.encoders.ordering import NodeOrdering
from graphkit.errors import ShapeError
from graphkit.kernels import as_graph
from graphkit.transforms.structures import attach

SIZES = [7, 1, 12, 20]
SMALL = {"hidden_channels": 8, "num_layers": 2}
HYBRID: dict[str, Any] = {**SMALL, "heads": 2, "states": 3}
FIXED: list[tuple[str, dict[str, Any]]] = [
    ("hybrid", {**HYBRID, "order": "pagerank"}),
    ("hybrid", {**HYBRID, "order": "eigenvector", "mixer": "mamba2", "bidirectional": True}),
    ("hybrid", {**HYBRID, "order": "hac", "tail": "attention", "encoding": "walk", "encoding_channels": 3}),
    ("hybrid", {**HYBRID, "order": "degree", "mixer": "gru", "local": "none"}),
    ("plstm", {**SMALL, "heads": 2, "key_channels": 3}),
    ("classic", {**SMALL, "encoding": "both", "encoding_channels": 2, "layer": "gatedgcn"}),
]
WALKS = ("hybrid", {**HYBRID, "order": "pagerank", "token_length": 2, "token_walks": 2})
fixed = pytest.mark.parametrize(("name", "options"), FIXED, ids=lambda value: str(value)[:90])
every = pytest.mark.parametrize(("name", "options"), [*FIXED, WALKS], ids=lambda value: str(value)[:90])


def build(name: str, options: dict[str, Any]) -> Encoder:
    torch.manual_seed(0)
    return ENCODERS.get(name)(in_channels=5, out_channels=3, **options).double().eval()


def union(sizes: list[int], seed: int = 0) -> Data:
    generator = torch.Generator().manual_seed(seed)
    edges, first = [], 0
    for size in sizes:
        one = (torch.rand(size, size, generator=generator) < 0.3).triu(1).nonzero().t()
        edges.append(torch.cat([one, one.flip(0)], dim=1) + first)
        first += size
    x = torch.randn(first, 5, generator=generator, dtype=torch.double)
    return Data(x=x, edge_index=torch.cat(edges, dim=1), ptr=torch.tensor([0, *sizes]).cumsum(0))


def states(encoder: Encoder, data: Data) -> Tensor:
    return encoder(attach(data, encoder.requires)).x


@fixed
def test_graphs_of_a_batch_do_not_touch(name: str, options: dict[str, Any]) -> None:
    encoder, data = build(name, options), union(SIZES)
    together = states(encoder, data)
    low = 8
    edges = data.edge_index[:, (data.edge_index[0] >= low) & (data.edge_index[0] < low + 12)] - low
    alone = Data(x=data.x[low : low + 12], edge_index=edges)
    torch.testing.assert_close(states(encoder, alone), together[low : low + 12])


@fixed
def test_fixed_orders_are_equivariant(name: str, options: dict[str, Any]) -> None:
    encoder, data = build(name, options), union([25], seed=3)
    place = torch.randperm(25, generator=torch.Generator().manual_seed(1))
    moved = Data(x=torch.empty_like(data.x).index_copy(0, place, data.x), edge_index=place[data.edge_index])
    if options.get("encoding") == "both":  # eigenvectors are unique up to sign, and the sign is canonical
        torch.testing.assert_close(states(encoder, moved)[place], states(encoder, data), atol=1e-5, rtol=1e-4)
        return
    torch.testing.assert_close(states(encoder, moved)[place], states(encoder, data), atol=1e-6, rtol=1e-5)


@every
def test_training_reaches_every_parameter(name: str, options: dict[str, Any]) -> None:
    encoder = build(name, options).train()
    states(encoder, union(SIZES)).square().sum().backward()
    for parameter_name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), parameter_name


def test_edges_may_come_in_any_order() -> None:
    encoder, data = build(*FIXED[0]), union([25])
    order = torch.randperm(data.edge_index.size(1), generator=torch.Generator().manual_seed(0))
    shuffled = Data(x=data.x, edge_index=data.edge_index[:, order])
    torch.testing.assert_close(states(encoder, shuffled), states(encoder, Data(x=data.x, edge_index=data.edge_index)))


def test_an_average_over_k_drawn_orders_converges_like_the_root_of_k() -> None:
    data = union([40])

    def spread(permutations: int) -> float:
        encoder = build("hybrid", {**HYBRID, "num_layers": 1, "local": "none", "permutations": permutations})
        assert isinstance(encoder, Hybrid)
        layer, graph = encoder.layers[0], as_graph(data.edge_index, 40)
        x = encoder.first(data.x, {})
        results = []
        for seed in range(64):
            drawn = encoder.ordering({"ptr": data.ptr}, graph, permutations, torch.Generator().manual_seed(seed))
            results.append(layer._mix(x, *drawn).detach())
        return float(torch.stack(results).std(0).norm())

    ratio = spread(1) / spread(16)
    assert 3.4 < ratio < 4.6  # the root of 16, give or take the noise of 64 draws


def test_averaging_in_one_packed_call_is_averaging_one_by_one() -> None:
    encoder, data = build("hybrid", {**HYBRID, "num_layers": 1}), union(SIZES)
    assert isinstance(encoder, Hybrid) and encoder.ordering is not None
    layer, graph, x = encoder.layers[0], as_graph(data.edge_index, 40), encoder.first(data.x, {})
    nodes, sequences = encoder.ordering({"ptr": data.ptr}, graph, 3, torch.Generator().manual_seed(0))
    packed = layer._mix(x, nodes, sequences)
    one = NodeOrdering("given")({"ptr": data.ptr}, graph)[1]
    apart = [layer._mix(x, part, one) for part in nodes.view(3, -1)]
    torch.testing.assert_close(packed, torch.stack(apart).mean(0))


def test_degrees_ascend_and_noise_only_breaks_ties() -> None:
    data = union([30])
    graph = as_graph(data.edge_index, 30)
    first, second = (NodeOrdering("degree-noise")({"ptr": data.ptr}, graph)[0] for _ in range(2))
    assert (graph.out_degree[first].diff() >= 0).all() and not torch.equal(first, second)


def test_buckets_deal_every_node_once() -> None:
    data = union(SIZES)
    nodes, sequences = NodeOrdering("degree", buckets=3)(
        {"ptr": data.ptr, "order": torch.arange(40)}, as_graph(data.edge_index, 40), copies=2
    )
    assert sequences.num_sequences == 2 * 4 * 3
    assert sorted(nodes[:40].tolist()) == sorted(nodes[40:].tolist()) == list(range(40))


def test_a_missing_structure_says_how_to_make_it() -> None:
    data = union([5])
    with pytest.raises(ShapeError, match="attach"):
        build(*FIXED[0])(data.x, data.edge_index)
    with pytest.raises(ShapeError, match="attach"):
        build("plstm", {"heads": 2, "hidden_channels": 8})(data.x, data.edge_index)


def test_a_union_of_graphs_served_whole_is_still_many_graphs() -> None:
    from graphkit.data import load_dataset
    from graphkit.training.feeds import FullGraphFeed

    dataset = load_dataset("ring-transfer", options={"distance": 3, "graphs": 5})
    batch = next(FullGraphFeed(dataset, dataset.split(), torch.device("cpu")).train_batches(0))
    assert batch.structure is not None and batch.structure["ptr"].tolist() == [0, 6, 12, 18, 24, 30]
