"""Memory of nodes in a stream: one row a node, and the event it has not taken in yet, as numbers and not as vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_choice
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo
from graphkit.encoders.temporal.corrector import MemoryCorrector
from graphkit.encoders.temporal.layers import CosineTime, Identity
from graphkit.kernels.cpu.events import remember_last
from graphkit.kernels.gru import gru_step
from graphkit.kernels.tables import Tables

Updater = Literal["gru", "rnn"]


class NodeMemory(nn.Module):
    """Keeps s(n); the last event of n with peer p at time t is taken in when n is read next, under gradient.

    Rossi et al.: "Temporal Graph Networks for Deep Learning on Dynamic Graphs", 2020 (arXiv 2006.10637), equations 1
    to 4, with the identity message and the last one of a batch:

        s(n) <- GRU([s(n) || s(p) || x(event) || phi(t - last(n))], s(n))

    A pending event is three numbers a node. A node without one is unchanged. Reading changes nothing; `observe` writes
    what was read, and in training takes it from the read that the loss was computed with.

    Args:
        state: tables to live in.
        info: what is known of the stream.
        features: of the events.
        channels: M.
        time_channels: width of phi.
        updater: `gru` (TGN), or `rnn` (JODIE and DyRep): s(n) <- tanh(W [...] + U s(n)).
        identity: rows that tell nodes apart and are added to s: none, random ones, or learned ones.
        corrector: corrects what large batches miss, or None.
        unit: time that gaps are divided by before phi; 0 takes `info.time_gap`.
    """

    def __init__(
        self,
        state: Tables,
        info: StreamInfo,
        features: EventFeatures,
        channels: int,
        time_channels: int,
        updater: Updater = "gru",
        identity: Identity = "none",
        corrector: MemoryCorrector | None = None,
        unit: float = 0.0,
    ) -> None:
        super().__init__()
        require_choice(Updater, updater=updater)
        self.state, self.features, self.channels, self.updater = state, features, channels, updater
        self.unit = unit or info.time_gap
        self.time = CosineTime(time_channels)
        self.rows = NodeRows(info.num_nodes, channels, identity)
        self._build(time_channels)
        self.corrector = corrector
        self.peer_states: Callable[[Array], Tensor] | None = None
        """From nodes with pending events [R] to what stands for their peers [R, M]; their memory if None."""
        self._kept: tuple[Array, Tensor, int] | None = None
        self._penalty: Tensor | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets every event."""
        self.state.add("memory", self.channels)
        self.state.add("memory/last", dtype=np.float64)
        self.state.add("pending/peer", dtype=np.int64, fill=-1)
        self.state.add("pending/t", dtype=np.float64)
        self.state.add("pending/event", dtype=np.int64, fill=-1)
        self.state.put("memory/events", np.zeros(1, dtype=np.int64))
        if self.corrector is not None:
            self.corrector.reset(self.state, self.channels)
        self._kept = self._penalty = None

    def read(self, nodes: Array) -> tuple[Tensor, Array]:
        """Returns the memory [Q, M] of distinct, sorted nodes with the pending event taken in, and its time [Q]."""
        memory, last = self._read(nodes)
        return memory + self.rows(nodes), last

    def _read(self, nodes: Array) -> tuple[Tensor, Array]:
        before = torch.from_numpy(self.state["memory"][nodes])
        last = self.state["memory/last"][nodes]
        peer = self.state["pending/peer"][nodes]
        rows = np.flatnonzero(peer >= 0)
        if not len(rows):
            return before, last
        own, t = nodes[rows], self.state["pending/t"][nodes[rows]]
        gap = t - last[rows]
        here = torch.from_numpy(rows)
        old = before[here]
        new = self._update(own, peer[rows], self.time(torch.from_numpy(gap / self.unit)), old)
        if self.corrector is not None:
            new, self._penalty = self.corrector(self.state, own, old, new, gap)
        if self.training:
            self._kept = own, new.detach(), self._version()
        return before.index_copy(0, here, new), np.where(peer >= 0, self.state["pending/t"][nodes], last)

    def observe(self, events: Events) -> Array:
        """Writes the memory of the nodes of events [B], keeps these events as pending ones, and returns the nodes."""
        nodes = np.unique(np.concatenate([events.src, events.dst]))
        pending = nodes[self.state["pending/peer"][nodes] >= 0]
        if len(pending):
            new = self._taken_in(pending)
            if self.corrector is not None:
                gap = self.state["pending/t"][pending] - self.state["memory/last"][pending]
                self.corrector.record(self.state, pending, new - self.state["memory"][pending], gap)
            self.state["memory"][pending] = new
            self.state["memory/last"][pending] = self.state["pending/t"][pending]
        seen = self.state["memory/events"]
        peer, t, event = (self.state[f"pending/{key}"] for key in ("peer", "t", "event"))
        remember_last(peer, t, event, events.src, events.dst, np.asarray(events.t, dtype=np.float64), int(seen[0]))
        seen += len(events)
        self._kept = None
        return nodes

    def penalty(self) -> Tensor | None:
        """Returns the corrector's part of the loss, from the last read."""
        return self._penalty

    def _taken_in(self, nodes: Array) -> Array:
        """The memory [Q, M] of nodes with pending events; from the read of this training step where that has them."""
        kept = self._kept
        if kept is None or not self.training or kept[2] != self._version():
            return self._fresh(nodes)
        known, values, _ = kept
        place = np.searchsorted(known, nodes)
        place[place == len(known)] = 0
        found = known[place] == nodes
        if found.all():
            return values.numpy()[place]
        result = np.empty((len(nodes), self.channels), dtype=np.float32)
        result[found] = values.numpy()[place[found]]
        result[~found] = self._fresh(nodes[~found])
        return result

    def _fresh(self, nodes: Array) -> Array:
        with torch.no_grad():
            kept = self._kept
            found = self._read(nodes)[0].numpy()
            self._kept = kept
        return found

    def stored(self, nodes: Array) -> Tensor:
        """Returns the memory [Q, M] of nodes without their pending events."""
        return torch.from_numpy(self.state["memory"][nodes]) + self.rows(nodes)

    def _build(self, time_channels: int) -> None:
        """Makes the cell's weights."""
        gates = (3 if self.updater == "gru" else 1) * self.channels
        self.from_states = nn.Linear(2 * self.channels + self.features.channels, gates)
        self.from_time = nn.Linear(time_channels, gates, bias=False)
        self.from_memory = nn.Linear(self.channels, gates)
        for layer in (self.from_states, self.from_time, self.from_memory):
            nn.init.uniform_(layer.weight, -(self.channels**-0.5), self.channels**-0.5)

    def _update(self, own: Array, peer: Array, time: Tensor, old: Tensor) -> Tensor:
        """The memory [R, M] of nodes with the events that are pending."""
        if self.peer_states is None:
            distinct, place = np.unique(peer, return_inverse=True)
            others = self.stored(distinct)
        else:
            others, place = self.peer_states(own), np.arange(len(own))
        rows = None if self.rows.table is None else self.rows(own)
        msg = self.features.read(self.state["pending/event"][own]) if self.features.channels else None
        layers = self.from_states, self.from_time, self.from_memory
        return message_cell(layers, old, rows, others, torch.from_numpy(place), msg, time)

    def _version(self) -> int:
        return sum(parameter._version for parameter in self.parameters())


