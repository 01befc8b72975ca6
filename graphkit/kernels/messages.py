"""Messages between points whose states have several components, weighted part by part; differentiable to any order.

States are [C, N, F], components first; `parts` says which weight a component takes, such as (0, 1, 1, 1) for a scalar
and a vector. No [E, C, F] tensor is made. Each kernel's gradients are kernels of the same family, so second
derivatives, which losses on forces need, run at the same speed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu import messages as compiled
from graphkit.kernels.point_edges import PointEdges
from graphkit.kernels.pool import run_range

Parts = tuple[int, ...]


def pair_messages(weight: Tensor, states: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
    """Sums weight * states of the sources over the edges into every point; both ways of a pair have one weight.

        out[c, i] = sum_j weight[{i, j}, parts[c]] * states[c, j]

    Args:
        weight: [P, K, F], a row a pair of `edges.pairs`; or [P + 1, K, F], the last one that of every point with
            itself.
        states: [C, N, F].
        edges: every edge with its opposite.
        parts: weight of every component, C numbers below K.

    Returns:
        [C, N, F].

    Raises:
        ShapeError: shapes do not fit, or an edge has no opposite.

    Example:
        >>> edges = PointEdges.complete(torch.tensor([0, 3]))
        >>> pair_messages(torch.ones(3, 2, 8), torch.ones(4, 3, 8), edges, (0, 1, 1, 1))[0, 0, 0]
        tensor(2.)
    """
    due = (max(parts) + 1, states.size(-1)), (len(parts), edges.num_points)
    if (weight.shape[1:], states.shape[:2]) != due or not 0 <= len(weight) - edges.pairs.count <= 1:
        raise ShapeError(
            f"pair_messages: weights {list(weight.shape)} and states {list(states.shape)} do not fit "
            f"{edges.pairs.count} pairs of {edges.num_points} points in {max(parts) + 1} parts"
        )
    return _PairSum.apply(weight, states, edges, parts)


def outer_messages(factor: Tensor, rows: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
    """Sums factor * rows over the edges into every point, an outer product an edge.

        out[c, i] = sum_{e into i} factor[e, c] * rows[e, parts[c]]

    Args:
        factor: [E, C] numbers of an edge, such as those of its direction.
        rows: [E, K, F].
        edges: sorted by target.
        parts: row of every component, C numbers below K.

    Returns:
        [C, N, F].

    Raises:
        ShapeError: shapes do not fit.
    """
    if factor.shape != (edges.num_edges, len(parts)) or rows.shape[:2] != (edges.num_edges, max(parts) + 1):
        raise ShapeError(
            f"outer_messages: factors {list(factor.shape)} and rows {list(rows.shape)} do not fit "
            f"{edges.num_edges} edges, {len(parts)} components and {max(parts) + 1} parts"
        )
    return _OuterSum.apply(factor, rows, edges, parts)


def _compiled(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)


def _part_array(parts: Parts) -> NDArray[np.int64]:
    return np.array(parts, dtype=np.int64)


class _PairSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, states: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
        ctx.save_for_backward(weight, states)
        ctx.edges, ctx.parts = edges, parts
        if not _compiled(states):
            taken = states[:, edges.source] * weight[edges.pairs.of_edge][:, list(parts)].transpose(0, 1)
            out = torch.zeros_like(states).index_add_(1, edges.target, taken)
            loops = len(weight) > edges.pairs.count
            return out + states * weight[-1, list(parts)].unsqueeze(1) if loops else out
        out = torch.empty_like(states, memory_format=torch.contiguous_format)
        arrays = flat(edges.into.ptr), flat(edges.source), flat(edges.pairs.of_edge), _part_array(parts)
        width, points = states.size(-1), edges.num_points
        work = max(1, states[:, 0].numel() * edges.num_edges // max(1, points))
        numbers = flat(weight), flat(states), out.view(-1).numpy()
        loop = edges.pairs.count if len(weight) > edges.pairs.count else -1
        run_range(points, compiled.pair_sum, *arrays, *numbers, points, width, loop, work=work)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        weight, states = ctx.saved_tensors
        return (
            _PairDot.apply(grad, states, ctx.edges, ctx.parts, len(weight)) if ctx.needs_input_grad[0] else None,
            _PairSum.apply(weight, grad, ctx.edges, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
            None,
        )


class _PairDot(torch.autograd.Function):
    """The gradient of the weights: symmetric in its two fields of states."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, edges: PointEdges, parts: Parts, rows: int) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.edges, ctx.parts = edges, parts
        pairs, width, loops = edges.pairs, left.size(-1), rows > edges.pairs.count
        out = left.new_empty(rows, max(parts) + 1, width)
        if not _compiled(left):
            both = left[:, pairs.one] * right[:, pairs.other] + left[:, pairs.other] * right[:, pairs.one]
            both = torch.cat([both, (left * right).sum(1, keepdim=True)], dim=1) if loops else both
            return out.zero_().index_add_(1, torch.tensor(parts, device=left.device), both.transpose(0, 1))
        part, numbers = _part_array(parts), (flat(left), flat(right), out.view(-1).numpy())
        ends, points = (flat(pairs.one), flat(pairs.other)), edges.num_points
        run_range(pairs.count, compiled.pair_dot, *ends, part, *numbers, points, width, work=2 * len(parts) * width)
        if loops:
            compiled.loop_dot(part, *numbers[:2], out[-1].view(-1).numpy(), points, width)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        left, right = ctx.saved_tensors
        return (
            _PairSum.apply(grad, right, ctx.edges, ctx.parts) if ctx.needs_input_grad[0] else None,
            _PairSum.apply(grad, left, ctx.edges, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
            None,
            None,
        )


class _OuterSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, factor: Tensor, rows: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
        ctx.save_for_backward(factor, rows)
        ctx.edges, ctx.parts = edges, parts
        points, width = edges.num_points, rows.size(-1)
        out = rows.new_empty(len(parts), points, width)
        if not _compiled(rows):
            each = (factor.unsqueeze(-1) * rows[:, list(parts)]).transpose(0, 1)
            return out.zero_().index_add_(1, edges.target, each)
        arrays = flat(edges.into.ptr), _part_array(parts), flat(factor), flat(rows), out.view(-1).numpy()
        work = max(1, len(parts) * width * edges.num_edges // max(1, points))
        run_range(points, compiled.outer_sum, *arrays, points, width, work=work)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        factor, rows = ctx.saved_tensors
        return (
            _OuterDot.apply(rows, grad, ctx.edges, ctx.parts) if ctx.needs_input_grad[0] else None,
            _OuterRows.apply(factor, grad, ctx.edges, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
            None,
        )


class _OuterRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, factor: Tensor, states: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
        ctx.save_for_backward(factor, states)
        ctx.edges, ctx.parts = edges, parts
        width = states.size(-1)
        out = states.new_empty(edges.num_edges, max(parts) + 1, width)
        if not _compiled(states):
            each = factor.unsqueeze(-1) * states[:, edges.target].transpose(0, 1)
            return out.zero_().index_add_(1, torch.tensor(parts, device=states.device), each)
        arrays = flat(edges.target), _part_array(parts), flat(factor), flat(states), out.view(-1).numpy()
        run_range(edges.num_edges, compiled.outer_rows, *arrays, edges.num_points, width, work=len(parts) * width)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        factor, states = ctx.saved_tensors
        return (
            _OuterDot.apply(grad, states, ctx.edges, ctx.parts) if ctx.needs_input_grad[0] else None,
            _OuterSum.apply(factor, grad, ctx.edges, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
            None,
        )


class _OuterDot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, states: Tensor, edges: PointEdges, parts: Parts) -> Tensor:
        ctx.save_for_backward(rows, states)
        ctx.edges, ctx.parts = edges, parts
        out = rows.new_empty(edges.num_edges, len(parts))
        if not _compiled(rows):
            return (rows[:, list(parts)] * states[:, edges.target].transpose(0, 1)).sum(-1)
        arrays = flat(edges.target), _part_array(parts), flat(rows), flat(states), out.view(-1).numpy()
        width = rows.size(-1)
        run_range(edges.num_edges, compiled.outer_dot, *arrays, edges.num_points, width, work=len(parts) * width)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        rows, states = ctx.saved_tensors
        return (
            _OuterRows.apply(grad, states, ctx.edges, ctx.parts) if ctx.needs_input_grad[0] else None,
            _OuterSum.apply(grad, rows, ctx.edges, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
            None,
        )
