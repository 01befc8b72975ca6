"""Graphs of every library become one matrix; broken ones are refused by name."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import sparse
from torch_geometric.data import Data

from graphkit.embeddings.adjacency import as_adjacency
from graphkit.errors import ConfigError, GraphValidationError

DENSE = np.array([[0, 2, 0], [0, 0, 1], [1, 0, 0]], dtype=np.float32)


@pytest.mark.parametrize(
    "graph",
    [
        sparse.csr_matrix(DENSE),
        sparse.coo_array(DENSE),
        nx.from_numpy_array(DENSE, create_using=nx.DiGraph),
        Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]), edge_weight=torch.tensor([2.0, 1.0, 1.0]), num_nodes=3),
    ],
    ids=["csr", "coo", "networkx", "pyg"],
)
def test_every_library_gives_the_same_matrix(graph: object) -> None:
    np.testing.assert_array_equal(as_adjacency(graph).toarray(), DENSE)


def test_repeated_edges_add_up_and_the_input_stays() -> None:
    graph = sparse.coo_matrix(([1.0, 1.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    found = as_adjacency(graph)
    assert found.nnz == 1 and found[0, 1] == 2.0 and graph.nnz == 3


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (sparse.csr_matrix((2, 3)), "square"),
        (sparse.csr_matrix([[0.0, -1.0], [0.0, 0.0]]), "from 0 to 1 has weight -1"),
        (sparse.csr_matrix([[0.0, 0.0], [np.nan, 0.0]]), "from 1 to 0 has weight nan"),
        (Data(edge_index=torch.tensor([[0], [5]]), num_nodes=2), "numbered 0..1"),
        (Data(edge_index=torch.zeros(2, 2), num_nodes=2), "whole numbers"),
        (Data(edge_index=torch.tensor([[0], [1]]), edge_weight=torch.ones(3), num_nodes=2), "3 edge weights for 1"),
    ],
)
def test_broken_graphs_are_refused(graph: object, says: str) -> None:
    with pytest.raises(GraphValidationError, match=says):
        as_adjacency(graph)


def test_other_things_are_no_graphs() -> None:
    with pytest.raises(ConfigError, match="got list"):
        as_adjacency([[0, 1]])
