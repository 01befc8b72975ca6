"""No encoder at all: node states are the input features, for heads that do the rest."""

from __future__ import annotations

from torch import Tensor

from graphkit.encoders.base import Encoder
from graphkit.kernels import CSRGraph, SparseFeatures


class Identity(Encoder):
    """Returns the features it is given; the states are as wide as they are, whatever width is asked for.

    For heads that bring their own layers, such as `walkpool` and `seal`.

    Args:
        in_channels: F.
        out_channels: not used.

    Example:
        >>> import torch
        >>> Identity(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 3])
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.out_channels = in_channels

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns x [N, F] as a dense tensor."""
        return x.dense() if isinstance(x, SparseFeatures) else x
