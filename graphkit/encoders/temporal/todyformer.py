"""Todyformer: messages within patches of time, attention over the patches of a node, in turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime, Identity
from graphkit.encoders.temporal.memory import NodeRows


class Todyformer(TemporalEncoder):
    """The last W events are cut into P patches; a (node, patch) is a token that messages and attention renew in turns.

    After the abstract of Biparva et al.: "Todyformer: Towards Holistic Dynamic Graph Transformers with Structure-Aware
    Tokenization", ICLR 2024; its code is not public, so what the abstract leaves open is chosen here. A block is one
    layer of messages inside each patch,

        h(v, p) <- relu( W h(v, p) + mean over events (v, u) of p of (V h(u, p) + E [phi(age) || x]) ),

    then a layer of a transformer over the patches that hold v. The state is the token of the newest one. States are
    computed for all nodes of the window and kept until an event or a parameter changes.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        window: W, events.
        patches: P, of W / P events each.
        num_blocks: blocks of both layers.
        heads: a divisor of C.
        time_channels: width of the encoding of an event's age in the window.
        dropout: of the attention.
        identity: rows that tell nodes apart: `none`, `random` or `learned`.

    Shapes:
        nodes [Q] return [Q, C]; a node without an event in the window has a learned state and its row.
    """

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        window: int = 4000,
        patches: int = 8,
        num_blocks: int = 2,
        heads: int = 2,
        time_channels: int = 32,
        dropout: float = 0.1,
        identity: Identity = "learned",
    ) -> None:
        super().__init__(info, hidden_channels)
        require_positive(hidden_channels=hidden_channels, window=window, patches=patches, num_blocks=num_blocks)
        self.window, self.patches = window, patches
        self.features = EventFeatures(self.state, info.msg_channels)
        self.time = CosineTime(time_channels)
        self.start, self.absent = (nn.Parameter(torch.randn(hidden_channels) * 0.1) for _ in range(2))
        self.rows = NodeRows(info.num_nodes, hidden_channels, identity)
        self.places = nn.Parameter(torch.randn(patches, hidden_channels) * 0.1)
        edges = time_channels + info.msg_channels
        self.own = nn.ModuleList(nn.Linear(hidden_channels, hidden_channels) for _ in range(num_blocks))
        self.near = nn.ModuleList(nn.Linear(hidden_channels, hidden_channels, bias=False) for _ in range(num_blocks))
        self.event = nn.ModuleList(nn.Linear(edges, hidden_channels, bias=False) for _ in range(num_blocks))
        self.across = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden_channels, heads, 2 * hidden_channels, dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(num_blocks)
        )
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.features.reset()
        self.state.put("window/ends", np.empty((2, 0), dtype=np.int64))
        self.state.put("window/t", np.empty(0))
        self.state.put("window/seen", np.zeros(1, dtype=np.int64))
        self._kept: tuple[Any, Array, Tensor] | None = None

    def observe(self, events: Events) -> None:
        """Takes in events; those that leave the window are forgotten."""
        ends = np.concatenate([self.state["window/ends"], np.stack([events.src, events.dst])], axis=1)
        self.state.put("window/ends", np.ascontiguousarray(ends[:, -self.window :]).astype(np.int64))
        self.state.put("window/t", np.concatenate([self.state["window/t"], events.t])[-self.window :])
        self.state.put("window/seen", self.state["window/seen"] + len(events))
        self.features.append(events.msg)

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C]; the time of the question does not count."""
        known, states = self._window()
        place = np.minimum(np.searchsorted(known, nodes), max(len(known) - 1, 0))
        found = known[place] == nodes if len(known) else np.zeros(len(nodes), dtype=bool)
        absent = self.absent + self.rows(nodes) + torch.zeros(len(nodes), 1)
        if not found.any():
            return absent
        return torch.where(torch.from_numpy(found)[:, None], states.index_select(0, torch.from_numpy(place)), absent)

    def _window(self) -> tuple[Array, Tensor]:
        """The nodes of the window, sorted, and their states."""
        ends, seen = self.state["window/ends"], int(self.state["window/seen"][0])
        key = seen, id(ends), sum(own._version for own in self.parameters())
        if self._kept is not None and self._kept[0] == key and not (self.training or torch.is_grad_enabled()):
            return self._kept[1:]
        many = ends.shape[1]
        if not many:
            return np.empty(0, dtype=np.int64), self.absent.new_empty(0, self.out_channels)
        patch = np.arange(many) * self.patches // many
        nodes, local = np.unique(ends, return_inverse=True)
        # a token a node and patch, sorted by node
        tokens, token = np.unique(local.reshape(2, many) * self.patches + patch, return_inverse=True)
        node, part = torch.from_numpy(tokens // self.patches), torch.from_numpy(tokens % self.patches)
        source = torch.from_numpy(token).flatten()
        target = source.view(2, many).flip(0).flatten()
        age = self.time(torch.from_numpy((self.state["window/t"][-1] - self.state["window/t"]) / self.info.time_gap))
        if self.info.msg_channels:
            age = torch.cat([age, self.features.read(np.arange(seen - many, seen))], dim=1)
        count = torch.bincount(target, minlength=len(tokens)).unsqueeze(1)
        empty = torch.ones(len(nodes), self.patches, dtype=torch.bool)
        empty[node, part] = False
        state = self.start + self.rows(nodes[tokens // self.patches]) + torch.zeros(len(tokens), 1)
        for own, near, event, across in zip(self.own, self.near, self.event, self.across, strict=True):
            sums = near(state).index_select(0, source) + event(age).repeat(2, 1)
            met = torch.zeros_like(state).index_add(0, target, sums) / count
            state = torch.relu(own(state) + met)
            line = state.new_zeros(len(nodes), self.patches, self.out_channels)
            line = line.index_put((node, part), state + self.places[part])
            state = across(line, src_key_padding_mask=empty)[node, part]
        last = torch.from_numpy(np.append(np.flatnonzero(np.diff(tokens // self.patches)), len(tokens) - 1))
        result = nodes, state.index_select(0, last)
        self._kept = None if self.training or torch.is_grad_enabled() else (key, *result)
        return result
