"""The contextual stochastic block model of Deshpande et al., NeurIPS 2018 (arXiv 1807.09596).

Two classes of about equal size. The graph is a sparse block model: a pair within a class is joined with probability
(d + l sqrt(d)) / N, across classes with (d - l sqrt(d)) / N. Features are b_i = sqrt(m / N) v_i u + z_i / sqrt(F) with
v_i = +-1 the class, one direction u ~ N(0, I / F) and noise z_i ~ N(0, I). As N and F grow, graph and features together
tell the classes apart where l^2 + m^2 F / N > 1.
A negative l makes a heterophilous graph.
"""

from __future__ import annotations

import math

import numpy as np

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import sample_block, stratified_split
from graphkit.errors import ConfigError

VERSION = 1


def generate(
    seed: int = 0,
    *,
    nodes: int = 2000,
    features: int = 128,
    average_degree: float = 10.0,
    edge_signal: float = 2.0,
    feature_signal: float = 8.0,
) -> RawGraph:
    """Draws one contextual block model.

    Args:
        seed: decides everything.
        nodes: N, at least 10.
        features: F.
        average_degree: d.
        edge_signal: l, between -sqrt(d) and sqrt(d); 0 makes the graph useless, below 0 heterophilous.
        feature_signal: m, at least 0; 0 makes the features useless.

    Returns:
        [N, F] features, edges in both directions, y [N] the class; 10 % of each class trains, 20 % validates, the rest
        tests.

    Raises:
        ConfigError: an option is out of range, or a probability would leave [0, 1].

    Example:
        >>> generate(0, nodes=50, features=8).x.shape
        (50, 8)
    """
    if nodes < 10 or features < 1 or feature_signal < 0:
        raise ConfigError(
            f"csbm takes nodes >= 10, features >= 1, feature_signal >= 0; got {nodes}, {features}, {feature_signal}"
        )
    bend = edge_signal * math.sqrt(max(average_degree, 0.0))
    within, across = (average_degree + bend) / nodes, (average_degree - bend) / nodes
    if not (0 <= within <= 1 and 0 <= across <= 1):
        raise ConfigError(
            f"csbm: average_degree {average_degree} and edge_signal {edge_signal} give edge probabilities {within:.3g} "
            f"and {across:.3g}; keep |edge_signal| <= sqrt(average_degree) and the degree below {nodes}"
        )
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(nodes) % 2).astype(np.int64)
    first, second = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    blocks = [(first, None, within), (second, None, within), (first, second, across)]
    source, target = np.concatenate([sample_block(rng, *block) for block in blocks], axis=1)
    direction = rng.standard_normal(features) / math.sqrt(features)
    noise = rng.standard_normal((nodes, features)) / math.sqrt(features)
    x = math.sqrt(feature_signal / nodes) * (2 * y - 1)[:, None] * direction + noise
    return RawGraph(
        x=x.astype(np.float32),
        edge_index=both_directions(source, target, nodes),
        y=y,
        splits={"generator": [stratified_split(rng, y, 0.1, 0.2)]},
        name="csbm",
    )
