"""Any encoder of graphs on a stream: it sees the graph of the events so far, renewed every so many events."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders import ENCODERS
from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, Events, StreamInfo, TemporalEncoder
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph


class StaticEncoder(TemporalEncoder):
    """Encodes the graph of past events with learned rows as inputs; between two refreshes the graph stays as it is.

    Args:
        info: what is known of the stream.
        encoder: name of an encoder of nodes (`graphkit ls encoders`).
        hidden_channels: C, width of inputs and states.
        refresh: events after which the graph is built anew.
        window: last events that make the graph; 0 takes all.

    Shapes:
        nodes [Q] return [Q, C]; nodes that appear later share one row and are encoded from the next refresh on.

    Raises:
        ConfigError: the encoder is none of nodes, or needs options without a default.
    """

    def __init__(
        self,
        info: StreamInfo,
        encoder: str = "gcn",
        hidden_channels: int = 64,
        refresh: int = 2000,
        window: int = 0,
    ) -> None:
        super().__init__(info, hidden_channels)
        require_positive(hidden_channels=hidden_channels, refresh=refresh)
        self.refresh, self.window = refresh, window
        cls = ENCODERS.get(encoder)
        options = {"hidden_channels": hidden_channels} if "hidden_channels" in inspect.signature(cls).parameters else {}
        try:
            self.encoder = cls(in_channels=hidden_channels, out_channels=hidden_channels, **options)
        except TypeError as error:
            raise ConfigError(f"encoder {encoder!r} cannot be built for a stream: {error}") from error
        self.rows = nn.Embedding(info.num_nodes + 1, hidden_channels)
        nn.init.orthogonal_(self.rows.weight)
        self.init_state()

    def init_state(self) -> None:
        """Forgets every event."""
        self.state.put("static/ends", np.empty((2, 0), dtype=np.int64))
        self.state.put("static/count", np.zeros(3, dtype=np.int64))  # events seen, events in the graph, its nodes
        self._graph: tuple[Any, CSRGraph] | None = None
        self._states: tuple[Any, Tensor] | None = None

    def observe(self, events: Events) -> None:
        """Takes in events; where enough have come, the next question sees a graph with all of them."""
        count, ends = self.state["static/count"], self.state["static/ends"]
        due = int(count[0]) + len(events)
        if due > ends.shape[1]:
            ends = np.concatenate([ends, np.empty((2, max(len(events), ends.shape[1])), dtype=np.int64)], axis=1)
            self.state.put("static/ends", ends)
        ends[0, count[0] : due], ends[1, count[0] : due] = events.src, events.dst
        count[0] = due
        if due - count[1] >= self.refresh:
            count[1:] = due, self.state.num_nodes

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C]; the time of the question does not count."""
        limit = max(int(self.state["static/count"][2]), self.info.num_nodes)
        states = self._all()
        known = np.where(nodes < limit, nodes, limit)
        return states.index_select(0, torch.from_numpy(known))

    def _all(self) -> Tensor:
        """States of all nodes of the graph and of one without events; kept while nothing changes."""
        ends, (_, used, held) = self.state["static/ends"], self.state["static/count"].tolist()
        key = used, held, id(ends), sum(own._version for own in self.parameters())
        if self._states is not None and self._states[0] == key and not self.training:
            return self._states[1]
        if self._graph is None or self._graph[0] != key[:3]:
            part = ends[:, max(0, used - self.window) if self.window else 0 : used]
            many = max(held, self.info.num_nodes) + 1
            pairs = np.unique(np.concatenate([part, part[::-1]], axis=1), axis=1)
            self._graph = key[:3], CSRGraph.from_edge_index(torch.from_numpy(np.ascontiguousarray(pairs)), many)
        graph = self._graph[1]
        rows = torch.arange(graph.num_nodes).clamp(max=self.info.num_nodes)
        states = self.encoder(self.rows(rows), graph)
        self._states = (key, states) if not self.training and not torch.is_grad_enabled() else None
        return states
