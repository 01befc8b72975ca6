"""Sparse input features, and a first linear layer that reads only what is set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.feature_dropout import counter_dropout
from graphkit.kernels.spmm import spmm


@dataclass(frozen=True, eq=False)
class SparseFeatures:
    """A constant feature matrix X [N, F] that stores only its nonzeros.

    Args:
        pattern: the positions as a graph: rows are nodes, columns are features, in slot order.
        value: [nnz] the values, in the same order.

    Example:
        >>> import torch
        >>> SparseFeatures.from_dense(torch.eye(3)).shape
        torch.Size([3, 3])
    """

    pattern: CSRGraph
    value: Tensor

    @classmethod
    def from_dense(cls, x: Tensor) -> SparseFeatures:
        """Keeps the nonzeros (NaN counts as one) of a dense matrix [N, F].

        Raises:
            ShapeError: `x` is no matrix.

        Example:
            >>> import torch
            >>> SparseFeatures.from_dense(torch.tensor([[0.0, 2.0]])).value.tolist()
            [2.0]
        """
        if x.dim() != 2:
            raise ShapeError(f"features must have shape [N, F], got {list(x.shape)}")
        nodes, features = x.detach().nonzero(as_tuple=True)
        pattern = CSRGraph.from_edge_index(torch.stack([features, nodes]), (x.size(1), x.size(0)))
        return cls(pattern, x.detach()[nodes, features])

    @property
    def shape(self) -> torch.Size:
        """(N, F)."""
        return torch.Size((self.pattern.num_targets, self.pattern.num_sources))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the values."""
        return self.value.dtype

    @property
    def device(self) -> torch.device:
        """Where the values live."""
        return self.value.device

    def size(self, dim: int) -> int:
        """N for 0, F for 1 or -1."""
        return self.shape[dim]

    def dim(self) -> int:
        """Always 2."""
        return 2

    def to(self, *args: Any, **kwargs: Any) -> SparseFeatures:
        """Moves or casts as `Tensor.to` does; the positions follow the device."""
        value = self.value.to(*args, **kwargs)
        return self if value is self.value else SparseFeatures(self.pattern.to(value.device), value)

    def dropout(self, p: float, training: bool = True) -> SparseFeatures:
        """Drops each nonzero with probability p and scales the others by 1 / (1 - p): dropout, done where X is set.

        Args:
            p: probability of a drop.
            training: whether to act at all.

        Raises:
            ConfigError: `p` is no probability.
        """
        value = counter_dropout(self.value, p, training)
        return self if value is self.value else replace(self, value=value)

    def dense(self) -> Tensor:
        """The matrix X [N, F] in full."""
        x = self.value.new_zeros(self.shape)
        x[self.pattern.row.long(), self.pattern.col.long()] = self.value
        return x


def sparse_linear(features: SparseFeatures, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X W^T + b for sparse X: what `torch.nn.functional.linear` gives for the dense X, with the same argument shapes.

    Args:
        features: X [N, F]; constant, so it receives no gradient.
        weight: [D, F] floating, as in `torch.nn.Linear`.
        bias: [D] or None.

    Returns:
        [N, D].

    Raises:
        ShapeError: `weight` does not fit the features.

    Example:
        >>> import torch
        >>> from graphkit.kernels import SparseFeatures, sparse_linear
        >>> sparse_linear(SparseFeatures.from_dense(torch.eye(3)), torch.ones(2, 3)).shape
        torch.Size([3, 2])
    """
    if weight.dim() != 2 or weight.size(1) != features.shape[1]:
        raise ShapeError(f"weight has shape {list(weight.shape)}, but the features have {features.shape[1]} columns")
    result = spmm(features.pattern, weight.t(), features.value.to(weight.dtype))
    return result if bias is None else result + bias
