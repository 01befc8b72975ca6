"""One layer of local message passing beside a sequence mixer."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.local import LocalConv
from graphkit.encoders.mixers import Mixer, make_mixer
from graphkit.encoders.norm import Norm, make_norm
from graphkit.kernels import CSRGraph, counter_dropout
from graphkit.kernels.sequences import Sequences

LocalChoice = Literal["gcn", "gat", "gatedgcn", "gine", "sage", "none"]
Arrangement = tuple[Tensor, Sequences]
"""Nodes [k * N] in reading order, k times every node, and the sequences they form."""


class HybridLayer(nn.Module):
    """A convolution along edges, a mixer over all nodes, their sum, and a feed-forward network.

    Rampasek et al., GraphGPS (arXiv 2205.12454), equations 2 to 5; the formula is in `encoders.hybrid.Hybrid`.

    Args:
        channels: C.
        local: convolution, or `none`.
        kind: mixer, or `none`.
        heads: of attention, Mamba-2 and `gat`.
        states: of the state spaces, a channel.
        expansion: inner width of the state spaces in multiples of C.
        bidirectional: mix in both directions.
        mixer_norm: before the mixer.
        dropout: rate in both halves and in the feed-forward network.
        norm: after each half and the feed-forward network.
        edges: whether there are edge states.

    Example:
        >>> import torch
        >>> from graphkit.kernels import as_graph
        >>> graph, nodes = as_graph(torch.tensor([[0], [1]]), 3), torch.tensor([2, 0, 1])
        >>> layer = HybridLayer(8, "gcn", "mamba")
        >>> layer(torch.ones(3, 8), graph, None, (nodes, Sequences(torch.tensor([0, 3]))))[0].shape
        torch.Size([3, 8])
    """

    def __init__(
        self,
        channels: int,
        local: LocalChoice,
        kind: Mixer,
        *,
        heads: int = 4,
        states: int = 16,
        expansion: int = 1,
        bidirectional: bool = False,
        mixer_norm: Norm = "none",
        dropout: float = 0.0,
        norm: Norm = "batch",
        edges: bool = False,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.local: LocalConv | None = None
        if local != "none":
            self.local = LocalConv(local, channels, heads, edges=edges, activate=True)
            self.local_norm = make_norm(norm, channels)
        self.mixer = make_mixer(
            kind, channels, heads=heads, states=states, expansion=expansion, bidirectional=bidirectional
        )
        if self.mixer is not None:
            self.before, self.mixer_norm = make_norm(mixer_norm, channels), make_norm(norm, channels)
        self.inner, self.outer = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)
        self.norm = make_norm(norm, channels)

    def forward(
        self, x: Tensor, graph: CSRGraph, edges: Tensor | None, arranged: Arrangement | None
    ) -> tuple[Tensor, Tensor | None]:
        """Maps node states [N, C] and edge states [E, C] to new ones."""
        halves = []
        if self.local is not None:
            new, edges = self.local(x, graph, edges)
            halves.append(self.local_norm(x + self._drop(new)))
        if self.mixer is not None and arranged is not None:
            halves.append(self.mixer_norm(x + self._drop(self._mix(self.before(x), *arranged))))
        x = halves[0] if len(halves) == 1 else halves[0] + halves[1]
        inner = self._drop(functional.relu(self.inner(x)))
        return self.norm(x + self._drop(self.outer(inner))), edges

    def _mix(self, x: Tensor, nodes: Tensor, sequences: Sequences) -> Tensor:
        """The mean over all arrangements of what the mixer makes of every node."""
        mixed = self.mixer(x.index_select(0, nodes), sequences)
        copies = len(nodes) // max(len(x), 1)
        back = nodes.view(copies, -1).argsort(dim=1) + torch.arange(copies, device=x.device).unsqueeze(1) * len(x)
        return mixed.index_select(0, back.flatten()).view(copies, *x.shape).mean(0)

    def _drop(self, x: Tensor) -> Tensor:
        return counter_dropout(x, self.dropout, self.training)
