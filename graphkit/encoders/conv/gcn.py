"""The graph convolution of Kipf and Welling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.linear import Linear
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, spmm


class GCNConv(nn.Module):
    """X' = D^-1/2 (A + I) D^-1/2 X W + b (Kipf and Welling 2017, arXiv 1609.02907, eq. 2); parameters as in PyG.

    Args:
        in_channels: F.
        out_channels: C.
        add_self_loops: use A + I instead of A.
        bias: learn an additive [C] bias.

    Example:
        >>> import torch
        >>> GCNConv(4, 2)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 2])
    """

    def __init__(self, in_channels: int, out_channels: int, add_self_loops: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.add_self_loops = in_channels, out_channels, add_self_loops
        self.lin = Linear(in_channels, out_channels, bias=False, glorot=True)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(
        self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph, edge_weight: Tensor | None = None
    ) -> Tensor:
        """Convolves node states.

        Args:
            x: [N, F].
            edge_index: [2, E] or a CSRGraph.
            edge_weight: [E] in edge order; ones if None.

        Returns:
            [N, C].
        """
        graph, weight = as_graph(edge_index, x.size(0)).gcn_norm(edge_weight, self.add_self_loops)
        out = spmm(graph, self.lin(x), weight)
        return out if self.bias is None else out + self.bias
