"""SBM PATTERN of "Benchmarking Graph Neural Networks", Dwivedi et al., JMLR 2023 (arXiv 2003.00982).

A fixed pattern, a random graph of 20 nodes with its own node signal, is hidden in a block model; the task is to say of
every node whether it belongs to the pattern.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawGraph
from graphkit.data.synthetic.parts import graph_split, join, nodes_of_graphs
from graphkit.data.synthetic.small_blocks import check_blocks, draw_adjacency, draw_communities, one_hot
from graphkit.errors import ConfigError

VERSION = 1


def generate(
    seed: int = 0,
    *,
    graphs: int = 700,
    patterns: int = 5,
    communities: int = 5,
    smallest: int = 5,
    largest: int = 35,
    p: float = 0.5,
    q: float = 0.35,
    pattern_size: int = 20,
    pattern_p: float = 0.5,
    pattern_q: float = 0.5,
    vocabulary: int = 3,
) -> RawGraph:
    """Draws `graphs` block models, each with one of `patterns` hidden in it, as one disjoint union.

    Args:
        seed: decides everything.
        graphs: G; the published set has 14,000.
        patterns: how many different patterns; graph g hides pattern g mod patterns. The published set has 100.
        communities: of each graph.
        smallest: fewest nodes of a community.
        largest: one more than the most nodes of a community, as in the published code.
        p: edge probability within a community.
        q: edge probability between communities.
        pattern_size: nodes of a pattern.
        pattern_p: edge probability within a pattern.
        pattern_q: edge probability between pattern and graph.
        vocabulary: V, number of values of the node signal.

    Returns:
        [N, V] one-hot signal, edges in both directions, y [N] 1 on the pattern and 0 elsewhere; 10/14 of the graphs
        train, 2/14 validate, 2/14 test, as published.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(0, graphs=7).x.shape[1]
        3
    """
    chances = {"p": p, "q": q, "pattern_p": pattern_p, "pattern_q": pattern_q}
    check_blocks("sbm-pattern", graphs, smallest, largest, chances)
    if min(patterns, pattern_size, vocabulary) < 1:
        raise ConfigError("sbm-pattern takes patterns, pattern_size and vocabulary of at least 1")
    rng = np.random.default_rng(seed)
    hidden = [
        (
            draw_adjacency(rng, np.full((pattern_size, pattern_size), pattern_p)),
            rng.integers(vocabulary, size=pattern_size),
        )
        for _ in range(patterns)
    ]
    edges, labels, features = [], [], []
    for graph in range(graphs):
        pattern, signal = hidden[graph % patterns]
        community = draw_communities(rng, communities, smallest, largest)
        background = len(community)
        probability = np.full((background + pattern_size,) * 2, pattern_q)
        probability[:background, :background] = np.where(community[:, None] == community, p, q)
        adjacency = draw_adjacency(rng, probability)
        adjacency[background:, background:] = pattern
        order = rng.permutation(len(adjacency))
        values = np.concatenate([rng.integers(vocabulary, size=background), signal])
        edges.append(np.stack(np.nonzero(adjacency[np.ix_(order, order)])))
        labels.append(order >= background)
        features.append(one_hot(values[order], vocabulary))
    edge_index, ptr = join(edges, [len(one) for one in labels])
    train, valid, test = (nodes_of_graphs(part, ptr) for part in graph_split(rng, graphs, 10 / 14, 2 / 14))
    return RawGraph(
        x=np.concatenate(features),
        edge_index=edge_index,
        y=np.concatenate(labels).astype(np.int64),
        splits={"generator": [(train, valid, test)]},
        ptr=ptr,
        name="sbm-pattern",
    )
