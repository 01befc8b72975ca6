"""The graph convolution of Kipf and Welling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.linear import Linear
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, spmm


class GCNConv(nn.Module):
    """Averages over neighbours with symmetric normalisation: D^-1/2 (A + I) D^-1/2 X W + b.

    Kipf and Welling, ICLR 2017 (arXiv 1609.02907), eq. 2. Parameters are named as in PyG's `GCNConv`, so a state dict
    of either loads into the other.

    Args:
        in_channels: F.
        out_channels: C.
        add_self_loops: give every node one self-loop.
        normalize: scale by degrees; False sums plainly.
        bias: learn b.

    Shapes:
        x [N, F], edge_index [2, E] or `CSRGraph`, edge_weight [E]; returns [N, C].

    Example:
        >>> import torch
        >>> GCNConv(3, 2)(torch.ones(2, 3), torch.tensor([[0], [1]])).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        add_self_loops: bool = True,
        normalize: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.add_self_loops, self.normalize = add_self_loops, normalize
        self.lin = Linear(in_channels, out_channels, bias=False, glorot=True)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(
        self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph, edge_weight: Tensor | None = None
    ) -> Tensor:
        """Returns the convolved states [N, C]."""
        graph = as_graph(edge_index, x.shape[0])
        weight = edge_weight
        if self.normalize:
            graph, weight = graph.gcn_norm(edge_weight, self.add_self_loops, self.lin.weight.dtype)
        out = spmm(graph, self.lin(x), None if weight is None else weight.to(self.lin.weight.dtype))
        return out if self.bias is None else out + self.bias
