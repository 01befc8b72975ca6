"""The contract of a mixing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from graphkit.encoders.base import Edges
from graphkit.kernels.bags import BUDGET, Bag


@dataclass(frozen=True)
class Widths:
    """Options that all mixings are built from.

    Args:
        channels: H, width of the node inputs and between layers.
        out_channels: C.
        num_layers: number of layers.
        inner_layers: convolutions inside a layer, for mixings that have them.
        radius: of ego nets.
        marks: number of marks a node can carry, 0 for a policy that marks none.
        edge_dim: number of features of an edge; None for none.
        norm: batch normalisation.
        shared_norm: of `dss`, whether what subgraphs share is normalised by itself.
        dropout: rate after every layer.
        pool: what is read of a subgraph in the end, `nodes` or the `subgraph`.
        budget: most bytes that the states of a layer may take.
    """

    channels: int
    out_channels: int
    num_layers: int
    inner_layers: int = 1
    radius: int = 1
    marks: int = 0
    edge_dim: int | None = None
    norm: bool = True
    shared_norm: bool = True
    dropout: float = 0.0
    pool: str = "nodes"
    budget: int = BUDGET


class Mixing(nn.Module):
    """Encodes a bag; a subclass writes `forward(x [N, H], bag, edge_attr) -> [N, C]`."""

    whole: ClassVar[bool] = False
    """Whether every node of a marked subgraph needs a row: what happens in one place is read everywhere."""
    policies: ClassVar[tuple[str, ...]] = ()
    """Policies it is defined for; empty for all."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.dropout, self.budget = widths.dropout, widths.budget

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] and a bag with R rows to node states [N, C]."""
        raise TypeError(f"{type(self).__name__} must define forward(x, bag, edge_attr)")
