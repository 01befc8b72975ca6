"""SEMBA: two memories a node, of friends and of foes, between which the sign of an event chooses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.temporal.attention import NeighborAttention
from graphkit.encoders.temporal.base import Array, StreamInfo
from graphkit.encoders.temporal.layers import Identity
from graphkit.encoders.temporal.memory import NodeMemory, message_cell
from graphkit.encoders.temporal.tgn import TGN, MemoryEncoder
from graphkit.errors import ConfigError
from graphkit.kernels.neighbors import RecentNeighbors


class SignedMemory(NodeMemory):
    """A memory [positive || negative] with a cell each, whose messages the sign of an event routes.

    After a positive event both parts take in the same part of the peer; after a negative one they take in the other
    part: a foe's friends are no friends, a foe's foes are. The sign is that of an event's first feature, positive
    without features. Arguments as `NodeMemory`; `channels` counts both parts.
    """

    def _build(self, time_channels: int) -> None:
        width = self.channels // 2
        self.cells = nn.ModuleList()
        for _ in range(2):
            states = nn.Linear(2 * width + self.features.channels, 3 * width)
            cell = nn.ModuleList([states, nn.Linear(time_channels, 3 * width, bias=False), nn.Linear(width, 3 * width)])
            for layer in cell:
                nn.init.uniform_(layer.weight, -(width**-0.5), width**-0.5)
            self.cells.append(cell)

    def _update(self, own: Array, peer: Array, time: Tensor, old: Tensor) -> Tensor:
        width = self.channels // 2
        distinct, place = np.unique(peer, return_inverse=True)
        others = self.stored(distinct).view(-1, width)  # two rows a peer
        msg = self.features.read(self.state["pending/event"][own]) if self.features.channels else None
        foe = np.zeros(len(own), dtype=np.int64) if msg is None else (msg[:, 0] < 0).long().numpy()
        mine = None if self.rows.table is None else self.rows(own)
        found = []
        for number, cell in enumerate(self.cells):
            part = slice(number * width, (number + 1) * width)
            rows = torch.from_numpy(2 * place + (foe ^ number))
            found.append(
                message_cell(
                    tuple(cell), old[:, part], None if mine is None else mine[:, part], others, rows, msg, time
                )
            )
        return torch.cat(found, dim=1)


class SEMBA(TGN):
    """Signed memories, states by attention over the K last events with their features, the sign among them.

    Sharma et al.: "Representation Learning in Continuous-Time Dynamic Signed Networks", CIKM 2023. Where the
    published code averages the messages of a batch, cuts their gradient, attends over every edge seen so far and shows
    a batch before it scores it, here the last event of a batch is taken in under gradient, attention is over K events,
    and a batch is scored before it is shown.

    Args:
        info: what is known of the stream; the first feature of an event is its sign.
        hidden_channels: C, width of the states and of both memories together; even.
        num_neighbors: K.
        heads: of the attention.
        time_channels: width of encodings of time.
        dropout: of the attention's weights.
        identity: rows that tell nodes apart: `none`, `random` or `learned`.

    Shapes:
        nodes [Q] return [Q, C].
    """

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        num_neighbors: int = 10,
        heads: int = 4,
        time_channels: int = 32,
        dropout: float = 0.1,
        identity: Identity = "none",
    ) -> None:
        if hidden_channels % 2:
            raise ConfigError(f"two memories share hidden_channels, so it must be even, got {hidden_channels}")
        MemoryEncoder.__init__(self, info, hidden_channels, time_channels, "gru", identity, "none", SignedMemory)
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        edges = time_channels + info.msg_channels
        self.attention = NeighborAttention(hidden_channels, edges, hidden_channels, heads, dropout)
