"""Attention of nodes over their last events, with keys and values of events folded into products a node."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.kernels.cpu.event_attention import attend, attend_backward


class NeighborAttention(nn.Module):
    r"""Attention over K events of each node, as PyG's `TransformerConv` with edge features computes it.

        a_k = softmax_k( q_i . (W_k x_k + W_e e_k) / sqrt(d) )    out_i = W_s x_i + sum_k a_k (W_v x_k + W_e e_k)

    q . W_e e is computed as (W_e^T q) . e, and the values likewise after the sum, so that no [Q, K, C] product of event
    features is made; keys and values of neighbours are computed once a distinct node and gathered in the kernel.

    Args:
        in_channels: F.
        edge_channels: D.
        out_channels: C.
        heads: H, a divisor of C.
        dropout: of the weights.

    Shapes:
        x [U, F] of the distinct nodes; own [Q] and neighbors [Q, K] places in x; edges [Q, K, D]; mask [Q, K]; returns
        [Q, C].
    """

    def __init__(self, in_channels: int, edge_channels: int, out_channels: int, heads: int = 2, dropout: float = 0.1):
        super().__init__()
        self.heads, self.width, self.dropout = heads, out_channels // heads, dropout
        self.query, self.skip = nn.Linear(in_channels, out_channels), nn.Linear(in_channels, out_channels)
        self.key_value = nn.Linear(in_channels, 2 * out_channels)
        self.edge = nn.Parameter(torch.empty(heads, self.width, edge_channels))
        nn.init.uniform_(self.edge, -(edge_channels**-0.5), edge_channels**-0.5)

    def forward(self, x: Tensor, own: Tensor, neighbors: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Returns states; a node without events has its skip connection alone."""
        mine = x.index_select(0, own)
        query = self.query(mine).unflatten(1, (self.heads, self.width))
        table = self.key_value(x).unflatten(1, (2, self.heads, self.width))
        folded = torch.bmm(query.transpose(0, 1), self.edge).transpose(0, 1).contiguous()
        keep = query.new_empty(0, self.heads, neighbors.shape[1])
        if self.training and self.dropout:
            keep = query.new_empty(len(query), *keep.shape[1:]).bernoulli_(1 - self.dropout) / (1 - self.dropout)
        out, seen = _Attend.apply(query, folded, table, edges, neighbors, mask, keep)
        out = out + torch.bmm(seen.transpose(0, 1), self.edge.transpose(1, 2)).transpose(0, 1)
        return self.skip(mine) + out.flatten(1)


class _Attend(torch.autograd.Function):
    """The kernel and its gradient."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, folded: Tensor, table: Tensor, edges: Tensor, *rest: Tensor) -> Any:
        near, mask, keep = rest
        inputs = [part.contiguous() for part in (query, folded, table, near, mask, edges, keep)]
        weights = query.new_empty(*query.shape[:2], near.shape[1])
        out, seen = torch.empty_like(inputs[0]), torch.empty_like(inputs[1])
        attend(*(part.detach().numpy() for part in (*inputs, weights, out, seen)))
        ctx.save_for_backward(*inputs, weights)
        return out, seen

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        query, folded, table, near, mask, edges, keep, weights = ctx.saved_tensors
        found = [torch.zeros_like(part) for part in (query, folded, table, edges)]
        arrays = [part.numpy() for part in (query, folded, table, near, mask, edges, keep, weights)]
        given = [part.contiguous().numpy() for part in grads]
        attend_backward(*arrays, *given, tuple(part.numpy() for part in found))
        return *found, None, None, None


def attention_reference(query: Tensor, folded: Tensor, table: Tensor, near: Tensor, mask: Tensor, edges: Tensor) -> Any:
    """The kernel's result by plain torch operations, the oracle of its tests."""
    keys, values = table[near.reshape(-1)].unflatten(0, near.shape).unbind(2)
    logits = torch.einsum("qhd,qkhd->qhk", query, keys) + torch.einsum("qhe,qke->qhk", folded, edges)
    logits = (logits / np.sqrt(query.shape[-1])).masked_fill(~mask[:, None], -torch.inf)
    weights = logits.softmax(dim=-1).nan_to_num()
    return torch.einsum("qhk,qkhd->qhd", weights, values), torch.einsum("qhk,qke->qhe", weights, edges)
