"""Drop-in for PyG's `TGNMemory`: pending messages as numbers in flat arrays, no Python a node."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn.models.tgn import TimeEncoder

from graphkit.encoders.base import require_choice

Compat = Literal["exact", "pyg"]


class TGNMemory(nn.Module):
    """Memory of nodes with the constructor, methods and state dict of `torch_geometric.nn.models.TGNMemory`.

    Rossi et al., 2020 (arXiv 2006.10637). Where PyG keeps a Python list of tensors a node, this keeps rows of a log and
    where a node's rows lie. `update_state` takes the memory that `forward` computed in the same training step.

    Args:
        num_nodes: N.
        raw_msg_dim: D.
        memory_dim: M.
        time_dim: width of the encoding of time.
        message_module: as PyG's `IdentityMessage`; copied for the other direction.
        aggregator_module: as PyG's `LastAggregator` or `MeanAggregator`.
        compat: `exact` leaves a node without pending messages as it is; `pyg` applies the cell to whatever PyG's
            aggregator gives such a node (zeros, or with `LastAggregator` another node's message, because its maximum
            over nothing is a valid row), sets its last update to 0, and does so for all N nodes on the switch to
            evaluation.

    Shapes:
        n_id [Q] returns memory [Q, M] and last update [Q] int64; src, dst, t [B] int64, raw_msg [B, D].

    Example:
        >>> from torch_geometric.nn.models.tgn import IdentityMessage, LastAggregator
        >>> memory = TGNMemory(5, 2, 4, 3, IdentityMessage(2, 4, 3), LastAggregator())
        >>> memory.update_state(torch.tensor([0]), torch.tensor([1]), torch.tensor([7]), torch.ones(1, 2))
        >>> memory(torch.tensor([0, 2]))[1].tolist()
        [7, 0]
    """

    def __init__(
        self,
        num_nodes: int,
        raw_msg_dim: int,
        memory_dim: int,
        time_dim: int,
        message_module: Callable,
        aggregator_module: Callable,
        compat: Compat = "exact",
    ) -> None:
        super().__init__()
        require_choice(Compat, compat=compat)
        self.num_nodes, self.raw_msg_dim, self.memory_dim, self.time_dim = num_nodes, raw_msg_dim, memory_dim, time_dim
        self.compat = compat
        self.msg_s_module, self.msg_d_module = message_module, copy.deepcopy(message_module)
        self.aggr_module = aggregator_module
        self.time_enc = TimeEncoder(time_dim)
        self.gru = nn.GRUCell(message_module.out_channels, memory_dim)
        self.register_buffer("memory", torch.zeros(num_nodes, memory_dim))
        self.register_buffer("last_update", torch.zeros(num_nodes, dtype=torch.int64))
        self.register_buffer("_assoc", torch.empty(num_nodes, dtype=torch.int64))
        self._stores = _Pending(num_nodes, raw_msg_dim), _Pending(num_nodes, raw_msg_dim)
        self._kept: tuple[np.ndarray, Tensor, Tensor, int] | None = None

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        for module in (self.msg_s_module, self.msg_d_module, self.aggr_module, self.time_enc, self.gru):
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()

    def reset_state(self) -> None:
        """Forgets every event."""
        self.memory.zero_()
        self.last_update.zero_()
        self._kept = None
        for store in self._stores:
            store.reset()

    def detach(self) -> None:
        """Does nothing: what is kept has no gradient."""

    def forward(self, n_id: Tensor) -> tuple[Tensor, Tensor]:
        """Returns memory and last update of distinct nodes, pending messages taken in while training."""
        if not self.training:
            return self.memory[n_id], self.last_update[n_id]
        memory, last = self._updated(n_id)
        if self.compat == "exact":  # what PyG computes for a node depends on the nodes beside it
            order = n_id.argsort()
            self._kept = n_id[order].numpy(), memory.detach()[order], last[order], self._version()
        return memory, last

    def update_state(self, src: Tensor, dst: Tensor, t: Tensor, raw_msg: Tensor) -> None:
        """Takes in events: writes the memory of their nodes, and keeps their messages as pending ones."""
        n_id = torch.cat([src, dst]).unique()
        if self.training:
            self._write(n_id)
        self._stores[0].put(src, dst, t, raw_msg)
        self._stores[1].put(dst, src, t, raw_msg)
        self._kept = None
        if not self.training:
            self._write(n_id)

    def train(self, mode: bool = True) -> TGNMemory:
        """Switches between training and evaluation; pending messages are taken in before evaluation."""
        if self.training and not mode:
            everyone = torch.arange(self.num_nodes)
            if self.compat == "exact":
                everyone = everyone[torch.from_numpy((self._stores[0].count > 0) | (self._stores[1].count > 0))]
            self._kept = None
            self._write(everyone)
            for store in self._stores:
                store.reset()
        super().train(mode)
        return self

    @torch.no_grad()
    def _write(self, n_id: Tensor) -> None:
        kept, asked = self._kept, n_id.numpy()
        if kept is not None and kept[3] == self._version() and len(kept[0]):
            place = np.minimum(np.searchsorted(kept[0], asked), len(kept[0]) - 1)
            if (kept[0][place] == asked).all():
                rows = torch.from_numpy(place)
                self.memory[n_id], self.last_update[n_id] = kept[1][rows], kept[2][rows]
                return
        self.memory[n_id], self.last_update[n_id] = self._updated(n_id)

    def _updated(self, n_id: Tensor) -> tuple[Tensor, Tensor]:
        self._assoc[n_id] = torch.arange(len(n_id))
        parts = [
            self._messages(n_id, store, module)
            for store, module in zip(self._stores, (self.msg_s_module, self.msg_d_module), strict=True)
        ]
        message, node, t = (torch.cat(columns) for columns in zip(*parts, strict=True))
        index = self._assoc[node]
        old = self.memory[n_id]
        if self.compat == "exact":
            rows, index = index.unique(return_inverse=True)
            if not len(rows):
                return old, self.last_update[n_id]
            summed = self.aggr_module(message, index, t, len(rows))
            memory = old.index_copy(0, rows, self.gru(summed, old[rows]))
            last = torch.zeros(len(rows), dtype=torch.int64).scatter_reduce(0, index, t, "amax")
            return memory, self.last_update[n_id].index_copy(0, rows, last)
        memory = self.gru(self.aggr_module(message, index, t, len(n_id)), old)
        return memory, torch.zeros(len(n_id), dtype=torch.int64).scatter_reduce(0, index, t, "amax", include_self=True)

    def _messages(self, n_id: Tensor, store: _Pending, module: Callable) -> tuple[Tensor, Tensor, Tensor]:
        rows = store.rows(n_id.numpy())
        src, dst, t = (torch.from_numpy(column[rows]) for column in (store.src, store.dst, store.t))
        raw_msg = torch.from_numpy(store.raw_msg[rows])
        age = self.time_enc((t - self.last_update[src]).to(raw_msg.dtype))
        return module(self.memory[src], self.memory[dst], raw_msg, age), src, t

    def _version(self) -> int:
        return sum(parameter._version for parameter in self.parameters())


class _Pending:
    """Messages of the last batch that a node was in: rows of a log, and where the rows of a node begin."""

    def __init__(self, num_nodes: int, channels: int) -> None:
        self.num_nodes, self.channels = num_nodes, channels
        self.reset()

    def reset(self) -> None:
        self.start = np.zeros(self.num_nodes, dtype=np.int64)
        self.count = np.zeros(self.num_nodes, dtype=np.int64)
        self.length = 0
        self._room(1024)

    def put(self, src: Tensor, dst: Tensor, t: Tensor, raw_msg: Tensor) -> None:
        """Replaces the messages of the nodes in `src` by those of a batch."""
        nodes = src.numpy()
        order = np.argsort(nodes, kind="stable")
        distinct, first, many = np.unique(nodes[order], return_index=True, return_counts=True)
        if self.length + len(nodes) > len(self.src):
            self._compact(len(nodes))
        rows = slice(self.length, self.length + len(nodes))
        self.src[rows], self.dst[rows], self.t[rows] = nodes[order], dst.numpy()[order], t.numpy()[order]
        self.raw_msg[rows] = raw_msg.detach().numpy()[order]
        self.start[distinct], self.count[distinct] = self.length + first, many
        self.length += len(nodes)

    def rows(self, nodes: np.ndarray) -> np.ndarray:
        """Returns the rows of the messages of nodes, node by node."""
        many = self.count[nodes]
        begin = np.repeat(self.start[nodes] - np.cumsum(many) + many, many)
        return begin + np.arange(len(begin))

    def _compact(self, room: int) -> None:
        live = self.rows(np.arange(self.num_nodes))
        columns = [column[live] for column in (self.src, self.dst, self.t, self.raw_msg)]
        self._room(2 * (len(live) + room) + 1024)
        for column, kept in zip((self.src, self.dst, self.t, self.raw_msg), columns, strict=True):
            column[: len(kept)] = kept
        self.start = np.cumsum(self.count) - self.count
        self.length = len(live)

    def _room(self, rows: int) -> None:
        self.src, self.dst, self.t = (np.empty(rows, dtype=np.int64) for _ in range(3))
        self.raw_msg = np.empty((rows, self.channels), dtype=np.float32)
