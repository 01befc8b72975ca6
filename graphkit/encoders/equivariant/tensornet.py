"""TensorNet, Simeon and De Fabritiis, NeurIPS 2023 (arXiv 2306.06482), on matrices kept as 1 + 3 + 5 numbers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.equivariant.base import PointEncoder, PointOutput, Points
from graphkit.encoders.equivariant.radial import ExpNormalBasis, cosine_cutoff, directions, safe_length
from graphkit.errors import ConfigError
from graphkit.kernels.cartesian import BASIS, PART_OF, PartMix, direction_components, matrix_product
from graphkit.kernels.messages import outer_messages, pair_messages
from graphkit.kernels.parts import dot_parts, scale_parts
from graphkit.kernels.point_edges import PointEdges, take
from graphkit.kernels.smooth import silu

Group = Literal["O(3)", "SO(3)"]
_WHOLE = (0,) * 9
"""All nine numbers as one part."""


class TensorEmbedding(nn.Module):
    """First matrices of atoms (section 3.2): sums of identity, skew and symmetric matrices of directions.

    Args:
        channels: F.
        basis: K.
        cutoff: r.
        elements: largest atomic number.
    """

    def __init__(self, channels: int, basis: int, cutoff: float, elements: int) -> None:
        super().__init__()
        self.channels, self.cutoff = channels, cutoff
        self.element = nn.Embedding(elements + 1, channels)
        self.both = nn.Linear(2 * channels, channels)
        self.radial = nn.Linear(basis, 3 * channels)
        self.norm = nn.LayerNorm(channels)
        self.gate_in, self.gate_out = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, 3 * channels)
        self.mix = PartMix(channels)

    def forward(self, z: Tensor, radial: Tensor, length: Tensor, way: Tensor, edges: PointEdges) -> Tensor:
        """Returns [9, N, F]; the last row of `radial` and `length` is that of an atom with itself, at distance 0."""
        pairs, width = edges.pairs.count, self.channels
        h = self.element(z)
        into, out = self.both.weight.split(width, dim=1)
        own, other = nn.functional.linear(h, into, self.both.bias), nn.functional.linear(h, out)
        weight = self.radial(radial) * cosine_cutoff(length, self.cutoff).unsqueeze(-1)
        joint = take(own, edges.into) + take(other, edges.out)
        rows = take(weight[:pairs], edges.edges_of_pairs).view(-1, 3, width) * joint.unsqueeze(1)
        x = outer_messages(
            direction_components(directions(way, take(length[:pairs], edges.edges_of_pairs))), rows, edges, PART_OF
        )
        loop = (own + other) * weight[pairs, :width] * (3.0**0.5)
        x = torch.cat([x[:1] + loop, x[1:]])
        gate = silu(self.gate_out(silu(self.gate_in(self.norm(dot_parts(x, x, _WHOLE)[0])))))
        return scale_parts(self.mix(x), gate.view(-1, 3, width).transpose(0, 1), PART_OF)


class TensorInteraction(nn.Module):
    """One message and update of matrices (section 3.3).

    Args:
        channels: F.
        basis: K.
        cutoff: r.
        symmetric: products that commute with mirror images, O(3); plain products know left from right, SO(3).
    """

    def __init__(self, channels: int, basis: int, cutoff: float, symmetric: bool) -> None:
        super().__init__()
        self.cutoff, self.symmetric = cutoff, symmetric
        sizes = (basis, channels, 2 * channels, 3 * channels)
        self.radial = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        self.before, self.after = PartMix(channels), PartMix(channels)

    def forward(self, x: Tensor, radial: Tensor, length: Tensor, edges: PointEdges, charge: Tensor | None) -> Tensor:
        """Returns new matrices [9, N, F]; `charge` [N] is the total charge of an atom's system."""
        weight = radial
        for layer in self.radial:
            weight = silu(layer(weight))
        weight = (weight * cosine_cutoff(length, self.cutoff).unsqueeze(-1)).view(-1, 3, x.size(-1))
        x = _tamed(x)
        y = self.before(x)
        message = pair_messages(weight, y, edges, PART_OF)
        factor = None if charge is None else (1.0 + 0.1 * charge).view(1, -1, 1)
        product = matrix_product(y, message, symmetric=self.symmetric)
        product = product if self.symmetric else 2.0 * product
        product = product if factor is None else product * factor
        change = self.after(_tamed(product))
        square = matrix_product(change, change, symmetric=self.symmetric)
        square = 0.5 * square if self.symmetric else square
        return x + change + (square if factor is None else square * factor)


