"""The last events of a node as a sequence behind what a static encoder makes of it, as LiGNN reads activities."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime
from graphkit.encoders.temporal.static import StaticEncoder
from graphkit.kernels.neighbors import RecentNeighbors

_CELLS = 1 << 22


class SequenceEncoder(TemporalEncoder):
    """A causal transformer over a few tokens of a static encoder, then a node's last events, the oldest first.

    Borisyuk et al.: "LiGNN: Graph Neural Networks at LinkedIn", KDD 2024, its temporal part: H tokens say what the
    graph knows of a node, N more say what it did; what stands at the last place is the node's state. H tokens are
    linear maps of the static state here, where the paper has a head of attention each; losses on later activities are
    left out. A token of an event is the static state of the neighbour, the encoded age and the event's features.

    Args:
        info: what is known of the stream.
        encoder: static encoder, by name, on the graph of past events (`StaticEncoder`).
        hidden_channels: C.
        num_neighbors: N, events a node.
        tokens: H.
        num_layers: of the transformer.
        heads: a divisor of C.
        time_channels: width of the encoding of time.
        refresh: events after which the graph is built anew.
        window: last events that make the graph; 0 takes all.
        dropout: of the transformer.

    Shapes:
        nodes [Q] and t [Q] return [Q, C].
    """

    timed = True

    def __init__(
        self,
        info: StreamInfo,
        encoder: str = "sage",
        hidden_channels: int = 64,
        num_neighbors: int = 20,
        tokens: int = 4,
        num_layers: int = 1,
        heads: int = 2,
        time_channels: int = 32,
        refresh: int = 2000,
        window: int = 0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(info, hidden_channels)
        require_positive(num_neighbors=num_neighbors, tokens=tokens, num_layers=num_layers, heads=heads)
        self.tokens = tokens
        self.static = StaticEncoder(info, encoder, hidden_channels, refresh, window)
        self.static.state = self.state
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.features = EventFeatures(self.state, info.msg_channels)
        self.time = CosineTime(time_channels)
        self.expand = nn.Linear(hidden_channels, tokens * hidden_channels)
        self.neighbor = nn.Linear(hidden_channels, hidden_channels)
        self.event = nn.Linear(time_channels + info.msg_channels, hidden_channels, bias=False)
        self.nothing = nn.Parameter(torch.randn(hidden_channels) * 0.1)
        self.places = nn.Parameter(torch.randn(tokens + num_neighbors, hidden_channels) * 0.1)
        layer = nn.TransformerEncoderLayer(
            hidden_channels, heads, 4 * hidden_channels, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.static.init_state()
        self.recent.reset()
        self.features.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.static.observe(events)
        self.recent.insert(events.src, events.dst, events.t)
        self.features.append(events.msg)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C] of nodes at times [Q]."""
        length = self.tokens + self.recent.size
        step = len(nodes) if torch.is_grad_enabled() else max(1, _CELLS // (length * self.out_channels))
        parts = [slice(start, start + step) for start in range(0, len(nodes), step)]
        return torch.cat([self._states(nodes[part], np.asarray(t)[part]) for part in parts])

    def _states(self, nodes: Array, t: Array) -> Tensor:
        found = self.recent.read(nodes)
        # the newest event comes last, so that the last place is never empty for a node that did something
        near, event, moment = (part[:, ::-1] for part in (found.node, found.event, found.t))
        known = near >= 0
        everyone, place = np.unique(np.concatenate([nodes, near[known]]), return_inverse=True)
        states = self.static.embed(everyone, np.zeros(len(everyone)))
        rows = torch.from_numpy(place)
        age = self.time(torch.from_numpy((t[:, None] - moment)[known] / self.info.time_gap))
        if self.info.msg_channels:
            age = torch.cat([age, self.features.read(event[known])], dim=-1)
        tokens = self.neighbor(states).index_select(0, rows[len(nodes) :]) + self.event(age)
        mask = torch.from_numpy(known)
        events = self.nothing.expand(*known.shape, -1).masked_scatter(mask.unsqueeze(-1), tokens)
        heads = self.expand(states.index_select(0, rows[: len(nodes)])).unflatten(1, (self.tokens, -1))
        line = torch.cat([heads, events], dim=1) + self.places
        length = line.shape[1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        empty = torch.cat([torch.zeros(len(nodes), self.tokens, dtype=torch.bool), ~mask], dim=1)
        return self.transformer(line, mask=later, src_key_padding_mask=empty)[:, -1]
