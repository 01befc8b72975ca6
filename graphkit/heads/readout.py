"""Readouts: the states of a graph's nodes as one vector, whatever their number and order."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.kernels.ragged import owners

Readout = Literal["sum", "mean", "max", "attention", "set"]


class Pool(nn.Module):
    """Sum, mean or maximum over the nodes of every graph; zeros for a graph without nodes.

    Args:
        channels: C.
        reduce: `sum`, `mean` or `max`.

    Example:
        >>> Pool(2, "mean")(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.tensor([0, 2, 2])).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, channels: int, reduce: Literal["sum", "mean", "max"]) -> None:
        super().__init__()
        self.out_channels, self.reduce = channels, reduce

    def forward(self, x: Tensor, ptr: Tensor) -> Tensor:
        """Maps states [N, C] and offsets [G + 1] to [G, C]."""
        graph = owners(ptr, len(x))
        pooled = x.new_zeros(len(ptr) - 1, x.size(1))
        if self.reduce == "max":
            return pooled.scatter_reduce(0, graph[:, None].expand_as(x), x, "amax", include_self=False)
        pooled = pooled.index_add(0, graph, x)
        return pooled if self.reduce == "sum" else pooled / ptr.diff().clamp(min=1).unsqueeze(-1).to(x.dtype)


class AttentionReadout(nn.Module):
    """A gated sum, r_g = sum_v softmax_g(a(h_v)) f(h_v) over the nodes v of graph g.

    Li et al., "Gated Graph Sequence Neural Networks", ICLR 2016 (arXiv 1511.05493), equation 7, with the softmax of
    PyG's `AttentionalAggregation`.

    Args:
        channels: C.

    Example:
        >>> AttentionReadout(2)(torch.ones(3, 2), torch.tensor([0, 1, 3])).shape
        torch.Size([2, 2])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.gate = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, 1))
        self.value = nn.Sequential(nn.Linear(channels, channels), nn.ReLU())

    def forward(self, x: Tensor, ptr: Tensor) -> Tensor:
        """Maps states [N, C] and offsets [G + 1] to [G, C]."""
        graph = owners(ptr, len(x))
        weight = segment_weights(self.gate(x).squeeze(-1), graph, len(ptr) - 1)
        return x.new_zeros(len(ptr) - 1, x.size(1)).index_add(0, graph, weight.unsqueeze(-1) * self.value(x))


class SetReadout(nn.Module):
    """Set2Set: an LSTM asks the nodes of a graph several times and reads what its attention returns.

    Vinyals, Bengio, Kudlur, "Order Matters: Sequence to sequence for sets", ICLR 2016 (arXiv 1511.06391), equations 3
    to 7.

    Args:
        channels: C; the result has 2 C.
        steps: how often the nodes are asked.

    Example:
        >>> SetReadout(2)(torch.ones(3, 2), torch.tensor([0, 1, 3])).shape
        torch.Size([2, 4])
    """

    def __init__(self, channels: int, steps: int = 3) -> None:
        super().__init__()
        self.out_channels, self.steps = 2 * channels, steps
        self.lstm = nn.LSTMCell(2 * channels, channels)

    def forward(self, x: Tensor, ptr: Tensor) -> Tensor:
        """Maps states [N, C] and offsets [G + 1] to [G, 2 C]."""
        graphs, graph = len(ptr) - 1, owners(ptr, len(x))
        asked = x.new_zeros(graphs, 2 * x.size(1))
        state = x.new_zeros(graphs, x.size(1)), x.new_zeros(graphs, x.size(1))
        for _ in range(self.steps):
            state = self.lstm(asked, state)
            weight = segment_weights((x * state[0][graph]).sum(-1), graph, graphs)
            read = torch.zeros_like(state[0]).index_add(0, graph, weight.unsqueeze(-1) * x)
            asked = torch.cat([state[0], read], dim=1)
        return asked


def make_readout(name: Readout, channels: int) -> Pool | AttentionReadout | SetReadout:
    """Returns the readout called `name` for states of `channels`."""
    if name == "attention":
        return AttentionReadout(channels)
    return SetReadout(channels) if name == "set" else Pool(channels, name)


def segment_weights(logits: Tensor, graph: Tensor, graphs: int) -> Tensor:
    """Softmax of logits [N] within every graph, `graph` [N] being the graph of each."""
    top = logits.new_full((graphs,), -torch.inf).scatter_reduce(0, graph, logits.detach(), "amax")
    weight = (logits - top[graph]).exp()
    return weight / weight.new_zeros(graphs).index_add(0, graph, weight)[graph]
