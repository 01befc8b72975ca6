"""Walk features of links from two propagated columns: WalkPool without the powers of a matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import walk_reference
from graphkit.kernels.arrays import as_computed, flat, indices
from graphkit.kernels.link_blocks import LinkBlocks


def edge_logits(blocks: LinkBlocks, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Attention logits <query of the source, key of the target> / sqrt(C) of all edges and of the target edges.

    Args:
        blocks: M nodes, E edges, B links.
        query: [M, H, C] floating.
        key: [M, H, C].

    Returns:
        Logits [E, H] in slot order of the graph, and [B, 2, H]: of the edge j -> i, which arrives at i, and of i -> j.

    Raises:
        ShapeError: `query` and `key` do not fit the blocks or each other.

    Example:
        >>> import torch
        >>> blocks = LinkBlocks.from_edges(torch.tensor([0, 3]), torch.tensor([[0, 2], [2, 0]]))
        >>> edges, target = edge_logits(blocks, torch.ones(3, 2, 4), torch.ones(3, 2, 4))
        >>> edges.shape, target.shape
        (torch.Size([2, 2]), torch.Size([1, 2, 2]))
    """
    if query.dim() != 3 or query.shape != key.shape or len(query) != blocks.graph.num_nodes:
        shapes = f"{list(query.shape)} and {list(key.shape)}"
        raise ShapeError(f"query and key must be [{blocks.graph.num_nodes}, H, C] alike, got {shapes}")
    if query.device.type != "cpu":
        return walk_reference.edge_logits(blocks, query, key)
    (queries, keys), restore = as_computed(query, key)
    edges, target = _Logits.apply(queries, keys, blocks)
    return restore(edges), restore(target)


def walk_profile(blocks: LinkBlocks, logits: Tensor, target: Tensor, length: int) -> Tensor:
    """Probabilities of closed and crossing walks of 2 to `length` steps, with and without the link itself.

    Pan, Shi, Dokmanic: "Neural Link Prediction with Walk Pooling", ICLR 2022 (arXiv 2110.04375), section 3. The steps
    of a walk follow the softmax of the logits over incoming edges; P- has no target edge, P+ has both. P+ is a rank-two
    change of P-, so that all powers at the endpoints, and the difference of the traces, follow exactly from two columns
    propagated through P- (`graphkit.kernels.cpu.walk_series` has the formulas): the cost is 2 E `length` a head.

    Args:
        blocks: B links, E edges.
        logits: [E, H] in slot order, floating.
        target: [B, 2, H] logits of j -> i and of i -> j.
        length: T, the longest walk; at least 2.

    Returns:
        [B, H, 5, T - 1]: for walks of 2..T steps tr(P+^t) - tr(P-^t), then the sum over both endpoints of returning to
        the start under P+ and under P-, then the sum of reaching the other endpoint under P+ and under P-.

    Raises:
        ShapeError: `logits` or `target` do not fit the blocks.
        ConfigError: `length` is below 2.

    Example:
        >>> import torch
        >>> blocks = LinkBlocks.from_edges(torch.tensor([0, 3]), torch.tensor([[0, 2, 1, 2], [2, 0, 2, 1]]))
        >>> walk_profile(blocks, torch.zeros(4, 1), torch.zeros(1, 2, 1), 2)[0, 0, :, 0].tolist()
        [-0.5, 1.0, 1.0, 0.5, 1.0]
    """
    if length < 2:
        raise ConfigError(f"walks have at least 2 steps, got length {length}")
    heads = logits.size(-1)
    if logits.shape != (blocks.graph.num_edges, heads) or target.shape != (blocks.num_links, 2, heads):
        due = f"[{blocks.graph.num_edges}, H] and [{blocks.num_links}, 2, H]"
        raise ShapeError(f"logits and target must be {due}, got {list(logits.shape)} and {list(target.shape)}")
    if logits.device.type != "cpu":
        return walk_reference.walk_profile(blocks, logits, target, length)
    (values, targets), restore = as_computed(logits, target)
    return restore(_Walks.apply(values, targets, blocks, length))


class _Logits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, blocks: LinkBlocks) -> tuple[Tensor, Tensor]:
        from graphkit.kernels.cpu import link_blocks

        heads, width = query.shape[1:]
        out = query.new_empty((blocks.graph.num_edges, heads))
        target = query.new_empty((blocks.num_links, 2, heads))
        queries = flat(query)
        ctx.settings = (queries.dtype.type(width**-0.5), heads, width)
        arguments = (queries, flat(key), flat(out), flat(target), *ctx.settings)
        blocks.run(heads * width, link_blocks.edge_logits, blocks.ptr.numpy(), *indices(blocks.graph), *arguments)
        ctx.save_for_backward(query, key)
        ctx.blocks = blocks
        return out, target

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, target: Tensor) -> tuple[Tensor, Tensor, None]:
        from graphkit.kernels.cpu import link_blocks

        (query, key), blocks = ctx.saved_tensors, ctx.blocks
        grad_query, grad_key = torch.zeros_like(query), torch.zeros_like(key)
        arguments = (flat(query), flat(key), flat(grad), flat(target), flat(grad_query), flat(grad_key), *ctx.settings)
        work = query[0].numel()
        blocks.run(work, link_blocks.edge_logits_grad, blocks.ptr.numpy(), *indices(blocks.graph), *arguments)
        return grad_query, grad_key, None


class _Walks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, blocks: LinkBlocks, length: int) -> Tensor:
        from graphkit.kernels.cpu import walks

        heads, nodes = logits.size(1), blocks.graph.num_nodes
        weight, share = torch.empty_like(logits), torch.empty_like(target)
        states = logits.new_empty((length + 1, nodes, heads, 2))
        out = logits.new_empty((blocks.num_links, heads, 5, length - 1))
        ctx.sizes = (nodes * heads * 2, heads, length)
        results = (flat(weight), flat(share), flat(states), flat(out))
        arguments = (*indices(blocks.graph), flat(logits), flat(target), *results, *ctx.sizes)
        blocks.run(heads * length, walks.walk_forward, blocks.ptr.numpy(), *arguments)
        ctx.save_for_backward(weight, share, states)
        ctx.blocks = blocks
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        from graphkit.kernels.cpu import walks

        (weight, share, states), blocks, (_, heads, length) = ctx.saved_tensors, ctx.blocks, ctx.sizes
        grad_logits, grad_target = torch.zeros_like(weight), torch.empty_like(share)
        saved = (flat(weight), flat(share), flat(states), flat(grad))
        arguments = (*indices(blocks.graph), *saved, flat(grad_logits), flat(grad_target), *ctx.sizes)
        blocks.run(2 * heads * length, walks.walk_backward, blocks.ptr.numpy(), *arguments)
        return grad_logits, grad_target, None, None