class TensorNet(PointEncoder):
    r"""Every atom holds F matrices; messages are weighted sums of matrices, updates are matrix products.

    Simeon and De Fabritiis: "TensorNet: Cartesian Tensor Representations for Efficient Learning of Molecular
    Potentials", NeurIPS 2023 (arXiv 2306.06482). Matrices are kept as 1 + 3 + 5 numbers, and what depends on a distance
    alone is computed once a pair, not once a direction.

    Args:
        in_channels: 0; atoms are told apart by element.
        edge_dim: 0.
        hidden_channels: F.
        num_layers: interactions after the embedding.
        basis: K, radial functions.
        cutoff: r; edges join atoms closer than this.
        group: `O(3)` for mirror-symmetric energies, `SO(3)` to tell left from right.
        elements: largest atomic number.

    Shapes:
        pos [N, 3]; returns x [N, F] invariants, vec [N, 3, F] and tensor [N, 3, 3, F] from the last matrices. Vectors
        are read off the skew part; they are true vectors: a mirror image turns them around with the points.

    Raises:
        ConfigError: features of points or edges, or no cutoff.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]), z=torch.tensor([6, 1, 1, 1]), cutoff=5.0)
        >>> TensorNet(0, 0, hidden_channels=16)(points).x.shape
        torch.Size([4, 16])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 128,
        num_layers: int = 2,
        basis: int = 32,
        cutoff: float = 4.5,
        group: Group = "O(3)",
        elements: int = 100,
    ) -> None:
        super().__init__(0, 0, out_channels=hidden_channels, vec_channels=hidden_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, basis=basis)
        require_choice(Group, group=group)
        if in_channels or edge_dim or cutoff <= 0:
            raise ConfigError("tensornet reads elements and positions alone, within a cutoff above 0")
        self.cutoff = cutoff
        self.basis = ExpNormalBasis(basis, cutoff)
        self.embedding = TensorEmbedding(hidden_channels, basis, cutoff, elements)
        self.layers = nn.ModuleList(
            TensorInteraction(hidden_channels, basis, cutoff, group == "O(3)") for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(3 * hidden_channels)
        self.output = nn.Linear(3 * hidden_channels, hidden_channels)

    def encode(self, points: Points) -> PointOutput:
        """Returns invariants, vectors and tensors."""
        edges = points.edges
        z = (
            points.z
            if points.z is not None
            else torch.zeros(len(points.pos), dtype=torch.int64, device=points.pos.device)
        )
        way = edges.vectors(points.pos)
        length = safe_length(edges.pair_vectors(points.pos))
        length = torch.cat([length, length.new_zeros(1)])  # the last one is that of an atom with itself
        radial = self.basis(length)
        x = self.embedding(z, radial, length, way, edges)
        charge = None if points.charge is None else points.charge[points.system].to(x.dtype)
        for layer in self.layers:
            x = layer(x, radial, length, edges, charge)
        states = silu(self.output(self.norm(dot_parts(x, x, PART_OF).transpose(0, 1).flatten(1))))
        basis = torch.as_tensor(BASIS[4:], dtype=x.dtype, device=x.device)
        return PointOutput(states, vec=x[1:4].transpose(0, 1), tensor=torch.einsum("cnf,cij->nijf", x[4:], basis))


def _tamed(x: Tensor) -> Tensor:
    """Divides matrices by their squared norm plus 1."""
    return scale_parts(x, 1.0 / (dot_parts(x, x, _WHOLE) + 1.0), _WHOLE)
