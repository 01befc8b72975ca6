"""Random-walk neighbourhoods of every node as a sequence of subgraph tokens, computed once for a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphkit.errors import ConfigError
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1


class WalkTokens:
    """For every node the subgraphs that random walks of falling length see, from far to near.

    Behrouz and Hashemi, "Graph Mamba: Towards Learning on Graphs with State Space Models", KDD 2024 (arXiv 2402.08678),
    section 4.1: for each length m' = m..1, `samples` tokens, each the subgraph induced by the nodes that `walks` walks
    of m' steps visit; last, for m' = 0, the node itself. A node's sequence has samples * m + 1 tokens.

    Arrays: `token_node` [R] nodes of the tokens, token after token; `token_size` [T] nodes a token, T = N * (samples *
    m + 1); `token_edge` [E', 2] induced edges (source, target) as rows of `token_node`.

    Args:
        length: m, steps of the longest walks.
        walks: M, walks a token.
        samples: s, tokens a length.
        seed: of the walks.

    Raises:
        ConfigError: an argument is out of range.

    Example:
        >>> import torch
        >>> pair = Graphs(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 2]))
        >>> WalkTokens(1, 2, 1).compute(pair)["token_size"].values.tolist()
        [2, 1, 2, 1]
    """

    def __init__(self, length: int = 1, walks: int = 4, samples: int = 2, seed: int = 0) -> None:
        if length < 1 or walks < 1 or samples < 1:
            raise ConfigError(f"length, walks and samples must be at least 1, got {length}, {walks} and {samples}")
        self.length, self.walks, self.samples, self.seed = length, walks, samples, seed

    @property
    def tokens(self) -> int:
        """Tokens a node."""
        return self.samples * self.length + 1

    def count(self, graphs: Graphs) -> Cost:
        """Returns the bytes if no walk met itself, with every token node's whole neighbourhood among the edges."""
        visited = sum(self.samples * (self.walks * steps + 1) for steps in range(1, self.length + 1)) + 1
        rows = graphs.num_nodes * visited
        return Cost(8 * (rows + graphs.num_nodes * self.tokens) + 32 * rows, f"at most {rows:,} nodes of tokens")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the arrays `token_node`, `token_size` and `token_edge`."""
        rowptr, col = _rows(graphs)
        nodes, tokens = graphs.num_nodes, self.tokens
        rng = np.random.default_rng(self.seed)
        token, visited = [np.arange(nodes) * tokens + tokens - 1], [np.arange(nodes)]
        for steps in range(self.length, 0, -1):
            first = (self.length - steps) * self.samples
            place = np.arange(nodes)[:, None] * tokens + first + np.arange(self.samples)
            owner = np.repeat(place.ravel(), self.walks)
            at = np.repeat(np.arange(nodes), self.samples * self.walks)
            token.append(owner)
            visited.append(at)
            for _ in range(steps):
                degree = rowptr[at + 1] - rowptr[at]
                slot = np.minimum((rng.random(len(at)) * degree).astype(np.int64), np.maximum(degree - 1, 0))
                at = np.where(
                    degree > 0, col[np.minimum(rowptr[at] + slot, max(len(col) - 1, 0))] if len(col) else at, at
                )
                token.append(owner)
                visited.append(at)
        keys = np.unique(np.concatenate(token) * max(nodes, 1) + np.concatenate(visited))
        owner, node = keys // max(nodes, 1), keys % max(nodes, 1)
        size = np.bincount(owner, minlength=nodes * tokens)
        edges = _induced(rowptr, col, owner, node, keys, nodes)
        ptr = graphs.ptr.numpy() * tokens
        rows = np.concatenate([[0], np.cumsum(size)])[ptr]
        ends = np.searchsorted(edges[:, 1], rows)
        return {
            "token_node": Ragged(torch.from_numpy(node), torch.from_numpy(rows), "node"),
            "token_size": Ragged(torch.from_numpy(size), torch.from_numpy(ptr)),
            "token_edge": Ragged(torch.from_numpy(edges), torch.from_numpy(ends), "token_node"),
        }


def _rows(graphs: Graphs) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compressed rows of the undirected graphs without loops and repetitions."""
    source, target = graphs.edge_index.numpy()
    nodes = max(graphs.num_nodes, 1)
    both = np.concatenate([source * nodes + target, target * nodes + source])
    keys = np.unique(both[np.concatenate([source != target] * 2)])
    rowptr = np.concatenate([[0], np.cumsum(np.bincount(keys // nodes, minlength=graphs.num_nodes))])
    return rowptr, keys % nodes


def _induced(
    rowptr: NDArray[Any], col: NDArray[Any], owner: NDArray[Any], node: NDArray[Any], keys: NDArray[Any], nodes: int
) -> NDArray[Any]:
    """Edges [E', 2] (source row, target row) between the nodes of every token, sorted by target."""
    degree = rowptr[node + 1] - rowptr[node] if len(col) else np.zeros(len(node), dtype=np.int64)
    row = np.repeat(np.arange(len(node)), degree)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(degree) - degree, degree)
    wanted = owner[row] * nodes + col[rowptr[node[row]] + offset] if len(row) else np.empty(0, dtype=np.int64)
    found = np.searchsorted(keys, wanted)
    there = keys[np.minimum(found, len(keys) - 1)] == wanted if len(row) else np.empty(0, dtype=bool)
    return np.stack([found[there], row[there]], axis=1)
