"""The contract of encoders of points: positions and edges in; invariants, vectors, tensors or new positions out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.errors import ShapeError
from graphkit.kernels.point_edges import PointEdges


@dataclass(frozen=True)
class Points:
    """A batch of G systems with N points in all.

    Args:
        pos: [N, d] positions.
        edges: edges between points of one system.
        ptr: [G + 1] int64 offsets of the systems.
        x: [N, F] invariant features, or None.
        z: [N] int64 atomic numbers, or None.
        vel: [N, d] velocities, or None.
        charge: [G] total charges, or None for neutral systems.

    Example:
        >>> points = Points.of(torch.randn(4, 3), torch.tensor([0, 4]))
        >>> points.num_systems, points.edges.num_edges
        (1, 12)
    """

    pos: Tensor
    edges: PointEdges
    ptr: Tensor
    x: Tensor | None = None
    z: Tensor | None = None
    vel: Tensor | None = None
    charge: Tensor | None = None
    system: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def __post_init__(self) -> None:
        if len(self.system) != len(self.pos):
            numbers = torch.arange(self.num_systems, device=self.ptr.device)
            object.__setattr__(self, "system", torch.repeat_interleave(numbers, self.ptr.diff()))

    @classmethod
    def of(cls, pos: Tensor, ptr: Tensor, *, cutoff: float = 0.0, **fields: Any) -> Points:
        """Joins points of each system: all pairs, or those closer than `cutoff`; `fields` as in `Points`."""
        if cutoff:
            from graphkit.kernels.radius import radius_edges

            return cls(pos, radius_edges(pos, cutoff, ptr), ptr, **fields)
        return cls(pos, PointEdges.complete(ptr), ptr, **fields)

    @classmethod
    def from_data(cls, data: Any, *, cutoff: float = 0.0) -> Points:
        """Takes a PyG `Data` or `Batch` with `pos`, and `z`, `x`, `vel`, `edge_index`, `edge_attr` if present."""
        pos, ptr = data.pos, data.get("ptr")
        if pos is None:
            raise ShapeError("equivariant encoders need positions: give the Data object pos [N, d]")
        ptr = torch.tensor([0, len(pos)]) if ptr is None else ptr
        fields = {"x": data.get("x"), "z": data.get("z"), "vel": data.get("vel")}
        if data.get("edge_index") is None:
            return cls.of(pos, ptr, cutoff=cutoff, **fields)
        edges = PointEdges.from_edge_index(data.edge_index, len(pos), attr=data.get("edge_attr"))
        return cls(pos, edges, ptr, **fields)

    @property
    def num_systems(self) -> int:
        """G."""
        return len(self.ptr) - 1

    def with_(self, **changes: Any) -> Points:
        """Returns a copy with other fields."""
        return replace(self, **changes)

    def per_system(self, values: Tensor) -> Tensor:
        """Returns [G, ...] sums of values [N, ...] over the points of every system."""
        out = values.new_zeros((self.num_systems, *values.shape[1:]))
        return out.index_add(0, self.system, values)


@dataclass(frozen=True)
class PointOutput:
    """What an encoder makes of points; turning the points turns `vec`, `tensor` and `pos` and leaves `x`.

    Shapes:
        x [N, F] invariants; vec [N, d, V] vectors or None; tensor [N, 3, 3, T] symmetric traceless tensors or None;
        pos [N, d] new positions or None.
    """

    x: Tensor
    vec: Tensor | None = None
    tensor: Tensor | None = None
    pos: Tensor | None = None


class PointEncoder(nn.Module):
    """Base class of encoders of points; a subclass writes `encode(points)` and states its widths.

    Options are typed keyword arguments of the constructor, after `in_channels` and `edge_dim`.

    Args:
        in_channels: F, features of a point besides its element; 0 where it has none.
        edge_dim: A, features of an edge; 0 where it has none.
        out_channels: width of the invariants returned.
        vec_channels: number of vectors returned, 0 for none.

    Attributes:
        cutoff: edges join points closer than this; 0 joins all points of a system.
        gives_positions: whether the output holds new positions.
    """

    cutoff: float = 0.0
    gives_positions: bool = False

    def __init__(self, in_channels: int, edge_dim: int, *, out_channels: int, vec_channels: int = 0) -> None:
        super().__init__()
        require_positive(out_channels=out_channels)
        self.in_channels, self.edge_dim = in_channels, edge_dim
        self.out_channels, self.vec_channels = out_channels, vec_channels

    def encode(self, points: Points) -> PointOutput:
        """Computes the output from checked inputs."""
        raise TypeError(f"{type(self).__name__} must define encode(points)")

    def forward(self, points: Any) -> PointOutput:
        """Encodes points, given as `Points` or as one PyG `Data` object.

        Raises:
            ShapeError: positions or features are missing or of another width.
        """
        if not isinstance(points, Points):
            points = Points.from_data(points, cutoff=self.cutoff)
        name, pos = type(self).__name__, points.pos
        if pos.dim() != 2:
            raise ShapeError(f"{name} needs positions [N, d], got {list(pos.shape)}")
        for what, width, given in (("x", self.in_channels, points.x), ("edge attr", self.edge_dim, points.edges.attr)):
            if width and (given is None or given.dim() != 2 or given.size(1) != width):
                shape = "nothing" if given is None else f"shape {list(given.shape)}"
                raise ShapeError(f"{name} was built for {what} of width {width}, got {shape}")
        return self.encode(points)


class PointInput(nn.Module):
    """First states of points: a learned row an element, plus a linear map of the features.

    Args:
        in_channels: F, 0 for elements alone.
        hidden_channels: H.
        elements: largest atomic number.
        bias: of the linear map.

    Shapes:
        returns [N, H]; zero features and no elements give one learned row for all points.
    """

    def __init__(self, in_channels: int, hidden_channels: int, *, elements: int = 100, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, hidden_channels, bias=bias) if in_channels else None
        self.element = None if in_channels else nn.Embedding(elements + 1, hidden_channels)

    def forward(self, points: Points) -> Tensor:
        """Returns the first states."""
        if self.linear is not None:
            assert points.x is not None
            return self.linear(points.x)
        assert self.element is not None
        z = (
            points.z
            if points.z is not None
            else torch.zeros(len(points.pos), dtype=torch.int64, device=points.pos.device)
        )
        if len(z) and int(z.max()) >= self.element.num_embeddings:
            raise ShapeError(
                f"atomic number {int(z.max())} is beyond the {self.element.num_embeddings - 1} known elements"
            )
        return self.element(z)
