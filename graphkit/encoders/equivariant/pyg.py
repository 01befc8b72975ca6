"""SchNet, DimeNet++ and ViSNet of PyTorch Geometric behind the contract of point encoders."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.equivariant.base import PointEncoder, PointOutput, Points
from graphkit.encoders.equivariant.radial import safe_length
from graphkit.errors import ConfigError


def _elements_only(name: str, in_channels: int, edge_dim: int, cutoff: float) -> None:
    if in_channels or edge_dim or cutoff <= 0:
        raise ConfigError(f"{name} reads elements and positions alone, within a cutoff above 0")


def _edge_index(points: Points, name: str) -> Tensor:
    if points.edges.shift is not None:
        raise ConfigError(f"{name} of PyG knows no periodic cells; take tensornet, painn or escn")
    return torch.stack([points.edges.source, points.edges.target])


def _numbers(points: Points) -> Tensor:
    return torch.zeros(len(points.pos), dtype=torch.int64) if points.z is None else points.z


class SchNet(PointEncoder):
    """Continuous-filter convolutions over distances, Schütt et al., NeurIPS 2017 (arXiv 1706.08566), from PyG.

    Args:
        in_channels: 0.
        edge_dim: 0.
        hidden_channels: F.
        num_layers: interactions.
        basis: Gaussians.
        cutoff: edges join atoms closer than this.

    Shapes:
        pos [N, 3], z [N]; returns x [N, F].

    Raises:
        ConfigError: features of points or edges, no cutoff, or a periodic cell.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]), z=torch.tensor([6, 1, 1, 1]), cutoff=5.0)
        >>> SchNet(0, 0, hidden_channels=8)(points).x.shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 128,
        num_layers: int = 3,
        basis: int = 50,
        cutoff: float = 5.0,
    ) -> None:
        super().__init__(0, 0, out_channels=hidden_channels)
        from torch_geometric.nn.models import SchNet as Published

        _elements_only("schnet", in_channels, edge_dim, cutoff)
        self.cutoff = cutoff
        model = Published(hidden_channels, hidden_channels, num_layers, num_gaussians=basis, cutoff=cutoff)
        for interaction in model.interactions:
            del interaction.mlp  # the filter network again, which conv holds: kept weights must not be listed twice
        self.embedding, self.expansion, self.interactions = (
            model.embedding,
            model.distance_expansion,
            model.interactions,
        )

    def encode(self, points: Points) -> PointOutput:
        """Returns invariants."""
        edge_index = _edge_index(points, "schnet")
        length = safe_length(points.edges.vectors(points.pos))
        known = self.expansion(length)
        h = self.embedding(_numbers(points))
        for interaction in self.interactions:
            h = h + interaction(h, edge_index, length, known)
        return PointOutput(h)


class DimeNet(PointEncoder):
    """DimeNet++, Gasteiger et al., 2020 (arXiv 2011.14115): messages between edges, by angles; from PyG.

    Args:
        in_channels: 0.
        edge_dim: 0.
        hidden_channels: F.
        num_layers: blocks.
        cutoff: edges join atoms closer than this.

    Shapes:
        pos [N, 3], z [N]; returns x [N, F].
    """

    def __init__(
        self, in_channels: int, edge_dim: int, *, hidden_channels: int = 64, num_layers: int = 3, cutoff: float = 5.0
    ) -> None:
        super().__init__(0, 0, out_channels=hidden_channels)
        from torch_geometric.nn.models import DimeNetPlusPlus

        _elements_only("dimenet++", in_channels, edge_dim, cutoff)
        self.cutoff = cutoff
        self.model = DimeNetPlusPlus(
            hidden_channels=hidden_channels,
            out_channels=hidden_channels,
            num_blocks=num_layers,
            int_emb_size=max(8, hidden_channels // 2),
            basis_emb_size=8,
            out_emb_channels=2 * hidden_channels,
            num_spherical=7,
            num_radial=6,
            cutoff=cutoff,
            output_initializer="glorot_orthogonal",
        )

    def encode(self, points: Points) -> PointOutput:
        """Returns invariants."""
        model, (source, target) = self.model, _edge_index(points, "dimenet++")
        first, second = _angles(points)
        way = points.edges.vectors(points.pos)
        length = safe_length(way)
        inner = (way[first] * way[second]).sum(-1)
        angle = torch.atan2(safe_length(torch.linalg.cross(way[second], way[first])), -inner)
        radial = model.rbf(length)
        spherical = model.sbf(length, angle, first)
        x = model.emb(_numbers(points), radial, target, source)
        outputs = [model.output_blocks[0](x, radial, target, num_nodes=len(points.pos))]
        for interaction, output in zip(model.interaction_blocks, model.output_blocks[1:], strict=True):
            x = interaction(x, radial, spherical, first, second)
            outputs.append(output(x, radial, target, num_nodes=len(points.pos)))
        return PointOutput(torch.stack(outputs).sum(0))


class ViSNet(PointEncoder):
    """ViSNet, Wang et al., Nature Communications 2024 (arXiv 2210.16518): scalars and vectors; from PyG.

    Args:
        in_channels: 0.
        edge_dim: 0.
        hidden_channels: F, a multiple of 8.
        num_layers: blocks.
        basis: radial functions.
        cutoff: edges join atoms closer than this.

    Shapes:
        pos [N, 3], z [N]; returns x [N, F] and vec [N, 3, F].
    """

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        *,
        hidden_channels: int = 128,
        num_layers: int = 6,
        basis: int = 32,
        cutoff: float = 5.0,
    ) -> None:
        super().__init__(0, 0, out_channels=hidden_channels, vec_channels=hidden_channels)
        from torch_geometric.nn.models.visnet import ViSNetBlock

        _elements_only("visnet", in_channels, edge_dim, cutoff)
        self.cutoff = cutoff
        self.block = ViSNetBlock(
            lmax=1, hidden_channels=hidden_channels, num_layers=num_layers, num_rbf=basis, cutoff=cutoff, max_z=100
        )
        self.block.distance = _KnownEdges()

    def encode(self, points: Points) -> PointOutput:
        """Returns invariants and vectors."""
        edges = _edge_index(points, "visnet")
        loops = torch.arange(len(points.pos)).expand(2, -1)
        self.block.distance.edge_index = torch.cat([edges, loops], dim=1)
        x, vec = self.block(_numbers(points), points.pos, points.system)
        return PointOutput(x, vec=vec)


class _KnownEdges(nn.Module):
    """Stands in for ViSNet's radius search, which needs a compiled extra: distances of edges that are known."""

    edge_index: Tensor

    def forward(self, pos: Tensor, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        source, target = self.edge_index
        way = pos[source] - pos[target]
        return self.edge_index, safe_length(way), way.clone()  # the block writes into it


def _angles(points: Points) -> tuple[Tensor, Tensor]:
    """Pairs of edges (k to j, j to i) with k different from i: the number of the first and of the second."""
    edges = points.edges
    count = edges.degree[edges.source]
    second = torch.repeat_interleave(torch.arange(edges.num_edges), count)
    start = torch.cumsum(count, 0) - count
    first = edges.into.ptr[edges.source[second]] + torch.arange(len(second)) - start[second]
    apart = edges.source[first] != edges.target[second]
    return first[apart], second[apart]
