"""A network of scalars and vectors after PaiNN, Schütt, Unke and Gastegger, ICML 2021 (arXiv 2102.03150)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.equivariant.base import PointEncoder, PointInput, PointOutput, Points
from graphkit.encoders.equivariant.radial import BesselBasis, cosine_cutoff, directions, safe_length
from graphkit.errors import ConfigError
from graphkit.kernels.messages import outer_messages, pair_messages
from graphkit.kernels.point_edges import PointEdges, take
from graphkit.kernels.smooth import silu


class PaiNNMessage(nn.Module):
    r"""Messages of scalars and vectors (equations 7 and 8).

        ds_i = sum_j phi_s(s_j) * W_s    dv_i = sum_j v_j * phi_vv(s_j) * W_vv + sum_j phi_vs(s_j) * W_vs * r_ij

    Args:
        channels: F.
        basis: K.
    """

    def __init__(self, channels: int, basis: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(channels, channels), nn.Linear(channels, 3 * channels)
        self.radial = nn.Linear(basis, 3 * channels)

    def forward(
        self, s: Tensor, v: Tensor, radial: Tensor, fade: Tensor, direction: Tensor, edges: PointEdges
    ) -> tuple[Tensor, Tensor]:
        """Returns changes of s [N, F] and v [d, N, F]."""
        width, dim = s.size(-1), len(v)
        weight = self.radial(radial) * fade
        own = self.outer(silu(self.inner(s)))
        gate_s, gate_v, gate_r = own.split(width, dim=-1)
        states = torch.cat([gate_s.unsqueeze(0), v * gate_v])
        moved = pair_messages(weight[:, : 2 * width].reshape(-1, 2, width), states, edges, (0, *(1,) * dim))
        rows = take(weight[:, 2 * width :], edges.edges_of_pairs) * take(gate_r, edges.out)
        return moved[0], moved[1:] + outer_messages(direction, rows.unsqueeze(1), edges, (0,) * dim)


class PaiNNUpdate(nn.Module):
    r"""Scalars and vectors of a point meet (equations 9 and 10).

        dv = a_vv * U v    ds = a_ss + a_sv * <U v, V v>    with a = MLP(s, |V v|)

    Args:
        channels: F.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, 2 * channels, bias=False)
        self.inner, self.outer = nn.Linear(2 * channels, channels), nn.Linear(channels, 3 * channels)

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Returns changes of s and v."""
        left, right = self.mix(v).chunk(2, dim=-1)
        # the length is smoothed at 0, where its slope has no direction
        length = ((right * right).sum(0) + 1e-8).sqrt()
        gate_v, gate_sv, gate_s = self.outer(silu(self.inner(torch.cat([s, length], dim=-1)))).chunk(3, dim=-1)
        return gate_s + gate_sv * (left * right).sum(0), left * gate_v


class PaiNN(PointEncoder):
    r"""Every point holds F scalars and F vectors; only scalars pass through nonlinear functions.

    After Schütt, Unke and Gastegger: "Equivariant message passing for the prediction of tensorial properties and
    molecular spectra", ICML 2021 (arXiv 2102.03150). Radial functions are computed once a pair.

    Args:
        in_channels: features of a point; 0 takes its element.
        edge_dim: 0.
        hidden_channels: F.
        num_layers: number of message and update blocks.
        basis: K, radial functions.
        cutoff: edges join points closer than this.

    Shapes:
        pos [N, d]; returns x [N, F] and vec [N, d, F].

    Raises:
        ConfigError: edge features, or no cutoff.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]), z=torch.tensor([6, 1, 1, 1]), cutoff=5.0)
        >>> PaiNN(0, 0, hidden_channels=16)(points).vec.shape
        torch.Size([4, 3, 16])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 128,
        num_layers: int = 3,
        basis: int = 20,
        cutoff: float = 5.0,
    ) -> None:
        super().__init__(in_channels, 0, out_channels=hidden_channels, vec_channels=hidden_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, basis=basis)
        if edge_dim or cutoff <= 0:
            raise ConfigError("painn reads no features of edges, and needs a cutoff above 0")
        self.cutoff = cutoff
        self.input = PointInput(in_channels, hidden_channels)
        self.basis = BesselBasis(basis, cutoff)
        self.messages = nn.ModuleList(PaiNNMessage(hidden_channels, basis) for _ in range(num_layers))
        self.updates = nn.ModuleList(PaiNNUpdate(hidden_channels) for _ in range(num_layers))

    def encode(self, points: Points) -> PointOutput:
        """Returns scalars and vectors."""
        edges, dim = points.edges, points.pos.size(1)
        length = safe_length(edges.pair_vectors(points.pos))
        radial, fade = self.basis(length), cosine_cutoff(length, self.cutoff).unsqueeze(-1)
        direction = directions(edges.vectors(points.pos), take(length, edges.edges_of_pairs))
        s = self.input(points)
        v = s.new_zeros(dim, *s.shape)
        if points.vel is not None:
            v = v + points.vel.t().unsqueeze(-1)
        for message, update in zip(self.messages, self.updates, strict=True):
            change_s, change_v = message(s, v, radial, fade, direction, edges)
            s, v = s + change_s, v + change_v
            change_s, change_v = update(s, v)
            s, v = s + change_s, v + change_v
        return PointOutput(s, vec=v.transpose(0, 1))
