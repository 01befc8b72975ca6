"""Linear maps and dropout that also take sparse features, and the activations that options name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_choice
from graphkit.kernels import SparseFeatures, sparse_linear

Activation = Literal["identity", "relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": functional.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}


def activation_of(name: Activation) -> Callable[[Tensor], Tensor]:
    """Returns the function called `name`; an unknown name raises UnknownNameError."""
    require_choice(Activation, activation=name)
    return ACTIVATIONS[name]


class Linear(nn.Linear):
    """`torch.nn.Linear` that reads only the nonzeros of sparse features.

    Args:
        in_channels: F.
        out_channels: C.
        bias: learn an additive [C] bias.
        glorot: draw the weights as Glorot and Bengio (2010), with a zero bias, as attention layers do.

    Example:
        >>> import torch
        >>> from graphkit.kernels import SparseFeatures
        >>> Linear(3, 2)(SparseFeatures.from_dense(torch.eye(3))).shape
        torch.Size([3, 2])
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True, glorot: bool = False) -> None:
        self.glorot = glorot
        super().__init__(in_channels, out_channels, bias)

    def reset_parameters(self) -> None:
        """Draws new weights."""
        if not self.glorot:
            super().reset_parameters()
            return
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor | SparseFeatures) -> Tensor:
        """Maps [N, F] to [N, C]."""
        if isinstance(x, SparseFeatures):
            return sparse_linear(x, self.weight, self.bias)
        return functional.linear(x, self.weight, self.bias)


class Embedding(Linear):
    """One learned vector a feature, drawn from N(0, 1) as by `torch.nn.Embedding`; the vectors of set features add up.

    For one-hot features. A freshly drawn `Linear` gives such features states of size 1 / sqrt(F), which attention then
    tells apart only after long training.

    Args:
        in_channels: F.
        out_channels: C.

    Example:
        >>> import torch
        >>> Embedding(3, 2)(torch.eye(3)).shape
        torch.Size([3, 2])
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, bias=False)

    def reset_parameters(self) -> None:
        """Draws new weights."""
        nn.init.normal_(self.weight)


def drop(x: Tensor | SparseFeatures, p: float, training: bool) -> Tensor | SparseFeatures:
    """Dropout of a tensor, or of the nonzeros of sparse features."""
    if isinstance(x, SparseFeatures):
        return x.dropout(p, training)
    return functional.dropout(x, p, training)


def dense(x: Tensor | SparseFeatures) -> Tensor:
    """The features as a tensor [N, F], for layers that aggregate before they multiply."""
    return x.dense() if isinstance(x, SparseFeatures) else x


def glorot(parameter: Tensor) -> None:
    """Fills [..., A, B] uniformly within sqrt(6 / (A + B)), as PyG's attention vectors start."""
    bound = (6.0 / (parameter.size(-2) + parameter.size(-1))) ** 0.5
    nn.init.uniform_(parameter, -bound, bound)
