"""From an edge list to compressed rows, and from compressed rows to their transpose: stable sorts by row.

Compiled counting sorts on the processor, torch's sort elsewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphkit.errors import GraphValidationError

_INT32_MAX = 2**31 - 1


def index_dtype(*sizes: int) -> torch.dtype:
    """The narrowest index type that can hold every size: 32 bits halve the memory traffic of all kernels."""
    return torch.int32 if max(sizes, default=0) <= _INT32_MAX else torch.int64


def compress(edge_index: Tensor, num_sources: int, num_targets: int) -> tuple[Tensor, Tensor, Tensor]:
    """Stable sort of an edge list by target.

    Args:
        edge_index: [2, E] integer.
        num_sources: number of source nodes.
        num_targets: number of target nodes.

    Returns:
        rowptr [num_targets + 1], col [E] and edge_id [E].

    Raises:
        GraphValidationError: an index is out of range; the message names the first such edge.
    """
    check_range(edge_index[0], num_sources, "source")
    check_range(edge_index[1], num_targets, "target")
    dtype = index_dtype(num_sources, num_targets, edge_index.size(1))
    if edge_index.device.type == "cpu":
        from graphkit.kernels.cpu import edge_order

        rowptr, col, edge = _empty(num_targets, edge_index.size(1), dtype)
        ends = (edge_index[0].contiguous().numpy(), edge_index[1].contiguous().numpy())
        edge_order.by_target(*ends, rowptr.numpy(), col.numpy(), edge.numpy())
        return rowptr, col, edge
    rowptr, order = _sort_rows(edge_index[1], num_targets, dtype)
    return rowptr, edge_index[0].index_select(0, order).to(dtype), order.to(dtype)


def transpose(rowptr: Tensor, col: Tensor, num_sources: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compressed rows by source: rowptr [num_sources + 1], targets [E] and the slot [E] each entry had before."""
    if col.device.type == "cpu":
        from graphkit.kernels.cpu import edge_order

        flipped, target, slot = _empty(num_sources, col.numel(), col.dtype)
        rows = (rowptr.contiguous().numpy(), col.contiguous().numpy())
        edge_order.by_source(*rows, flipped.numpy(), target.numpy(), slot.numpy())
        return flipped, target, slot
    counts = (rowptr[1:] - rowptr[:-1]).long()
    nodes = torch.arange(counts.numel(), device=col.device, dtype=col.dtype)
    row = torch.repeat_interleave(nodes, counts, output_size=col.numel())
    flipped, order = _sort_rows(col, num_sources, col.dtype)
    return flipped, row.index_select(0, order), order.to(col.dtype)


def check_range(nodes: Tensor, limit: int, role: str) -> None:
    """Refuses node numbers outside [0, limit), naming the first one and its edge."""
    if nodes.numel() == 0:
        return
    low, high = (int(bound) for bound in torch.aminmax(nodes))
    if low >= 0 and high < limit:
        return
    edge = int(((nodes < 0) | (nodes >= limit)).nonzero()[0])
    raise GraphValidationError(
        f"edge {edge} has {role} {int(nodes[edge])}, but the graph has {limit} {role} nodes (0 to {limit - 1});"
        " check num_nodes and the edge list"
    )


def _empty(rows: int, entries: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty(rows + 1, dtype=dtype), torch.empty(entries, dtype=dtype), torch.empty(entries, dtype=dtype)


def _sort_rows(keys: Tensor, num_rows: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    order = torch.sort(keys, stable=True).indices
    rowptr = torch.zeros(num_rows + 1, dtype=dtype, device=keys.device)
    rowptr[1:] = torch.bincount(keys, minlength=num_rows).cumsum(0)
    return rowptr, order
