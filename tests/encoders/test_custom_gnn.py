"""CustomGNN: the sparse softmax over walked pairs is the authors' dense one."""

from __future__ import annotations

import pytest
import torch

from graphkit.encoders.custom_gnn import CustomGNN
from graphkit.errors import ConfigError
from graphkit.kernels import as_graph

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0, 4, 0], [1, 0, 2, 1, 3, 2, 0, 3, 0, 4]])


def build() -> CustomGNN:
    torch.manual_seed(0)
    return CustomGNN(3, 2, hidden_channels=5, order=2, walk_length=5, window=3, path_weight=0.7).double().eval()


def test_equal_to_the_dense_definition() -> None:
    model, x = build(), torch.randn(6, 3, dtype=torch.double)
    graph = as_graph(EDGES, 6)
    states = (x @ model.first.weight.t()).relu()
    adjacency = torch.eye(6, dtype=torch.double)
    adjacency[EDGES[1], EDGES[0]] = 1.0
    scale = adjacency.sum(1).rsqrt()
    hop = scale[:, None] * adjacency * scale
    gathered = (states + hop @ states + hop @ hop @ states) / 3
    scores = torch.zeros(6, 6, dtype=torch.double)
    for walk in model._walks(graph, x.device).tolist():
        for first in range(5):
            for last in range(first + 1, min(first + 3, 4) + 1):
                read, _ = model.lstm(gathered[walk[first : last + 1]].unsqueeze(0))
                scores[walk[first], walk[last]] += (read[0, -1] + 1).mean().relu()
    scores += torch.eye(6, dtype=torch.double)
    weight = torch.where(scores > 0, scores, -9e15).softmax(dim=1)
    due = model.last(torch.cat([gathered, 0.7 * weight @ states], dim=1))
    torch.testing.assert_close(model(x, EDGES), due)


def test_walks_follow_edges_and_stay_where_there_are_none() -> None:
    walks = build()._walks(as_graph(EDGES, 6), torch.device("cpu"))
    edges = set(zip(*EDGES.flip(0).tolist(), strict=True))
    assert walks.shape == (6, 5) and walks[5].tolist() == [5] * 5
    assert all((a, b) in edges for walk in walks[:5].tolist() for a, b in zip(walk, walk[1:], strict=False))
    model = build().train()
    model.starts = 2
    assert len(model._walks(as_graph(EDGES, 6), torch.device("cpu"))) == 2


def test_impossible_options() -> None:
    with pytest.raises(ConfigError, match="walk_length"):
        CustomGNN(3, 2, walk_length=1)
