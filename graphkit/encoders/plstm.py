"""pLSTM on directed acyclic graphs: matrix states that travel along edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.positional import Encoding, InputLayer, needed
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.kernels.levels import level_recurrence
from graphkit.transforms.structures import Requirement

DAGOrder = Literal["degree", "pagerank", "eigenvector", "rcm", "hac"]
Mode = Literal["P", "D"]
_CLOSED = -5.0
"""Bias of the gates of source, mark and direct path before training."""


class PLSTM(Encoder):
    r"""Directs the edges along a node order and lets a linear recurrence of matrices run over the edges.

    Poeppel et al., "pLSTM: parallelizable Linear Source Transition Mark networks" (arXiv 2506.11997), sections 3 and 4.
    With e = (u, w), per head,

        C_e = sum_{e' into u} T(e', e) C_e' + S_e k_u v_u^T
        y_w = sum_{e into w} M_e C_e^T q_w + D_w (k_w . q_w) v_w

    S, M, D are sigmoids that start at sigmoid(-5). In mode P transitions are divided by 1/2 plus the sum of the sizes
    of those that lead into the same edge, so that states cannot grow; in mode D they are tanh(.) along a multitree. A
    layer is a block in mode P and one in mode D, each with a feed-forward network; odd layers read the graph backwards.

    Computed level by level for all graphs of a batch at once. The authors direct edges by node number, which makes the
    result depend on the numbering; here `order` says along what. A state takes `key_channels` * `hidden_channels`
    numbers an edge.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of the states; divisible by `heads`.
        num_layers: number of layers.
        heads: H.
        key_channels: width of a head's keys and queries.
        order: along which edges point.
        dropout: rate behind every block and network.
        encoding: positions among the inputs (`encoders.positional`).
        encoding_steps: random-walk steps of the encoding.
        encoding_vectors: Laplacian eigenvectors of the encoding.
        encoding_channels: channels a kind of position takes.

    Raises:
        ConfigError: the heads do not divide the width.

    Example:
        >>> PLSTM(3, 2).requires[0].name
        'dag'
    """

    reads_structure = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 96,
        num_layers: int = 2,
        heads: int = 4,
        key_channels: int = 8,
        order: DAGOrder = "pagerank",
        dropout: float = 0.0,
        encoding: Encoding = "none",
        encoding_steps: int = 20,
        encoding_vectors: int = 10,
        encoding_channels: int = 16,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, heads=heads, key_channels=key_channels)
        require_choice(DAGOrder, order=order)
        if hidden_channels % heads:
            raise ConfigError(f"{heads} heads do not divide hidden_channels = {hidden_channels}")
        self.order = order
        self.first = InputLayer(
            in_channels, hidden_channels, encoding, encoding_steps, encoding_vectors, encoding_channels
        )
        self.degree = nn.Linear(2 * _WAVES, hidden_channels)
        self.blocks = nn.ModuleList(
            PLSTMBlock(hidden_channels, heads, key_channels, mode, backwards=layer % 2 == 1, dropout=dropout)
            for layer in range(num_layers)
            for mode in ("P", "D")
        )
        self.norm, self.last = nn.LayerNorm(hidden_channels), nn.Linear(hidden_channels, out_channels)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The directed edges, and the transforms of positions."""
        return (Requirement("dag", {"order": self.order}), *self.first.requires)

    def encode(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        edge_attr: Tensor | None,
        structure: Mapping[str, Tensor],
    ) -> Tensor:
        """Returns the states behind the output layer [N, C]."""
        state = self.first(x, structure)
        state = state + self.degree(waves(graph.in_degree.to(state.dtype)))
        for block in self.blocks:
            state = block(state, structure)
        return self.last(self.norm(state))


_WAVES = 4


def waves(values: Tensor) -> Tensor:
    """Sines and cosines [N, 8] of values [N] at four wavelengths."""
    angles = values.unsqueeze(1) * (0.1 ** torch.arange(_WAVES, device=values.device).to(values.dtype))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class PLSTMBlock(nn.Module):
    """One recurrence over the edges and one feed-forward network, both residual (`PLSTM` has the formulas).

    Args:
        channels: C.
        heads: H.
        keys: width of a head's keys and queries.
        mode: `P` or `D`.
        backwards: read the directed graph from its end.
        dropout: rate behind the recurrence and the network.
    """

    def __init__(self, channels: int, heads: int, keys: int, mode: Mode, backwards: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.mode, self.backwards, self.dropout = heads, mode, backwards, dropout
        self.sizes = (heads * keys, heads * keys, channels)
        self.norm, self.after = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.read = nn.Linear(channels, sum(self.sizes))
        # source and mark read both ends of an edge, a transition the three nodes of two edges that meet
        self.edge_gates, self.edge_gates_end = (
            nn.Linear(channels, 2 * heads),
            nn.Linear(channels, 2 * heads, bias=False),
        )
        self.direct, self.transition = nn.Linear(channels, heads), nn.Linear(channels, 3 * heads)
        self.out = nn.Linear(channels, channels)
        self.inner, self.outer = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)
        for gate in (self.edge_gates, self.direct):
            nn.init.constant_(gate.bias, _CLOSED)

    def forward(self, x: Tensor, structure: Mapping[str, Tensor]) -> Tensor:
        """Maps states [N, C] to new ones."""
        x = x + self._drop(self.out(self._recur(self.norm(x), structure)))
        return x + self._drop(self.outer(functional.gelu(self.inner(self.after(x)))))

    def _recur(self, x: Tensor, structure: Mapping[str, Tensor]) -> Tensor:
        ends = needed(structure, "dag_edge").flip(1) if self.backwards else needed(structure, "dag_edge")
        lines = structure["dag_line"].flip(1) if self.backwards else structure["dag_line"]
        level = structure["dag_level"][:, int(self.backwards)]
        query, key, value = (part.unflatten(1, (self.heads, -1)) for part in self.read(x).split(self.sizes, dim=1))
        key = key * key.size(2) ** -0.5
        source, target = ends.unbind(1)
        mark, enter = torch.sigmoid(self.edge_gates(x)[source] + self.edge_gates_end(x)[target]).chunk(2, dim=1)
        entering = enter[..., None, None] * (key.unsqueeze(3) * value.unsqueeze(2))[source]  # [E, H, K, V]
        if self.mode == "D":
            tree = structure["dag_tree"][:, int(self.backwards)]
            lines, level = lines[tree], level[tree]
        states = level_recurrence(entering, self._transitions(x, source, target, lines), lines, level)
        received = (states * (mark.unsqueeze(2) * query[target]).unsqueeze(3)).sum(2)  # [E, H, V]
        direct = torch.sigmoid(self.direct(x)) * (key * query).sum(2)
        y = (direct.unsqueeze(2) * value).index_add(0, target, received)
        return y.flatten(1)

    def _transitions(self, x: Tensor, source: Tensor, target: Tensor, lines: Tensor) -> Tensor:
        """Weights [L, H] of going on from one edge to the next."""
        before, middle, after = self.transition(x).chunk(3, dim=1)
        earlier, later = lines.unbind(1)
        raw = before[source[earlier]] + middle[source[later]] + after[target[later]]
        if self.mode == "D":
            return torch.tanh(raw)
        total = raw.new_zeros(len(source), raw.size(1)).index_add(0, later, raw.abs())
        return raw / (0.5 + total[later])

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)
