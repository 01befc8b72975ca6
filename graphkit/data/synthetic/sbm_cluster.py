"""SBM CLUSTER of "Benchmarking Graph Neural Networks", Dwivedi et al., JMLR 2023 (arXiv 2003.00982).

Each graph has six communities. One node of each shows its community, every other node shows nothing; the task is to
give all nodes their community, so the six seeds must spread along the denser connections.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawGraph
from graphkit.data.synthetic.parts import graph_split, join, nodes_of_graphs
from graphkit.data.synthetic.small_blocks import check_blocks, draw_adjacency, draw_communities, one_hot

VERSION = 1


def generate(
    seed: int = 0,
    *,
    graphs: int = 600,
    communities: int = 6,
    smallest: int = 5,
    largest: int = 35,
    p: float = 0.55,
    q: float = 0.25,
) -> RawGraph:
    """Draws `graphs` block models as one disjoint union.

    Args:
        seed: decides everything.
        graphs: G; the published set has 12,000.
        communities: C of each graph.
        smallest: fewest nodes of a community.
        largest: one more than the most nodes of a community, as in the published code.
        p: edge probability within a community.
        q: edge probability between communities.

    Returns:
        [N, C + 1] one-hot features (column 0: nothing shown), edges in both directions, y [N] the community; 10/12 of
        the graphs train, 1/12 validates, 1/12 tests, as published.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(0, graphs=12).x.shape[1]
        7
    """
    check_blocks("sbm-cluster", graphs, smallest, largest, {"p": p, "q": q})
    rng = np.random.default_rng(seed)
    edges, labels, features = [], [], []
    for _ in range(graphs):
        community = rng.permutation(draw_communities(rng, communities, smallest, largest))
        adjacency = draw_adjacency(rng, np.where(community[:, None] == community, p, q))
        shown = np.zeros(len(community), dtype=np.int64)
        for label in range(communities):
            shown[rng.choice(np.flatnonzero(community == label))] = label + 1
        edges.append(np.stack(np.nonzero(adjacency)))
        labels.append(community)
        features.append(one_hot(shown, communities + 1))
    edge_index, ptr = join(edges, [len(one) for one in labels])
    train, valid, test = (nodes_of_graphs(part, ptr) for part in graph_split(rng, graphs, 10 / 12, 1 / 12))
    return RawGraph(
        x=np.concatenate(features),
        edge_index=edge_index,
        y=np.concatenate(labels).astype(np.int64),
        splits={"generator": [(train, valid, test)]},
        ptr=ptr,
        name="sbm-cluster",
    )
