"""Subgraph encoders: equal to full copies of every subgraph, invariant, bounded by memory and by their options."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from graphkit.encoders.bag_layers import BagGIN, BagNorm
from graphkit.encoders.subgraph import SubgraphEncoder
from graphkit.errors import BudgetExceeded, ConfigError, GraphValidationError
from graphkit.kernels import CSRGraph

PLAIN = ("node-marked", "node-deleted", "edge-deleted", "ego", "ego+", "tuples")
OTHERS = (("sun", "node-marked"), ("sun", "ego+"), ("ak", "ego"), ("2ign", "ego"), ("ngn", "edge-ego"))


def union(graphs: list[nx.Graph]) -> tuple[Tensor, Tensor]:
    ptr, edges = [0], []
    for graph in graphs:
        edges += [(a + ptr[-1], b + ptr[-1]) for a, b in graph.to_directed().edges]
        ptr.append(ptr[-1] + graph.number_of_nodes())
    return torch.tensor(sorted(edges)).T.contiguous(), torch.tensor(ptr)


GRAPHS = [
    nx.gnp_random_graph(9, 0.3, seed=1),
    nx.path_graph(7),
    nx.disjoint_union(nx.cycle_graph(4), nx.star_graph(3)),
    nx.empty_graph(1),
]
EDGES, PTR = union(GRAPHS)
X = torch.randn(int(PTR[-1]), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def make(policy: str = "node-marked", mixing: str = "ds", **options: Any) -> SubgraphEncoder:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"hidden_channels": 6, "num_layers": 3, "radius": 2} | options
    return SubgraphEncoder(3, 4, policy=policy, mixing=mixing, **settings).double()  # type: ignore[arg-type]


def run(encoder: SubgraphEncoder, x: Tensor = X, edges: Tensor = EDGES, ptr: Tensor = PTR, **more: Any) -> Tensor:
    out = encoder(x, edges, structure={"ptr": ptr}, **more)
    assert isinstance(out, Tensor)
    return out


def copies(encoder: SubgraphEncoder) -> tuple[Tensor, Tensor, Tensor]:
    """All subgraphs as dense blocks with all their nodes: states, adjacency, and the node of every row."""
    states, blocks, owners = [], [], []
    start = encoder.input(X)
    for graph, first in zip(GRAPHS, PTR.tolist(), strict=False):
        size = graph.number_of_nodes()
        adjacency = torch.tensor(nx.to_numpy_array(graph))
        reach = dict(nx.all_pairs_shortest_path_length(graph))
        single = [(v, v) for v in range(size)]
        pairs = [(u, v) for u, v in itertools.product(range(size), repeat=2) if reach[u].get(v, 99) <= encoder.radius]
        deleted = [(u, v) for u, v in itertools.combinations(range(size), 2) if graph.has_edge(u, v)]
        for u, v in {"tuples": pairs, "edge-deleted": deleted}.get(encoder.policy, single):
            marks, block = encoder.mixing.marks, adjacency.clone()
            label = torch.zeros(size, dtype=torch.long)
            label[u] += 1
            if encoder.policy == "tuples":
                label[v] += 2
            held = start[first : first + size]
            if encoder.policy == "node-deleted":
                block[u] = block[:, u] = 0
            elif encoder.policy == "edge-deleted":
                block[u, v] = block[v, u] = 0
            elif encoder.policy.startswith("ego"):
                inside = torch.tensor([float(reach[u].get(w, 99) <= encoder.radius) for w in range(size)])
                block = block * inside * inside[:, None]
            states.append(held if marks.weight is None else held + marks.weight[label])
            blocks.append(block)
            owners.append(torch.arange(first, first + size))
    return torch.cat(states), torch.block_diag(*blocks), torch.cat(owners)


def by_copies(encoder: SubgraphEncoder) -> Tensor:
    x, adjacency, owner = copies(encoder)
    nodes = len(X)
    whole = torch.zeros(nodes, nodes, dtype=torch.float64).index_put((EDGES[1], EDGES[0]), torch.ones(1).double())
    count = torch.bincount(owner, minlength=nodes).clamp(min=1).unsqueeze(1)

    def mean(values: Tensor) -> Tensor:
        return values.new_zeros(nodes, values.size(1)).index_add(0, owner, values) / count

    def convolve(conv: Any, values: Tensor, matrix: Tensor) -> Tensor:
        values = conv.first(values + matrix @ values)
        return conv.last(normed(conv.norm, values).relu())

    def normed(norm: Any, values: Tensor) -> Tensor:
        return norm(values, torch.ones(len(values))) if isinstance(norm, BagNorm) else values

    mixing = encoder.mixing
    for layer, (conv, norm) in enumerate(zip(mixing.convs, mixing.norms, strict=True)):
        found = convolve(conv, x, adjacency)
        if mixing.shares:
            own = mixing.shared_norms[layer]
            shared = normed(own, convolve(mixing.shared_convs[layer], mean(x), whole))[owner]
            x = (normed(norm, found) + shared if isinstance(own, BagNorm) else normed(norm, found + shared)).relu()
        else:
            x = normed(norm, found).relu()
    return mean(x)


@pytest.mark.parametrize("mixing", ["ds", "dss"])
@pytest.mark.parametrize("policy", PLAIN)
def test_states_and_gradients_are_those_of_full_copies(policy: str, mixing: str) -> None:
    ours, slow = make(policy, mixing), make(policy, mixing)
    found, expected = run(ours), by_copies(slow)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    found.square().sum().backward()
    expected.square().sum().backward()
    for (name, mine), theirs in zip(ours.named_parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-8, atol=1e-8, msg=name)
    for (name, mine), theirs in zip(ours.named_buffers(), slow.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10, msg=name)


def test_one_normalisation_of_the_sum_is_that_of_full_copies() -> None:
    ours, slow = (make("node-deleted", "dss", shared_norm=False) for _ in range(2))
    torch.testing.assert_close(run(ours), by_copies(slow), rtol=0, atol=1e-10)
    assert sum(isinstance(module, BagNorm) for module in ours.modules()) == 2 * len(ours.mixing.convs)


def test_where_all_nodes_are_alike_one_normalisation_of_the_sum_keeps_evaluation_near_training() -> None:
    """Running variances are unbiased, which is all that differs here: a shared branch of its own multiplies that."""
    edges, ptr = union([nx.circulant_graph(41, [1, 2]), nx.circulant_graph(41, [1, 3])])
    x, gap = torch.ones(82, 3, dtype=torch.float64), {}
    for shared_norm in (True, False):
        encoder = make("node-deleted", "dss", num_layers=5, shared_norm=shared_norm)
        for module in encoder.modules():
            if isinstance(module, BagNorm):
                module.momentum = 1.0
        with torch.no_grad():
            trained = run(encoder, x, edges, ptr)
            gap[shared_norm] = float((run(encoder.eval(), x, edges, ptr) - trained).abs().max())
    assert gap[False] < 1 < 1000 < gap[True]


@pytest.mark.parametrize(("mixing", "policy"), [*OTHERS, *(("dss", policy) for policy in PLAIN)])
def test_the_order_of_nodes_and_the_batch_do_not_matter(mixing: str, policy: str) -> None:
    encoder = make(policy, mixing).eval()
    out = run(encoder)
    order = torch.cat([torch.randperm(int(b - a)) + a for a, b in zip(PTR, PTR[1:], strict=False)])
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    torch.testing.assert_close(run(encoder, X[order], place[EDGES]), out[order], rtol=0, atol=1e-10)
    own = EDGES[0] < PTR[1]
    torch.testing.assert_close(run(encoder, X[:9], EDGES[:, own], PTR[:2]), out[:9], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("mixing", "policy"), OTHERS)
def test_every_parameter_learns(mixing: str, policy: str) -> None:
    encoder = make(policy, mixing)
    run(encoder).square().sum().backward()
    silent = [name for name, p in encoder.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())]
    assert not silent


def test_dss_with_silent_sharing_is_ds() -> None:
    ds, dss = make("node-marked", "ds").eval(), make("node-marked", "dss").eval()
    dss.load_state_dict(ds.state_dict(), strict=False)
    for norm in dss.mixing.shared_norms:
        torch.nn.init.zeros_(norm.weight)
        torch.nn.init.zeros_(norm.bias)
    torch.testing.assert_close(run(dss), run(ds), rtol=0, atol=1e-10)


@pytest.mark.parametrize("policy", ["node-marked", "ego", "edge-deleted"])
def test_edge_features_reach_the_states(policy: str) -> None:
    encoder = make(policy, "dss", edge_dim=2).eval()
    features = torch.randn(EDGES.size(1), 2, dtype=torch.float64)
    out = run(encoder, edge_attr=features)
    assert not torch.allclose(out, run(encoder, edge_attr=features + 1))
    order = torch.randperm(EDGES.size(1))
    torch.testing.assert_close(run(encoder, edges=EDGES[:, order], edge_attr=features[order]), out)


def test_random_bags_are_drawn_anew_in_training_and_by_seed_in_evaluation() -> None:
    encoder = make("random", dropout=0.0)
    assert encoder.stochastic and not torch.equal(run(encoder), run(encoder))
    encoder.eval()
    assert torch.equal(run(encoder), run(encoder))


def test_a_graph_without_nodes_or_edges() -> None:
    encoder = make("ego", "dss").eval()
    assert run(encoder, X[:2], torch.empty(2, 0, dtype=torch.long), torch.tensor([0, 0, 2, 2])).shape == (2, 4)


def test_a_large_graph_is_refused_with_its_bytes() -> None:
    ring = torch.arange(5748)
    edges = torch.cat([torch.stack([ring, (ring + 1) % 5748]), torch.stack([(ring + 1) % 5748, ring])], dim=1)
    x = torch.ones(5748, 3, dtype=torch.float64)
    with pytest.raises(BudgetExceeded, match=r"33,039,504 nodes would take 16,916,226,048 bytes a layer"):
        run(make("node-marked", "sun", hidden_channels=64), x, edges, torch.tensor([0, 5748]))
    assert run(make("node-marked", "ds", num_layers=1), x, edges, torch.tensor([0, 5748])).shape == (5748, 4)


def test_directed_edges_are_refused() -> None:
    with pytest.raises(GraphValidationError, match="undirected"):
        run(make(), X[:2], torch.tensor([[0], [1]]), torch.tensor([0, 2]))


def test_a_mixing_names_its_policies() -> None:
    with pytest.raises(ConfigError, match="mixing 'ak' is not defined for policy 'node-marked'; use ego"):
        make("node-marked", "ak")


def test_weighted_normalisation_is_that_of_copies() -> None:
    copies_of = torch.tensor([1, 3, 2, 5])
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    ours, plain = BagNorm(3).double(), torch.nn.BatchNorm1d(3).double()
    with torch.no_grad():
        ours.weight.copy_(torch.tensor([1.0, 2.0, -0.5]))
        plain.weight.copy_(ours.weight)
    weights = torch.randn(4, 3, dtype=torch.float64)
    found = ours(x, copies_of, relu=True)
    (mine,) = torch.autograd.grad((found * weights).sum(), x)
    expected = functional.relu(plain(x.repeat_interleave(copies_of, 0)))
    first = copies_of.cumsum(0) - copies_of
    torch.testing.assert_close(found, expected[first])
    shares = (weights / copies_of[:, None]).repeat_interleave(copies_of, 0)
    (theirs,) = torch.autograd.grad((expected * shares).sum(), x)
    torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(ours.running_var, plain.running_var)
    assert torch.autograd.gradcheck(lambda value: ours(value, copies_of), x)


def test_the_convolution_in_evaluation_is_the_sum_of_neighbours() -> None:
    loops = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 0], [0, 1, 0, 1]]), 2)
    conv = BagGIN(3, 2, norm=False).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    expected = conv.last(conv.first(x.sum(0, keepdim=True)).relu())
    torch.testing.assert_close(conv(x, loops, torch.ones(2)), expected.expand(2, -1))


def test_pairs_of_dense_ego_nets_are_refused_with_their_bytes() -> None:
    edges = (1 - torch.eye(40)).nonzero().T
    x, ptr = torch.ones(40, 3, dtype=torch.float64), torch.tensor([0, 40])
    with pytest.raises(BudgetExceeded, match=r"60,840 pairs of nodes of 40 ego nets would take 3,893,760 bytes"):
        run(make("ego", "2ign", hidden_channels=8, radius=1, budget_mb=3), x, edges, ptr)
    assert run(make("ego", "2ign", hidden_channels=8, radius=1, budget_mb=4), x, edges, ptr).shape == (40, 4)
