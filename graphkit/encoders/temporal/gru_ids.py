"""GRU over identities: what a source turned to lately, read in order, and compared with every candidate at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.rows import NodeRows
from graphkit.kernels.neighbors import RecentNeighbors


class GRUIds(TemporalEncoder):
    """Scores v for u by e_v . W h + b_v, h = GRU(start, e_p1, ..., e_pL) over the last partners of u, oldest first.

    Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR 2016 (arXiv 1511.06939), with the
    embeddings of the input tied to those of the output, as in Hidasi and Karatzoglou, CIKM 2018 (arXiv 1706.03847),
    and a source's last L events as its session. No features and no times; nodes share a row until they appear.

    Args:
        info: what is known of the stream.
        hidden_channels: C, of embeddings and state.
        num_neighbors: L.
        num_layers: layers of the GRU.
        dropout: of the embeddings that are read.

    Shapes:
        src [B], candidates [B, K] or [K], t [B] return [B, K].

    Raises:
        ConfigError: a size below 1.

    Example:
        >>> encoder = GRUIds(StreamInfo(4, (2, 3)), hidden_channels=8, num_neighbors=2)
        >>> encoder.observe(Events(np.array([0, 1]), np.array([2, 3]), np.array([1.0, 2.0])))
        >>> encoder.score(np.array([0, 1]), np.array([2, 3]), np.array([3.0, 3.0])).shape
        torch.Size([2, 2])
    """

    pair = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        num_neighbors: int = 20,
        num_layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(info)
        require_positive(hidden_channels=hidden_channels, num_neighbors=num_neighbors, num_layers=num_layers)
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.rows = NodeRows(info.num_nodes, hidden_channels, hidden_channels**-0.5, self.recent)
        self.bias = nn.Parameter(torch.zeros(info.num_nodes + 2))
        self.gru = nn.GRU(hidden_channels, hidden_channels, num_layers, batch_first=True)
        self.out = nn.Linear(hidden_channels, hidden_channels)
        self.dropout = nn.Dropout(dropout)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.recent.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.recent.insert(events.src, events.dst, events.t)
        self.rows.learn(events)

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K]; a source is read once, however often it asks."""
        sources, place = np.unique(src, return_inverse=True)
        state = self._read(sources)[torch.from_numpy(place)]
        rows = self.rows.index(candidates)
        target, bias = self.rows(rows), self.bias[rows]
        if rows.dim() == 1:
            return torch.addmm(bias, state, target.T)
        return torch.einsum("bc,bkc->bk", state, target) + bias

    def _read(self, nodes: Array) -> Tensor:
        """States [Q, C] of nodes after their last partners; those without any are where a session starts."""
        near = self.recent.read(nodes).node
        many, (queries, length) = (near >= 0).sum(1), near.shape
        # rings give the newest first: step 0 is the start, steps 1..n the n partners, the oldest first
        step = many[:, None] - 1 - np.arange(length)
        session = np.full((queries, length + 1), -1, dtype=np.int64)
        session[:, 1:] = np.where(step >= 0, np.take_along_axis(near, np.maximum(step, 0), axis=1), -1)
        read = self.dropout(self.rows(self.rows.index(session)))
        packed = pack_padded_sequence(read, torch.from_numpy(many + 1), batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        state: Tensor = self.out(last[-1])
        return state
