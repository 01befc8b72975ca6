"""The node head: one class of many, yes or no, several labels at once, or numbers."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from graphkit.errors import ConfigError, ShapeError

Kind = Literal["identity", "linear", "mlp"]
Target = Literal["multiclass", "binary", "multilabel", "regression"]
Loss = Literal["l1", "mse"]


class NodeHead(nn.Module):
    """Turns node states into raw scores, and raw scores into a loss or into an evaluator's input.

    Args:
        in_channels: C, width of the encoder's states.
        num_outputs: number of classes or labels; 1 if `target` is "binary".
        kind: "identity" takes the states as scores, "linear" maps them, "mlp" is Linear, activation, dropout, Linear.
        target: what is predicted.
        hidden_channels: width inside the "mlp"; 0 takes `in_channels`.
        dropout: probability before the last linear map of "linear" and "mlp".
        loss: of a regression, `l1` or `mse`.
        activation: inside the "mlp", `gelu` or `relu`.

    Raises:
        ConfigError: an unknown kind or target, or widths that do not fit.

    Example:
        >>> import torch
        >>> NodeHead(16, 3, kind="linear")(torch.ones(5, 16)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        in_channels: int,
        num_outputs: int,
        kind: Kind = "identity",
        target: Target = "multiclass",
        hidden_channels: int = 0,
        dropout: float = 0.0,
        loss: Loss = "l1",
        activation: Literal["gelu", "relu"] = "gelu",
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ConfigError(f"unknown head {kind!r}; use one of {', '.join(get_args(Kind))}")
        if target not in get_args(Target):
            raise ConfigError(f"unknown target {target!r}; a node head knows {', '.join(get_args(Target))}")
        if loss not in get_args(Loss):
            raise ConfigError(f"unknown loss {loss!r} of a regression; use one of {', '.join(get_args(Loss))}")
        if target == "binary" and num_outputs != 1:
            raise ConfigError(f"a binary target has one score, but num_outputs is {num_outputs}")
        if not 0.0 <= dropout <= 1.0:
            raise ConfigError(f"dropout must be a probability between 0 and 1, got {dropout}")
        if kind == "identity" and in_channels != num_outputs:
            raise ConfigError(
                f"head 'identity' takes the encoder's {in_channels} channels as scores, but the task has {num_outputs};"
                " use head 'linear'"
            )
        self.in_channels, self.num_outputs, self.target, self.regression_loss = in_channels, num_outputs, target, loss
        hidden = hidden_channels or in_channels
        layers: list[nn.Module] = []
        if kind == "mlp":
            layers = [nn.Linear(in_channels, hidden), nn.GELU() if activation == "gelu" else nn.ReLU()]
        if kind != "identity":
            layers += [nn.Dropout(dropout), nn.Linear(hidden if kind == "mlp" else in_channels, num_outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Maps states [N, C] to raw scores [N, num_outputs]."""
        scores: Tensor = self.layers(x)
        return scores

    def loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Cross entropy, binary cross entropy with logits, or a regression's error; labels that are NaN do not count.

        Args:
            scores: [B, num_outputs] raw scores.
            y: [B] integer classes (multiclass), [B] or [B, 1] of 0 and 1 (binary), [B, num_outputs] of 0, 1 and NaN
                (multilabel), [B, num_outputs] of numbers and NaN (regression).

        Returns:
            The mean loss, a scalar; zero where no label is known.

        Raises:
            ShapeError: `scores` and `y` do not fit.
        """
        self._check(scores, y)
        if self.target == "multiclass":
            return functional.cross_entropy(scores, y.reshape(-1).long())
        y = y.reshape(scores.shape).to(scores.dtype)
        known = ~torch.isnan(y)
        regression = functional.l1_loss if self.regression_loss == "l1" else functional.mse_loss
        loss = regression if self.target == "regression" else functional.binary_cross_entropy_with_logits
        losses = loss(scores, torch.where(known, y, 0.0), reduction="none")
        return (losses * known).sum() / known.sum().clamp(min=1)

    def scores(self, scores: Tensor) -> NDArray[np.floating[Any]]:
        """Raw scores as the evaluator takes them: [B, C] for classes, [B] for binary, [B, L] for labels or numbers."""
        array: NDArray[np.floating[Any]] = (
            scores.detach().cpu().to(torch.promote_types(scores.dtype, torch.float32)).numpy()
        )
        return array[:, 0] if self.target == "binary" else array

    def _check(self, scores: Tensor, y: Tensor) -> None:
        rows, width = scores.size(0), self.num_outputs
        single = self.target in ("multiclass", "binary")
        if scores.shape != (rows, width) or tuple(y.shape) not in ([(rows,), (rows, 1)] if single else [(rows, width)]):
            raise ShapeError(
                f"a {self.target} head with {width} outputs got scores {list(scores.shape)} and labels {list(y.shape)}"
            )
