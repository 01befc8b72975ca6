"""Properties that the papers prove, and equations written out."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from graphkit.encoders.cognn import CoGNN, Kind, _Conv
from graphkit.encoders.conv import GATConv, GATv2Conv, SIRConv
from graphkit.encoders.dagnn import DAGNN
from graphkit.encoders.gat import GAT
from graphkit.encoders.gatv2 import GATv2
from graphkit.encoders.sgc import SGC
from graphkit.kernels import CSRGraph

Graph = tuple[Tensor, Tensor]


def scores(layer: torch.nn.Module, keys: int = 6, queries: int = 5) -> Tensor:
    """Attention [queries, keys] of one head on a complete bipartite graph with random states."""
    torch.manual_seed(0)
    source, target = torch.meshgrid(torch.arange(keys), keys + torch.arange(queries), indexing="ij")
    edge_index = torch.stack([source.flatten(), target.flatten()])
    _, (graph, alpha) = layer(torch.randn(keys + queries, 8), edge_index, return_attention=True)
    table = torch.zeros(queries, keys)
    edges = graph.edge_index()
    table[edges[1] - keys, edges[0]] = alpha[:, 0]
    return table


def test_gat_ranks_the_keys_alike_for_every_query() -> None:
    ranking = scores(GATConv(8, 8, add_self_loops=False)).argsort(1)
    assert (ranking == ranking[0]).all()


def test_gatv2_ranks_them_differently() -> None:
    torch.manual_seed(1)
    ranking = scores(GATv2Conv(8, 32, add_self_loops=False)).argsort(1)
    assert (ranking != ranking[0]).any()


@pytest.mark.parametrize("encoder", [GAT, GATv2])
def test_embedded_features_are_sums_of_learned_vectors(encoder: type[GAT] | type[GATv2], graph: Graph) -> None:
    _, edge_index = graph
    model = encoder(4, 2, embedding_channels=16).eval()
    x = torch.eye(4)[torch.arange(9) % 4]
    embedded = model.embedding.weight.t()[torch.arange(9) % 4]
    plain = encoder(16, 2).eval()
    plain.load_state_dict({key: value for key, value in model.state_dict().items() if not key.startswith("embedding")})
    torch.testing.assert_close(model(x, edge_index), plain(embedded, edge_index))
    assert 0.5 < float(model.embedding.weight.std()) < 1.5


def test_dagnn_is_its_equation(graph: Graph) -> None:
    x, edge_index = graph
    model = DAGNN(5, 3, hops=3).double().eval()
    adjacency = torch.zeros(9, 9, dtype=torch.double).index_put(
        (edge_index[1], edge_index[0]), torch.ones(26).double(), True
    )
    adjacency.fill_diagonal_(1.0)
    degree = adjacency.sum(1).rsqrt()
    propagate = degree[:, None] * adjacency * degree
    state = model.last(model.first(x).relu())
    expected = torch.zeros_like(state)
    for _ in range(4):
        expected = expected + torch.sigmoid(model.gate(state)) * state
        state = propagate @ state
    torch.testing.assert_close(model(x, edge_index), expected)


def test_dagnn_takes_a_single_node() -> None:
    assert DAGNN(5, 3)(torch.ones(1, 5), torch.empty(2, 0, dtype=torch.long)).shape == (1, 3)


def test_sgc_keeps_its_propagated_features_until_the_input_changes(graph: Graph) -> None:
    x, edge_index = graph
    model, compressed = SGC(5, 3).double(), CSRGraph.from_edge_index(edge_index, 9)
    first = model.propagate(x, compressed)
    assert model.propagate(x, compressed) is first
    x += 1.0
    assert not torch.equal(model.propagate(x, compressed), first)


def test_sgc_can_be_trained_after_it_was_used_for_inference(graph: Graph) -> None:
    model = SGC(5, 3).double()
    with torch.inference_mode():
        model(*graph)
    model(*graph).sum().backward()
    assert model.lin.weight.grad is not None


def test_sgc_copies_share_nothing_and_let_go_of_dead_features(graph: Graph) -> None:
    model, compressed = SGC(5, 3).double(), CSRGraph.from_edge_index(graph[1], 9)
    x = graph[0].clone()
    model.propagate(x, compressed)
    assert copy.deepcopy(model)._kept is None and pickle.loads(pickle.dumps(model))._kept is None
    del x
    assert model._kept is None


def test_sir_messages_are_its_equation(graph: Graph) -> None:
    x, edge_index = graph
    source, target = edge_index
    for reduce in ("sum", "mean", "max", "sym"):
        layer = SIRConv(5, 7, 3, reduce=reduce).double()  # type: ignore[arg-type]
        message = functional.gelu(layer.lin_query(x)[target] + layer.lin_key(x)[source])
        if reduce == "sym":
            into, out = (torch.bincount(ends, minlength=9).clamp(min=1) for ends in (target, source))
            message = message * (into[target] * out[source]).double().rsqrt().unsqueeze(-1)
        if reduce == "max":
            message = functional.linear(message, layer.lin_relation.weight)
        total = torch.zeros(9, message.size(1), dtype=torch.double)
        for node in range(9):
            own = message[target == node]
            if len(own):
                total[node] = {"max": own.amax(0), "mean": own.mean(0)}.get(reduce, own.sum(0))
        expected = total + layer.lin_relation.bias if reduce == "max" else layer.lin_relation(total)
        torch.testing.assert_close(layer(x, edge_index), expected)


def test_cognn_averages_its_draws_and_leaves_the_global_stream_alone(graph: Graph) -> None:
    model = CoGNN(5, 3, eval_samples=4, temperature=1.0).double().eval()
    before = torch.get_rng_state()
    first = model(*graph)
    assert torch.equal(before, torch.get_rng_state()) and torch.equal(first, model(*graph))
    model.eval_seed = 1
    assert not torch.equal(first, model(*graph))


@pytest.mark.parametrize("kind", ["mean", "sum", "gcn"])
def test_cognn_layers_are_convolutions_over_the_edges_that_both_ends_keep(graph: Graph, kind: Kind) -> None:
    x, edge_index = graph
    weight = (torch.arange(edge_index.size(1)) % 3 > 0).double()
    layer, own = _Conv(5, 3, kind).double(), edge_index[0] == edge_index[1]
    adjacency = torch.zeros(9, 9, dtype=torch.double)
    degree = torch.bincount(edge_index[1], minlength=9).clamp(min=1).double()
    if kind == "gcn":
        adjacency.index_put_((edge_index[1, ~own], edge_index[0, ~own]), weight[~own], True)
        adjacency = adjacency + torch.eye(9)
        scale = adjacency.sum(1).rsqrt()
        expected = layer.lin(scale[:, None] * adjacency * scale @ x)
    else:
        adjacency.index_put_((edge_index[1], edge_index[0]), weight, True)
        message = adjacency @ x / (degree[:, None] if kind == "mean" else 1.0)
        expected = layer.lin(torch.cat([x, message], dim=-1))
    torch.testing.assert_close(layer(x, CSRGraph.from_edge_index(edge_index, 9), weight), expected)


def test_cognn_draws_follow_their_logits() -> None:
    model = CoGNN(5, 3)
    logits = torch.tensor([0.0, 1.0]).expand(40_000, 2)
    drawn = model._draw(logits, torch.empty(0), torch.Generator().manual_seed(0))
    assert abs(drawn.mean().item() - 1.0 / (1.0 + math.e)) < 0.01
