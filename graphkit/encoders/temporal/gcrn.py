"""GCRN: a recurrent unit for every node whose products are graph convolutions."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotEncoder
from graphkit.errors import ConfigError


class ChebyshevMap(nn.Module):
    """sum_k T_k(L) x W_k + b with L = -D^-1/2 A D^-1/2, the scaled Laplacian 2 L / lambda_max - I for lambda_max = 2.

    Args:
        in_channels: F.
        out_channels: O.
        order: K, the number of terms; 1 sees no neighbour.

    Shapes:
        x [N, F] returns [N, O].
    """

    def __init__(self, in_channels: int, out_channels: int, order: int) -> None:
        super().__init__()
        self.order = order
        self.linear = nn.Linear(order * in_channels, out_channels)
        nn.init.uniform_(self.linear.weight, -1 / math.sqrt(in_channels), 1 / math.sqrt(in_channels))

    def forward(self, snapshot: Snapshot, x: Tensor) -> Tensor:
        """Returns the filtered states."""
        terms = [x]
        if self.order > 1:
            terms.append(-snapshot.walk(x))
        while len(terms) < self.order:
            terms.append(-2 * snapshot.walk(terms[-1]) - terms[-2])
        return torch.as_tensor(self.linear(torch.cat(terms, dim=1)))


class GCRN(SnapshotEncoder):
    """Recurrent units on graphs.

    Seo, Defferrard, Vandergheynst, Bresson: "Structured Sequence Modeling with Graph Convolutional Recurrent
    Networks", ICONIP 2018 (arXiv 1612.07659). Model 2: every product of a gate is a Chebyshev filter of the
    snapshot, gates = sum_k T_k(L) [x, h] W_k + b. Model 1: a Chebyshev filter of the inputs, then a plain
    recurrent unit of every node. The paper has one graph and an LSTM with peepholes w o c; here the graph is the
    snapshot's, `cell` may be a GRU, and peepholes, which the released code leaves out, are an option.

    Args:
        info: what is known of the stream.
        model: 1 or 2.
        cell: `lstm` or `gru`.
        hidden_channels: C.
        order: K, terms of a filter; a node sees K - 1 steps far a snapshot.
        peepholes: lets the gates of an LSTM see its cell, one weight a channel.
        span: time of a snapshot; 0 divides the training time into `snapshots`.
        snapshots: number of them in the training time, where `span` is 0.
        window: closed snapshots an answer comes from; the state begins at zero.
        rows: gives every node a learned row.
        degrees: shows the snapshot's degrees.

    Shapes:
        nodes [Q] return [Q, C]; cost of a window W K (E C + N C^2).

    Raises:
        ConfigError: an option is out of range, or peepholes of a GRU.
    """

    def __init__(
        self,
        info: StreamInfo,
        model: int = 2,
        cell: Literal["lstm", "gru"] = "gru",
        hidden_channels: int = 32,
        order: int = 2,
        peepholes: bool = False,
        span: float = 0.0,
        snapshots: int = 50,
        window: int = 5,
        rows: bool = True,
        degrees: bool = True,
    ) -> None:
        super().__init__(info, hidden_channels, hidden_channels, span, snapshots, window, rows, degrees)
        require_positive(order=order)
        if model not in (1, 2) or cell not in ("lstm", "gru"):
            raise ConfigError(f"gcrn: model is 1 or 2 and cell lstm or gru, got {model} and {cell!r}")
        if peepholes and cell == "gru":
            raise ConfigError("gcrn: peepholes look at the cell of an LSTM; set encoder.options.cell=lstm")
        self.model, self.cell = model, cell
        wide, gates = hidden_channels, 4 if cell == "lstm" else 3
        self.filter = ChebyshevMap(wide, wide, order) if model == 1 else None
        terms = order if model == 2 else 1
        self.of_input = ChebyshevMap(wide, gates * wide, terms)
        self.of_state = ChebyshevMap(wide, gates * wide, terms)
        self.peepholes = nn.Parameter(torch.zeros(3, wide)) if peepholes else None

    def encode(self, snapshots: list[Snapshot]) -> Tensor:
        """Returns the hidden states [N, C] after the last snapshot."""
        return self.run(snapshots, [self.inputs(snapshot) for snapshot in snapshots])[-1]

    def run(self, snapshots: list[Snapshot], inputs: list[Tensor]) -> list[Tensor]:
        """Returns the hidden states [N, C] after every snapshot, from inputs [N, C] of each."""
        state = inputs[0].new_zeros(len(inputs[0]), self.out_channels)
        cell, found = state, []
        for snapshot, x in zip(snapshots, inputs, strict=True):
            if self.filter is not None:
                x = torch.relu(self.filter(snapshot, x))
            if self.cell == "lstm":
                state, cell = self._lstm(snapshot, x, state, cell)
            else:
                state = self._gru(snapshot, x, state)
            found.append(state)
        return found

    def _gru(self, snapshot: Snapshot, x: Tensor, state: Tensor) -> Tensor:
        """z, r = sigma(.); the new content sees r o (U * h), as torch's GRU does, so that a filter runs once a step."""
        given = self.of_input(snapshot, x).chunk(3, dim=1)
        kept = self.of_state(snapshot, state).chunk(3, dim=1)
        update, reset = torch.sigmoid(given[0] + kept[0]), torch.sigmoid(given[1] + kept[1])
        return update * state + (1 - update) * torch.tanh(given[2] + reset * kept[2])

    def _lstm(self, snapshot: Snapshot, x: Tensor, state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        into, forget, fresh, out = (self.of_input(snapshot, x) + self.of_state(snapshot, state)).chunk(4, dim=1)
        if self.peepholes is not None:
            into, forget = into + self.peepholes[0] * cell, forget + self.peepholes[1] * cell
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(fresh)
        if self.peepholes is not None:
            out = out + self.peepholes[2] * cell
        return torch.sigmoid(out) * torch.tanh(cell), cell
