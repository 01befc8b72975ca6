"""DictionaryLookup, Brody, Alon and Yahav, "How attentive are graph attention networks?", ICLR 2022 (arXiv 2105.14491).

Every graph is a complete bipartite one: k nodes hold (key, value) pairs, the values a permutation of the keys, and k
query nodes hold (key, empty). A query must find the value that belongs to its key. Attention whose ranking of
neighbours does not depend on the query, as in GAT, cannot; one layer of dynamic attention, as in GATv2, can.
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.raw import RawGraph
from graphkit.data.synthetic.parts import graph_split, nodes_of_graphs
from graphkit.errors import ConfigError

VERSION = 1


def generate(seed: int = 0, *, k: int = 10, graphs: int = 5000) -> RawGraph:
    """Draws `graphs` dictionaries of size k as one disjoint union.

    In graph g, nodes 2kg .. 2kg+k-1 are the queries and the next k the pairs; edges lead from every pair to every
    query. Features are the one-hot key (k columns) beside the one-hot value (k columns and one for "empty").

    Args:
        seed: decides permutations and split.
        k: size of the dictionary, at least 2.
        graphs: G, how many; where k! is at most G, every permutation is taken once.

    Returns:
        N = 2kG nodes, E = k^2 G edges; y [N] holds the value due at queries and -1 at pairs; 80 % of the graphs train,
        10 % validate, 10 % test, and only query nodes are scored.

    Raises:
        ConfigError: k is below 2 or there are fewer than 3 graphs.

    Example:
        >>> generate(0, k=3, graphs=6).edge_index.shape
        (2, 54)
    """
    if k < 2 or graphs < 3:
        raise ConfigError(f"dictionary-lookup takes k >= 2 and graphs >= 3, got k={k} and graphs={graphs}")
    rng = np.random.default_rng(seed)
    values = _permutations(rng, k, graphs)
    graphs = len(values)
    first = np.arange(graphs) * 2 * k
    query, pair = np.meshgrid(np.arange(k), np.arange(k, 2 * k), indexing="ij")
    edge_index = np.stack([(first[:, None] + pair.ravel()).ravel(), (first[:, None] + query.ravel()).ravel()]).astype(
        np.int64
    )
    key = np.tile(np.arange(k), 2 * graphs)
    value = np.concatenate([np.full((graphs, k), k), values], axis=1).ravel()
    columns = np.stack([key, k + value], axis=1).ravel()
    x = sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns, np.arange(0, len(columns) + 1, 2)),
        shape=(2 * k * graphs, 2 * k + 1),
    )
    y = np.concatenate([values, np.full((graphs, k), -1)], axis=1).ravel().astype(np.int64)
    ptr = np.arange(graphs + 1, dtype=np.int64) * 2 * k
    queries = y >= 0
    parts = (nodes_of_graphs(part, ptr) for part in graph_split(rng, graphs, 0.8, 0.1))
    train, valid, test = (part[queries[part]] for part in parts)
    return RawGraph(
        x=x, edge_index=edge_index, y=y, splits={"generator": [(train, valid, test)]}, ptr=ptr, name="dictionary-lookup"
    )


def _permutations(rng: np.random.Generator, k: int, graphs: int) -> NDArray[np.int64]:
    """[G, k] values by key: all k! permutations where they are few, else uniform draws."""
    if math.factorial(k) <= graphs:
        return np.array(list(permutations(range(k))), dtype=np.int64)
    return rng.permuted(np.tile(np.arange(k), (graphs, 1)), axis=1)
