"""Batches of links with their enclosing subgraphs, for models of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.graph_cache import as_graph
from graphkit.kernels.subgraph import Labels, enclosing_subgraphs


def enclosing_loader(
    data: Data,
    pairs: Tensor,
    target: Tensor | None = None,
    *,
    hops: int,
    batch_size: int,
    cap: int | None = None,
    labels: Labels = "drnl",
    seed: int = 0,
    shuffle: bool = False,
) -> Iterator[Data]:
    """Yields the enclosing subgraphs of one pass over links; see `kernels.enclosing_subgraphs`.

    Nothing is computed before it is asked for, and nothing is kept: a batch of 32 takes about a millisecond.

    Args:
        data: the full graph, with `edge_index` and any node or edge features.
        pairs: [2, B] the links.
        target: [B, ...] a value of each link, such as whether it is there.
        hops: at least 1.
        batch_size: links a batch.
        cap: most new nodes a hop.
        labels: kind of node labels.
        seed: decides the order and the draws under a cap; another seed gives another epoch.
        shuffle: take the links in random order.

    Yields:
        `Data` with the node and edge features of `data`, `edge_index` in numbers of the batch, `z` the node labels,
        `n_id [M]`, `e_id [S]`, `ptr`, `batch`, `link [B']` numbers of the links, and `y`, their targets, where there
        are any. The ends of link b are the nodes `ptr[b]` and `ptr[b] + 1`.

    Raises:
        ConfigError: `batch_size` is not positive.
        ShapeError: `target` has another length than `pairs`.

    Example:
        >>> data = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> batch = next(enclosing_loader(data, torch.tensor([[0], [2]]), hops=1, batch_size=8))
        >>> batch.x.shape, batch.z.tolist()
        (torch.Size([3, 3]), [1, 1, 2])
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
    if target is not None and len(target) != pairs.size(-1):
        raise ShapeError(f"there are {pairs.size(-1)} pairs, but {len(target)} targets")
    graph = as_graph(data.edge_index, int(data.num_nodes))
    links = torch.arange(pairs.size(-1))
    if shuffle:
        links = torch.randperm(len(links), generator=torch.Generator().manual_seed(seed))
    node_keys = [key for key in data.node_attrs() if torch.is_tensor(data[key]) and key != "y"]
    edge_keys = [key for key in data.edge_attrs() if torch.is_tensor(data[key]) and key != "edge_index"]
    for own in links.split(batch_size):
        found = enclosing_subgraphs(graph, pairs[:, own], hops, cap, labels, seed)
        block = Data(edge_index=found.edge_index, z=found.label, n_id=found.node, e_id=found.edge_id, link=own)
        block.ptr, block.batch, block.num_nodes = found.ptr, found.batch, len(found.node)
        for key in node_keys:
            block[key] = data[key][found.node]
        for key in edge_keys:
            block[key] = data[key][found.edge_id]
        if target is not None:
            block.y = target[own]
        yield block
