"""Learned rows of nodes, with one that nodes share until something is known of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.temporal.base import Array, Events
from graphkit.kernels.neighbors import RecentNeighbors


class NodeRows(nn.Embedding):
    """A row a node that had an event, now and in training; all others share row N, and row N + 1 is no node.

    A row of its own for a node that training has never seen as an answer, only as a wrong one, says that it is wrong,
    and nodes that appear later are half of the answers of some streams. So nodes share a row until their first event,
    in training too, where that row is learned, and those that first appear afterwards keep it.

    Args:
        num_nodes: N.
        channels: C.
        std: of the first values.
        recent: who has had an event so far.

    Example:
        >>> recent = RecentNeighbors(3, 2)
        >>> rows = NodeRows(3, 4, 0.1, recent)
        >>> event = Events(np.array([0]), np.array([1]), np.array([5.0]))
        >>> recent.insert(event.src, event.dst, event.t)
        >>> rows.learn(event)
        >>> rows.index(np.array([0, 1, 2, 9, -1])).tolist()
        [0, 1, 3, 3, 4]
    """

    trained: Tensor

    def __init__(self, num_nodes: int, channels: int, std: float, recent: RecentNeighbors) -> None:
        super().__init__(num_nodes + 2, channels)
        nn.init.normal_(self.weight, std=std)
        self.recent = recent
        self.register_buffer("trained", torch.zeros(num_nodes, dtype=torch.bool))

    def learn(self, events: Events) -> None:
        """Takes note in training of the nodes that get rows of their own; changes nothing in evaluation."""
        if self.training:
            for ends in (events.src, events.dst):
                self.trained[torch.from_numpy(ends[ends < len(self.trained)].astype(np.int64))] = True

    def index(self, nodes: Array) -> Tensor:
        """Returns the rows of nodes, -1 being none."""
        limit = len(self.trained)
        place = np.clip(nodes, 0, limit - 1)
        count = self.recent.state[f"{self.recent.name}/count"]
        own = (nodes < limit) & self.trained.numpy()[place] & (count[place] > 0)
        return torch.from_numpy(np.where(nodes < 0, limit + 1, np.where(own, nodes, limit)))
