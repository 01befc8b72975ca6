"""S^K X against dense matrix powers and PyG's SGConv."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from torch_geometric.nn import SGConv

from graphkit.errors import ConfigError, ShapeError, UnknownNameError
from graphkit.transforms import TRANSFORMS, Precompute
from graphkit.transforms.propagate import sgc_propagate


def directed_graph(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random directed edges, with self loops, parallel edges and isolated nodes."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(12, size=(2, 40))
    return rng.standard_normal((15, 5)).astype(np.float32), edges


@pytest.mark.parametrize("hops", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_matches_dense_powers(seed: int, hops: int) -> None:
    x, edges = directed_graph(seed)
    adjacency = np.zeros((15, 15))
    for a, b in edges.T:
        if a != b:
            adjacency[b, a] += 1
    adjacency += np.eye(15)
    scale = np.diag(adjacency.sum(axis=1) ** -0.5)
    due = np.linalg.matrix_power(scale @ adjacency @ scale, hops) @ x
    np.testing.assert_allclose(sgc_propagate(x, edges, hops), due, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("hops", [1, 3])
def test_matches_pyg(hops: int) -> None:
    x, edges = directed_graph(2)
    edges = np.unique(edges, axis=1)
    layer = SGConv(5, 5, K=hops, bias=False)
    with torch.no_grad():
        layer.lin.weight.copy_(torch.eye(5))
        due = layer(torch.from_numpy(x), torch.from_numpy(edges)).numpy()
    np.testing.assert_allclose(sgc_propagate(x, edges, hops), due, atol=1e-6)


def test_sparse_features_and_lists_are_taken() -> None:
    x, edges = directed_graph(3)
    dense = sgc_propagate(x, edges.tolist(), 2)
    np.testing.assert_array_equal(sgc_propagate(sparse.csr_matrix(x), edges, 2), dense)
    assert dense.dtype == np.float32


def test_refuses_what_does_not_fit() -> None:
    x, edges = directed_graph(0)
    with pytest.raises(ConfigError, match="at least 0, got -1"):
        sgc_propagate(x, edges, -1)
    with pytest.raises(ShapeError, match="x has 15 rows"):
        sgc_propagate(x, edges + 10)
    with pytest.raises(ShapeError, match=r"\[2, E\]"):
        sgc_propagate(x, edges.T)


def test_precompute_by_name_and_key() -> None:
    x, edges = directed_graph(0)
    step = Precompute("sgc", {"hops": 2})
    np.testing.assert_array_equal(step.apply(x, edges), sgc_propagate(x, edges, 2))
    keys = {step.key("a"), step.key("b"), Precompute("sgc", {"hops": 3}).key("a"), Precompute("sgc").key("a")}
    assert len(keys) == 4
    assert step.key("a") == Precompute("sgc", {"hops": 2}).key("a")
    with pytest.raises(UnknownNameError):
        Precompute("sgcc").apply(x, edges)
    assert "sgc" in TRANSFORMS
