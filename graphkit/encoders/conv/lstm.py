"""An LSTM over the incoming neighbours of every node, one step for all nodes at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.kernels import CSRGraph


class LSTMAggregation(nn.Module):
    """Reads each node's neighbours as a sequence, in edge order, and returns the last hidden state.

    The input map of the LSTM is applied once a node instead of once an edge, and nodes are sorted by degree, so that
    step t touches only those with more than t neighbours. Nodes without neighbours get zeros. PyG's module of the same
    parameters pads every sequence to the largest degree of the batch and lets the LSTM run over the padding; the two
    agree where all degrees are equal.

    Args:
        channels: D, width of the states in and out.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 3)
        >>> LSTMAggregation(4)(torch.ones(3, 4), graph).shape
        torch.Size([3, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, batch_first=True)

    def forward(self, x: Tensor, graph: CSRGraph) -> Tensor:
        """Aggregates states [N, D] to [N, D]."""
        degree, order = graph.in_degree.sort(descending=True, stable=True)
        start = graph.rowptr.long()[order]
        alive = _alive(degree)
        inputs = nn.functional.linear(x, self.lstm.weight_ih_l0, self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0)
        hidden = cell = x.new_zeros(x.shape)
        finished: list[Tensor] = []
        for step, count in enumerate(alive):
            finished.append(hidden[count:])
            hidden, cell = hidden[:count], cell[:count]
            gates = inputs[graph.col[start[:count] + step]] + hidden @ self.lstm.weight_hh_l0.t()
            enter, forget, new, leave = gates.chunk(4, dim=-1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
            hidden = torch.sigmoid(leave) * torch.tanh(cell)
        by_degree = torch.cat([hidden, *reversed(finished)])
        return torch.empty_like(by_degree).index_copy(0, order, by_degree)


def _alive(degree: Tensor) -> list[int]:
    """For step t = 0, 1, ...: how many nodes have more than t neighbours, given degrees in falling order."""
    if degree.numel() == 0:
        return []
    steps = torch.arange(int(degree[0]), device=degree.device)
    return torch.searchsorted(-degree, -steps).tolist()
