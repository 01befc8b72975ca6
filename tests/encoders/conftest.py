from __future__ import annotations

import pytest
import torch
from torch import Tensor


@pytest.fixture
def graph() -> tuple[Tensor, Tensor]:
    """Features [9, 5] in double precision and edges with a duplicate, a self-loop and an isolated node (8)."""
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.randint(8, (2, 24), generator=generator)
    edge_index = torch.cat([edge_index, edge_index[:, :1], torch.tensor([[3], [3]])], dim=1)
    return torch.randn(9, 5, generator=generator, dtype=torch.double), edge_index
