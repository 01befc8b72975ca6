"""Pair heads on states: values, symmetry, gradients, and pairs that are unusual or wrong."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError, GraphValidationError, ShapeError
from graphkit.heads import PAIR_HEADS
from graphkit.heads.context import PairContext
from graphkit.kernels import CSRGraph

HEADS = sorted(PAIR_HEADS.names())
TWO_ENDS = ("seal", "walkpool")
"""Heads of subgraphs around two ends, which refuse a pair of a node with itself."""
EDGES = torch.tensor([[0, 1, 2, 0, 3, 4, 1, 3], [1, 2, 3, 2, 4, 0, 4, 1]])
GRAPH = CSRGraph.from_edge_index(torch.cat([EDGES, EDGES.flip(0)], dim=1), 7)  # nodes 5 and 6 are isolated


def context(pairs: list[list[int]], x: torch.Tensor, graph: CSRGraph = GRAPH) -> PairContext:
    return PairContext(torch.tensor(pairs, dtype=torch.int64).reshape(2, -1), x, graph, lambda x, graph: x)


def head_of(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return PAIR_HEADS.get(name)(4, **({"use_states": True} if name == "seal" else {})).double().eval()


def states() -> torch.Tensor:
    return torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", HEADS)
def test_scores_depend_on_the_pair_alone(name: str) -> None:
    head, x = head_of(name), states()
    pairs = [[0, 1, 2, 3, 0, 5], [2, 3, 4, 3, 6, 0]]  # a self pair and isolated nodes among them
    if name in TWO_ENDS:
        with pytest.raises(GraphValidationError, match="pair 3 joins node 3 with itself"):
            head(context(pairs, x))
        pairs[1][3] = 1
    scores = head(context(pairs, x))
    assert scores.shape == (6,) and torch.isfinite(scores).all()
    alone = torch.cat([head(context([[a], [b]], x)) for a, b in zip(*pairs, strict=True)])
    assert torch.allclose(scores, alone, rtol=0, atol=1e-12)
    assert torch.allclose(scores, head(context(pairs[::-1], x)), rtol=0, atol=1e-12)  # undirected
    assert head(context([[], []], x)).shape == (0,)


@pytest.mark.parametrize("name", HEADS)
def test_renumbering_nodes_changes_nothing(name: str) -> None:
    head, x, pairs = head_of(name), states(), torch.tensor([[0, 1, 5], [3, 2, 0]])
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])  # node i becomes order[i]
    renamed = torch.empty_like(x)
    renamed[order] = x
    graph = CSRGraph.from_edge_index(order[GRAPH.edge_index()], 7)
    moved = head(PairContext(order[pairs], renamed, graph, lambda x, graph: x))
    assert torch.allclose(head(context(pairs.tolist(), x)), moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", HEADS)
def test_gradients_are_those_of_the_function(name: str) -> None:
    head, x = head_of(name), states().requires_grad_()
    pairs = [[0, 1, 2, 4], [2, 3, 4, 3 if name in TWO_ENDS else 4]]
    assert torch.autograd.gradcheck(lambda x: head(context(pairs, x)), (x,), atol=1e-6)


def test_values_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]])
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3)
    assert PAIR_HEADS.get("dot")(2)(context([[0, 0], [1, 2]], x, graph)).tolist() == [1.0, 2.0]
    bilinear = PAIR_HEADS.get("bilinear")(2, symmetric=False)
    with torch.no_grad():
        bilinear.weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    assert bilinear(context([[0, 1], [1, 0]], x, graph)).tolist() == [-1.0, 6.0]


def test_wrong_pairs_are_named() -> None:
    x = states()
    with pytest.raises(GraphValidationError, match=r"pair 1 is \[0, 7\]"):
        context([[0, 0], [1, 7]], x)
    with pytest.raises(GraphValidationError, match=r"pair 0 is \[-1, 1\]"):
        context([[-1], [1]], x)
    with pytest.raises(ShapeError, match=r"\[2, B\]"):
        PairContext(torch.zeros(3, 2, dtype=torch.int64), x, GRAPH, lambda x, graph: x)
    with pytest.raises(ShapeError, match=r"\[2, B\]"):
        PairContext(torch.zeros(2, 2), x, GRAPH, lambda x, graph: x)


def test_wrong_options_are_named() -> None:
    with pytest.raises(ConfigError, match="num_layers"):
        PAIR_HEADS.get("hadamard-mlp")(4, num_layers=0)
    with pytest.raises(ConfigError, match="in_channels"):
        PAIR_HEADS.get("dot")(0)


def test_states_are_made_once_and_only_on_demand() -> None:
    calls = []

    def encode(x: torch.Tensor, graph: CSRGraph) -> torch.Tensor:
        calls.append(1)
        return x

    lazy = PairContext(torch.tensor([[0], [1]]), states(), GRAPH, encode)
    assert not calls
    _ = lazy.source, lazy.target
    assert len(calls) == 1
