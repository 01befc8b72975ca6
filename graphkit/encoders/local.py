"""Convolutions by name, all from node states [N, C] and edge states [E, C] to the same."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from graphkit.encoders.base import require_choice
from graphkit.encoders.conv import GATConv, GCNConv, GINConv, SAGEConv
from graphkit.encoders.conv.gated import GatedGCNConv
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph

Local = Literal["gcn", "gat", "gatedgcn", "gine", "sage"]


class LocalConv(nn.Module):
    """One convolution of [N, C] states, without residual connection, normalisation and activation around it.

    `gcn`, `gat` (heads concatenated, with self-loops), `sage` (own state and the mean of the neighbours), `gine` (GIN
    that adds edge states to its messages) and `gatedgcn`, the only one that updates the edge states; `gcn` and `sage`
    leave edge states aside.

    Args:
        kind: which.
        channels: C.
        heads: of `gat`; divide `channels`.
        edges: whether there are edge states.
        activate: give `gatedgcn` the normalisation and relu that its authors put inside the layer.

    Raises:
        ConfigError: the heads do not divide the width.

    Example:
        >>> import torch
        >>> from graphkit.kernels import as_graph
        >>> graph = as_graph(torch.tensor([[0, 1], [1, 2]]), 4)
        >>> LocalConv("gcn", 3)(torch.ones(4, 3), graph, None)[0].shape
        torch.Size([4, 3])
    """

    def __init__(self, kind: Local, channels: int, heads: int = 1, edges: bool = False, activate: bool = False) -> None:
        super().__init__()
        require_choice(Local, local=kind)
        if kind == "gat" and channels % heads:
            raise ConfigError(f"{heads} heads do not divide {channels} channels")
        self.kind, self.edges = kind, edges
        edge_dim = channels if edges else None
        match kind:
            case "gcn":
                self.conv: nn.Module = GCNConv(channels, channels)
            case "gat":
                self.conv = GATConv(channels, channels // heads, heads=heads, edge_dim=edge_dim)
            case "sage":
                self.conv = SAGEConv(channels, channels)
            case "gine":
                self.conv = GINConv(channels, channels, edge_dim=edge_dim)
            case "gatedgcn":
                self.conv = GatedGCNConv(channels, activate=activate, edges=edges)

    def forward(self, x: Tensor, graph: CSRGraph, edges: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Maps node and edge states to new ones."""
        if self.kind == "gatedgcn":
            return self.conv(x, graph, edges)
        if self.kind in ("gat", "gine"):
            return self.conv(x, graph, edges), edges
        return self.conv(x, graph), edges
