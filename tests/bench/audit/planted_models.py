"""Models with a planted mistake each, and clean ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv

from graphkit.encoders.equivariant.base import PointEncoder, PointOutput, Points
from graphkit.encoders.temporal.base import Events, StreamInfo, TemporalEncoder


class Clean(nn.Module):
    """Two convolutions."""

    def __init__(self, in_channels: int, out_channels: int, hidden_channels: int = 8) -> None:
        super().__init__()
        self.first, self.second = GCNConv(in_channels, hidden_channels), GCNConv(hidden_channels, out_channels)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.second(self.first(x, edge_index).tanh(), edge_index)


class Cached(Clean):
    """Keeps the first graph it sees."""

    def __init__(self, in_channels: int, out_channels: int, hidden_channels: int = 8) -> None:
        super().__init__(in_channels, out_channels)
        self.first = GCNConv(in_channels, 8, cached=True)


class Numbered(Clean):
    """Reads the number of a node."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return super().forward(x, edge_index) + torch.arange(len(x))[:, None]


class Summed(Clean):
    """Adds a sum over the batch, other graphs included."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        states = super().forward(x, edge_index)
        return states + states.sum(dim=0)


class Noisy(Clean):
    """Drops in evaluation too."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(x, edge_index), 0.5)


class CutOff(Clean):
    """Detaches its states."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return super().forward(x, edge_index).detach()


class Counts(TemporalEncoder):
    """Counts the events of a node; `writes` counts questions too."""

    pair = True
    writes = False

    def __init__(self, info: StreamInfo) -> None:
        super().__init__(info)
        self.scale = nn.Parameter(torch.ones(1))
        self.init_state()

    def init_state(self) -> None:
        self.state.add("seen")

    def observe(self, events: Events) -> None:
        np.add.at(self.state["seen"], events.dst, 1)

    def score(self, src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> Tensor:
        found = torch.from_numpy(self.state["seen"][candidates].astype(np.float32)) * self.scale
        if self.writes:
            np.add.at(self.state["seen"], candidates[:, 0], 1)
        return found


class Writes(Counts):
    """Counts questions as events."""

    writes = True


class Compass(PointEncoder):
    """Knows where north is."""

    gives_positions = True

    def __init__(self, in_channels: int = 0, edge_dim: int = 0) -> None:
        super().__init__(in_channels, edge_dim, out_channels=1)
        self.scale = nn.Parameter(torch.ones(1))

    def encode(self, points: Points) -> PointOutput:
        return PointOutput(points.pos[:, :1], pos=points.pos + self.scale * points.pos[:, :1] ** 2)
