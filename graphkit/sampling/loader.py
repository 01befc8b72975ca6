"""Batches of seed nodes with their sampled neighbourhoods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphkit.errors import ConfigError
from graphkit.sampling.graphs import share_of
from graphkit.sampling.neighbors import NeighborSampler


def neighbor_loader(
    data: Data,
    *,
    fanout: Sequence[int],
    batch_size: int,
    input_nodes: Tensor | None = None,
    seed: int = 0,
    shuffle: bool = False,
    replace: bool = False,
    weight: Tensor | None = None,
    sampler: NeighborSampler | None = None,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Data]:
    """Yields blocks of one pass over the seed nodes; a lighter form of PyG's `NodeLoader` around a `NeighborSampler`.

    Args:
        data: the full graph, with `edge_index` and any node or edge features.
        fanout: neighbours a hop, the hop next to the seeds first; -1 takes all.
        batch_size: seed nodes a block.
        input_nodes: [B] seed nodes; all nodes if None.
        seed: decides the order and the draws; another seed gives another epoch.
        shuffle: take the seed nodes in random order.
        replace: draw with replacement.
        weight: [E] edge weights to draw in proportion to.
        sampler: a sampler made before, to spare its preparation; then `fanout`, `replace` and `weight` are its own.
        share: (r, n) keeps every n-th seed node of a block from the r-th on, for one of n processes.

    Yields:
        `Data` with `x`, `y`, `edge_attr` as far as `data` has them, `edge_index` in block numbers, `n_id [M]`,
        `e_id [S]` and `batch_size`; the first `batch_size` nodes are the seeds.

    Raises:
        ConfigError: `batch_size` is not positive.

    Example:
        >>> data = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]))
        >>> [block.num_nodes for block in neighbor_loader(data, fanout=[1], batch_size=1)]
        [2, 2, 2]
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
    if sampler is None:
        sampler = NeighborSampler(data, fanout, replace=replace, weight=weight)
    nodes = torch.arange(data.num_nodes) if input_nodes is None else input_nodes
    if shuffle:
        nodes = nodes[torch.randperm(len(nodes), generator=torch.Generator().manual_seed(seed))]
    node_keys = [key for key in data.node_attrs() if torch.is_tensor(data[key])]
    edge_keys = [key for key in data.edge_attrs() if torch.is_tensor(data[key]) and key != "edge_index"]
    for whole in nodes.split(batch_size):
        seeds = share_of(whole, share)
        found = sampler.sample(seeds, seed)
        block = Data(edge_index=found.edge_index, n_id=found.nodes, e_id=found.edge_id, num_nodes=len(found.nodes))
        for key in node_keys:
            block[key] = data[key][found.nodes]
        for key in edge_keys:
            block[key] = data[key][found.edge_id]
        block.batch_size = len(seeds)
        yield block
