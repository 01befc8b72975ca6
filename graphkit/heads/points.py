"""Heads of points: positions after a while, edges read off distances; energies and forces are in `heads.energy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError
from graphkit.kernels.point_edges import take

Predicted = dict[str, Tensor]


class PointHead(nn.Module):
    """Base class of heads of points: a subclass predicts named quantities and states the loss on them.

    Args:
        encoder: the encoder in front of the head; its widths are read, it is not kept.

    Attributes:
        tasks: tasks of datasets the head is for.
        scored: name of the predicted quantity that the metric of such a dataset is computed on.
    """

    tasks: ClassVar[tuple[str, ...]] = ()
    scored: str = ""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder_name = type(encoder).__name__

    def fit_statistics(self, arrays: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Takes what it needs to know of the training systems, and of no others, before training.

        Args:
            arrays: what the data has of all training systems: `z` [N], `system` [N], `energy` [G], `forces` [N, 3], ...
            facts: plain values of the dataset, such as energies of isolated atoms.
        """

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns predictions by name."""
        raise TypeError(f"{type(self).__name__} must define predict(encoder, points)")

    def loss(self, predicted: Predicted, targets: Mapping[str, Tensor], points: Any) -> Tensor:
        """Returns the training loss."""
        raise TypeError(f"{type(self).__name__} must define loss(predicted, targets, points)")

    def forward(self, encoder: Any, points: Any) -> Predicted:
        """Calls `predict`."""
        return self.predict(encoder, points)


class PositionHead(PointHead):
    """Positions after a fixed time: the encoder's own, or x plus a mix of its vectors and of the velocity.

    Args:
        encoder: gives `pos`, or else `vec` [N, d, V].

    Shapes:
        predicts `future` [N, d].

    Raises:
        ConfigError: the encoder gives neither positions nor vectors.

    Example:
        >>> from graphkit.encoders.equivariant.base import Points
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> encoder = EGNN(0, 0, hidden_channels=8)
        >>> points = Points.of(torch.randn(5, 3), torch.tensor([0, 5]))
        >>> PositionHead(encoder)(encoder, points)["future"].shape
        torch.Size([5, 3])
    """

    tasks = ("trajectory",)
    scored = "future"

    def __init__(self, encoder: Any) -> None:
        super().__init__(encoder)
        self.mix: nn.Linear | None = None
        self.pace: nn.Linear | None = None
        if not encoder.gives_positions:
            if not encoder.vec_channels:
                raise ConfigError(f"{self.encoder_name} gives neither positions nor vectors: no trajectory to predict")
            self.mix, self.pace = nn.Linear(encoder.vec_channels, 1, bias=False), nn.Linear(encoder.out_channels, 1)

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns future positions."""
        output = encoder(points)
        if self.mix is None or self.pace is None:
            return {"future": output.pos}
        future = points.pos + self.mix(output.vec).squeeze(-1)
        return {"future": future if points.vel is None else future + self.pace(output.x) * points.vel}

    def loss(self, predicted: Predicted, targets: Mapping[str, Tensor], points: Any) -> Tensor:
        """Returns the squared error, a mean over coordinates."""
        return nn.functional.mse_loss(predicted["future"], targets["future"])


class DistanceDecoder(PointHead):
    """Edges of a graph from distances of its points: sigmoid(w |x_i - x_j|^2 + b), w and b learned.

    Satorras et al., ICML 2021 (arXiv 2102.09844), equation 9. Cross entropy is summed over the ordered pairs
    of a graph.

    Args:
        encoder: gives `pos` [N, K].

    Raises:
        ConfigError: the encoder gives no positions.

    Shapes:
        predicts `edges` [E] logits of the points' edges, which are all ordered pairs.

    Example:
        >>> from graphkit.encoders.equivariant.base import Points
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> encoder = EGNN(0, 0, hidden_channels=8)
        >>> DistanceDecoder(encoder)(encoder, Points.of(torch.randn(4, 8), torch.tensor([0, 4])))["edges"].shape
        torch.Size([12])
    """

    tasks = ("graph-autoencoding",)
    scored = "edges"

    def __init__(self, encoder: Any) -> None:
        super().__init__(encoder)
        if not encoder.gives_positions:
            raise ConfigError(f"{self.encoder_name} gives no positions to decode a graph from; take egnn")
        self.weight, self.bias = nn.Parameter(torch.tensor(-0.1)), nn.Parameter(torch.tensor(1.0))

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns a logit a pair."""
        pos = encoder(points).pos
        way = take(pos, points.edges.into) - take(pos, points.edges.out)
        return {"edges": self.weight * (way * way).sum(-1) + self.bias}

    def loss(self, predicted: Predicted, targets: Mapping[str, Tensor], points: Any) -> Tensor:
        """Returns the cross entropy, a sum over pairs and a mean over graphs."""
        total = nn.functional.binary_cross_entropy_with_logits(predicted["edges"], targets["edges"], reduction="sum")
        return total / points.num_systems
