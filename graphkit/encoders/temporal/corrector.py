"""PRES: a correction of what memory misses when batches are large."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.temporal.base import Array
from graphkit.kernels.tables import Tables


class MemoryCorrector(nn.Module):
    """Predicts a node's memory from how it moved so far, and mixes the prediction into what was measured.

    Su, Zou, Wu: "PRES: Toward Scalable Memory-Based Dynamic Graph Neural Networks", ICLR 2024. A batch applies one
    event a node where several may have come; the change a unit of time that a node has shown predicts the rest:

        s_bar = s + dt * mean(change / dt)      s' = (1 - gamma) s_bar + gamma s_measured
        penalty = beta * mean(1 - cos(s, s'))

    The statistics are a count, a sum and a sum of squares a node, of the nodes that were touched, and the penalty has a
    gradient; the code of the authors keeps no count, detaches the penalty and gives gamma to the prediction.

    Args:
        gamma: weight of the measurement at the start; learned where `learned`.
        beta: weight of the coherence penalty.
        scale: time that gaps are divided by.
        learned: learns gamma.
    """

    def __init__(self, gamma: float = 0.9, beta: float = 0.1, scale: float = 1.0, learned: bool = True) -> None:
        super().__init__()
        self.beta, self.scale = beta, scale
        self.gate = nn.Parameter(torch.tensor(float(np.log(gamma / (1 - gamma)))), requires_grad=learned)

    def reset(self, state: Tables, channels: int) -> None:
        """Forgets every change."""
        state.add("pres/count")
        state.add("pres/sum", channels)
        state.add("pres/squares", channels)

    def forward(self, state: Tables, nodes: Array, old: Tensor, new: Tensor, gap: Array) -> tuple[Tensor, Tensor]:
        """Returns the corrected memory [Q, M] and the penalty."""
        count = np.maximum(state["pres/count"][nodes], 1)[:, None]
        rate = torch.from_numpy(state["pres/sum"][nodes] / count)
        predicted = old + torch.from_numpy(self._steps(gap)) * rate
        gamma = torch.sigmoid(self.gate)
        corrected = torch.where(
            torch.from_numpy(state["pres/count"][nodes] > 0)[:, None], torch.lerp(predicted, new, gamma), new
        )
        return corrected, self.beta * (1 - functional.cosine_similarity(old, corrected, dim=1)).mean()

    def record(self, state: Tables, nodes: Array, change: Array, gap: Array) -> None:
        """Takes in the changes [Q, M] of nodes over gaps [Q]."""
        rate = change / self._steps(gap)
        state["pres/count"][nodes] += 1
        state["pres/sum"][nodes] += rate
        state["pres/squares"][nodes] += rate**2

    def variance(self, state: Tables, nodes: Array) -> Array:
        """Returns the variance [Q, M] of the changes of nodes so far, 0 before the first."""
        count = np.maximum(state["pres/count"][nodes], 1)[:, None]
        return np.maximum(state["pres/squares"][nodes] / count - (state["pres/sum"][nodes] / count) ** 2, 0)

    def _steps(self, gap: Array) -> Array:
        # gaps span many orders of magnitude; in steps of log(1 + gap) a change stays comparable
        return np.log1p(np.maximum(gap, 0) / self.scale).astype(np.float32)[:, None] + np.float32(0.1)
