"""A network of irreducible features with the convolution of eSCN, Passaro and Zitnick, ICML 2023 (arXiv 2302.03655)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.equivariant.base import PointEncoder, PointInput, PointOutput, Points
from graphkit.encoders.equivariant.radial import BesselBasis, cosine_cutoff, directions, safe_length
from graphkit.encoders.equivariant.so2 import SO2Conv, rotate
from graphkit.encoders.equivariant.tensornet import Group
from graphkit.encoders.equivariant.wigner import edge_rotation, wigner
from graphkit.errors import ConfigError
from graphkit.kernels.point_edges import PointEdges, add_up, take
from graphkit.kernels.smooth import silu


class Gate(nn.Module):
    """SiLU of degree 0; higher degrees times sigmoids of it: the exact nonlinearity of irreducible features.

    Args:
        degree: L.
        channels: C.

    Shapes:
        [N, (L + 1)^2, C] to the same.
    """

    def __init__(self, degree: int, channels: int) -> None:
        super().__init__()
        self.sizes = [2 * own + 1 for own in range(1, degree + 1)]
        self.gates = nn.Linear(channels, degree * channels) if degree else None

    def forward(self, x: Tensor) -> Tensor:
        """Returns gated features."""
        scalar = x[:, :1]
        if self.gates is None:
            return silu(scalar)
        gates = torch.sigmoid(self.gates(x[:, 0])).view(len(x), len(self.sizes), x.size(-1))
        each = gates.repeat_interleave(torch.tensor(self.sizes, device=x.device), dim=1)
        return torch.cat([silu(scalar), x[:, 1:] * each], dim=1)


class DegreeLinear(nn.Module):
    """One map of channels a degree; only degree 0 has a bias, because a constant vector would point somewhere.

    Args:
        degree: L.
        channels: C.
    """

    def __init__(self, degree: int, channels: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(channels, channels, bias=own == 0) for own in range(degree + 1))

    def forward(self, x: Tensor) -> Tensor:
        """Mixes channels of [N, (L + 1)^2, C]."""
        return torch.cat([one(x[:, k * k : (k + 1) ** 2]) for k, one in enumerate(self.maps)], dim=1)


class ESCNLayer(nn.Module):
    """Messages by two SO(2) convolutions in the frame of every edge, and a gated update of points.

    Args:
        degree: L.
        channels: C.
        edge_channels: width of what is known of an edge.
        mirror: O(3) and not SO(3) alone.
    """

    def __init__(self, degree: int, channels: int, edge_channels: int, mirror: bool) -> None:
        super().__init__()
        self.first = SO2Conv(degree, 2 * channels, channels, mirror=mirror)
        self.second = SO2Conv(degree, channels, channels, mirror=mirror)
        self.scale = nn.Linear(edge_channels, self.first.num_scales * 2 * channels)
        self.gate, self.inner, self.outer = (
            Gate(degree, channels),
            DegreeLinear(degree, channels),
            DegreeLinear(degree, channels),
        )
        self.update = Gate(degree, channels)

    def forward(self, x: Tensor, edge: Tensor, fade: Tensor, turns: list[Tensor], edges: PointEdges) -> Tensor:
        """Returns new features [N, (L + 1)^2, C]."""
        normed = _normed(x)
        ends = torch.cat([take(normed, edges.out), take(normed, edges.into)], dim=-1)
        scale = self.scale(edge).view(len(edge), self.first.num_scales, self.first.in_channels)
        message = self.second(self.gate(self.first(rotate(turns, ends), scale)))
        message = rotate(turns, message, back=True) * fade.unsqueeze(-1)
        x = x + add_up(message, edges.into)
        return x + self.outer(self.update(self.inner(_normed(x))))


class ESCN(PointEncoder):
    r"""Points hold C irreducible features up to degree L; messages are SO(2) convolutions in the frame of the edge.

    The operator of Passaro and Zitnick: "Reducing SO(3) Convolutions to SO(2) for Efficient Equivariant GNNs", ICML
    2023 (arXiv 2302.03655), with a fixed differentiable frame where theirs is drawn at random and cut off from
    gradients, all orders m, and gates where theirs samples a sphere: equivariance is exact, and forces are gradients.

    Args:
        in_channels: features of a point; 0 takes its element.
        edge_dim: 0.
        hidden_channels: C.
        degree: L.
        num_layers: number of message and update blocks.
        basis: radial functions.
        cutoff: edges join points closer than this.
        group: `O(3)` for mirror-symmetric energies, `SO(3)` to tell left from right.

    Shapes:
        pos [N, 3]; returns x [N, C] and, for L of 1 and more, vec [N, 3, C].

    Raises:
        ConfigError: edge features, or no cutoff.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]), z=torch.tensor([6, 1, 1, 1]), cutoff=5.0)
        >>> ESCN(0, 0, hidden_channels=8)(points).vec.shape
        torch.Size([4, 3, 8])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 64,
        degree: int = 2,
        num_layers: int = 2,
        basis: int = 16,
        cutoff: float = 5.0,
        group: Group = "O(3)",
    ) -> None:
        super().__init__(in_channels, 0, out_channels=hidden_channels, vec_channels=hidden_channels if degree else 0)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, basis=basis)
        require_choice(Group, group=group)
        if edge_dim or cutoff <= 0 or degree < 0:
            raise ConfigError("escn reads no features of edges; it needs a cutoff above 0 and a degree of 0 or more")
        self.cutoff, self.degree = cutoff, degree
        self.input = PointInput(in_channels, hidden_channels)
        self.basis = BesselBasis(basis, cutoff)
        self.edge = nn.Linear(basis, hidden_channels)
        self.ends = nn.Linear(hidden_channels, 2 * hidden_channels)
        self.layers = nn.ModuleList(
            ESCNLayer(degree, hidden_channels, hidden_channels, group == "O(3)") for _ in range(num_layers)
        )

    def encode(self, points: Points) -> PointOutput:
        """Returns scalars and vectors."""
        edges = points.edges
        way = edges.vectors(points.pos)
        length = safe_length(way)
        turns = wigner(edge_rotation(directions(way, length)), self.degree)
        scalar = self.input(points)
        own, other = self.ends(scalar).chunk(2, dim=-1)
        edge = silu(self.edge(self.basis(length)) + take(own, edges.into) + take(other, edges.out))
        fade = cosine_cutoff(length, self.cutoff).unsqueeze(-1)
        x = torch.cat(
            [scalar.unsqueeze(1), scalar.new_zeros(len(scalar), (self.degree + 1) ** 2 - 1, scalar.size(1))], 1
        )
        for layer in self.layers:
            x = layer(x, edge, fade, turns, edges)
        vec = x[:, 1:4][:, [2, 0, 1]] if self.degree else None  # (y, z, x) to (x, y, z)
        return PointOutput(x[:, 0], vec=vec)


def _normed(x: Tensor) -> Tensor:
    """Divides by the root mean square over channels and components, degree by degree summed: an invariant."""
    return x / (x.square().sum(1, keepdim=True).mean(-1, keepdim=True) + 1e-6).sqrt()
