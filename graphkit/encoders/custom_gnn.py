"""CustomGNN: random walks scored by a recurrent network re-weight who listens to whom."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.linear import Linear, drop
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, segment_softmax, spmm


class CustomGNN(Encoder):
    r"""Propagates features over many hops, and beside that along paths whose weights an LSTM reads off random walks.

    Chen et al., "Customizing Graph Neural Networks using Path Reweighting" (arXiv 2106.10866), by the equations of the
    authors' code (cjpcool/CustomGNN). With the normalised adjacency A and E = relu(X W),

        G = (E + sum_{o=1..O} A^o E*) / (O + 1)                     (E*: no gradient through the propagated hops)
        w_lm = relu(mean(LSTM(G[walk_l], ..., G[walk_m]) + 1))     0 < m - l <= window, along one walk a start
        P = softmax over {m reached from l, l itself}               out = MLP(G || lambda P E)

    Rebuilt sparsely: the authors' dense [N, N] softmax holds -9e15 wherever no walk went, so that a softmax over the
    pairs that walks made, and the node itself, is the same with a thousandth of the memory. Walks are drawn anew in
    every training step and from a fixed stream in evaluation, where the authors store the average of training. Their
    accuracies were selected on test nodes and are no targets; here the validation nodes select.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of the states.
        order: O, hops of the propagation.
        walk_length: nodes of a walk.
        window: most steps between the two ends of a scored path.
        starts: walks a training step, each from another node; 0 starts one at every node. Evaluation does the latter.
        path_weight: lambda.
        dropout: rate on features and states.

    Raises:
        ConfigError: a walk shorter than two nodes, or a negative order or number of starts.

    Example:
        >>> CustomGNN(3, 2, hidden_channels=8)(torch.ones(4, 3), torch.tensor([[0, 1, 2], [1, 2, 0]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        order: int = 8,
        walk_length: int = 6,
        window: int = 3,
        starts: int = 200,
        path_weight: float = 1.0,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, window=window)
        if walk_length < 2 or order < 0 or starts < 0:
            raise ConfigError(f"walk_length {walk_length} is at least 2, order {order} and starts {starts} at least 0")
        self.order, self.walk_length, self.window = order, walk_length, min(window, walk_length - 1)
        self.starts, self.path_weight, self.dropout = starts, path_weight, dropout
        self.first = Linear(in_channels, hidden_channels, bias=False)
        self.lstm = nn.LSTM(hidden_channels, hidden_channels, batch_first=True)
        self.last = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * hidden_channels, hidden_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, out_channels),
        )

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states [N, C]."""
        states = functional.relu(self.first(drop(x, self.dropout, self.training)))
        gathered = self._propagated(states, graph)
        pairs, scores = self._scored_paths(gathered, graph)
        heard = CSRGraph.from_edge_index(pairs, graph.num_nodes)
        weight = segment_softmax(heard, scores)
        return self.last(torch.cat([gathered, self.path_weight * spmm(heard, states, weight)], dim=1))

    def _propagated(self, states: Tensor, graph: CSRGraph) -> Tensor:
        normed, weight = graph.gcn_norm(dtype=states.dtype)
        reached = hop = states.detach()
        total = torch.zeros_like(reached)
        for _ in range(self.order):
            hop = spmm(normed, functional.dropout(hop, self.dropout, self.training), weight)
            total = total + hop
        return (states + total) / (self.order + 1)

    def _scored_paths(self, states: Tensor, graph: CSRGraph) -> tuple[Tensor, Tensor]:
        """Who is heard and who listens [2, M], and the positive score [M] of each pair: the sum over its paths."""
        walks, nodes = self._walks(graph, states.device), torch.arange(graph.num_nodes, device=states.device)
        ends, scores = [torch.stack([nodes, nodes])], [states.new_ones(len(nodes))]  # a node hears itself
        for span in range(1, self.window + 1):
            paths = walks.unfold(1, span + 1, 1).reshape(-1, span + 1)
            _, (final, _) = self.lstm(states[paths])
            ends.append(paths[:, [-1, 0]].t())
            scores.append(functional.relu((final[0] + 1).mean(dim=-1)))
        pairs, values = torch.cat(ends, dim=1), torch.cat(scores)
        key, place = torch.unique(pairs[0] * graph.num_nodes + pairs[1], return_inverse=True)
        summed = values.new_zeros(len(key)).index_add(0, place, values)
        kept = summed > 0
        key = key[kept]
        return torch.stack([key // graph.num_nodes, key % graph.num_nodes]), summed[kept]

    def _walks(self, graph: CSRGraph, device: torch.device) -> Tensor:
        """One uniform walk [S, L] against the edges from every start; a node without a way out stays where it is."""
        generator = None if self.training else torch.Generator().manual_seed(0)
        node = torch.arange(graph.num_nodes)
        if self.training and 0 < self.starts < graph.num_nodes:
            node = torch.randperm(graph.num_nodes)[: self.starts]
        rowptr, col = graph.rowptr.cpu().long(), graph.col.cpu().long()
        walk = [node]
        for _ in range(self.walk_length - 1):
            first, degree = rowptr[node], rowptr[node + 1] - rowptr[node]
            slot = first + (torch.rand(len(node), generator=generator) * degree).long().minimum(degree - 1)
            node = torch.where(degree > 0, col[slot.clamp(min=0, max=max(len(col) - 1, 0))], node) if len(col) else node
            walk.append(node)
        return torch.stack(walk, dim=1).to(device)
