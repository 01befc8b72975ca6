"""Baselines on moving particles, as in table 2 of Satorras et al., ICML 2021 (arXiv 2102.09844)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.equivariant.base import PointEncoder, PointOutput, Points
from graphkit.errors import ShapeError
from graphkit.kernels.point_edges import PointEdges, add_up, take


def _velocities(points: Points, name: str) -> Tensor:
    if points.vel is None:
        raise ShapeError(f"{name} needs velocities: give points vel [N, d]")
    return points.vel


class StraightLine(PointEncoder):
    """Every point goes on as it came: x + t v, with one fitted number t.

    Args:
        in_channels: not read.
        edge_dim: not read.

    Shapes:
        vel [N, d]; returns pos [N, d] and x [N, 1], the lengths of the velocities.
    """

    gives_positions = True

    def __init__(self, in_channels: int, edge_dim: int) -> None:
        super().__init__(0, 0, out_channels=1)
        self.time = nn.Parameter(torch.ones(()))

    def encode(self, points: Points) -> PointOutput:
        """Returns the positions at time t."""
        vel = _velocities(points, "straight-line")
        return PointOutput(vel.norm(dim=-1, keepdim=True), pos=points.pos + self.time * vel)


class RadialFieldLayer(nn.Module):
    """One layer of Köhler, Klein and Noé (2019): points move along their edges by a learned function of lengths.

    Args:
        hidden_channels: H.
        edge_dim: A.
    """

    def __init__(self, hidden_channels: int, edge_dim: int) -> None:
        super().__init__()
        last = nn.Linear(hidden_channels, 1, bias=False)
        nn.init.xavier_uniform_(last.weight, gain=0.001)
        self.strength = nn.Sequential(nn.Linear(1 + edge_dim, hidden_channels), nn.LeakyReLU(0.2), last, nn.Tanh())
        self.velocity = nn.Sequential(nn.Linear(1, hidden_channels), nn.SiLU(), nn.Linear(hidden_channels, 1))

    def forward(self, pos: Tensor, vel: Tensor, edges: PointEdges) -> Tensor:
        """Returns new positions [N, d]."""
        way = -edges.vectors(pos)
        length = ((way * way).sum(-1, keepdim=True) + 1e-12).sqrt()
        known = length if edges.attr is None else torch.cat([length, edges.attr.to(length.dtype)], dim=-1)
        pull = add_up(way * self.strength(known), edges.into) / edges.degree.clamp(min=1).unsqueeze(-1).to(way.dtype)
        return pos + pull + vel * self.velocity(vel.norm(dim=-1, keepdim=True))


class RadialField(PointEncoder):
    """Radial field: equivariant, without states of points.

    Args:
        in_channels: not read.
        edge_dim: A.
        hidden_channels: H.
        num_layers: number of layers.

    Shapes:
        vel [N, d]; returns pos [N, d] and x [N, 1], the lengths of the velocities.
    """

    gives_positions = True

    def __init__(self, in_channels: int, edge_dim: int, *, hidden_channels: int = 64, num_layers: int = 4) -> None:
        super().__init__(0, edge_dim, out_channels=1)
        self.layers = nn.ModuleList(RadialFieldLayer(hidden_channels, edge_dim) for _ in range(num_layers))

    def encode(self, points: Points) -> PointOutput:
        """Returns moved positions."""
        pos, vel = points.pos, _velocities(points, "radial-field")
        for layer in self.layers:
            pos = layer(pos, vel, points.edges)
        return PointOutput(vel.norm(dim=-1, keepdim=True), pos=pos)


class PointGNN(PointEncoder):
    """A message-passing network that reads raw coordinates: not equivariant, and the control of the tests.

    Args:
        in_channels: not read; positions and velocities are the features.
        edge_dim: A.
        hidden_channels: H.
        num_layers: number of layers.
        dim: d, dimension of space.

    Shapes:
        pos and vel [N, d]; returns x [N, H] and pos [N, d].
    """

    gives_positions = True

    def __init__(
        self, in_channels: int, edge_dim: int, *, hidden_channels: int = 64, num_layers: int = 4, dim: int = 3
    ) -> None:
        super().__init__(0, edge_dim, out_channels=hidden_channels)
        width = hidden_channels
        self.input = nn.Linear(2 * dim, width)
        self.edge = nn.ModuleList(_two_layers(2 * width + edge_dim, width, last=True) for _ in range(num_layers))
        self.node = nn.ModuleList(_two_layers(2 * width, width) for _ in range(num_layers))
        self.output = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, dim))

    def encode(self, points: Points) -> PointOutput:
        """Returns states and predicted positions."""
        vel = _velocities(points, "point-gnn")
        h, edges = self.input(torch.cat([points.pos, vel], dim=-1)), points.edges
        for edge, node in zip(self.edge, self.node, strict=True):
            ends = [take(h, edges.into), take(h, edges.out)]
            message = edge(torch.cat(ends if edges.attr is None else [*ends, edges.attr.to(h.dtype)], dim=-1))
            h = h + node(torch.cat([h, add_up(message, edges.into)], dim=-1))
        return PointOutput(h, pos=self.output(h))


def _two_layers(channels: int, width: int, *, last: bool = False) -> nn.Sequential:
    layers = [nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width)]
    return nn.Sequential(*layers, nn.SiLU()) if last else nn.Sequential(*layers)
