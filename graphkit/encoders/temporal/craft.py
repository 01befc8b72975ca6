"""CRAFT: candidates attend to the source's last partners, by learned identity and order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import mlp
from graphkit.encoders.temporal.rows import NodeRows
from graphkit.kernels.neighbors import RecentNeighbors

_CELLS = 1 << 22


class CRAFT(TemporalEncoder):
    """Scores a candidate by its attention over the last partners of the source, in the order in which they came.

    CRAFT (arXiv 2505.19408, luyi256/CRAFT@81590a7): the query is the candidate's embedding, keys and values are those
    of the partners with the embedding of their place; what comes out is joined with the candidate's embedding and the
    time since its last event, and scored by a network. No features, no memory; nodes share a row until they appear.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        num_neighbors: L.
        num_layers: layers of attention; from the second on every pair has a query of its own.
        heads: a divisor of C.
        dropout: of embeddings, weights and network.
        positions: whether partners carry their place; without it their order is unknown.
        repeats: adds how often the candidate is among the L partners, for streams that repeat.

    Shapes:
        src [B], candidates [B, K] or [K], t [B] return [B, K].
    """

    pair = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        num_neighbors: int = 20,
        num_layers: int = 1,
        heads: int = 2,
        dropout: float = 0.1,
        positions: bool = True,
        repeats: bool = False,
    ) -> None:
        super().__init__(info)
        require_positive(hidden_channels=hidden_channels, num_neighbors=num_neighbors, num_layers=num_layers)
        self.repeats = repeats
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.rows = NodeRows(info.num_nodes, hidden_channels, 0.1, self.recent)
        self.places = nn.Parameter(torch.randn(num_neighbors, hidden_channels) * 0.1) if positions else None
        self.norm = nn.LayerNorm(hidden_channels, eps=1e-12)
        self.layers = nn.ModuleList(_CrossAttention(hidden_channels, heads, dropout) for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout)
        self.out = mlp(2 * hidden_channels + 1 + repeats, hidden_channels, 1, dropout=0.0)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.recent.reset()
        self.state.put("now", np.zeros(1))

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.recent.insert(events.src, events.dst, events.t)
        self.rows.learn(events)
        self.state.put("now", np.array([float(events.t[-1])]))

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K]."""
        near = self.recent.read(src)
        mask = torch.from_numpy(near.mask)
        keys = self.rows(self.rows.index(near.node))
        if self.places is not None:
            keys = keys + self.places[: keys.shape[1]]
        keys = self.dropout(self.norm(keys))
        nodes, place = np.unique(candidates, return_inverse=True)
        asked = self.norm(self.rows(self.rows.index(nodes)))
        age = self._ages(nodes)
        place = torch.from_numpy(place.reshape(candidates.shape))
        step = len(src) if torch.is_grad_enabled() else max(1, _CELLS // (asked.shape[1] * candidates.shape[-1]))
        found = []
        for start in range(0, len(src), step):
            part = slice(start, start + step)
            line = place if place.dim() == 1 else place[part]
            query = asked[line]
            state = query
            for layer in self.layers:
                state = layer(state, keys[part], mask[part])
            rows = [state, query.expand_as(state), age[line].expand(*state.shape[:2], 1)]
            if self.repeats:
                known = torch.from_numpy(near.node[part])
                asked_for = torch.from_numpy(nodes)[line]
                same = asked_for.unsqueeze(-1) == (
                    known[:, None] if line.dim() == 2 else known[:, None].expand(-1, len(line), -1)
                )
                rows.append(same.sum(-1, keepdim=True).float().log1p())
            found.append(self.out(torch.cat(rows, dim=-1)).squeeze(-1))
        return torch.cat(found)

    def _ages(self, nodes: Array) -> Tensor:
        last = self.recent.read(nodes, 1)
        age = np.log1p(np.maximum(self.state["now"][0] - last.t[:, 0], 0) / self.info.time_gap) / 10
        return torch.from_numpy(np.where(last.mask[:, 0], age, 2.0)).float()[:, None]


class _CrossAttention(nn.Module):
    """Attention of queries [K, C] for all sources, or [B, K, C], to keys [B, L, C], with residual, norm and network."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(channels, channels), nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)
        self.first, self.second = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.net = mlp(channels, 2 * channels, channels, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Returns [B, K, C]."""
        many, length, channels = keys.shape
        asked = self.query(query).unflatten(-1, (self.heads, -1))
        key, value = self.key_value(keys).view(many, length, 2, self.heads, -1).unbind(2)
        lines = "khd" if query.dim() == 2 else "bkhd"
        logits = torch.einsum(f"{lines},blhd->bhkl", asked, key) * (channels // self.heads) ** -0.5
        logits = logits.masked_fill(~mask[:, None, None], -1e9)
        weights = self.dropout(logits.softmax(dim=-1) * mask[:, None, None])
        mixed = torch.einsum("bhkl,blhd->bkhd", weights, value).flatten(2)
        state = self.first(query + self.out(mixed))
        return self.second(state + self.net(state))
