"""DyTed: what stays of a node and what changes, by two encoders of snapshots that must not tell the same."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.evolvegcn import EvolveGCN
from graphkit.encoders.temporal.gcrn import GCRN
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotEncoder
from graphkit.errors import ConfigError

_BACKBONES: dict[str, type[Any]] = {"gcrn": GCRN, "evolvegcn": EvolveGCN}
_HIDDEN = 64


class DyTed(SnapshotEncoder):
    """Two copies of an encoder of snapshots: one for what stays of a node, one for what varies.

    Zhang et al.: "DyTed: Disentangled Representation Learning for Discrete-time Dynamic Graph", KDD 2023 (arXiv
    2210.10592). The first copy sees two random clips of the window and must say the same of a node in both
    (InfoNCE with temperature 0.1, the other sampled nodes as negatives); the second sees the whole window; a
    discriminator learns which two halves belong to one node, and both copies learn to make it fail. A state is
    both halves side by side.

    The released code alternates five steps of the discriminator with one of the encoders, and learns the law of the
    length of clips; here a layer that turns gradients round does the first in one step, and lengths are uniform. The
    reconstruction of the second copy is the loss of the task.

    Args:
        info: what is known of the stream.
        backbone: `gcrn` or `evolvegcn`.
        hidden_channels: C, both halves together; even.
        invariance: weight of InfoNCE.
        adversary: weight of the discriminator.
        samples: nodes that both extra losses look at; their similarities are [samples, samples].
        span: time of a snapshot; 0 divides the training time into `snapshots`.
        snapshots: number of them in the training time, where `span` is 0.
        window: closed snapshots an answer comes from.

    Shapes:
        nodes [Q] return [Q, C].

    Raises:
        ConfigError: an unknown backbone, an odd width, or an option out of range.
    """

    def __init__(
        self,
        info: StreamInfo,
        backbone: Literal["gcrn", "evolvegcn"] = "gcrn",
        hidden_channels: int = 64,
        invariance: float = 0.3,
        adversary: float = 0.6,
        samples: int = 500,
        span: float = 0.0,
        snapshots: int = 50,
        window: int = 5,
    ) -> None:
        super().__init__(info, hidden_channels, max(1, hidden_channels // 2), span, snapshots, window, False, True)
        if backbone not in _BACKBONES or hidden_channels % 2 or samples < 2:
            raise ConfigError(
                f"dyted takes backbone {' or '.join(_BACKBONES)}, an even hidden_channels and samples >= 2; got "
                f"{backbone!r}, {hidden_channels} and {samples}"
            )
        self.degrees = None
        half = hidden_channels // 2
        self.invariant = _BACKBONES[backbone](info, hidden_channels=half, window=window)
        self.varying = _BACKBONES[backbone](info, hidden_channels=half, window=window)
        self.discriminator = nn.Sequential(nn.Linear(2 * half, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))
        self.invariance, self.adversary, self.samples = invariance, adversary, samples
        self._penalty: Tensor | None = None

    def encode(self, snapshots: list[Snapshot]) -> Tensor:
        """Returns states [N, C] of the last snapshot: what stays, then what varies."""
        stays, varies = self.invariant.encode(snapshots), self.varying.encode(snapshots)
        self._penalty = self._extra(snapshots, stays, varies) if self.training and torch.is_grad_enabled() else None
        return torch.cat([stays, varies], dim=1)

    def penalty(self) -> Tensor | None:
        """Returns invariance and adversary of the last training step."""
        return self._penalty

    def _extra(self, snapshots: list[Snapshot], stays: Tensor, varies: Tensor) -> Tensor:
        chosen = torch.randperm(len(stays))[: self.samples]
        one, other = (functional.normalize(self.invariant.encode(self._clip(snapshots))[chosen], dim=1) for _ in "ab")
        target = torch.arange(len(chosen))
        same = functional.cross_entropy(one @ other.T / 0.1, target)
        left, right = _turned(stays[chosen]), _turned(varies[chosen])
        pairs = torch.cat([torch.cat([left, right], 1), torch.cat([left, right.roll(1, 0)], 1)])
        truth = torch.cat([torch.ones(len(chosen)), torch.zeros(len(chosen))])
        told = functional.binary_cross_entropy_with_logits(self.discriminator(pairs).squeeze(1), truth)
        return self.invariance * same + self.adversary * told

    def _clip(self, snapshots: list[Snapshot]) -> list[Snapshot]:
        length = int(torch.randint(1, len(snapshots) + 1, ()))
        start = int(torch.randint(0, len(snapshots) - length + 1, ()))
        return snapshots[start : start + length]


class _Turn(torch.autograd.Function):
    """The identity, whose gradient has the other sign."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return -gradient


def _turned(x: Tensor) -> Tensor:
    return torch.as_tensor(_Turn.apply(x))
