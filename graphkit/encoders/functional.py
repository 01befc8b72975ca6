"""Small pieces that several encoders share: linear maps and dropout that also take sparse features, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.kernels import SparseFeatures, sparse_linear

Activation = Literal["identity", "relu", "elu", "gelu", "leaky_relu", "tanh"]
Norm = Literal["none", "layer", "batch"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": functional.relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "leaky_relu": functional.leaky_relu,
    "tanh": torch.tanh,
}


def linear(x: Tensor | SparseFeatures, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Returns x W^T + b for x [N, F] dense or sparse, weight [D, F], bias [D]."""
    if isinstance(x, SparseFeatures):
        return sparse_linear(x, weight, bias)
    return functional.linear(x, weight, bias)


def apply_linear(layer: nn.Linear, x: Tensor | SparseFeatures) -> Tensor:
    """Returns layer(x) for x [N, F] dense or sparse."""
    return linear(x, layer.weight, layer.bias)


def dropout(x: Tensor | SparseFeatures, p: float, training: bool) -> Tensor | SparseFeatures:
    """Returns x [N, F] with entries dropped at rate p in training; zeros of sparse features need no coin."""
    if isinstance(x, SparseFeatures):
        return x.dropout(p, training)
    return functional.dropout(x, p, training) if p else x


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Returns a normalisation of [N, C] states."""
    return {"none": nn.Identity, "layer": nn.LayerNorm, "batch": nn.BatchNorm1d}[kind](
        *(() if kind == "none" else (channels,))
    )


def glorot(*tensors: Tensor | None) -> None:
    """Fills each tensor uniformly within sqrt(6 / (rows + columns)), rows and columns being its last two sizes."""
    for tensor in tensors:
        if tensor is not None:
            bound = (6.0 / (tensor.size(-2) + tensor.size(-1))) ** 0.5
            nn.init.uniform_(tensor, -bound, bound)


def glorot_linear(in_features: int, out_features: int, bias: bool = True) -> nn.Linear:
    """Returns a linear layer with Glorot weights and zero bias, as PyG's convolutions start."""
    layer = nn.Linear(in_features, out_features, bias=bias)
    glorot(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
