"""The first layer of positional encodings: positions that were computed before become channels of the states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.linear import Linear
from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import SparseFeatures
from graphkit.transforms.structures import Requirement

Encoding = Literal["none", "walk", "laplacian", "both"]


class InputLayer(nn.Module):
    """Maps node features to states, some of whose channels hold encoded positions.

    `walk`: return probabilities of random walks, batch-normalised and mapped linearly (RWSE of GraphGPS, arXiv
    2205.12454). `laplacian`: pairs of an eigenvector's entry and its eigenvalue pass a network of two layers and are
    summed (the DeepSet of GraphGPS); while training, the sign of every eigenvector is drawn anew. `both`: both.

    Args:
        in_channels: F.
        channels: C, width of the states.
        encoding: which positions.
        steps: of the random walks.
        vectors: eigenvectors.
        encoding_channels: channels a kind of position takes; the features get the rest.

    Raises:
        ConfigError: positions leave no channel for the features.

    Example:
        >>> import torch
        >>> InputLayer(3, 8, "none")(torch.ones(4, 3), {}).shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        encoding: Encoding = "none",
        steps: int = 20,
        vectors: int = 10,
        encoding_channels: int = 16,
    ) -> None:
        super().__init__()
        require_choice(Encoding, encoding=encoding)
        require_positive(steps=steps, vectors=vectors, encoding_channels=encoding_channels)
        walk, laplacian = encoding in ("walk", "both"), encoding in ("laplacian", "both")
        rest = channels - encoding_channels * (walk + laplacian)
        if rest < 1:
            raise ConfigError(
                f"encoding {encoding!r} takes {channels - rest} of {channels} channels; raise hidden_channels or lower"
                " encoding_channels"
            )
        self.features = Linear(in_channels, rest)
        self.steps, self.vectors = steps, vectors
        self.walk = nn.Sequential(nn.BatchNorm1d(steps), nn.Linear(steps, encoding_channels)) if walk else None
        self.laplacian: nn.Sequential | None = None
        if laplacian:
            inner = nn.Linear(2, 2 * encoding_channels), nn.ReLU(), nn.Linear(2 * encoding_channels, encoding_channels)
            self.laplacian = nn.Sequential(*inner, nn.ReLU())

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The transforms that compute the positions."""
        walk = () if self.walk is None else (Requirement("random-walk-pe", {"steps": self.steps}),)
        laplacian = () if self.laplacian is None else (Requirement("laplacian-pe", {"vectors": self.vectors}),)
        return walk + laplacian

    def forward(self, x: Tensor | SparseFeatures, structure: Mapping[str, Tensor]) -> Tensor:
        """Maps features [N, F] and the structure to states [N, C].

        Raises:
            ShapeError: the structure lacks the positions.
        """
        parts = [self.features(x)]
        if self.walk is not None:
            parts.append(self.walk(needed(structure, "walk_pe").to(parts[0].dtype)))
        if self.laplacian is not None:
            vectors = needed(structure, "laplacian_pe").to(parts[0].dtype)
            values = needed(structure, "laplacian_values").to(parts[0].dtype)
            if self.training:
                signs = torch.randint(2, (vectors.size(1),), device=vectors.device) * 2 - 1
                vectors = vectors * signs
            there = (values >= -0.5).unsqueeze(-1)
            encoded = self.laplacian(torch.stack([vectors, values], dim=2))
            parts.append((encoded * there).sum(1))
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def needed(structure: Mapping[str, Tensor], name: str) -> Tensor:
    """Returns an array of the structure.

    Raises:
        ShapeError: it is not there; the message says how to make it.
    """
    if name not in structure:
        raise ShapeError(
            f"the encoder reads {name!r}, which the data lacks; graphkit.transforms.structures.attach(data,"
            " encoder.requires) computes it"
        )
    return structure[name]
