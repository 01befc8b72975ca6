"""GIN on inputs that message passing alone cannot compute: pattern counts or the canonical order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.gin import GIN
from graphkit.encoders.linear import dense
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.transforms.structures import Requirement

Extra = Literal["cycles", "patterns", "canonical"]
_WIDTH: Mapping[str, int] = {"cycles": 4, "patterns": 8}


class AugmentedGIN(Encoder):
    """Joins features of the structure to the inputs of a GIN.

    `cycles` and `patterns` are homomorphism counts rooted at the node (Barcelo et al., NeurIPS 2021, arXiv 2106.06707);
    `canonical` is the one-hot place in the canonical order, which tells all graphs apart and is not stable.

    Args:
        in_channels: F.
        out_channels: C.
        extra: what is joined.
        hidden_channels: width between layers.
        num_layers: number of convolutions.
        places: one-hot places of `canonical`; later ones share the last.
        dropout: rate after every layer.

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphkit.transforms.structures import attach
        >>> encoder = AugmentedGIN(1, 2, hidden_channels=8)
        >>> pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> encoder(attach(pair, encoder.requires)).x.shape
        torch.Size([2, 2])
    """

    reads_structure: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        extra: Extra = "cycles",
        hidden_channels: int = 64,
        num_layers: int = 4,
        places: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_choice(Extra, extra=extra)
        require_positive(places=places)
        self.extra, self.places = extra, places
        width = in_channels + _WIDTH.get(extra, places)
        self.gin = GIN(width, out_channels, hidden_channels, num_layers, dropout=dropout)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The counts, or the order."""
        if self.extra == "canonical":
            return (Requirement("canonical-order"),)
        return (Requirement("pattern-counts", {"patterns": self.extra}),)

    def encode(
        self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None, structure: Mapping[str, Tensor]
    ) -> Tensor:
        """Returns the states of the GIN [N, C]."""
        x = dense(x)
        if self.extra == "canonical":
            more = functional.one_hot(structure["canonical_place"].clamp(max=self.places - 1), self.places).to(x.dtype)
        else:
            more = structure["pattern_counts"].to(x.dtype)
        return self.gin.encode(torch.cat([x, more], dim=1), graph, None)
