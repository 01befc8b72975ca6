"""NAT: pairs scored by the neighbourhoods that both ends keep in hashed tables, joined key by key."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.joint import JointAttention, JointSum, Union
from graphkit.encoders.temporal.layers import CosineTime
from graphkit.encoders.temporal.memory import NodeMemory
from graphkit.kernels.gru import gru_step
from graphkit.kernels.neighborhoods import Entries, NeighborhoodCache, common_keys

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
        self.memory = NodeMemory(self.state, info, self.features, self_channels, time_channels, unit=info.time_scale)
        self.cache = NeighborhoodCache(self.state, near, far, value_channels, replace_prob, seed)
        self.time = CosineTime(time_channels)
        self.from_key = nn.Linear(self_channels, 3 * value_channels)
        self.from_event = nn.Linear(time_channels + info.msg_channels, 3 * value_channels, bias=False)
        self.from_value = nn.Linear(value_channels, 3 * value_channels)
        self.value = nn.Linear(value_channels, hidden_channels)
        self.positions = nn.Embedding(64, position_channels)
        codes = torch.arange(64)
        # how many ends a code is of, and so how many values' biases are added up
        self.register_buffer("several", ((codes % 8 > 0).float() + (codes >= 8))[:, None], persistent=False)
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
        source, target = self.cache.entries(sources), self.cache.entries(targets)
        values = self._values(source, target)
        nodes, place = np.unique(np.concatenate([sources, targets]), return_inverse=True)
        states = self.memory.read(nodes)[0].index_select(0, torch.from_numpy(place))
        bias = self.ends[0](states[: len(sources)]), self.ends[1](states[len(sources) :])
        if candidates.ndim == 1 and not torch.is_grad_enabled():
            pair, *entries = common_keys(source, target, left, right[None])
            touched, pair = np.unique(pair, return_inverse=True)
            union = Union.of(source, target, (pair, *entries), len(touched))
            bias = bias[0][torch.from_numpy(left)], bias[1][torch.from_numpy(right)]
            terms = self._terms(values, union)
            return self.joint.all_pairs(terms, union, bias, (left, right), torch.from_numpy(touched), self.out)
        lines = np.broadcast_to(right, (len(src), right.shape[-1]))
        pairs = np.repeat(left, lines.shape[1]), lines.flatten()
        step = len(pairs[0]) if torch.is_grad_enabled() else _ROWS
        found = []
        for start in range(0, len(pairs[0]), max(1, step)):
            a, b = (ends[start : start + step] for ends in pairs)
            union = Union.of(source, target, common_keys(source, target, a, b), len(a))
            hidden = self.joint(union.joined(self._terms(values, union), a, b))
            for side, rows in zip(bias, (a, b), strict=True):
                hidden = hidden + side.index_select(0, torch.from_numpy(rows))
            found.append(self.out(self.dropout(torch.relu(hidden))).squeeze(-1))
        return torch.cat(found).view(len(src), -1)

    def _terms(self, values: Tensor, union: Union) -> Tensor:
        codes = self.position(self.positions.weight) + self.several * self.value.bias
        return self.joint.terms(values, self.value.weight, codes, union)

    def _values(self, source: Entries, target: Entries) -> Tensor:
        """The values [P, F] of both sides' entries, those of left nodes first, sums over slots that moved on."""
        many = len(source.key)
        nodes, slots = (
            np.concatenate([getattr(part, name) for part in (source, target)]) for name in ("slot_node", "slot_at")
        )
        owner = np.concatenate([source.slot_entry, target.slot_entry + many])
        values = torch.zeros(many + len(target.key), self.value_channels)
        return values.index_add(0, torch.from_numpy(owner), self._moved(nodes, slots)) if len(owner) else values

    def _moved(self, nodes: Array, slots: Array) -> Tensor:
        """The updated values [S, F] of slots of nodes."""
        key, t = self.state["cache/key"][nodes, slots], self.state["cache/t"][nodes, slots]
        distinct, place = self.cache.distinct(key)
        age = (float(self.state["now"][0]) - t) / self.info.time_gap if self.relative_time else t / self.info.time_scale
        seen = self.time(torch.from_numpy(np.log1p(np.maximum(age, 0)) if self.relative_time else age))
        if self.info.msg_channels:
            seen = torch.cat([seen, self.features.read(self.state["cache/event"][nodes, slots])], dim=1)
        old = torch.from_numpy(self.state["cache/value"][nodes, slots])
        many, part = self.value_channels, self.from_value
        # the old value has no part of its own in what is given, hence the zeros
        weight = torch.cat([part.weight[: 2 * many], part.weight.new_zeros(many, many), part.weight[2 * many :]])
        bias = torch.cat([part.bias[: 2 * many], part.bias.new_zeros(many), part.bias[2 * many :]])
        shared = self.from_key(self.memory.stored(distinct))
        return gru_step(
            functional.linear(old, weight, bias), self.from_event(seen), shared, torch.from_numpy(place), old
        )