def message_cell(
    layers: tuple[nn.Linear, nn.Linear, nn.Linear],
    old: Tensor,
    rows: Tensor | None,
    others: Tensor,
    place: Tensor,
    msg: Tensor | None,
    time: Tensor,
) -> Tensor:
    """Applies a recurrent cell to messages [old + rows || others[place] || msg] and times: what is shared, once.

    Args:
        layers: maps of the message [2 M + D], of times and of the old state; three gates of a GRU, or one.
        old: [R, M]; no gradient flows to it.
        rows: [R, M] or None.
        others: [P, M].
        place: [R].
        msg: [R, D] or None.
        time: [R, T].
    """
    states, moments, held = layers
    width, first = old.shape[1], states.weight
    known, weights = [time], [moments.weight]
    if rows is not None:
        known, weights = [*known, rows], [*weights, first[:, :width]]
    if msg is not None:
        known, weights = [*known, msg], [*weights, first[:, 2 * width :]]
    given = functional.linear(*(torch.cat(part, dim=1) if len(part) > 1 else part[0] for part in (known, weights)))
    shared = functional.linear(others, first[:, width : 2 * width])
    # the old state counts as part of the message and as the cell's own: one product has both
    message, bias = first[:, :width], states.bias
    if len(first) == width:
        gates = functional.linear(old, message + held.weight, bias + held.bias)
        return torch.tanh(gates + given + shared.index_select(0, place))
    both = 2 * width
    weight = torch.cat([message[:both] + held.weight[:both], message[both:], held.weight[both:]])
    biases = torch.cat([bias[:both] + held.bias[:both], bias[both:], held.bias[both:]])
    return gru_step(functional.linear(old, weight, biases), given, shared, place, old)


class NodeRows(nn.Module):
    """Rows that tell nodes apart: zeros, random ones, or learned ones; nodes that appear later share one.

    Shapes:
        nodes [Q] return [Q, C].
    """

    def __init__(self, num_nodes: int, channels: int, identity: Identity) -> None:
        super().__init__()
        require_choice(Identity, identity=identity)
        self.num_nodes, self.table = num_nodes, None
        if identity != "none":
            self.table = nn.Embedding(num_nodes + 1, channels)
            nn.init.normal_(self.table.weight, std=channels**-0.5)
            self.table.weight.requires_grad_(identity == "learned")

    def forward(self, nodes: Array) -> Tensor | float:
        """Returns rows, or 0 where nodes are not told apart."""
        if self.table is None:
            return 0.0
        return functional.embedding(torch.from_numpy(np.minimum(nodes, self.num_nodes)), self.table.weight)
