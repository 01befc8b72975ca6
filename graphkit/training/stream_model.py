"""A temporal encoder with its head as one model of a stream, trained in batches, ranked and streamed alike."""

from __future__ import annotations

import typing
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphkit.encoders.temporal.base import Events, TemporalEncoder
from graphkit.heads.stream import RecencyBranch
from graphkit.kernels.pair_history import PairHistory
from graphkit.kernels.tables import Tables

Array = NDArray[Any]
Clock = Literal["batch", "event"]
_CELLS = 1 << 22
"""Numbers of one layer that are held at a time while nothing is trained."""


class StreamModel(nn.Module):
    """Scores candidates of sources with a temporal encoder, a head and, where wanted, recency features.

    Args:
        encoder: gives states of nodes, or scores of pairs.
        head: from states to scores; None for encoders of pairs.
        recency: a branch over recency and popularity of the pair, or None.
        clock: time at which states are asked for, if they depend on it: `batch`, that of the latest event shown, so
            that a batch embeds every node once; or `event`, that of each question. Features of pairs always take the
            time of the question.

    Shapes:
        src [B], candidates [B, K] or [K] for all, t [B]; scores [B, K].
    """

    def __init__(
        self,
        encoder: TemporalEncoder,
        head: nn.Module | None,
        recency: RecencyBranch | None = None,
        clock: Clock = "batch",
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.recency, self.clock = encoder, head, recency, clock
        self.tables = Tables(encoder.info.num_nodes)
        self.tables.put("now", np.zeros(1))
        self.history = PairHistory(self.tables, encoder.info.time_gap) if recency is not None else None

    def begin(self) -> None:
        """Forgets every event; parameters stay."""
        self.encoder.init_state()
        self.tables["now"][:] = 0
        if self.history is not None:
            self.history.reset()

    @torch.no_grad()
    def observe(self, src: Array, dst: Array, t: Array, msg: Array | None = None) -> None:
        """Takes in events [B] with features [B, D], in the order of time."""
        if not len(src):
            return
        self.encoder.observe(Events(src, dst, t, msg))
        self.tables["now"][:] = t[-1]
        if self.history is not None:
            self.history.observe(src, dst, t)

    def logits(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K] with gradients."""
        of_pairs = self.encoder.score if self.encoder.pair else self._from_states
        scores = of_pairs(src, candidates, t)
        if self.history is not None and self.recency is not None:
            features = self.history.features(src, candidates, t)
            scores = scores + self.recency(torch.from_numpy(features))
        return scores

    @torch.no_grad()
    def score(self, src: Array, candidates: Array, t: Array) -> NDArray[np.float64]:
        """Returns scores [B, K] in evaluation mode; candidates are asked about in sorted order, whatever theirs is."""
        self.eval()
        order = np.argsort(candidates, axis=-1, kind="stable")
        line = np.take_along_axis(candidates, order, axis=-1)
        scores = self.logits(src, line, t).double().numpy()
        found = np.empty(scores.shape)
        np.put_along_axis(found, np.broadcast_to(order, scores.shape), scores, axis=-1)
        return found

    def _from_states(self, src: Array, candidates: Array, t: Array) -> Tensor:
        assert self.head is not None
        if self.encoder.timed and self.clock == "event":
            return self._at_each_time(src, candidates, t)
        nodes, place = np.unique(np.concatenate([src, candidates.ravel()]), return_inverse=True)
        states = self.encoder.embed(nodes, np.full(len(nodes), self.tables["now"][0]))
        rows = torch.from_numpy(place)
        target = states.index_select(0, rows[len(src) :]).view(*candidates.shape, -1)
        return typing.cast(Tensor, self.head(states.index_select(0, rows[: len(src)]), target))

    def _at_each_time(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """States at the time of every question, a block of questions at a time; equal (node, time) are asked once."""
        assert self.head is not None
        lines = np.broadcast_to(candidates, (len(src), candidates.shape[-1]))
        width = max(1, self.encoder.out_channels)
        step = len(src) if torch.is_grad_enabled() else max(1, _CELLS // (width * (lines.shape[1] + 1)))
        found = []
        for start in range(0, len(src), step):
            part = slice(start, start + step)
            asked = np.concatenate([src[part, None], lines[part]], axis=1)
            _, moment = np.unique(t[part], return_inverse=True)
            keys, first, place = np.unique(
                asked + (moment * (int(asked.max()) + 1))[:, None], return_index=True, return_inverse=True
            )
            times = np.repeat(t[part], asked.shape[1])[first]
            states = self.encoder.embed(asked.ravel()[first], times)[torch.from_numpy(place.reshape(asked.shape))]
            found.append(self.head(states[:, 0], states[:, 1:]))
        return torch.cat(found) if found else torch.empty(0, lines.shape[1])
