"""EvolveGCN: the weights of a graph convolution move from snapshot to snapshot, not the states of nodes."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotEncoder
from graphkit.errors import ConfigError


class MatrixGRU(nn.Module):
    """A gated recurrent unit whose state is a matrix.

    Z = sigma(W_Z X + U_Z H + B_Z), R = sigma(W_R X + U_R H + B_R), G = tanh(W_G X + U_G (R o H) + B_G), and the new
    state is (1 - Z) o H + Z o G (EvolveGCN, section 3.4, with the biases of its code).

    Args:
        rows: I.
        columns: O.

    Shapes:
        X and H [I, O]; returns [I, O].
    """

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(rows)
        self.of_input = nn.Parameter(torch.empty(3, rows, rows).uniform_(-bound, bound))
        self.of_state = nn.Parameter(torch.empty(3, rows, rows).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(3, rows, columns))

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Returns the next state."""
        given = self.of_input @ x + self.bias
        update = torch.sigmoid(given[0] + self.of_state[0] @ state)
        reset = torch.sigmoid(given[1] + self.of_state[1] @ state)
        fresh = torch.tanh(given[2] + self.of_state[2] @ (reset * state))
        return (1 - update) * state + update * fresh


class EvolvingLayer(nn.Module):
    """One graph convolution with weights that evolve; see `EvolveGCN`."""

    def __init__(self, in_channels: int, out_channels: int, kind: Literal["O", "H"]) -> None:
        super().__init__()
        self.kind = kind
        self.start = nn.Parameter(torch.empty(in_channels, out_channels))
        nn.init.uniform_(self.start, -1 / math.sqrt(out_channels), 1 / math.sqrt(out_channels))
        self.cell = MatrixGRU(in_channels, out_channels)
        self.pick = nn.Parameter(torch.empty(in_channels)) if kind == "H" else None
        if self.pick is not None:
            nn.init.uniform_(self.pick, -1 / math.sqrt(in_channels), 1 / math.sqrt(in_channels))

    def forward(self, snapshots: list[Snapshot], states: list[Tensor]) -> list[Tensor]:
        """Returns the states [N, O] after every snapshot; for O, whose weights ask nobody, after the last one alone."""
        weight, found = self.start, []
        for snapshot, x in zip(snapshots, states, strict=True):
            weight = self.cell(weight if self.kind == "O" else self.summary(x, snapshot), weight)
            if self.kind == "H" or snapshot is snapshots[-1]:
                found.append(functional.rrelu(snapshot.smooth(x @ weight), training=self.training))
        return found

    def summary(self, x: Tensor, snapshot: Snapshot) -> Tensor:
        """Returns [I, O]: the O nodes with the highest x p / |p|, each times tanh of it; absent nodes are not asked.

        Where fewer nodes are there, the last one is repeated.
        """
        assert self.pick is not None
        rate = x @ self.pick / self.pick.norm()
        present = snapshot.degree.sum(dim=1) > 0
        rate = rate.masked_fill(~present, -math.inf) if bool(present.any()) else rate
        many = self.start.size(1)
        value, index = torch.topk(rate, min(many, int(present.sum()) or len(rate), len(rate)))
        if len(index) < many:
            index = torch.cat([index, index[-1:].expand(many - len(index))])
            value = torch.cat([value, value[-1:].expand(many - len(value))])
        return (x[index] * torch.tanh(value)[:, None]).T


class EvolveGCN(SnapshotEncoder):
    """Graph convolutions whose weights are the state of a recurrent unit.

    Pareja et al.: "EvolveGCN: Evolving Graph Convolutional Networks for Dynamic Graphs", AAAI 2020 (arXiv 1902.10191):
    W_t = GRU(W_t-1, W_t-1) (kind O; the code has a GRU where the paper has an LSTM) or GRU(top-k of the layer's inputs,
    W_t-1) (kind H), H_t = RReLU(D^-1/2 (A + I) D^-1/2 H W_t). Every window begins with the learned W_0. O never looks
    at earlier snapshots, only at how many there are: its answer comes from the last one.

    Args:
        info: what is known of the stream.
        kind: `O` or `H`.
        hidden_channels: C.
        num_layers: L.
        span: time of a snapshot; 0 divides the training time into `snapshots`.
        snapshots: number of them in the training time, where `span` is 0.
        window: closed snapshots an answer comes from.
        rows: gives every node a learned row; the paper has degrees alone.
        degrees: shows the snapshot's degrees.

    Shapes:
        nodes [Q] return [Q, C]; cost of a window: H W (E C + N C^2), O E C + N C^2 + W C^3.

    Raises:
        ConfigError: an unknown kind, or an option out of range.
    """

    def __init__(
        self,
        info: StreamInfo,
        kind: Literal["O", "H"] = "O",
        hidden_channels: int = 64,
        num_layers: int = 2,
        span: float = 0.0,
        snapshots: int = 50,
        window: int = 5,
        rows: bool = True,
        degrees: bool = True,
    ) -> None:
        super().__init__(info, hidden_channels, hidden_channels, span, snapshots, window, rows, degrees)
        if kind not in ("O", "H"):
            raise ConfigError(f"evolvegcn: encoder.options.kind is O or H, got {kind!r}")
        layers = (EvolvingLayer(hidden_channels, hidden_channels, kind) for _ in range(num_layers))
        self.layers = nn.ModuleList(layers)

    def encode(self, snapshots: list[Snapshot]) -> Tensor:
        """Returns states [N, C] of the last snapshot."""
        states = [self.inputs(snapshot) for snapshot in snapshots]
        for layer in self.layers:
            found = layer(snapshots, states)
            states = found if len(found) == len(snapshots) else [found[-1]] * len(snapshots)
        return states[-1]
