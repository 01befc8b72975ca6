"""Random node initialisation and learned marks: draws follow seeds, gradients reach the choice, batches are free."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from graphkit.encoders.policy_learn import PolicyLearn
from graphkit.encoders.rni import RNI
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph


def union(*graphs: nx.Graph) -> tuple[Tensor, Tensor]:
    ptr, edges = [0], []
    for graph in graphs:
        edges += [(a + ptr[-1], b + ptr[-1]) for a, b in graph.to_directed().edges]
        ptr.append(ptr[-1] + graph.number_of_nodes())
    return torch.tensor(edges).T.contiguous(), torch.tensor(ptr)


EDGES, PTR = union(nx.gnp_random_graph(9, 0.4, seed=1), nx.path_graph(2), nx.star_graph(4))
X = torch.randn(int(PTR[-1]), 3, generator=torch.Generator().manual_seed(0))


def policy(**options: Any) -> PolicyLearn:
    torch.manual_seed(0)
    return PolicyLearn(3, 4, **{"hidden_channels": 8, "num_layers": 2, "selections": 3} | options)


def marks_of(encoder: PolicyLearn) -> Tensor:
    owner = torch.repeat_interleave(torch.arange(len(PTR) - 1), PTR.diff())
    graph = CSRGraph.from_edge_index(EDGES, len(X))
    return encoder.choose(X, graph, None, owner, PTR)


@pytest.mark.parametrize("choice", ["learned", "random"])
@pytest.mark.parametrize("training", [True, False])
def test_every_copy_marks_one_new_node_of_a_graph(choice: str, training: bool) -> None:
    marks = marks_of(policy(choice=choice).train(training)).detach()
    assert marks.shape == (16, 4) and not marks[:, 0].any()
    for first, last in zip(PTR, PTR[1:], strict=False):
        hit = marks[first:last, 1:] > 0.5
        assert hit.sum(0).tolist() == [1, 1, 1]
        if last - first >= 3:
            assert int(hit.any(1).sum()) == 3


def test_the_choice_learns_from_the_result() -> None:
    encoder = policy(drop_ratio=0.3)
    encoder(X, EDGES, structure={"ptr": PTR}).square().sum().backward()
    gradients = [p.grad for p in encoder.score.parameters()]
    assert all(g is not None and bool(g.isfinite().all()) for g in gradients)
    assert float(gradients[0].abs().max()) > 0  # type: ignore[union-attr]


def test_evaluation_draws_nothing_and_knows_no_batch() -> None:
    encoder = policy().eval()
    out = encoder(X, EDGES, structure={"ptr": PTR})
    assert torch.equal(out, encoder(X, EDGES, structure={"ptr": PTR})) and not encoder.stochastic
    own = EDGES[0] < 9
    torch.testing.assert_close(encoder(X[:9], EDGES[:, own], structure={"ptr": PTR[:2]}), out[:9], atol=1e-5, rtol=0)
    order = torch.randperm(9)
    place = torch.empty_like(order)
    place[order] = torch.arange(9)
    turned = encoder(X[order], place[EDGES[:, own]], structure={"ptr": PTR[:2]})
    torch.testing.assert_close(turned, out[:9][order], atol=1e-5, rtol=0)


def test_edge_features_reach_both_networks() -> None:
    encoder = policy(edge_dim=2).eval()
    bonds = torch.randn(EDGES.size(1), 2)
    first = encoder(X, EDGES, bonds, structure={"ptr": PTR})
    assert not torch.allclose(first, encoder(X, EDGES, bonds + 1, structure={"ptr": PTR}))


def test_a_random_policy_averages_its_draws_by_seed() -> None:
    one, many = policy(choice="random").eval(), policy(choice="random", eval_samples=8).eval()
    assert one.stochastic
    assert torch.equal(one(X, EDGES, structure={"ptr": PTR}), one(X, EDGES, structure={"ptr": PTR}))
    assert not torch.equal(one(X, EDGES, structure={"ptr": PTR}), many(X, EDGES, structure={"ptr": PTR}))


def test_bad_options() -> None:
    with pytest.raises(ConfigError, match="temperature"):
        policy(temperature=0.0)
    with pytest.raises(ConfigError, match="fraction"):
        RNI(3, 2, fraction=0.0)


@pytest.mark.parametrize("distribution", ["normal", "uniform", "xavier"])
def test_noise_follows_the_generator(distribution: Any) -> None:
    torch.manual_seed(0)
    encoder = RNI(3, 2, hidden_channels=8, num_layers=2, distribution=distribution).eval()
    other = RNI(3, 2, hidden_channels=8, num_layers=2, distribution=distribution, eval_seed=1).eval()
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(X, EDGES), encoder(X, EDGES)) and not torch.equal(encoder(X, EDGES), other(X, EDGES))
    encoder.train()
    assert not torch.equal(encoder(X, EDGES), encoder(X, EDGES))


def test_rni_tells_in_distribution_what_1_wl_does_not() -> None:
    """A two-sample test of the mean over 600 draws; copies of one graph pass as equal."""
    six, threes = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    edges, ptr = union(*[six, threes, six] * 600)
    torch.manual_seed(1)
    encoder = RNI(1, 4, hidden_channels=16, num_layers=3, fraction=1.0).eval()
    with torch.no_grad():
        out = encoder(torch.ones(int(ptr[-1]), 1), edges).square()
    values = out.view(600, 3, 6, 4).mean(2).double().numpy()

    def statistic(a: int, b: int) -> float:
        difference = values[:, a] - values[:, b]
        return float(np.abs(difference.mean(0) / (difference.std(0) / 600**0.5)).max())

    assert statistic(0, 1) > 6 and statistic(0, 2) < 4
