"""Edge weights by Topological Concentration: the equation, edge by edge."""

from __future__ import annotations

import pytest
import torch

from graphkit.encoders import ENCODERS
from graphkit.errors import ConfigError, ShapeError
from graphkit.heads.reweight import concentrated_weights
from graphkit.kernels import CSRGraph

EDGES = torch.tensor([[0, 1, 2, 3, 3, 0, 4], [1, 2, 1, 1, 0, 2, 4]])


def test_equals_the_equation_edge_by_edge() -> None:
    torch.manual_seed(0)
    states, base = torch.randn(5, 6, dtype=torch.float64), torch.rand(7, dtype=torch.float64) + 0.1
    layer = torch.nn.Linear(6, 1).double()
    found = concentrated_weights(CSRGraph.from_edge_index(EDGES, 5), states, base, layer, alpha=1.5)
    assert not found.requires_grad
    for edge in range(7):
        node = EDGES[1, edge]
        into = (EDGES[1] == node).nonzero().flatten()
        total = base[into].sum()
        around = (base[into, None] * states[EDGES[0, into]]).sum(0) / total
        scores = torch.sigmoid(layer(around * states[EDGES[0, into]])).flatten()
        share = torch.softmax(scores, 0)[(into == edge).nonzero().item()]
        assert torch.isclose(found[edge], base[edge] + 1.5 * share * total)


def test_added_weight_is_alpha_times_what_a_node_has() -> None:
    base = torch.ones(7)
    found = concentrated_weights(CSRGraph.from_edge_index(EDGES, 5), torch.randn(5, 3), base, lambda h: h.sum(-1))
    for node in (0, 1, 2, 4):
        into = EDGES[1] == node
        assert found[into].sum().item() == pytest.approx(3 * base[into].sum().item(), rel=1e-5)


def test_bad_input_is_refused() -> None:
    graph, states = CSRGraph.from_edge_index(EDGES, 5), torch.ones(5, 3)
    with pytest.raises(ConfigError, match="alpha"):
        concentrated_weights(graph, states, torch.ones(7), lambda h: h.sum(-1), alpha=-1.0)
    with pytest.raises(ShapeError, match="7 edges"):
        concentrated_weights(graph, states, torch.ones(6), lambda h: h.sum(-1))
    with pytest.raises(ShapeError, match="one logit an edge"):
        concentrated_weights(graph, states, torch.ones(7), lambda h: h)


@pytest.mark.parametrize("encoder", ["gcn", "sage"])
def test_a_weighted_edge_counts_as_often_as_it_weighs(encoder: str) -> None:
    torch.manual_seed(0)
    weight, x = torch.tensor([1.0, 2.0, 1.0, 3.0, 1.0, 1.0]), torch.randn(5, 3)
    edges = EDGES[:, :6]  # GCN gives a loop of its own to every node
    model = ENCODERS.get(encoder)(3, 4, hidden_channels=6).eval()
    repeated = edges.repeat_interleave(weight.long(), dim=1)
    assert torch.allclose(model(x, edges, None, weight), model(x, repeated), atol=1e-6)
    assert torch.allclose(model(x, edges, None, torch.ones(6)), model(x, edges), atol=1e-6)


def test_encoders_without_weights_say_so() -> None:
    with pytest.raises(ShapeError, match="SGC takes no edge_weight"):
        ENCODERS.get("sgc")(3, 4)(torch.ones(5, 3), EDGES, None, torch.ones(7))
    with pytest.raises(ShapeError, match=r"GCN takes edge_weight \[7\], got \[6\]"):
        ENCODERS.get("gcn")(3, 4)(torch.ones(5, 3), EDGES, None, torch.ones(6))
    with pytest.raises(ConfigError, match="for the mean"):
        ENCODERS.get("sage")(3, 4, aggregation="max")(torch.ones(5, 3), EDGES, None, torch.ones(7))
