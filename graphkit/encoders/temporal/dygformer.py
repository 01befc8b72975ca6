"""DyGFormer: a transformer over the last events of both ends, each told how often it is among the other's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, EventFeatures, Events, StreamInfo, TemporalEncoder
from graphkit.encoders.temporal.layers import CosineTime
from graphkit.errors import ConfigError
from graphkit.kernels.cpu.events import co_occurrence
from graphkit.kernels.neighbors import RecentNeighbors

_CELLS = 1 << 22


class DyGFormer(TemporalEncoder):
    """Patches of the last L events of source and candidate, joined in one sequence, through a transformer.

    Yu et al.: "Towards Better Dynamic Graph Learning: New Architecture and Unified Library", NeurIPS 2023 (arXiv
    2303.13047). Channels of an event are its features, the encoding of its age and a co-occurrence encoding, f(count in
    the source's sequence) + f(count in the candidate's); each is cut into patches and projected. A sequence begins with
    the node itself, as published. Nodes without features add no channel, so no identity is known.

    Args:
        info: what is known of the stream.
        channel_width: width of a channel; the transformer is as wide as all channels.
        max_length: L, the node itself included; a multiple of the patch.
        patch_size: events a patch.
        num_layers: of the transformer.
        heads: of the transformer.
        time_channels: width of the encoding of ages.
        dropout: of the transformer.

    Shapes:
        src [B], candidates [B, K] or [K], t [B] return [B, K]; B * K sequences of 2 L / patch tokens.
    """

    pair = True

    def __init__(
        self,
        info: StreamInfo,
        channel_width: int = 50,
        max_length: int = 32,
        patch_size: int = 1,
        num_layers: int = 2,
        heads: int = 2,
        time_channels: int = 100,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(info)
        require_positive(channel_width=channel_width, max_length=max_length, patch_size=patch_size)
        if max_length % patch_size or max_length < 2:
            raise ConfigError(f"max_length must be a multiple of patch_size, from 2; got {max_length} and {patch_size}")
        self.length, self.patch = max_length, patch_size
        self.recent = RecentNeighbors(info.num_nodes, max_length - 1, self.state)
        self.features = EventFeatures(self.state, info.msg_channels)
        self.time = CosineTime(time_channels)
        self.counts = nn.Sequential(nn.Linear(1, channel_width), nn.ReLU(), nn.Linear(channel_width, channel_width))
        widths = [time_channels, channel_width] + [info.msg_channels] * bool(info.msg_channels)
        self.projections = nn.ModuleList(nn.Linear(patch_size * width, channel_width) for width in widths)
        width = channel_width * len(widths)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def init_state(self) -> None:
        """Forgets every event."""
        self.recent.reset()
        self.features.reset()

    def observe(self, events: Events) -> None:
        """Takes in events."""
        self.recent.insert(events.src, events.dst, events.t)
        self.features.append(events.msg)

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K], a block of pairs at a time."""
        lines = np.broadcast_to(candidates, (len(src), candidates.shape[-1]))
        left, right = np.repeat(src, lines.shape[1]), lines.ravel()
        times = np.repeat(np.asarray(t, dtype=np.float64), lines.shape[1])
        step = len(left) if torch.is_grad_enabled() else max(1, _CELLS // (2 * self.length * self.time.weight.numel()))
        parts = [slice(start, start + step) for start in range(0, len(left), max(1, step))]
        found = [self._pairs(left[part], right[part], times[part]) for part in parts]
        return torch.cat(found).view(len(src), -1)

    def _pairs(self, left: Array, right: Array, t: Array) -> Tensor:
        ends = [self._sequence(nodes, t) for nodes in (left, right)]
        counts = co_occurrence(ends[0][0], ends[1][0])
        channels = []
        for (nodes, event, age), count in zip(ends, counts, strict=True):
            mask = torch.from_numpy(nodes >= 0).unsqueeze(-1)
            parts = [
                self.time(torch.from_numpy(age)) * mask,
                self.counts(torch.from_numpy(count).unsqueeze(-1)).sum(-2),
            ]
            if self.info.msg_channels:
                parts.append(self.features.read(event))
            patches = (part.reshape(len(nodes), self.length // self.patch, -1) for part in parts)
            channels.append(torch.cat([p(x) for p, x in zip(self.projections, patches, strict=True)], dim=-1))
        encoded = self.transformer(torch.cat(channels, dim=1))
        halves = encoded.unflatten(1, (2, -1)).mean(dim=2).flatten(1)
        return self.out(halves).squeeze(-1)

    def _sequence(self, nodes: Array, t: Array) -> tuple[Array, Array, Array]:
        """Nodes, events and ages [P, L] of what a node met last, itself first."""
        found = self.recent.read(nodes)
        own = np.asarray(nodes, dtype=np.int64)[:, None]
        age = np.where(found.mask, (t[:, None] - found.t) / self.info.time_gap, 0.0)
        nothing = np.full_like(own, -1)
        return (
            np.concatenate([own, found.node], axis=1),
            np.concatenate([nothing, found.event], axis=1),
            np.concatenate([np.zeros(own.shape), age], axis=1),
        )
