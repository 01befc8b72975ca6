"""E(n) equivariant graph networks, Satorras, Hoogeboom and Welling, ICML 2021 (arXiv 2102.09844)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.equivariant.base import PointEncoder, PointInput, PointOutput, Points
from graphkit.encoders.equivariant.radial import cosine_cutoff, safe_length
from graphkit.kernels.egnn import can_fuse, fused_layer
from graphkit.kernels.point_edges import PointEdges, add_up, take
from graphkit.kernels.smooth import silu

_WEIGHTS = tuple(
    f"{module}.{kind}"
    for module in ("edge_in", "edge_out", "move_in", "move_out", "node.0", "node.2", "velocity.0", "velocity.2")
    for kind in ("weight", "bias")
    if (module, kind) != ("move_out", "bias")
)
"""Parameters in the order in which `fused_layer` takes them."""


class EGNNLayer(nn.Module):
    r"""One layer, equations 3 to 7 of the paper, in any dimension d.

        m_ij = phi_e(h_i, h_j, |x_i - x_j|^2, a_ij)    x_i += mean_j (x_i - x_j) phi_x(m_ij) + phi_v(h_i) v_i
        h_i += phi_h(h_i, sum_j m_ij)

    The first map of phi_e is divided into one map of h_i, one of h_j and one of the rest, so the wide products are done
    a point and not an edge; the parameters are those of one map.

    Args:
        channels: H.
        edge_dim: A, features of an edge.
        velocity: adds phi_v(h) v, with the velocities the points came with.
        gate: multiplies messages by sigmoid of a linear map of them.
        move: updates the positions.
        residual: adds h to the new h.
        normalise: divides x_i - x_j by its length plus 1.
        tanh: ends phi_x with a tanh.
        cutoff: fades messages out towards this distance, so that energies are smooth; 0 keeps them whole.

    Shapes:
        h [N, H]; pos [N, d]; edges.attr [E, A]; returns h and pos of the same shapes.
    """

    def __init__(
        self,
        channels: int,
        edge_dim: int = 0,
        *,
        velocity: bool = False,
        gate: bool = False,
        move: bool = True,
        residual: bool = True,
        normalise: bool = False,
        tanh: bool = False,
        cutoff: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.residual, self.normalise, self.tanh = channels, residual, normalise, tanh
        self.cutoff = cutoff
        self._plain = move and not (gate or normalise or tanh or cutoff)
        self.edge_in = nn.Linear(2 * channels + 1 + edge_dim, channels)
        self.edge_out = nn.Linear(channels, channels)
        self.node = nn.Sequential(nn.Linear(2 * channels, channels), nn.SiLU(), nn.Linear(channels, channels))
        self.gate = nn.Linear(channels, 1) if gate else None
        self.move_in = nn.Linear(channels, channels) if move else None
        self.move_out = nn.Linear(channels, 1, bias=False) if move else None
        self.velocity = (
            nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, 1)) if velocity else None
        )
        if self.move_out is not None:
            nn.init.xavier_uniform_(self.move_out.weight, gain=0.001)

    def forward(
        self, h: Tensor, pos: Tensor, edges: PointEdges, vel: Tensor | None = None, *, fused: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Returns new states and positions."""
        if fused and self._plain and can_fuse(h, pos, edges, vel if self.velocity is not None else None):
            return self._fused(h, pos, edges, vel)
        way = -edges.vectors(pos)
        square = (way * way).sum(-1, keepdim=True)
        message = self._messages(h, square, edges)
        reach = edges.degree.unsqueeze(-1).to(pos.dtype)
        if self.cutoff:
            fade = cosine_cutoff(safe_length(way), self.cutoff).unsqueeze(-1)
            message, way, reach = message * fade, way * fade, 1.0 + add_up(fade, edges.into)
        step = torch.zeros_like(pos) if self.velocity is None or vel is None else self.velocity(h) * vel
        if self.move_in is not None and self.move_out is not None:
            if self.normalise:
                way = way / ((square + 1e-12).sqrt() + 1.0)
            strength = self.move_out(silu(self.move_in(message)))
            strength = torch.tanh(strength) if self.tanh else strength
            pull = add_up((way * strength).clamp(-100.0, 100.0), edges.into)
            step = step + pull / reach.clamp(min=1.0)
        update = self.node(torch.cat([h, add_up(message, edges.into)], dim=-1))
        return (h + update if self.residual else update), pos + step

    def _fused(self, h: Tensor, pos: Tensor, edges: PointEdges, vel: Tensor | None) -> tuple[Tensor, Tensor]:
        def composed(h: Tensor, pos: Tensor, vel: Tensor | None, *weights: Tensor | None) -> tuple[Tensor, Tensor]:
            own = {name: value for name, value in zip(_WEIGHTS, weights, strict=True) if value is not None}
            found: tuple[Tensor, Tensor] = torch.func.functional_call(self, own, (h, pos, edges, vel))
            return found

        own = dict(self.named_parameters())
        vel = None if self.velocity is None else vel
        weights = [own.get(name) if vel is not None or not name.startswith("velocity") else None for name in _WEIGHTS]
        return fused_layer(h, pos, vel, edges, weights, residual=self.residual, composed=composed)

    def _messages(self, h: Tensor, square: Tensor, edges: PointEdges) -> Tensor:
        into, out, rest = self.edge_in.weight.split(
            [self.channels, self.channels, self.edge_in.in_features - 2 * self.channels], 1
        )
        extra = square if edges.attr is None else torch.cat([square, edges.attr.to(square.dtype)], dim=-1)
        hidden = take(nn.functional.linear(h, into, self.edge_in.bias), edges.into)
        hidden = hidden + take(nn.functional.linear(h, out), edges.out) + nn.functional.linear(extra, rest)
        message = silu(self.edge_out(silu(hidden)))
        return message if self.gate is None else message * torch.sigmoid(self.gate(message))


