"""Edges between points, and sums over them that can be differentiated as often as forces need.

Taking rows at the ends of edges and adding rows up at ends are each other's adjoints, so either is the gradient of the
other, to any order. Edges are sorted by target; a sum reads each row once and writes each result once, in fixed order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels.arrays import flat
from graphkit.kernels.build import check_range
from graphkit.kernels.pool import run_range


@dataclass(frozen=True)
class Ends:
    """One end of every edge, and the edges listed end by end.

    Args:
        index: [E] int64 point at this end.
        order: [E] int64 edges sorted by that point, or None where they lie in that order.
        ptr: [N + 1] int64 where the edges of a point begin in `order`.
    """

    index: Tensor
    order: Tensor | None
    ptr: Tensor

    @cached_property
    def slots(self) -> Tensor:
        """`order` as a tensor."""
        return torch.arange(len(self.index), device=self.index.device) if self.order is None else self.order


@dataclass(frozen=True)
class Pairs:
    """Pairs of points that edges join both ways.

    Args:
        of_edge: [E] int64 pair of every edge.
        edge: [P] int64 one edge of every pair.
        one: [P] int64 its source.
        other: [P] int64 its target.
    """

    of_edge: Tensor
    edge: Tensor
    one: Tensor
    other: Tensor

    @property
    def count(self) -> int:
        """P."""
        return len(self.edge)


class PointEdges:
    """Directed edges between N points, sorted by target.

    Args:
        source: [E] int64 points that messages come from.
        target: [E] int64 points that they go to, not decreasing.
        num_points: N.
        shift: [E, d] what is added to the source's position (images of a periodic cell); None adds nothing.
        reverse: [E] number of the opposite edge of every edge, or None where some edge has none.
        attr: [E, A] what is known of an edge, or None.

    Raises:
        GraphValidationError: a point is out of range, or edges are not sorted by target.

    Example:
        >>> edges = PointEdges.complete(torch.tensor([0, 3]))
        >>> edges.target.tolist(), edges.source.tolist()
        ([0, 0, 1, 1, 2, 2], [1, 2, 2, 0, 0, 1])
    """

    def __init__(
        self,
        source: Tensor,
        target: Tensor,
        num_points: int,
        *,
        shift: Tensor | None = None,
        reverse: Tensor | None = None,
        attr: Tensor | None = None,
        checked: bool = False,
    ) -> None:
        self.source, self.target, self.num_points = source, target, num_points
        self.shift, self.reverse, self.attr = shift, reverse, attr
        if not checked:
            check_range(source, num_points, "source")
            check_range(target, num_points, "target")
            if bool((target[1:] < target[:-1]).any()):
                raise GraphValidationError("edges must be sorted by target; use PointEdges.from_edge_index")

    @classmethod
    def from_edge_index(
        cls, edge_index: Tensor, num_points: int, *, shift: Tensor | None = None, attr: Tensor | None = None
    ) -> PointEdges:
        """Sorts an edge list [2, E] (row 0 sources) by target, then source; `shift` and `attr` follow it."""
        check_range(edge_index.reshape(-1), num_points, "end")
        order = torch.argsort(edge_index[1] * num_points + edge_index[0], stable=True)
        source, target = edge_index[:, order]
        shift = None if shift is None else shift[order]
        reverse = _reverse(source, target, num_points) if shift is None else None
        attr = None if attr is None else attr[order]
        return cls(source, target, num_points, shift=shift, reverse=reverse, attr=attr, checked=True)

    @classmethod
    def complete(cls, ptr: Tensor) -> PointEdges:
        """All ordered pairs of different points of every system; ptr [G + 1] holds the offsets of the systems.

        A point's edges come from the next point of its system, the one after, and so on, around.
        """
        sizes = ptr.diff()
        first, size = (torch.repeat_interleave(values, sizes) for values in (ptr[:-1], sizes))
        target = torch.repeat_interleave(torch.arange(int(ptr[-1]), device=ptr.device), size - 1)
        start = torch.cumsum(size - 1, 0) - (size - 1)
        step = torch.arange(len(target), device=ptr.device) - start[target] + 1
        first, size = first[target], size[target]
        source = first + (target - first + step) % size
        # the opposite edge leaves `source` after the rest of the way around
        reverse = start[source] + size - step - 1
        return cls(source, target, int(ptr[-1]), reverse=reverse, checked=True)

    @property
    def num_edges(self) -> int:
        """E."""
        return len(self.source)

    @cached_property
    def into(self) -> Ends:
        """The targets of all edges."""
        return Ends(self.target, None, _offsets(self.target, self.num_points))

    @cached_property
    def out(self) -> Ends:
        """The sources of all edges."""
        if self.reverse is not None:
            return Ends(self.source, self.reverse, self.into.ptr)
        return Ends(self.source, torch.argsort(self.source, stable=True), _offsets(self.source, self.num_points))

    @cached_property
    def degree(self) -> Tensor:
        """[N] int64 edges into every point."""
        return self.into.ptr.diff()

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of the edges; raises ShapeError where an edge has no opposite."""
        if self.reverse is None:
            raise ShapeError("an edge has no opposite; this encoder needs edges in both directions, each once")
        number = torch.arange(self.num_edges, device=self.source.device)
        first = number < self.reverse
        edge = first.nonzero().flatten()
        rank = first.long().cumsum(0) - 1
        of_edge = rank[torch.minimum(number, self.reverse)]
        return Pairs(of_edge, edge, self.source[edge], self.target[edge])

    def pair_vectors(self, pos: Tensor) -> Tensor:
        """Returns [P, d] the way from target to source of the edge that stands for every pair."""
        pairs = self.pairs
        way = take(pos, self.pair_ends[0]) - take(pos, self.pair_ends[1])
        return way if self.shift is None else way + self.shift[pairs.edge].to(way.dtype)

    @cached_property
    def pair_ends(self) -> tuple[Ends, Ends]:
        """Both ends of every pair, to take rows of points from."""
        one, other = self.pairs.one, self.pairs.other
        return (
            Ends(one, torch.argsort(one, stable=True), _offsets(one, self.num_points)),
            Ends(other, None, _offsets(other, self.num_points)),
        )

    @cached_property
    def edges_of_pairs(self) -> Ends:
        """The pair of every edge, as ends to take rows of pairs from."""
        assert self.reverse is not None
        pairs = self.pairs
        order = torch.stack([pairs.edge, self.reverse[pairs.edge]], dim=1).reshape(-1)
        return Ends(pairs.of_edge, order, 2 * torch.arange(pairs.count + 1, device=order.device))

    def vectors(self, pos: Tensor) -> Tensor:
        """Returns [E, d] the way from target to source of every edge, differentiable in `pos` [N, d]."""
        way = take(pos, self.out) - take(pos, self.into)
        return way if self.shift is None else way + self.shift.to(way.dtype)

    def to(self, device: torch.device) -> PointEdges:
        """Returns the edges on a device."""
        moved = [None if value is None else value.to(device) for value in (self.shift, self.reverse, self.attr)]
        return PointEdges(
            self.source.to(device),
            self.target.to(device),
            self.num_points,
            shift=moved[0],
            reverse=moved[1],
            attr=moved[2],
            checked=True,
        )


