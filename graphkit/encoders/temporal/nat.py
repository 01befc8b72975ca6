"""NAT: pairs scored by the neighbourhoods that both ends keep in hashed tables, joined key by key."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.joint import SOURCE, TARGET, JointAttention, JointSum, Keys
from graphkit.encoders.temporal.layers import CosineTime
from graphkit.encoders.temporal.memory import NodeMemory
from graphkit.kernels.neighborhoods import NeighborhoodCache, common_keys

Aggregator = Literal["sum", "attention"]
_ROWS = 1 << 18


class NAT(TemporalEncoder):
    r"""Neighbourhood-aware temporal network: N-caches of two hops, distance encoding and a self representation.

    Luo and Li: "Neighborhood-Aware Scalable Temporal Network Representation Learning", LoG 2022 (arXiv 2209.01084).
    Every key a of either end's tables has a value, updated as v' = GRU(W [s(a) || x || phi(t)], v), and hop bits of
    both ends, which say where a is seen from u and from v. The pair is

        score(u, v) = MLP([ sum or attention over keys a of (W_v v'_a + W_p E[bits_a]) || s(u) || s(v) ])

    The sum over the union of keys is written as the sum of u's keys, that of v's keys and a correction a common key,
    so that all destinations of a batch are scored by one product and a sparse correction.

    The published text attends to keys; the published code sums linear maps of them, which `aggregator = "sum"` does.
    That code shuffles a batch before it writes its state and takes absolute times; here events are written in order,
    and `relative_time = False` takes times since the start of the stream in place of ages.

    Args:
        info: what is known of the stream.
        hidden_channels: C, width of the pair's network.
        self_channels: S, width of the self representation.
        value_channels: F, width of the values.
        position_channels: width of the embedding of hop bits.
        near: slots of hop 1.
        far: slots of hop 2; 0 leaves it out.
        replace_prob: probability that a key overwrites another one.
        aggregator: `sum` or `attention`.
        heads: of the attention.
        time_channels: width of phi.
        relative_time: ages in place of times.
        dropout: of the pair's network.
        seed: of the overwriting.

    Shapes:
        src [B], candidates [B, K] or [K], t [B] return [B, K].
    """

    pair = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        self_channels: int = 72,
        value_channels: int = 4,
        position_channels: int = 16,
        near: int = 32,
        far: int = 16,
        replace_prob: float = 0.9,
        aggregator: Aggregator = "attention",
        heads: int = 2,
        time_channels: int = 8,
        relative_time: bool = True,
        dropout: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(info)
        require_positive(hidden_channels=hidden_channels, self_channels=self_channels, value_channels=value_channels)
        require_choice(Aggregator, aggregator=aggregator)
        self.relative_time, self.value_channels = relative_time, value_channels
        self.features = EventFeatures(self.state, info.msg_channels)
        self.memory = NodeMemory(self.state, info, self.features, self_channels, time_channels)
        self.cache = NeighborhoodCache(self.state, near, far, value_channels, replace_prob, seed)
        self.time = CosineTime(time_channels)
        self.from_key = nn.Linear(self_channels, 3 * value_channels)
        self.from_event = nn.Linear(time_channels + info.msg_channels, 3 * value_channels, bias=False)
        self.from_value = nn.Linear(value_channels, 3 * value_channels)
        self.value = nn.Linear(value_channels, hidden_channels)
        self.positions = nn.Embedding(64, position_channels)
        self.position = nn.Linear(position_channels, hidden_channels, bias=False)
        self.ends = nn.ModuleList(nn.Linear(self_channels, hidden_channels) for _ in range(2))
        self.joint = JointSum(hidden_channels) if aggregator == "sum" else JointAttention(hidden_channels, heads)
        self.out = nn.Linear(hidden_channels, 1)
        self.dropout = nn.Dropout(dropout)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.memory.reset()
        self.features.reset()
        self.cache.reset()
        self.state.put("now", np.zeros(1))

    def observe(self, events: Events) -> None:
        """Takes in events: values that an end keeps of the other move on, then both ends' tables are written."""
        ends, others = np.concatenate([events.src, events.dst]), np.concatenate([events.dst, events.src])
        slots = self.cache.find(ends, others)
        fresh = np.zeros((len(ends), self.value_channels), dtype=np.float32)
        known = np.flatnonzero(slots >= 0)
        if len(known):
            with torch.no_grad():
                fresh[known] = self._moved(ends[known], slots[known]).numpy()
        self.cache.write(events.src, events.dst, events.t, fresh)
        self.memory.observe(events)
        self.features.append(events.msg)
        self.state.put("now", np.array([float(events.t[-1])]))

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K]; ages are those at the latest event that was observed."""
        sources, left = np.unique(src, return_inverse=True)
        targets, right = np.unique(candidates, return_inverse=True)
        right = right.reshape(candidates.shape)
        source, target = self._keys(sources, targets)
        nodes, place = np.unique(np.concatenate([sources, targets]), return_inverse=True)
        states = self.memory.read(nodes)[0].index_select(0, torch.from_numpy(place))
        bias = self.ends[0](states[: len(sources)]), self.ends[1](states[len(sources) :])
        if candidates.ndim == 1 and not torch.is_grad_enabled():
            common = common_keys(source.entries, target.entries, left, right[None])
            bias = bias[0][torch.from_numpy(left)], bias[1][torch.from_numpy(right)]
            return self.joint.all_pairs(source, target, bias, left, right, common, self.out)
        lines = np.broadcast_to(right, (len(src), right.shape[-1]))
        pairs = np.repeat(left, lines.shape[1]), lines.flatten()
        step = len(pairs[0]) if torch.is_grad_enabled() else _ROWS
        parts = [slice(start, start + step) for start in range(0, len(pairs[0]), max(1, step))]
        found = [self._pairs(source, target, bias, pairs[0][part], pairs[1][part]) for part in parts]
        return torch.cat(found).view(len(src), -1)

    def _pairs(self, source: Keys, target: Keys, bias: tuple[Tensor, Tensor], left: Array, right: Array) -> Tensor:
        agg = self.joint(source, target, left, right, common_keys(source.entries, target.entries, left, right))
        a, b = torch.from_numpy(left), torch.from_numpy(right)
        hidden = agg + bias[0].index_select(0, a) + bias[1].index_select(0, b)
        return self.out(self.dropout(torch.relu(hidden))).squeeze(-1)

    def _keys(self, sources: Array, targets: Array) -> tuple[Keys, Keys]:
        """The keys of both sides' nodes, their values moved on in one go."""
        entries = [self.cache.entries(nodes) for nodes in (sources, targets)]
        many = len(entries[0].key)
        slots = [np.concatenate([getattr(part, name) for part in entries]) for name in ("slot_node", "slot_at")]
        owner = np.concatenate([entries[0].slot_entry, entries[1].slot_entry + many])
        values = torch.zeros(many + len(entries[1].key), self.value_channels)
        if len(owner):
            values = values.index_add(0, torch.from_numpy(owner), self._moved(*slots))
        values, code = self.value(values), self.position(self.positions.weight)
        return Keys(entries[0], values[:many], code, SOURCE), Keys(entries[1], values[many:], code, TARGET)

    def _moved(self, nodes: Array, slots: Array) -> Tensor:
        """The updated values [S, F] of slots of nodes."""
        key, t = self.state["cache/key"][nodes, slots], self.state["cache/t"][nodes, slots]
        distinct, place = np.unique(key, return_inverse=True)
        given = self.from_key(self.memory.stored(distinct)).index_select(0, torch.from_numpy(place))
        age = (float(self.state["now"][0]) - t) / self.info.time_gap if self.relative_time else t / self.info.time_scale
        clock = torch.from_numpy(np.log1p(np.maximum(age, 0)) if self.relative_time else age)
        seen = [self.time(clock)]
        if self.info.msg_channels:
            seen.append(self.features.read(self.state["cache/event"][nodes, slots]))
        given = given + self.from_event(torch.cat(seen, dim=1))
        old = torch.from_numpy(self.state["cache/value"][nodes, slots])
        held, width = self.from_value(old), self.value_channels
        reset, update = (given + held)[:, : 2 * width].sigmoid().chunk(2, dim=1)
        new = torch.tanh(given[:, 2 * width :] + reset * held[:, 2 * width :])
        return torch.lerp(new, old, update)