class EGNN(PointEncoder):
    r"""Layers that pass messages over invariant distances and move the points along the edges.

    Satorras, Hoogeboom and Welling: "E(n) Equivariant Graph Neural Networks", ICML 2021 (arXiv 2102.09844).

    Args:
        in_channels: F, features of a point; 0 takes its element.
        edge_dim: A, features of an edge.
        hidden_channels: H.
        num_layers: number of layers.
        velocity: positions also move along the velocities, which themselves are never updated (the authors confirm it:
            vgsatorras/egnn#8).
        gate: edge gates, as used on QM9.
        move: updates positions; off for energies of molecules.
        plain_first: the first layer has no residual connection and no input map (graph autoencoder).
        shrink: positions lose this share after every layer (graph autoencoder, 0.001).
        normalise: divides differences of positions by their length plus 1.
        tanh: bounds the strength of a move.
        cutoff: edges join points closer than this; 0 joins all points of a system.

    Shapes:
        pos [N, d] for any d; returns x [N, H], pos [N, d] and vec [N, d, 1], the way a point moved.

    Example:
        >>> points = Points.of(torch.randn(5, 3), torch.tensor([0, 5]), x=torch.ones(5, 1))
        >>> EGNN(1, 0, hidden_channels=16)(points).pos.shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 64,
        num_layers: int = 4,
        velocity: bool = False,
        gate: bool = False,
        move: bool = True,
        plain_first: bool = False,
        shrink: float = 0.0,
        normalise: bool = False,
        tanh: bool = False,
        cutoff: float = 0.0,
    ) -> None:
        super().__init__(in_channels, edge_dim, out_channels=hidden_channels, vec_channels=1 if move or velocity else 0)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers)
        self.cutoff, self.shrink, self.gives_positions = cutoff, shrink, move or velocity
        self.input = PointInput(in_channels, hidden_channels)
        self.layers = nn.ModuleList(
            EGNNLayer(
                hidden_channels,
                edge_dim,
                velocity=velocity,
                gate=gate,
                move=move,
                residual=not plain_first or layer > 0,
                normalise=normalise,
                tanh=tanh,
                cutoff=cutoff,
            )
            for layer in range(num_layers)
        )

    def encode(self, points: Points) -> PointOutput:
        """Returns states and moved positions."""
        h, pos = self.input(points), points.pos
        fused = not pos.requires_grad  # forces are differentiated again, and the fused layer would be computed twice
        for layer in self.layers:
            h, pos = layer(h, pos, points.edges, points.vel, fused=fused)
            if self.shrink:
                pos = pos * (1.0 - self.shrink)
        way = (pos - points.pos).unsqueeze(-1)
        return PointOutput(h, vec=way, pos=pos) if self.gives_positions else PointOutput(h)
