"""What every kernel over pairs of nodes asks of its arguments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels.csr import CSRGraph

Integers = npt.NDArray[np.int64]


def pair_ends(graph: CSRGraph, pairs: Tensor, *, distinct: bool = False) -> tuple[Integers, Integers]:
    """Checks pairs of nodes and returns their two ends.

    Args:
        graph: of one node set.
        pairs: [2, B] integer node numbers.
        distinct: refuse pairs of a node with itself.

    Returns:
        Two contiguous [B] int64 arrays.

    Raises:
        ShapeError: `pairs` is not an integer tensor [2, B] in main memory, or the graph is bipartite.
        GraphValidationError: a pair names a node that is not there, or a node twice; the message names the first one.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 2)
        >>> pair_ends(graph, torch.tensor([[0], [1]]))[1].tolist()
        [1]
    """
    if pairs.dim() != 2 or pairs.size(0) != 2 or pairs.is_floating_point() or pairs.dtype == torch.bool:
        raise ShapeError(f"pairs must be an integer tensor of shape [2, B], got {pairs.dtype} {list(pairs.shape)}")
    if graph.num_sources != graph.num_targets:
        raise ShapeError(
            f"pairs need one node set, but the graph has {graph.num_sources} sources and {graph.num_targets} targets"
        )
    if pairs.device.type != "cpu" or graph.device.type != "cpu":
        raise ShapeError(
            f"kernels over pairs run on the processor, got pairs on {pairs.device} and a graph on {graph.device};"
            " pass pairs.cpu() and graph.to('cpu')"
        )
    ends = np.ascontiguousarray(pairs.detach().numpy(), dtype=np.int64)
    if ends.size and not (ends.min() >= 0 and ends.max() < graph.num_nodes):
        at = int(np.flatnonzero(((ends < 0) | (ends >= graph.num_nodes)).any(axis=0))[0])
        raise GraphValidationError(
            f"pair {at} is {ends[0, at]} - {ends[1, at]}, but nodes are numbered 0..{graph.num_nodes - 1}"
        )
    if distinct and (ends[0] == ends[1]).any():
        at = int(np.flatnonzero(ends[0] == ends[1])[0])
        raise GraphValidationError(
            f"pair {at} joins node {ends[0, at]} with itself; a subgraph needs two ends, so leave such pairs out"
        )
    return ends[0], ends[1]
