"""Drop-in for PyG's `LastNeighborLoader`: the last events of nodes in a stream, exactly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.cpu.events import ring_edges, ring_insert
from graphkit.kernels.neighbors import RecentNeighbors


class LastNeighborLoader:
    """Gives the last `size` neighbours of nodes, as `torch_geometric.nn.models.tgn.LastNeighborLoader` does.

    PyG sorts a batch's nodes with a sort that is not stable, so that a node with more than `size` events in one batch
    keeps arbitrary ones of them; this one keeps the last ones, whatever the batch (docs/temporal.md).

    Args:
        num_nodes: N.
        size: neighbours kept a node.
        device: `cpu` or None; the tables stay on the processor.

    Shapes:
        `loader(n_id [Q]) -> (n_id [U] sorted, edge_index [2, E] neighbour to node, e_id [E])`.

    Raises:
        ConfigError: another device, or a size below 1.

    Example:
        >>> loader = LastNeighborLoader(4, 2)
        >>> loader.insert(torch.tensor([0, 0, 0]), torch.tensor([1, 2, 3]))
        >>> loader(torch.tensor([0]))
        (tensor([0, 2, 3]), tensor([[2, 1],
                [0, 0]]), tensor([2, 1]))
    """

    def __init__(self, num_nodes: int, size: int, device: torch.device | str | None = None) -> None:
        if device is not None and torch.device(device).type != "cpu":
            raise ConfigError(f"LastNeighborLoader keeps tables on the processor, not on {device}; leave device out")
        self.size = size
        self._cache = RecentNeighbors(num_nodes, size)
        self._local = np.full(num_nodes, -1, dtype=np.int64)
        self._times = np.empty(0)
        self.reset_state()

    def __call__(self, n_id: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns nodes, edges from neighbours to nodes in their local numbers, and the number of each edge's event."""
        asked = n_id.numpy()
        room = len(asked) * self.size
        nodes, edges = np.empty(len(asked) + room, dtype=np.int64), np.empty((3, room), dtype=np.int64)
        node, event, _, count = self._rings
        many, found = ring_edges(node, event, count, asked, self._local, nodes, edges)
        rows = torch.from_numpy(edges[:, :found])
        return torch.from_numpy(nodes[:many]), rows[:2], rows[2]

    def insert(self, src: Tensor, dst: Tensor) -> None:
        """Takes in events [B]; raises ShapeError for a node out of range."""
        node, event, t, count = self._rings
        sources = src.numpy()
        beyond = ring_insert(node, event, t, count, sources, dst.numpy(), self._times, self.cur_e_id)
        if beyond >= 0:
            ends = int(sources[beyond]), int(dst[beyond])
            raise ShapeError(f"event {beyond} is of nodes {ends}, but there are {len(self._local)} nodes")
        self.cur_e_id += len(sources)  # the length of a tensor takes longer than the call above

    def reset_state(self) -> None:
        """Forgets every event."""
        self._cache.reset()
        state = self._cache.state
        self._rings = tuple(state[f"recent/{key}"] for key in ("node", "event", "t", "count"))
        self.cur_e_id = 0
        """Number of events seen."""
