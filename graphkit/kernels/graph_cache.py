"""One graph per edge-index tensor: layers that are given an edge list in every step sort it once."""

from __future__ import annotations

import weakref

from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.csr import CSRGraph

_Entry = tuple["weakref.ref[Tensor]", int, dict[object, CSRGraph]]
_graphs: dict[int, _Entry] = {}


def as_graph(edge_index: Tensor | CSRGraph, num_nodes: int | tuple[int, int]) -> CSRGraph:
    """The graph of an edge list, remembered for as long as the tensor lives and is not changed in place.

    Changes made behind PyTorch's back (through a numpy view) are not noticed.

    Args:
        edge_index: [2, E] integer tensor (row 0 sources, row 1 targets), or a graph, which is returned as it is.
        num_nodes: N, or (number of sources, number of targets).

    Returns:
        The compressed graph.

    Raises:
        ShapeError: a given graph has another number of nodes.
        GraphValidationError: an edge names a node that does not exist.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1], [1, 0]])
        >>> as_graph(edge_index, 2) is as_graph(edge_index, 2)
        True
    """
    if isinstance(edge_index, CSRGraph):
        expected = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
        if (edge_index.num_sources, edge_index.num_targets) != expected:
            raise ShapeError(
                f"the graph has {edge_index.num_sources} sources and {edge_index.num_targets} targets, but the node"
                f" states have {expected[0]} and {expected[1]} rows"
            )
        return edge_index
    if edge_index.is_inference():  # such tensors count no versions, so a change could not be noticed
        return CSRGraph.from_edge_index(edge_index, num_nodes)
    entry = _graphs.get(id(edge_index))
    if entry is None or entry[0]() is not edge_index or entry[1] != edge_index._version:
        key = id(edge_index)
        entry = (weakref.ref(edge_index, lambda ref: _forget(key, ref)), edge_index._version, {})
        _graphs[key] = entry
    graph = entry[2].get(num_nodes)
    if graph is None:
        graph = entry[2][num_nodes] = CSRGraph.from_edge_index(edge_index, num_nodes)
    return graph


def _forget(key: int, reference: weakref.ref[Tensor]) -> None:
    entry = _graphs.get(key)
    if entry is not None and entry[0] is reference:  # the id may belong to a newer tensor by now
        del _graphs[key]
