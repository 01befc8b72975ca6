"""GatedGCN edge by edge, and the local convolutions that hybrids and tuned baselines stack."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from graphkit.encoders.conv.gated import GatedGCNConv
from graphkit.encoders.local import Local, LocalConv
from graphkit.errors import ConfigError
from graphkit.kernels import as_graph


def test_gates_are_the_published_ones(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    torch.manual_seed(0)
    conv = GatedGCNConv(5, norm="none").double()
    edges = torch.randn(edge_index.size(1), 5, dtype=torch.double)
    found, found_edges = conv(x, as_graph(edge_index, 9), edges)
    own, gate_target = conv.target(x).chunk(2, dim=1)
    value, gate_source = conv.source(x).chunk(2, dim=1)
    assert conv.edge is not None
    due = own.clone()
    for node in range(9):
        arriving = [number for number, target in enumerate(edge_index[1].tolist()) if target == node]
        if not arriving:
            continue
        sources = edge_index[0, arriving]
        gates = torch.sigmoid(gate_target[node] + gate_source[sources] + conv.edge(edges[arriving]))
        due[node] += (gates * value[sources]).sum(0) / (gates.sum(0) + 1e-6)
    torch.testing.assert_close(found, due.relu())
    logits = gate_target[edge_index[1]] + gate_source[edge_index[0]] + conv.edge(edges)
    assert found_edges is not None
    torch.testing.assert_close(found_edges, edges + logits.relu())


@pytest.mark.parametrize("kind", get_args(Local))
def test_edge_states_are_read_by_the_convolutions_that_take_them(kind: Local, graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    torch.manual_seed(0)
    x = torch.cat([x, x[:, :1]], dim=1)
    conv = LocalConv(kind, 6, heads=2, edges=True).double().eval()
    edges = torch.randn(edge_index.size(1), 6, dtype=torch.double)
    first, second = (conv(x, as_graph(edge_index, 9), states)[0] for states in (edges, -edges))
    assert torch.equal(first, second) == (kind in ("gcn", "sage"))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ConfigError, match="heads"):
        LocalConv("gat", 5, heads=2)
