"""Attention of nodes over their last events, with keys and values of events folded into products a node."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NeighborAttention(nn.Module):
    r"""Attention over K events of each node, as PyG's `TransformerConv` with edge features computes it.

        a_k = softmax_k( q_i . (W_k x_k + W_e e_k) / sqrt(d) )    out_i = W_s x_i + sum_k a_k (W_v x_k + W_e e_k)

    q . W_e e is computed as (W_e^T q) . e, and the values likewise after the sum, so that no [Q, K, C] product of event
    features is made; keys and values of neighbours are computed once a distinct node.

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
        self.heads, self.width = heads, out_channels // heads
        self.query, self.skip = nn.Linear(in_channels, out_channels), nn.Linear(in_channels, out_channels)
        self.key_value = nn.Linear(in_channels, 2 * out_channels)
        self.edge = nn.Parameter(torch.empty(heads, self.width, edge_channels))
        nn.init.uniform_(self.edge, -(edge_channels**-0.5), edge_channels**-0.5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, own: Tensor, neighbors: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Returns states; a node without events has its skip connection alone."""
        many, k = neighbors.shape
        mine = x[own]
        query = self.query(mine).view(many, self.heads, self.width)
        pairs = self.key_value(x)[neighbors.reshape(-1)].view(many, k, 2, self.heads, self.width)
        keys, values = pairs.unbind(2)
        logits = torch.einsum("qhd,qkhd->qhk", query, keys)
        logits = logits + torch.einsum("qhd,hde->qhe", query, self.edge) @ edges.transpose(1, 2)
        logits = (logits * self.width**-0.5).masked_fill(~mask[:, None], -1e9)
        weights = self.dropout(logits.softmax(dim=-1) * mask[:, None])
        out = torch.einsum("qhk,qkhd->qhd", weights, values)
        out = out + torch.einsum("qhe,hde->qhd", weights @ edges, self.edge)
        return self.skip(mine) + out.reshape(many, -1)
