"""Diffusion with noise on a fixed graph: neighbours say what a node's own past cannot.

x_t+1 = alpha P x_t + noise e_t, with P = D^-1/2 (A + I) D^-1/2 of an undirected random graph and e_t standard normal.
The best possible forecast is alpha P x_t, whose root mean squared error is `noise`; one from a node's own past is off
by what its neighbours bring.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from graphkit.data.series import RawSeries
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(
    seed: int = 0,
    *,
    nodes: int = 200,
    steps: int = 120,
    features: int = 2,
    degree: float = 4.0,
    alpha: float = 0.95,
    noise: float = 0.5,
) -> RawSeries:
    """Draws a series.

    Args:
        seed: decides everything.
        nodes: N, at least 2.
        steps: S, at least 10.
        features: F, at least 1.
        degree: expected degree.
        alpha: what is kept a step, in [0, 1].
        noise: deviation of the noise, in [0, 1].

    Returns:
        The undirected graph, both directions of an edge, and x [S, N, F].

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(nodes=10, steps=12).x.shape
        (12, 10, 2)
    """
    check_counts("diffusion", nodes=(nodes, 2), steps=(steps, 10), features=(features, 1))
    check_shares("diffusion", alpha=alpha, noise=noise)
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((nodes, nodes)) < degree / nodes, 1)
    ends = np.argwhere(upper | upper.T).T.astype(np.int64)
    around = np.bincount(ends[0], minlength=nodes) + 1.0
    row, column = np.concatenate([ends, np.tile(np.arange(nodes), (2, 1))], axis=1)
    matrix = sparse.csr_matrix(((around[row] * around[column]) ** -0.5, (row, column)), shape=(nodes, nodes))
    x = [rng.standard_normal((nodes, features))]
    for _ in range(steps - 1):
        x.append(alpha * (matrix @ x[-1]) + noise * rng.standard_normal((nodes, features)))
    return RawSeries(ends, np.stack(x).astype(np.float32), "diffusion")
