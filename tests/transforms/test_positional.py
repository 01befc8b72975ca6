"""Positional encodings against dense linear algebra, graph by graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.transforms import positional
from graphkit.transforms.positional import LaplacianPE, RandomWalkPE
from graphkit.transforms.structures import Graphs


def dense(graphs: Graphs) -> list[np.ndarray]:
    whole = np.zeros((graphs.num_nodes, graphs.num_nodes))
    whole[tuple(graphs.edge_index.numpy())] = 1.0
    ptr = graphs.ptr.tolist()
    return [whole[low:high, low:high] for low, high in zip(ptr, ptr[1:], strict=False)]


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9])
def test_return_probabilities_are_diagonals_of_powers(graphs: Graphs, steps: int) -> None:
    found = RandomWalkPE(steps).compute(graphs)["walk_pe"].values.numpy()
    due = []
    for adjacency in dense(graphs):
        walk = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1)
        due.append(np.stack([np.diag(np.linalg.matrix_power(walk, k + 1)) for k in range(steps)], axis=1))
    np.testing.assert_allclose(found, np.concatenate(due), atol=1e-6)


def test_directed_graphs_take_every_step() -> None:
    edges = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 1]])
    found = RandomWalkPE(3).compute(Graphs(edges, torch.tensor([0, 3])))["walk_pe"].values
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.5], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]))


@pytest.mark.parametrize("dense_up_to", [400, 5])
def test_laplacian_vectors_solve_the_eigenproblem(
    monkeypatch: pytest.MonkeyPatch, dense_up_to: int, union: Callable[..., Graphs]
) -> None:
    monkeypatch.setattr(positional, "DENSE_UP_TO", dense_up_to)
    graphs = union([3, 12, 20, 12, 1], probability=0.6)
    arrays = LaplacianPE(4).compute(graphs)
    vectors, values = arrays["laplacian_pe"].values.double(), arrays["laplacian_values"].values.double()
    for adjacency, low in zip(dense(graphs), graphs.ptr.tolist(), strict=False):
        size = len(adjacency)
        scale = np.diag(1 / np.sqrt(np.maximum(adjacency.sum(1), 1e-12)))
        laplacian = torch.from_numpy(np.eye(size) - scale @ adjacency @ scale)
        mine, value = vectors[low : low + size], values[low : low + size]
        kept = min(4, size - 1)
        assert (mine[:, kept:] == 0).all() and (value[:, kept:] == -1).all()
        if kept:
            torch.testing.assert_close(
                value[0, :kept], torch.linalg.eigvalsh(laplacian)[1 : kept + 1], atol=1e-5, rtol=0
            )
            torch.testing.assert_close(laplacian @ mine[:, :kept], mine[:, :kept] * value[:, :kept], atol=1e-4, rtol=0)
            torch.testing.assert_close(mine[:, :kept].norm(dim=0), torch.ones(kept).double(), atol=1e-5, rtol=0)


def test_no_step_and_no_vector_are_refused() -> None:
    with pytest.raises(ConfigError, match="step"):
        RandomWalkPE(0)
    with pytest.raises(ConfigError, match="eigenvector"):
        LaplacianPE(0)
