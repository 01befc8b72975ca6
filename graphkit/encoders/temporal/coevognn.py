"""CoEvoGNN: attributes and links of the next snapshot from states that attend to all earlier ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotEncoder


class CoEvoGNN(SnapshotEncoder):
    """States of a snapshot come from its graph, its attributes and attention over the states of earlier snapshots.

    Wang et al.: "Modeling Co-evolution of Attributed and Structural Information in Graph Sequence", TKDE 2021 (arXiv
    2007.13004), after its abstract; no code is published. With the fused history F_t = sum over s < t of
    softmax_s(q(H_t-1) . k(H_s) / sqrt(C)) v(H_s), H_t = relu(D^-1/2 (A + I) D^-1/2 [X_t | F_t] W). Besides the links of
    the task, H_t predicts the attributes of snapshot t + 1; streams have none of their own, so they are its degrees.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        attributes: weight of the mean squared error of the next log degrees.
        span: time of a snapshot; 0 divides the training time into `snapshots`.
        snapshots: number of them in the training time, where `span` is 0.
        window: closed snapshots an answer comes from.
        rows: gives every node a learned row.
        degrees: shows the snapshot's degrees.

    Shapes:
        nodes [Q] return [Q, C]; cost of a window W (E C + N C^2) + W^2 N C.
    """

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        attributes: float = 0.1,
        span: float = 0.0,
        snapshots: int = 50,
        window: int = 5,
        rows: bool = True,
        degrees: bool = True,
    ) -> None:
        super().__init__(info, hidden_channels, hidden_channels, span, snapshots, window, rows, degrees)
        self.attributes = attributes
        self.query, self.key, self.value = (nn.Linear(hidden_channels, hidden_channels) for _ in range(3))
        self.mix = nn.Linear(2 * hidden_channels, hidden_channels)
        self.forecast = nn.Linear(hidden_channels, 2)
        self._penalty: Tensor | None = None

    def encode(self, snapshots: list[Snapshot]) -> Tensor:
        """Returns states [N, C] of the last snapshot."""
        past: list[Tensor] = []
        for snapshot in snapshots:
            x = self.inputs(snapshot)
            fused = self._fuse(past) if past else torch.zeros_like(x)
            past.append(torch.relu(snapshot.smooth(self.mix(torch.cat([x, fused], dim=1)))))
        errors = [
            functional.mse_loss(self.forecast(state), later.degree)
            for state, later in zip(past[:-1], snapshots[1:], strict=True)
        ]
        self._penalty = self.attributes * torch.stack(errors).mean() if errors and torch.is_grad_enabled() else None
        return past[-1]

    def penalty(self) -> Tensor | None:
        """Returns the error of the attributes of the last training step."""
        return self._penalty

    def _fuse(self, past: list[Tensor]) -> Tensor:
        query = self.query(past[-1])
        keys, values = (torch.stack([make(state) for state in past], dim=1) for make in (self.key, self.value))
        share = torch.softmax((keys @ query[:, :, None]).squeeze(2) / math.sqrt(query.size(1)), dim=1)
        return (share[:, None] @ values).squeeze(1)