def take(x: Tensor, ends: Ends) -> Tensor:
    """Returns the rows [E, ...] that `ends` picks out of x [N, ...].

    Example:
        >>> take(torch.eye(3), PointEdges.complete(torch.tensor([0, 3])).out).shape
        torch.Size([6, 3])
    """
    return _Take.apply(x, ends)


def add_up(rows: Tensor, ends: Ends) -> Tensor:
    """Returns [N, ...] the sums of edge rows [E, ...] over the edges of every point; zero where there are none.

    Example:
        >>> add_up(torch.ones(6, 2), PointEdges.complete(torch.tensor([0, 3])).into)[0].tolist()
        [2.0, 2.0]
    """
    return _AddUp.apply(rows, ends)


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, ends: Ends) -> Tensor:
        ctx.ends = ends
        return x.index_select(0, ends.index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _AddUp.apply(grad, ctx.ends), None


class _AddUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, ends: Ends) -> Tensor:
        ctx.ends = ends
        points = len(ends.ptr) - 1
        out = rows.new_empty((points, *rows.shape[1:]))
        if rows.device.type != "cpu" or rows.dtype not in (torch.float32, torch.float64):
            return out.zero_().index_add_(0, ends.index, rows)
        from graphkit.kernels.cpu.aggregate import sum_rows

        width = out[0].numel() if points else 0
        arrays = flat(ends.ptr), flat(ends.slots), flat(rows), out.view(-1).numpy()
        run_range(points, sum_rows, *arrays, width, False, work=max(1, width * len(rows) // max(1, points)))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _Take.apply(grad, ctx.ends), None


def _offsets(sorted_or_not: Tensor, points: int) -> Tensor:
    counts = torch.bincount(sorted_or_not, minlength=points)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def _reverse(source: Tensor, target: Tensor, points: int) -> Tensor | None:
    """Numbers of opposite edges of edges sorted by (target, source), or None where one is missing or repeated."""
    key = target * points + source
    if len(key) and bool((key[1:] == key[:-1]).any()):
        return None
    opposite = source * points + target
    found = torch.searchsorted(key, opposite)
    return found if bool((key[found.clamp(max=len(key) - 1)] == opposite).all()) else None
