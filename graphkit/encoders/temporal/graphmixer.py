"""GraphMixer: the last events of a node through an MLP-Mixer; no memory, no attention, no identity of nodes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime, MixerBlock
from graphkit.kernels.neighbors import RecentNeighbors


class GraphMixer(TemporalEncoder):
    """Tokens are the K last events of a node: a fixed cosine encoding of their age beside the event's features.

    Cong et al.: "Do We Really Need Complicated Model Architectures For Temporal Networks?", ICLR 2023 (arXiv
    2302.11636), the link encoder, equations 1 to 3. Nodes of these streams have no features, so the node encoder, a
    mean of the neighbours' features, adds nothing here unless `node_channels` gives every node a learned row.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        num_neighbors: K.
        num_layers: mixer blocks.
        time_channels: width of the encoding of time.
        dropout: in the mixer blocks.
        node_channels: width of learned rows of nodes; 0, as published, knows no identities.

    Shapes:
        nodes [Q] and t [Q] return [Q, C]; cost Q * K * C^2.
    """

    timed = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 100,
        num_neighbors: int = 20,
        num_layers: int = 2,
        time_channels: int = 100,
        dropout: float = 0.1,
        node_channels: int = 0,
    ) -> None:
        super().__init__(info, hidden_channels)
        require_positive(hidden_channels=hidden_channels, num_neighbors=num_neighbors, time_channels=time_channels)
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.features = EventFeatures(self.state, info.msg_channels)
        self.time = CosineTime(time_channels, fixed=True)
        self.rows = nn.Embedding(info.num_nodes + 1, node_channels) if node_channels else None
        self.project = nn.Linear(time_channels + info.msg_channels + node_channels, hidden_channels)
        blocks = (MixerBlock(num_neighbors, hidden_channels, dropout=dropout) for _ in range(num_layers))
        self.mixer = nn.Sequential(*blocks, nn.LayerNorm(hidden_channels))
        self.out = nn.Linear(hidden_channels + node_channels, hidden_channels)

    def init_state(self) -> None:
        """Forgets every event."""
        self.recent.reset()
        self.features.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.recent.insert(events.src, events.dst, events.t)
        self.features.append(events.msg)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C]; a node without events has a state of its own kind, the mixer of no tokens."""
        found = self.recent.read(nodes)
        mask = torch.from_numpy(found.mask).unsqueeze(-1)
        age = torch.from_numpy((np.asarray(t, dtype=np.float64)[:, None] - found.t) / self.info.time_gap)
        tokens = [self.time(age)]
        if self.info.msg_channels:
            tokens.append(self.features.read(found.event))
        if self.rows is not None:
            tokens.append(self.rows(self._known(found.node)))
        x = self.project(torch.cat(tokens, dim=-1)) * mask
        x = self.mixer(x).mean(dim=1)
        if self.rows is not None:
            x = torch.cat([x, self.rows(self._known(nodes))], dim=-1)
        return self.out(x)

    def _known(self, nodes: Array) -> Tensor:
        unknown = self.info.num_nodes
        return torch.from_numpy(np.where((nodes >= 0) & (nodes < unknown), nodes, unknown))
