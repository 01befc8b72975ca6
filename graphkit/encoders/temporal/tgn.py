"""TGN, JODIE and DyRep: encoders with a memory, which differ in updater, message and embedding."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.attention import NeighborAttention
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.corrector import MemoryCorrector
from graphkit.encoders.temporal.layers import Identity
from graphkit.encoders.temporal.memory import NodeMemory
from graphkit.kernels.neighbors import RecentNeighbors

Corrector = Literal["none", "pres"]


class MemoryEncoder(TemporalEncoder):
    """What encoders with a memory share; a subclass writes `embed`."""

    def __init__(
        self,
        info: StreamInfo,
        channels: int,
        time_channels: int,
        updater: str,
        identity: Identity,
        corrector: Corrector,
        memory: type[NodeMemory] = NodeMemory,
    ) -> None:
        super().__init__(info, channels)
        require_positive(hidden_channels=channels, time_channels=time_channels)
        self.features = EventFeatures(self.state, info.msg_channels)
        plug = MemoryCorrector(scale=info.time_scale) if corrector == "pres" else None
        self.memory = memory(self.state, info, self.features, channels, time_channels, updater, identity, plug)

    def init_state(self) -> None:
        """Forgets every event."""
        self.memory.reset()
        self.features.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.memory.observe(events)
        self.features.append(events.msg)

    def penalty(self) -> Tensor | None:
        """Returns the corrector's part of the loss."""
        return self.memory.penalty()


class TGN(MemoryEncoder):
    """Memory by a GRU, states by attention over the K last events.

    Rossi et al.: "Temporal Graph Networks for Deep Learning on Dynamic Graphs", 2020 (arXiv 2006.10637); settings and
    attention as in the examples of PyG and of the Temporal Graph Benchmark: the encoding of time is that of the age of
    the neighbour's memory at the event.

    Args:
        info: what is known of the stream.
        hidden_channels: C = M, width of states and memory.
        num_neighbors: K.
        heads: of the attention.
        time_channels: width of encodings of time.
        dropout: of the attention's weights.
        identity: rows added to the memory: `none`, `random` or `learned`. Streams without features start with equal
            memories, so `none` tells nodes apart by their times alone.
        corrector: `pres` adds `MemoryCorrector`.

    Shapes:
        nodes [Q] return [Q, C].
    """

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 100,
        num_neighbors: int = 10,
        heads: int = 2,
        time_channels: int = 100,
        dropout: float = 0.1,
        identity: Identity = "none",
        corrector: Corrector = "none",
    ) -> None:
        super().__init__(info, hidden_channels, time_channels, "gru", identity, corrector)
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.attention = NeighborAttention(
            hidden_channels, time_channels + info.msg_channels, hidden_channels, heads, dropout
        )

    def init_state(self) -> None:
        """Forgets every event."""
        super().init_state()
        self.recent.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        super().observe(events)
        self.recent.insert(events.src, events.dst, events.t)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C]; the time of the question does not count."""
        found = self.recent.read(nodes)
        everyone, place = np.unique(np.concatenate([nodes, found.node.ravel()]), return_inverse=True)
        shift = int(everyone[0] < 0)  # -1 stands for no neighbour
        place = np.maximum(place - shift, 0)
        states, last = self.memory.read(everyone[shift:])
        neighbors = place[len(nodes) :].reshape(found.node.shape)
        age = torch.from_numpy((last[neighbors] - found.t) / self.info.time_gap)
        edges = self.memory.time(age)
        if self.info.msg_channels:
            edges = torch.cat([edges, self.features.read(found.event)], dim=-1)
        own = torch.from_numpy(place[: len(nodes)])
        return self.attention(states, own, torch.from_numpy(neighbors), edges, torch.from_numpy(found.mask))


class DyRep(MemoryEncoder):
    """Memory by a plain recurrent cell whose messages carry the peer's neighbourhood; the memory is the state.

    Trivedi et al.: "DyRep: Learning Representations over Dynamic Graphs", ICLR 2019, as a memory in the manner of TGN:
    what stands for the peer in a message is attention over the events that the peer had had when the batch began. The
    code of TGN computes this attention without a gradient; here a pending event keeps the numbers of these neighbours,
    so that the attention is learned. Arguments and shapes as `TGN`.
    """

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 100,
        num_neighbors: int = 10,
        heads: int = 2,
        time_channels: int = 100,
        dropout: float = 0.0,
        identity: Identity = "none",
        corrector: Corrector = "none",
    ) -> None:
        super().__init__(info, hidden_channels, time_channels, "rnn", identity, corrector)
        self.num_neighbors = num_neighbors
        self.recent = RecentNeighbors(info.num_nodes, num_neighbors, self.state)
        self.attention = NeighborAttention(hidden_channels, time_channels, hidden_channels, heads, dropout)
        self.memory.peer_states = self._peer_states
        self._forget()

    def init_state(self) -> None:
        """Forgets every event."""
        super().init_state()
        self.recent.reset()
        self._forget()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        nodes = self.memory.observe(events)
        self.features.append(events.msg)
        near = self.recent.read(self.state["pending/peer"][nodes])
        self.state["pending/near"][nodes], self.state["pending/near_t"][nodes] = near.node, near.t
        self.recent.insert(events.src, events.dst, events.t)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C], the memory."""
        distinct, place = np.unique(nodes, return_inverse=True)
        return self.memory.read(distinct)[0][torch.from_numpy(place)]

    def _peer_states(self, nodes: Array) -> Tensor:
        near, peers = self.state["pending/near"][nodes], self.state["pending/peer"][nodes]
        mask = near >= 0
        everyone, place = np.unique(
            np.concatenate([peers, np.where(mask, near, peers[:, None]).ravel()]), return_inverse=True
        )
        age = (self.state["pending/t"][nodes][:, None] - self.state["pending/near_t"][nodes]) / self.info.time_gap
        neighbors = torch.from_numpy(place[len(nodes) :].reshape(near.shape))
        own = torch.from_numpy(place[: len(nodes)])
        edges = self.memory.time(torch.from_numpy(age))
        return self.attention(self.memory.stored(everyone), own, neighbors, edges, torch.from_numpy(mask))

    def _forget(self) -> None:
        self.state.add("pending/near", self.num_neighbors, dtype=np.int64, fill=-1)
        self.state.add("pending/near_t", self.num_neighbors, dtype=np.float64)


class JODIE(MemoryEncoder):
    """Memory by a plain recurrent cell, projected to the time of the question: (1 + dt w) * s.

    Kumar, Zhang, Leskovec: "Predicting Dynamic Embedding Trajectory in Temporal Interaction Networks", KDD 2019 (arXiv
    1908.01207), as one updater of all nodes with a link head in place of the distance to the next item's embedding, the
    form in which benchmarks run it. Arguments and shapes as `TGN`.
    """

    timed = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 100,
        time_channels: int = 100,
        identity: Identity = "none",
        corrector: Corrector = "none",
    ) -> None:
        super().__init__(info, hidden_channels, time_channels, "rnn", identity, corrector)
        self.drift = nn.Linear(1, hidden_channels)
        nn.init.normal_(self.drift.weight, std=hidden_channels**-0.5)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C] at times [Q]."""
        distinct, place = np.unique(nodes, return_inverse=True)
        states, last = self.memory.read(distinct)
        gap = np.log1p(np.maximum(np.asarray(t, dtype=np.float64) - last[place], 0) / self.info.time_scale)
        drift = self.drift(torch.from_numpy(gap).float()[:, None])
        return states[torch.from_numpy(place)] * (1 + drift)
