"""TGAT: attention over events of events, with no memory and no state but the log of events."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.attention import NeighborAttention
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime, Identity
from graphkit.encoders.temporal.memory import NodeRows
from graphkit.kernels.neighbors import EventLog


class TGAT(TemporalEncoder):
    """Layers of attention over the K last events, each neighbour being encoded as of the event at which it was met.

    Xu et al.: "Inductive Representation Learning on Temporal Graphs", ICLR 2020 (arXiv 2002.07962). The encoding of
    time is that of an event's age at the question, or at the event before it for the next hop. A state of layer l needs
    K of layer l - 1, so the cost is K^layers events a node; `EventLog` finds what a neighbour had seen before.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        num_neighbors: K; published: 20.
        num_layers: published: 2.
        heads: of the attention.
        time_channels: width of the encoding of time.
        dropout: of the attention's weights.
        identity: rows that tell nodes apart; `none` as published for nodes without features.

    Shapes:
        nodes [Q] and t [Q] return [Q, C].
    """

    timed = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 100,
        num_neighbors: int = 10,
        num_layers: int = 2,
        heads: int = 2,
        time_channels: int = 100,
        dropout: float = 0.1,
        identity: Identity = "none",
    ) -> None:
        super().__init__(info, hidden_channels)
        require_positive(num_neighbors=num_neighbors, num_layers=num_layers)
        self.num_neighbors = num_neighbors
        self.log = EventLog(info.num_nodes, self.state)
        self.features = EventFeatures(self.state, info.msg_channels)
        self.rows = NodeRows(info.num_nodes, hidden_channels, identity)
        self.time = CosineTime(time_channels)
        edges = time_channels + info.msg_channels
        self.layers = nn.ModuleList(
            NeighborAttention(hidden_channels, edges, hidden_channels, heads, dropout) for _ in range(num_layers)
        )
        self.merge = nn.ModuleList(
            nn.Sequential(nn.ReLU(), nn.Linear(hidden_channels, hidden_channels)) for _ in range(num_layers)
        )

    def init_state(self) -> None:
        """Forgets every event."""
        self.log.reset()
        self.features.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.log.insert(events.src, events.dst, events.t)
        self.features.append(events.msg)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C] of nodes at times [Q]."""
        times = np.asarray(t, dtype=np.float64)
        return self._layer(len(self.layers), nodes, times, self.log.read(nodes, self.num_neighbors))

    def _layer(self, layer: int, nodes: Array, times: Array, entries: Array) -> Tensor:
        """States after `layer` layers, each node knowing what it met last: entries [Q, K] of the log."""
        if layer == 0:
            return self.rows(nodes) + torch.zeros(len(nodes), self.layers[0].query.in_features)
        found = self.log.neighbors(entries)
        mine = self._layer(layer - 1, nodes, times, entries)
        near = np.where(found.mask, found.node, 0).ravel()
        earlier = self.log.before(entries, self.num_neighbors) if layer > 1 else entries.reshape(-1, 1)
        theirs = self._layer(layer - 1, near, found.t.ravel(), earlier)
        edges = self.time(torch.from_numpy((times[:, None] - found.t) / self.info.time_gap))
        if self.info.msg_channels:
            edges = torch.cat([edges, self.features.read(found.event)], dim=-1)
        own = torch.arange(len(nodes))
        neighbors = len(nodes) + torch.arange(len(near)).view(found.node.shape)
        mask = torch.from_numpy(found.mask)
        return self.merge[layer - 1](self.layers[layer - 1](torch.cat([mine, theirs]), own, neighbors, edges, mask))
