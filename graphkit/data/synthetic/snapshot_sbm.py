"""A stochastic block model whose nodes move between blocks, one graph a step: the shape of EvolveGCN's SBM data.

Goyal, Kamra, He, Liu, "DynGEM: Deep Embedding Method for Dynamic Graphs", 2018 (arXiv 1805.11273). Edges of a step are
drawn afresh, so blocks are all there is to know: the best score of a pair is whether its blocks are one.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(
    seed: int = 0,
    *,
    nodes: int = 300,
    communities: int = 3,
    steps: int = 50,
    degree_within: float = 4.0,
    degree_across: float = 1.0,
    moves: float = 0.02,
) -> RawEvents:
    """Draws one directed graph a step.

    Args:
        seed: decides everything.
        nodes: N, at least 2 a community.
        communities: at least 2.
        steps: at least 10; the time of an event is its step.
        degree_within: expected edges of a node to its own community in a step.
        degree_across: expected edges to all others.
        moves: probability that a node moves to another community before a step.

    Returns:
        Events sorted by step; y is 1 where both ends are in one community.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(nodes=30, steps=10)
        >>> int(raw.t.max())
        9
    """
    check_counts("snapshot-sbm", communities=(communities, 2), steps=(steps, 10), nodes=(nodes, 2 * communities))
    check_shares("snapshot-sbm", moves=moves)
    rng = np.random.default_rng(seed)
    block = rng.permutation(np.arange(nodes) % communities)
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for step in range(steps):
        moving = rng.random(nodes) < moves
        block = np.where(moving, (block + rng.integers(1, communities, nodes)) % communities, block)
        near = rng.poisson(degree_within, nodes)
        src = np.repeat(np.arange(nodes), near + rng.poisson(degree_across, nodes))
        fresh = np.concatenate([[0], np.flatnonzero(np.diff(src)) + 1])
        rank = np.arange(len(src)) - np.repeat(fresh, np.diff(np.append(fresh, len(src))))
        within = rank < near[src]
        members = np.argsort(block, kind="stable")
        size = np.bincount(block, minlength=communities)
        start = np.cumsum(size) - size
        own, chance = block[src], rng.random(len(src))
        inside = start[own] + (chance * size[own]).astype(np.int64)
        outside = (start[own] + size[own] + (chance * (nodes - size[own])).astype(np.int64)) % nodes
        dst = members[np.where(within, inside, outside)]
        order = rng.permutation(np.flatnonzero(dst != src))
        for column, values in zip(columns, (src, dst, np.full(len(src), step), within), strict=True):
            column.append(values[order])
    src, dst, t, within = (np.concatenate(column) for column in columns)
    return RawEvents(src=src, dst=dst, t=t, y=within.astype(np.int64), nodes=np.arange(nodes), name="snapshot-sbm")
