"""A whole layer of an E(n) equivariant network as one operation: no row of an edge leaves the nearest cache twice.

Layers on a few thousand edges of 64 states are many short passes when written as tensor operations, and passes cost
more than the matrix products between them. Here a block of points does all of them for a few dozen edges at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.kernels.arrays import empty, flat
from graphkit.kernels.point_edges import PointEdges
from graphkit.kernels.pool import run_bounds

Composed = Callable[..., tuple[Tensor, Tensor]]
_BLOCKS = 8
"""Blocks of points with gradients of weights of their own: results do not depend on the number of threads."""
_BLOCK_WORK = 1 << 22
"""Multiplications that make a block worth its sum of gradients."""


def can_fuse(h: Tensor, pos: Tensor, edges: PointEdges, vel: Tensor | None) -> bool:
    """Whether `fused_layer` takes these inputs: on the processor, of one type, no images, nothing asked of `attr`.

    Example:
        >>> can_fuse(torch.ones(3, 16), torch.ones(3, 3), PointEdges.complete(torch.tensor([0, 3])), None)
        True
    """
    others = [value for value in (pos, vel, edges.attr) if value is not None]
    return (
        h.device.type == "cpu"
        and h.dtype in (torch.float32, torch.float64)
        and all(value.dtype == h.dtype for value in others)
        and h.size(1) * h.element_size() % 64 == 0
        and edges.shift is None
        and not (edges.attr is not None and edges.attr.requires_grad)
        and not torch.is_autocast_enabled("cpu")
    )


def fused_layer(
    h: Tensor,
    pos: Tensor,
    vel: Tensor | None,
    edges: PointEdges,
    weights: Sequence[Tensor | None],
    *,
    residual: bool,
    composed: Composed,
) -> tuple[Tensor, Tensor]:
    """Returns new states and positions of one layer with moves, and velocities where there are any.

    Args:
        h: [N, H]; H a multiple of 64 bytes.
        pos: [N, d].
        vel: [N, d], or None.
        edges: sorted by target; `attr` [E, A] or None.
        weights: weight and bias of the two maps of messages (the first reads target, source, squared length and
            attr), of the hidden map of moves, the weight [1, H] of their last, weight and bias of the two maps of
            states, and of the two of paces (None without velocities).
        residual: adds h to the new h.
        composed: the same layer as differentiable operations of (h, pos, vel, *weights); gradients that are to be
            differentiated again go through it.

    Shapes:
        returns h [N, H] and pos [N, d].
    """
    return _Layer.apply(edges, residual, composed, h, pos, vel, *weights)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        edges: PointEdges,
        residual: bool,
        composed: Composed,
        h: Tensor,
        pos: Tensor,
        vel: Tensor | None,
        *weights: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        from graphkit.kernels.cpu import egnn

        ctx.save_for_backward(h, pos, vel, *weights)
        ctx.edges, ctx.residual, ctx.composed = edges, residual, composed
        ctx.set_materialize_grads(False)
        points, count, (width, dim, features, wide) = edges.num_points, edges.num_edges, _sizes(h, pos, edges, vel)
        at, kept_edges = _offsets(width, features, wide), count if any(ctx.needs_input_grad) else 0
        packed = _packed(weights, width)
        turned = egnn.turned(packed, at, width, wide)
        new_h, new_pos = (torch.empty_like(value, memory_format=torch.contiguous_format) for value in (h, pos))
        states, sizes = flat(h), [points * wide, kept_edges * width, kept_edges * width, kept_edges]
        maps, *kept = _buffers(states, *sizes, points * width, points * width)
        bounds, work = _bounds(points, count, width)
        run_bounds(bounds, work, egnn.map_points, states, turned, at, maps, width, wide)
        ends = flat(edges.into.ptr), flat(edges.source)
        given = flat(pos), _flat(edges.attr, states), states, _flat(vel, states), maps, turned, at
        made = new_h.view(-1).numpy(), new_pos.view(-1).numpy()
        run_bounds(bounds, work, egnn.forward, *ends, *given, *kept, *made, width, dim, features, wide, residual)
        ctx.kept = packed, maps, *kept
        return new_h, new_pos

    @staticmethod
    def backward(ctx: Any, grad_h: Tensor | None, grad_pos: Tensor | None) -> Any:
        h, pos, vel, *weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, None, None, *_through(ctx.composed, (h, pos, vel, *weights), (grad_h, grad_pos))
        from graphkit.kernels.cpu import egnn

        edges: PointEdges = ctx.edges
        points, count, (width, dim, features, wide) = edges.num_points, edges.num_edges, _sizes(h, pos, edges, vel)
        at = _offsets(width, features, wide)
        packed, maps, *kept = ctx.kept
        states = flat(h)
        grads = _flat(grad_h, states), flat(torch.zeros_like(pos) if grad_pos is None else grad_pos)
        bounds, work = _bounds(points, count, width)
        to_h, to_pos = (torch.empty_like(value, memory_format=torch.contiguous_format) for value in (h, pos))
        to_vel = None if vel is None else torch.empty_like(vel, memory_format=torch.contiguous_format)
        to_w = h.new_empty(len(bounds) - 1, int(at[-1]))
        own, weight_grads = (to_h.view(-1).numpy(), to_pos.view(-1).numpy()), to_w.view(-1).numpy()
        rest = *_buffers(states, points * wide, count * width, count * dim), weight_grads
        given = flat(pos), _flat(edges.attr, states), states, maps, packed, at
        ends, sizes = (flat(edges.into.ptr), flat(edges.source)), (width, dim, features, wide)
        run_bounds(bounds, 2 * work, egnn.backward, *ends, *given, *kept, *grads, *own, *rest, *sizes, ctx.residual)
        ends = flat(edges.out.ptr), flat(edges.out.slots)
        given = states, _flat(vel, states), maps, packed, at, grads[1]
        run_bounds(
            bounds, work, egnn.backward_maps, *ends, *given, *own, _flat(to_vel, states), *rest, width, dim, wide
        )
        return None, None, None, to_h, to_pos, to_vel, *_unpacked(to_w.sum(0), at, width, wide)


def _sizes(h: Tensor, pos: Tensor, edges: PointEdges, vel: Tensor | None) -> tuple[int, int, int, int]:
    """H, d, A and W."""
    features = 0 if edges.attr is None else edges.attr.size(1)
    return h.size(1), pos.size(1), features, h.size(1) * (2 if vel is None else 3)


def _bounds(points: int, edges: int, width: int) -> tuple[list[int], int]:
    work = (2 * edges + 6 * points) * width * width
    blocks = max(1, min(_BLOCKS, points, work // _BLOCK_WORK))
    return [points * block // blocks for block in range(blocks + 1)], work


def _flat(tensor: Tensor | None, like: NDArray[Any]) -> NDArray[Any]:
    return empty(like.dtype) if tensor is None else flat(tensor)


def _buffers(like: NDArray[Any], *sizes: int) -> list[NDArray[Any]]:
    return [np.empty(size, like.dtype) for size in sizes]


@lru_cache(maxsize=64)
def _offsets(width: int, features: int, wide: int) -> NDArray[np.int64]:
    """Where each part of the packed weights begins, and their number in all."""
    square = width * width
    sizes = [wide * width, wide, (1 + features) * width, square, width, square, width, width]
    sizes += [2 * square, width, square, width, *((width, 1) if wide > 2 * width else (0, 0))]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _packed(weights: Sequence[Any], width: int) -> NDArray[Any]:
    """The weights in packed order."""
    first, first_bias, out, out_bias, move, move_bias, pull, hide, hide_bias, show, show_bias, *paces = weights
    target, source, radial = first.split([width, width, first.size(1) - 2 * width], dim=1)
    parts = [target, source, paces[0], first_bias, torch.zeros_like(first_bias), paces[1], radial.t(), out, out_bias]
    parts += [move, move_bias, pull, hide, hide_bias, show, show_bias, paces[2], paces[3]]
    return flat(torch.cat([part.reshape(-1) for part in parts if part is not None]))


def _unpacked(grads: Tensor, at: NDArray[np.int64], width: int, wide: int) -> list[Tensor | None]:
    """Gradients of the weights, in their order, from packed ones."""
    maps, bias, radial, out, out_bias, move, move_bias, pull, hide, hide_bias, show, show_bias, pace, pace_bias = (
        grads.split(np.diff(at).tolist())
    )
    target, source, *rest = maps.view(-1, width, width)
    square = (width, width)
    found: list[Tensor | None] = [torch.cat([target, source, radial.view(-1, width).t()], dim=1), bias[:width]]
    found += [out.view(square), out_bias, move.view(square), move_bias, pull.view(1, width)]
    found += [hide.view(width, 2 * width), hide_bias, show.view(square), show_bias]
    return [*found, rest[0], bias[2 * width :], pace.view(1, width), pace_bias] if rest else [*found, *4 * (None,)]


def _through(composed: Composed, inputs: Sequence[Tensor | None], grads: Sequence[Tensor | None]) -> list[Any]:
    """Gradients of the composed layer, which can be differentiated again."""
    # aliases: one input may have been computed from another, whose gradient must not pass through this layer twice
    own = [None if value is None else value.view_as(value) for value in inputs]
    outputs = composed(*own)
    asked = [(output, grad) for output, grad in zip(outputs, grads, strict=True) if grad is not None]
    wanted = {k: value for k, value in enumerate(own) if value is not None and value.requires_grad}
    found: list[Any] = [None] * len(own)
    if asked and wanted:
        slopes = torch.autograd.grad(
            [output for output, _ in asked],
            list(wanted.values()),
            [grad for _, grad in asked],
            create_graph=True,
            allow_unused=True,
        )
        for k, slope in zip(wanted, slopes, strict=True):
            found[k] = slope
    return found
