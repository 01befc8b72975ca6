"""A graph as a directed acyclic one along a node order, and the edges of that as a graph: what pLSTM reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphkit.kernels.ragged import Ragged
from graphkit.transforms.orders import NodeOrder, Order
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1


class OrientDAG:
    """Directs every edge from the earlier to the later node of an order, and joins edges that follow one another.

    Poeppel, Freinschlag, Schmied, Lin, Hochreiter: "pLSTM: parallelizable Linear Source Transition Mark networks"
    (arXiv 2506.11997), section 4. The authors direct edges by node number, so their network depends on the numbering;
    here the order is explicit (`transforms.orders`).

    Arrays: `dag_edge` [E, 2] source and target, every undirected edge once; `dag_line` [L, 2] an edge and one that
    leaves where it arrives, as rows of `dag_edge`; `dag_level` [L, 2] after how many steps from the front, and from the
    back, the state behind that line can be computed; `dag_tree` [L, 2] whether the line belongs to the multitree read
    from the front, and from the back, in which at most one path leads from one edge to another: of the edges that
    arrive at a node, only one goes on.

    Args:
        order: along which edges point.

    Example:
        >>> import torch
        >>> path = Graphs(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.tensor([0, 3]))
        >>> OrientDAG("rcm").compute(path)["dag_line"].values.tolist()
        [[1, 0]]
    """

    def __init__(self, order: Order = "pagerank") -> None:
        self.order = NodeOrder(order)

    def count(self, graphs: Graphs) -> Cost:
        """Returns the bytes if half of every node's edges arrived and half left."""
        degree = np.bincount(graphs.edge_index[1].numpy(), minlength=1)
        lines = int((degree.astype(np.int64) ** 2).sum() // 4)
        return Cost(34 * lines + 8 * graphs.edge_index.size(1), f"about {lines:,} pairs of edges that meet")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the arrays `dag_edge`, `dag_line`, `dag_level` and `dag_tree`."""
        ptr = graphs.ptr.numpy()
        graph_of = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
        place = self.order.compute(graphs)["order"].values.numpy()
        one, two = graphs.edge_index.numpy()
        source, target = np.where(place[one] < place[two], (one, two), (two, one))
        nodes = max(graphs.num_nodes, 1)
        keys = np.unique((source * nodes + target)[one != two])
        source, target = keys // nodes, keys % nodes
        into = np.argsort(target, kind="stable")  # edges by the node they arrive at
        arriving, leaving = (np.bincount(end, minlength=nodes) for end in (target, source))
        pairs = arriving[source]
        later = np.repeat(np.arange(len(source)), pairs)
        first = (np.cumsum(arriving) - arriving)[source]
        offset = np.arange(len(later)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        earlier = into[np.repeat(first, pairs) + offset]
        front, back = levels(source, target, nodes), levels(target, source, nodes)
        # of the edges that arrive at a node the one from the latest node goes on, read backwards from the earliest
        latest = _best(target, place[source], arriving)
        earliest = _best(source, -place[target], leaving)
        edge_ptr = np.searchsorted(graph_of[source], np.arange(len(ptr)))
        line_ptr = np.searchsorted(graph_of[source[later]], np.arange(len(ptr)))
        lines = {
            "dag_line": np.stack([earlier, later], axis=1),
            "dag_level": np.stack([front[source[later]], back[target[earlier]]], axis=1),
            "dag_tree": np.stack([latest[earlier], earliest[later]], axis=1),
        }
        found = {"dag_edge": Ragged(_tensor(np.stack([source, target], axis=1)), _tensor(edge_ptr), "node")}
        for name, values in lines.items():
            found[name] = Ragged(_tensor(values), _tensor(line_ptr), "dag_edge" if name == "dag_line" else "")
        return found


def levels(source: NDArray[Any], target: NDArray[Any], nodes: int) -> NDArray[Any]:
    """Returns the number of edges of the longest path that ends at every node [N], by removing fronts of nodes.

    Example:
        >>> levels(np.array([0, 1, 0]), np.array([1, 2, 2]), 3).tolist()
        [0, 1, 2]
    """
    waiting = np.bincount(target, minlength=nodes)
    by_source = np.argsort(source, kind="stable")
    rowptr = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=nodes))])
    level = np.zeros(nodes, dtype=np.int64)
    front, step = np.flatnonzero(waiting == 0), 0
    while len(front):
        level[front] = step
        sizes = rowptr[front + 1] - rowptr[front]
        slots = np.arange(sizes.sum()) + np.repeat(rowptr[front] - np.cumsum(sizes) + sizes, sizes)
        reached, times = np.unique(target[by_source[slots]], return_counts=True)
        waiting[reached] -= times
        front, step = reached[waiting[reached] == 0], step + 1
    return level


def _best(end: NDArray[Any], key: NDArray[Any], count: NDArray[Any]) -> NDArray[Any]:
    """Marks one edge [E] for every node that is an `end`: the one with the largest key."""
    order = np.lexsort((key, end))
    last = np.cumsum(count)[count > 0] - 1
    marked = np.zeros(len(end), dtype=bool)
    marked[order[last]] = True
    return marked


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
