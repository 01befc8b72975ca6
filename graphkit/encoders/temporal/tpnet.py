"""TPNet: random projections of temporal walks, in which a pair's walks are products of two rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime, MixerBlock
from graphkit.kernels.cpu import projections as compiled
from graphkit.kernels.neighbors import RecentNeighbors

_CELLS = 1 << 23


class TPNet(TemporalEncoder):
    r"""Scores pairs by the decayed number of temporal walks between their ends, and by the last events of each end.

    Lu et al.: "Improving Temporal Link Prediction via Temporal Walk Matrix Projection", NeurIPS 2024 (arXiv
    2410.04013). Every node has rows R^(0) ~ N(0, 1/d), fixed, to R^(k); an event (u, v) adds R^(l-1) of one end to
    R^(l) of the other, and R^(l) decays as exp(-l * lambda * dt), here event by event and not batch by batch. Products
    of rows estimate entries of the walk matrices. What a pair's network sees is log(1 + relu(product)) of

        R^(i)(u) . R^(j)(v), all i and j, beside the products within u, those within v, and a mixer over K last events.

    The published encoder compares every neighbour of either end with both ends; here neighbours are compared with their
    own end, so that the part of a pair is (k + 1)^2 matrix products and all destinations are scored at once.

    Args:
        info: what is known of the stream.
        hidden_channels: C.
        num_steps: k, the longest walk.
        dim_factor: d is this times the logarithm of twice the number of training events, at most N.
        decay: lambda, a mean time between a node's events being 1.
        num_neighbors: K; 0 leaves the mixer out, which is most of the cost.
        time_channels: width of the encoding of ages.
        dropout: of the pair's network.

    Shapes:
        src [B], candidates [B, K'] or [K'], t [B] return [B, K'].
    """

    pair = True

    def __init__(
        self,
        info: StreamInfo,
        hidden_channels: int = 64,
        num_steps: int = 2,
        dim_factor: int = 10,
        decay: float = 0.1,
        num_neighbors: int = 10,
        time_channels: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(info)
        require_positive(hidden_channels=hidden_channels, num_steps=num_steps, dim_factor=dim_factor)
        self.steps, self.rate = num_steps, decay / info.time_scale
        self.width = max(1, min(dim_factor * int(np.log(max(3, 2 * info.num_events))), info.num_nodes))
        start = torch.randn(info.num_nodes + 1, self.width) / self.width**0.5
        self.register_buffer("start", start)
        self.recent = RecentNeighbors(info.num_nodes, max(1, num_neighbors), self.state)
        self.features = EventFeatures(self.state, info.msg_channels)
        own = (num_steps + 1) ** 2
        self.mixer = None
        if num_neighbors:
            self.time = CosineTime(time_channels)
            self.token = nn.Linear(time_channels + info.msg_channels + own, hidden_channels)
            block = MixerBlock(num_neighbors, hidden_channels, factor=2.0)
            self.mixer = nn.Sequential(block, nn.LayerNorm(hidden_channels))
        width = own + hidden_channels * bool(num_neighbors)
        self.ends = nn.ModuleList(nn.Linear(width, hidden_channels) for _ in range(2))
        self.cross = nn.Linear(own, hidden_channels)
        self.hidden = nn.Linear(hidden_channels, hidden_channels)
        self.out = nn.Linear(hidden_channels, 1)
        self.dropout = nn.Dropout(dropout)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.recent.reset()
        self.features.reset()
        self.state.add("walks", self.steps + 1, self.width)
        self.state.add("walks/last", dtype=np.float64)
        self.state.put("walks/now", np.zeros(1))
        self.state["walks"][: self.info.num_nodes, 0] = self.start[:-1].numpy()
        self.state["walks"][self.info.num_nodes :, 0] = self.start[-1].numpy()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        t = np.asarray(events.t, dtype=np.float64)
        compiled.walk_update(self.state["walks"], self.state["walks/last"], events.src, events.dst, t, self.rate)
        self.recent.insert(events.src, events.dst, t)
        self.features.append(events.msg)
        self.state["walks/now"][:] = t[-1]

    def grow(self, num_nodes: int) -> None:
        """Makes room for nodes; new ones share one row R^(0)."""
        before = self.state.num_nodes
        if self.state.grow(num_nodes):
            self.state["walks"][before:, 0] = self.start[-1].numpy()

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K']; walks and ages are those at the latest event that was observed."""
        nodes, place = np.unique(np.concatenate([src, candidates.ravel()]), return_inverse=True)
        rows = self._rows(nodes)
        states = self._states(nodes, rows)
        left, right = place[: len(src)], place[len(src) :].reshape(candidates.shape)
        source, target = self.ends[0](states)[torch.from_numpy(left)], self.ends[1](states)
        step = len(src) if torch.is_grad_enabled() else max(1, _CELLS // (target.shape[1] * candidates.shape[-1]))
        found = []
        for start in range(0, len(src), step):
            part = slice(start, start + step)
            mine = rows[torch.from_numpy(left[part])]
            if candidates.ndim == 1:
                other = torch.from_numpy(right)
                products = torch.einsum("bic,kjc->bkij", mine, rows[other])
                theirs = target[other]
            else:
                other = torch.from_numpy(right[part])
                products = torch.einsum("bic,bkjc->bkij", mine, rows[other])
                theirs = target[other]
            hidden = self.cross(_damped(products.flatten(2))) + source[part, None] + theirs
            hidden = self.dropout(torch.relu(hidden))
            hidden = torch.relu(self.hidden(hidden))
            found.append(self.out(hidden).squeeze(-1))
        return torch.cat(found) if len(found) != 1 else found[0]

    def _rows(self, nodes: Array) -> Tensor:
        rows = np.empty((len(nodes), self.steps + 1, self.width), dtype=np.float32)
        now = float(self.state["walks/now"][0])
        compiled.walk_read(self.state["walks"], self.state["walks/last"], nodes, now, self.rate, rows)
        return torch.from_numpy(rows)

    def _states(self, nodes: Array, rows: Tensor) -> Tensor:
        """What each node brings to all its pairs: products within it, and a mixer over its last events."""
        within = _damped(torch.einsum("qic,qjc->qij", rows, rows).flatten(1))
        if self.mixer is None:
            return within
        found = self.recent.read(nodes)
        mask = torch.from_numpy(found.mask)
        distinct, place = np.unique(np.where(found.mask, found.node, nodes[:, None]), return_inverse=True)
        others = self._rows(distinct)[torch.from_numpy(place.reshape(found.node.shape))]
        relative = _damped(torch.einsum("qic,qkjc->qkij", rows, others).flatten(2))
        age = (float(self.state["walks/now"][0]) - found.t) / self.info.time_gap
        tokens = [self.time(torch.from_numpy(np.log1p(np.maximum(age, 0)))), relative]
        if self.info.msg_channels:
            tokens.insert(1, self.features.read(found.event))
        mixed = self.mixer(self.token(torch.cat(tokens, dim=-1)) * mask.unsqueeze(-1)).mean(dim=1)
        return torch.cat([mixed, within], dim=1)


def _damped(products: Tensor) -> Tensor:
    return torch.log1p(torch.relu(products))
