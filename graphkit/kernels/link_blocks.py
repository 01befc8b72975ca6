"""Enclosing subgraphs of a batch of links as one block-diagonal graph, and message passing that stays inside a block.

A block is small enough for the first caches, belongs to one thread, and is never transposed: gradients are scattered
into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import as_computed, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_bounds

_BLOCKS = 32


@dataclass(frozen=True, eq=False)
class LinkBlocks:
    """One block of nodes a link; the first two nodes of a block are the link's endpoints i and j.

    The edges i -> j and j -> i are not in the graph, whatever the data say: what asks for them (`target=True`) adds
    them by rule, so that links and non-links have the same form.

    Args:
        graph: M nodes and E edges, none between blocks.
        ptr: [B + 1] int64; block b holds the nodes `ptr[b]` to `ptr[b + 1]`.

    Raises:
        ShapeError: a block with fewer than two nodes, or a `ptr` that does not end at M.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 2, 1, 2], [2, 0, 2, 1]])
        >>> LinkBlocks.from_edges(torch.tensor([0, 3, 5]), edge_index).num_links
        2
    """

    graph: CSRGraph
    ptr: Tensor

    def __post_init__(self) -> None:
        if self.ptr.dim() != 1 or not len(self.ptr) or int(self.ptr[-1]) != self.graph.num_nodes:
            raise ShapeError(f"ptr must be [B + 1] and end at {self.graph.num_nodes}, the number of nodes")
        if len(self.ptr) > 1 and int((self.ptr[1:] - self.ptr[:-1]).min()) < 2:
            raise ShapeError("every block needs at least two nodes: the endpoints of its link come first")

    @classmethod
    def from_edges(cls, ptr: Tensor, edge_index: Tensor) -> LinkBlocks:
        """Builds the graph from ptr [B + 1] and edge_index [2, E], whose numbers count through all blocks."""
        return cls(CSRGraph.from_edge_index(edge_index, int(ptr[-1]) if len(ptr) else 0), ptr)

    @property
    def num_links(self) -> int:
        """B."""
        return len(self.ptr) - 1

    @cached_property
    def ends(self) -> Tensor:
        """[B, 2] the nodes i and j of every link."""
        return torch.stack([self.ptr[:-1], self.ptr[:-1] + 1], dim=1)

    @cached_property
    def bounds(self) -> list[int]:
        """Block bounds of about equal work, for threads."""
        work = self.graph.rowptr.long()[self.ptr] + self.ptr
        parts = max(1, min(_BLOCKS, int(work[-1]) // 2048, self.num_links))
        inner = torch.searchsorted(work, torch.arange(1, parts, device=work.device) * (float(work[-1]) / parts))
        return [0, *inner.clamp(max=self.num_links).tolist(), self.num_links]

    def shares(self, target: bool, dtype: torch.dtype) -> Tensor:
        """Inverse square roots [M] of degrees, self-loop included, and the target edge where `target` is true."""
        kept: dict[Any, Tensor] = self.__dict__.setdefault("_shares", {})
        if (target, dtype) not in kept:
            degree = self.graph.in_degree + 1
            if target:
                degree[self.ends.view(-1)] += 1
            kept[target, dtype] = degree.to(dtype).rsqrt()
        return kept[target, dtype]

    def run(self, work_per_edge: int, kernel: Any, *arguments: Any) -> None:
        """Calls kernel(first link, last link, part, *arguments) for parts of the batch, in threads where it pays."""
        work = (self.graph.num_edges + self.graph.num_nodes) * work_per_edge
        run_bounds(self.bounds, work, kernel, *arguments)


def block_convolution(blocks: LinkBlocks, x: Tensor, target: bool = False) -> Tensor:
    """Averages over neighbours inside blocks, D^-1/2 (A + I) D^-1/2 x, with or without the target edges in A and D.

    Kipf and Welling, ICLR 2017 (arXiv 1609.02907), eq. 2, without the weights.

    Args:
        blocks: M nodes.
        x: [M, F] floating.
        target: whether the edges i -> j and j -> i of every block take part.

    Returns:
        [M, F].

    Raises:
        ShapeError: `x` does not fit the blocks.

    Example:
        >>> import torch
        >>> blocks = LinkBlocks.from_edges(torch.tensor([0, 2]), torch.empty(2, 0, dtype=torch.long))
        >>> block_convolution(blocks, torch.tensor([[1.0], [3.0]]), target=True)
        tensor([[2.0000],
                [2.0000]])
    """
    if x.dim() != 2 or len(x) != blocks.graph.num_nodes:
        raise ShapeError(f"x has shape {list(x.shape)}, but the blocks have {blocks.graph.num_nodes} nodes")
    if x.device.type != "cpu":
        return reference_convolution(blocks, x, target)
    (states,), restore = as_computed(x)
    return restore(_Convolution.apply(states, blocks, target))


def reference_convolution(blocks: LinkBlocks, x: Tensor, target: bool = False) -> Tensor:
    """`block_convolution` in plain PyTorch, for any device."""
    share = blocks.shares(target, x.dtype).unsqueeze(1)
    scaled = share * x
    total = scaled.index_add(0, blocks.graph.row.long(), scaled[blocks.graph.col.long()])
    if target:
        total = total.index_add(0, blocks.ends.view(-1), scaled[blocks.ends.flip(1).reshape(-1)])
    return share * total


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, blocks: LinkBlocks, target: bool) -> Tensor:
        from graphkit.kernels.cpu import link_blocks

        out, width = torch.empty_like(x, memory_format=torch.contiguous_format), x.size(1)
        share = blocks.shares(target, x.dtype)
        arguments = (blocks.ptr.numpy(), *indices(blocks.graph), flat(share), flat(x), flat(out), width, target)
        blocks.run(width, link_blocks.convolution, *arguments)
        ctx.blocks, ctx.target = blocks, target
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        from graphkit.kernels.cpu import link_blocks

        blocks, width = ctx.blocks, grad.size(1)
        out = torch.zeros_like(grad, memory_format=torch.contiguous_format)
        share = blocks.shares(ctx.target, grad.dtype)
        arguments = (blocks.ptr.numpy(), *indices(blocks.graph), flat(share), flat(grad), flat(out), width, ctx.target)
        blocks.run(width, link_blocks.convolution_grad, *arguments)
        return out, None, None
