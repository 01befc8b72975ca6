from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from graphkit.kernels import CSRGraph

GraphMaker = Callable[..., CSRGraph]


def _random_graph(sources: int = 30, targets: int = 30, edges: int = 150, seed: int = 0) -> CSRGraph:
    """A random multigraph with self-loops, repeated edges and isolated nodes (the last three targets)."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(0, sources, (edges,), generator=generator)
    target = torch.randint(0, max(targets - 3, 1), (edges,), generator=generator)
    source[:2], target[:2] = 1, 1
    return CSRGraph.from_edge_index(torch.stack([source, target]), (sources, targets))


@pytest.fixture
def random_graph() -> GraphMaker:
    return _random_graph


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param
