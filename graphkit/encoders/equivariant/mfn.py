"""Matrix-function networks, Batatia et al., ICLR 2024 (arXiv 2310.10434): non-local features from resolvents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.equivariant.base import PointEncoder, PointOutput, Points
from graphkit.encoders.equivariant.painn import PaiNN
from graphkit.encoders.equivariant.radial import BesselBasis, cosine_cutoff, directions, safe_length
from graphkit.errors import ConfigError
from graphkit.kernels.point_edges import take
from graphkit.kernels.smooth import silu

_FLOOR = 0.1
"""Least distance of a pole from the real axis, so that no resolvent is larger than 1 / 0.1."""


class MatrixFunction(nn.Module):
    r"""Diagonal blocks of functions of a matrix that local features build, one matrix a system and channel.

        H_ij = H_ji^T local    A = w (H - mean) / deviation    R_k = (z_k - A)^-1    out_i = [Re, Im] of the blocks R_ii

    Blocks have size 1 (invariant), or 4: a scalar and a vector state a point, with H_ij of the invariants and the
    direction of the edge. A function of a matrix sees walks of all lengths, so a point hears of points far outside of
    the cutoff. Eigenvalues are centred and scaled by the traces of H and H^2 of a system. Poles z_k = x_k + i y_k keep
    y_k above 0.1, which bounds resolvents; the published code leaves them free. Solves are dense: cost n^3 a system,
    channel and pole.

    Args:
        channels: width F of the local invariants.
        edge_channels: width of what is known of an edge.
        matrices: M, channels of matrices.
        poles: K, poles a matrix.
        vectors: blocks of a scalar and a vector, l <= 1, instead of a scalar alone.

    Shapes:
        returns [N, M * K * (2 + 2 * vectors)] invariants of the diagonal blocks and [N, d, M * K * 2] vectors, or None.
    """

    def __init__(
        self, channels: int, edge_channels: int, *, matrices: int = 8, poles: int = 8, vectors: bool = True
    ) -> None:
        super().__init__()
        require_positive(matrices=matrices, poles=poles)
        self.matrices, self.poles, self.vectors = matrices, poles, vectors
        # scalar-scalar, scalar-vector and two vector-vector numbers (identity and r r^T) of an edge
        self.numbers = 4 if vectors else 1
        self.point = nn.Linear(channels, channels)
        self.edge = nn.Linear(edge_channels, channels)
        self.entries = nn.Linear(channels, self.numbers * matrices)
        self.diagonal = nn.Linear(channels, (2 if vectors else 1) * matrices)
        self.strength = nn.Parameter(torch.ones(matrices, poles))
        self.place = nn.Parameter(torch.randn(matrices, poles))
        self.height = nn.Parameter(torch.zeros(matrices, poles))

    @property
    def out_channels(self) -> int:
        """Width of the invariants returned."""
        return self.matrices * self.poles * (4 if self.vectors else 2)

    @property
    def vec_channels(self) -> int:
        """Number of vectors returned."""
        return self.matrices * self.poles * 2 if self.vectors else 0

    def forward(
        self, x: Tensor, edge: Tensor, fade: Tensor, direction: Tensor, points: Points
    ) -> tuple[Tensor, Tensor | None]:
        """Returns invariants and vectors of the diagonal blocks.

        Args:
            x: [N, F] invariants.
            edge: [P, A] of the pairs, `fade` [P, 1] their cutoff, `direction` [P, d] from target to source.
            direction: see above.
            fade: see above.
            points: the systems.
        """
        matrix, rows = self.hamiltonian(x, edge, fade, direction, points)
        systems, _, size, _ = matrix.shape
        present = rows.to(matrix.dtype)  # [G, S] one where a row belongs to a point
        count = present.sum(-1).view(systems, 1)
        mean = matrix.diagonal(dim1=-2, dim2=-1).sum(-1) / count
        spread = (matrix.square().sum((-2, -1)) / count - mean.square()).clamp(min=0.0) + 1e-6
        unit = torch.diag_embed(present).unsqueeze(1)
        scaled = (matrix - mean[..., None, None] * unit) * spread.rsqrt()[..., None, None]
        poles = torch.complex(self.place, _FLOOR + nn.functional.softplus(self.height))
        eye = torch.eye(size, dtype=poles.dtype, device=poles.device)
        shifted = poles[None, :, :, None, None] * eye - (self.strength[None, :, :, None, None] * scaled.unsqueeze(2))
        resolvent = torch.linalg.inv(shifted)  # [G, M, K, S, S]
        return self._blocks(resolvent, rows, points)

    def hamiltonian(
        self, x: Tensor, edge: Tensor, fade: Tensor, direction: Tensor, points: Points
    ) -> tuple[Tensor, Tensor]:
        """Returns symmetric matrices [G, M, S, S] and which rows [G, S] belong to points."""
        pairs, block = points.edges.pairs, 1 + points.pos.size(1) if self.vectors else 1
        size = int(points.ptr.diff().max())
        place = torch.arange(len(x), device=x.device) - points.ptr[points.system]
        both = take(self.point(x), points.edges.pair_ends[0]) + take(self.point(x), points.edges.pair_ends[1])
        numbers = (self.entries(silu(both + self.edge(edge))) * fade).view(-1, self.numbers, self.matrices)
        off = self._block(numbers, direction)  # [P, b, b, M], from other (row) to one (column)
        own = self.diagonal(silu(x)).view(len(x), -1, self.matrices)
        each = [own[:, 0]] + ([own[:, 1]] * (block - 1) if self.vectors else [])
        on = torch.diag_embed(torch.stack(each, dim=1).transpose(1, 2)).permute(0, 2, 3, 1)
        flat = x.new_zeros(points.num_systems * size * size, block, block, self.matrices)
        system, one, other = points.system[pairs.one], place[pairs.one], place[pairs.other]
        at = torch.cat([(system * size + other) * size + one, (system * size + one) * size + other])
        at = torch.cat([at, (points.system * size + place) * size + place])
        flat = flat.index_add(0, at, torch.cat([off, off.transpose(1, 2), on]))
        matrix = flat.view(points.num_systems, size, size, block, block, self.matrices).permute(0, 5, 1, 3, 2, 4)
        matrix = matrix.reshape(points.num_systems, self.matrices, size * block, size * block)
        present = torch.arange(size, device=x.device) < points.ptr.diff().unsqueeze(-1)
        return matrix, present.repeat_interleave(block, dim=1)

    def _block(self, numbers: Tensor, direction: Tensor) -> Tensor:
        scalar = numbers[:, 0, None, None]
        if not self.vectors:
            return scalar
        dim = direction.size(1)
        eye = torch.eye(dim, dtype=numbers.dtype, device=numbers.device)
        way = direction.unsqueeze(-1) * numbers[:, 1].unsqueeze(1)  # [P, d, M]
        square = (direction[:, :, None] * direction[:, None])[..., None] * numbers[:, 3, None, None]
        inner = eye[None, :, :, None] * numbers[:, 2, None, None] + square
        upper = torch.cat([scalar, way.unsqueeze(1)], dim=2)
        # seen from the other end the direction is opposite: the block is antisymmetric where one vector meets a scalar
        lower = torch.cat([-way.unsqueeze(2), inner], dim=2)
        return torch.cat([upper, lower], dim=1)

    def _blocks(self, resolvent: Tensor, rows: Tensor, points: Points) -> tuple[Tensor, Tensor | None]:
        systems, matrices, poles, size, _ = resolvent.shape
        block = 1 + points.pos.size(1) if self.vectors else 1
        split = resolvent.view(systems, matrices, poles, size // block, block, size // block, block)
        own = split.diagonal(dim1=3, dim2=5).permute(0, 5, 1, 2, 3, 4)  # [G, n, M, K, b, b]
        own = own[rows[:, ::block]].flatten(1, 2)  # [N, M K, b, b]
        own = torch.cat([own.real, own.imag], dim=1)
        if not self.vectors:
            return own[..., 0, 0], None
        trace = own[..., 1:, 1:].diagonal(dim1=-2, dim2=-1).sum(-1)
        vec = own[..., 0, 1:].transpose(1, 2)
        return torch.cat([own[..., 0, 0], trace], dim=-1), vec


class MFN(PointEncoder):
    r"""Local scalars and vectors build matrices; resolvents of them reach through the whole molecule.

    Batatia et al.: "Equivariant Matrix Function Neural Networks", ICLR 2024 (arXiv 2310.10434), with `PaiNN` layers for
    the local features where the paper has MACE.

    Args:
        in_channels: features of a point; 0 takes its element.
        edge_dim: 0.
        hidden_channels: F.
        num_layers: local blocks.
        basis: radial functions.
        cutoff: edges join points closer than this.
        matrices: M, channels of matrices.
        poles: K, poles a matrix.
        vectors: blocks of a scalar and a vector a point; off, the matrices are invariant.

    Shapes:
        pos [N, d]; returns x [N, F] and vec [N, d, F].

    Raises:
        ConfigError: edge features, or no cutoff.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]), z=torch.tensor([6, 1, 1, 1]), cutoff=5.0)
        >>> MFN(0, 0, hidden_channels=8, matrices=2, poles=2)(points).x.shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 64,
        num_layers: int = 2,
        basis: int = 12,
        cutoff: float = 3.0,
        matrices: int = 8,
        poles: int = 8,
        vectors: bool = True,
    ) -> None:
        super().__init__(in_channels, 0, out_channels=hidden_channels, vec_channels=hidden_channels)
        if edge_dim or cutoff <= 0:
            raise ConfigError("mfn reads no features of edges, and needs a cutoff above 0")
        self.cutoff = cutoff
        options = {"hidden_channels": hidden_channels, "num_layers": num_layers, "basis": basis, "cutoff": cutoff}
        self.local = PaiNN(in_channels, 0, **options)
        self.basis = BesselBasis(basis, cutoff)
        self.functions = MatrixFunction(hidden_channels, basis, matrices=matrices, poles=poles, vectors=vectors)
        self.scalar = nn.Sequential(
            nn.Linear(hidden_channels + self.functions.out_channels, hidden_channels),
            nn.SiLU(),
            nn.Linear(hidden_channels, hidden_channels),
        )
        self.vector = nn.Linear(self.functions.vec_channels, hidden_channels, bias=False) if vectors else None

    def encode(self, points: Points) -> PointOutput:
        """Returns local features with non-local ones added."""
        local = self.local.encode(points)
        way = points.edges.pair_vectors(points.pos)
        length = safe_length(way)
        fade = cosine_cutoff(length, self.cutoff).unsqueeze(-1)
        found, vec = self.functions(local.x, self.basis(length), fade, directions(way, length), points)
        x = local.x + self.scalar(torch.cat([local.x, found], dim=-1))
        if vec is None or self.vector is None:
            return PointOutput(x, vec=local.vec)
        return PointOutput(x, vec=local.vec + self.vector(vec))
