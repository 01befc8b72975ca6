"""The gated graph convolution with edge states."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.norm import Norm, make_norm
from graphkit.kernels import CSRGraph


class GatedGCNConv(nn.Module):
    r"""Weighs every channel of every message by a gate, which reads both ends and the state of the edge.

    Bresson and Laurent, "Residual Gated Graph ConvNets" (arXiv 1711.07553), equation 11, in the form with edge states
    of Dwivedi et al. (arXiv 2003.00982), section B.1.4, which GraphGPS and the Long Range Graph Benchmark use:

        e_ij' = e_ij + relu(norm(A h_i + B h_j + C e_ij))     gate_ij = sigmoid(A h_i + B h_j + C e_ij)
        update_i = relu(norm(U h_i + sum_j gate_ij * V h_j / (sum_j gate_ij + 1e-6)))

    Whoever stacks the layers adds the update to h.

    Args:
        channels: C, width of node and edge states.
        dropout: rate on both updates.
        norm: of both updates.
        activate: False leaves relu and norm out of the update of the nodes, for layers that have their own.
        edges: whether there are edge states; without them a gate reads both ends only.

    Example:
        >>> import torch
        >>> from graphkit.kernels import as_graph
        >>> graph = as_graph(torch.tensor([[0, 1], [1, 2]]), 4)
        >>> states, edges = GatedGCNConv(3)(torch.ones(4, 3), graph, torch.ones(2, 3))
        >>> states.shape, edges.shape
        (torch.Size([4, 3]), torch.Size([2, 3]))
    """

    def __init__(
        self, channels: int, dropout: float = 0.0, norm: Norm = "batch", activate: bool = True, edges: bool = True
    ) -> None:
        super().__init__()
        require_positive(channels=channels)
        self.dropout = dropout
        # U and A read the target, V and B the source: two maps of the node states instead of four
        self.target, self.source = nn.Linear(channels, 2 * channels), nn.Linear(channels, 2 * channels)
        self.edge = nn.Linear(channels, channels) if edges else None
        self.norm = make_norm(norm, channels) if activate else None
        self.edge_norm = make_norm(norm, channels) if edges else None

    def forward(self, x: Tensor, graph: CSRGraph, edges: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Returns the update of the node states [N, C] and the new edge states [E, C]."""
        col, row = graph.edge_index()
        own, gate_target = self.target(x).chunk(2, dim=1)
        value, gate_source = self.source(x).chunk(2, dim=1)
        logits = gate_target.index_select(0, row) + gate_source.index_select(0, col)
        if self.edge is not None and edges is not None:
            logits = logits + self.edge(edges)
        gate = torch.sigmoid(logits)
        both = torch.cat([gate * value.index_select(0, col), gate], dim=1)
        received, total = both.new_zeros(len(x), both.size(1)).index_add(0, row, both).chunk(2, dim=1)
        new = own + received / (total + 1e-6)
        if self.norm is not None:
            new = self._update(new, self.norm)
        if self.edge_norm is not None and edges is not None:
            edges = edges + self._update(logits, self.edge_norm)
        return new, edges

    def _update(self, change: Tensor, norm: nn.Module) -> Tensor:
        return functional.dropout(functional.relu(norm(change)), self.dropout, self.training)
