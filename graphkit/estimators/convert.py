"""Graphs of other libraries as PyG `Data`, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch_geometric.data import Data

from graphkit.embeddings.adjacency import as_adjacency
from graphkit.errors import ConfigError, ShapeError


def as_data(graph: Any, x: Any = None) -> Data:
    """Returns any graph as PyG `Data` with x [N, F] float32 and edge_index [2, E] int64.

    Args:
        graph: a PyG `Data`; a networkx graph, whose undirected edges become two; or a scipy matrix [N, N] whose entry
            (i, j) is an edge from i to j.
        x: [N, F] array or scipy matrix of features, in place of the graph's own; a networkx graph may carry them as
            node attribute `x`.

    Raises:
        ConfigError: no such graph, or no features anywhere.
        ShapeError: `x` has not one row a node.

    Example:
        >>> as_data(nx.path_graph(3), x=np.eye(3)).edge_index.shape
        torch.Size([2, 4])
    """
    if isinstance(graph, Data):
        data = Data(**{key: graph[key] for key in ("x", "edge_index", "edge_attr", "y") if graph.get(key) is not None})
        data.num_nodes = graph.num_nodes
    elif isinstance(graph, nx.Graph):
        data = from_networkx(graph)
    else:
        matrix = as_adjacency(graph).tocoo()
        data = Data(edge_index=torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64)))
        data.num_nodes = matrix.shape[0]
    if x is not None:
        dense = x.toarray() if sparse.issparse(x) else x
        data.x = torch.from_numpy(np.ascontiguousarray(np.asarray(dense, dtype=np.float32)))
    if data.get("x") is None:
        raise ConfigError("the graph has no node features; pass x [N, F], for example a node embedding")
    if data.x.dim() != 2 or data.x.size(0) != data.num_nodes:
        raise ShapeError(f"x must be [{data.num_nodes}, F], one row a node, got {list(data.x.shape)}")
    return data


def from_networkx(graph: nx.Graph, *, x: str = "x", y: str = "y") -> Data:
    """Returns a networkx graph as PyG `Data`; nodes are numbered in their order of iteration.

    Args:
        graph: directed or not; an undirected edge becomes two directed ones.
        x: node attribute with the features, a number or a list; taken over where every node has it.
        y: node attribute with the class, kept as `data.labels`, None where a node has none.

    Returns:
        x [N, F] float32 where there, edge_index [2, E] int64, and `names`, the nodes' names.

    Raises:
        ConfigError: some nodes have the attribute `x` and others have not.

    Example:
        >>> graph = nx.path_graph(3)
        >>> nx.set_node_attributes(graph, {0: 1.0, 1: 2.0, 2: 3.0}, "x")
        >>> from_networkx(graph).x.flatten().tolist()
        [1.0, 2.0, 3.0]
    """
    names = list(graph)
    number = {name: index for index, name in enumerate(names)}
    edges = [(number[source], number[target]) for source, target in graph.edges()]
    if not graph.is_directed():
        edges += [(target, source) for source, target in edges if source != target]
    data = Data(edge_index=torch.tensor(edges, dtype=torch.long).reshape(-1, 2).t().contiguous())
    data.num_nodes, data.names = len(names), names
    features = nx.get_node_attributes(graph, x)
    if features and len(features) != len(names):
        missing = next(name for name in names if name not in features)
        raise ConfigError(f"node {missing!r} has no attribute {x!r}, which {len(features)} others have")
    if features:
        rows = np.array([features[name] for name in names], dtype=np.float32)
        data.x = torch.from_numpy(rows.reshape(len(names), -1))
    labels: Mapping[Hashable, Any] = nx.get_node_attributes(graph, y)
    if labels:
        data.labels = np.array([labels.get(name) for name in names], dtype=object)
    return data


def to_networkx(data: Data, **attributes: NDArray[Any] | torch.Tensor) -> nx.Graph:
    """Returns a `Data` as a networkx graph, undirected where every edge has its reverse.

    Args:
        data: the graph; `names` [N], where there, name the nodes.
        attributes: [N, ...] values to be stored with the nodes, such as predictions.

    Example:
        >>> ring = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=2)
        >>> to_networkx(ring, label=np.array([3, 4])).nodes(data="label")
        NodeDataView({0: 3, 1: 4}, data='label')
    """
    names = data.get("names") or list(range(data.num_nodes))
    edges = data.edge_index.t().tolist()
    known = {tuple(edge) for edge in edges}
    graph = nx.Graph() if all((target, source) in known for source, target in known) else nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((names[source], names[target]) for source, target in edges)
    for key, values in attributes.items():
        nx.set_node_attributes(graph, dict(zip(names, np.asarray(values).tolist(), strict=True)), key)
    return graph
