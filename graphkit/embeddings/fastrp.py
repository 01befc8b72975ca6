"""FastRP: powers of the transition matrix times a very sparse random projection."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.embeddings.base import NodeEmbedding, Vectors
from graphkit.errors import ConfigError, UnknownNameError

Projection = Literal["code", "paper"]


class FastRP(NodeEmbedding):
    """Sums random projections of the powers of the transition matrix, degrees weighed down before the first.

    Chen, Sultan, Tian, Chen, Skiena: "Fast and Accurate Network Embeddings via Very Sparse Random Projection", CIKM
    2019 (arXiv 1908.11512), with the row norms and the column z-scores of the published code.

        M = D^-1 A    U_1 = M D^alpha R    U_k = M U_(k-1)    U = zscore(sum_k w_k normalise(U_k))

    Args:
        dimension: d.
        weights: w_1 .. w_K; what leads up to a power is computed even where its weight is 0.
        alpha: exponent of the degrees; below 0 the hubs count less.
        normalise: divide the rows of every U_k by their Euclidean length.
        projection: R, independent entries. `code`: density 1 / sqrt(N), values +-sqrt(1 / (density d)); `paper`:
            density 1/3, values +-sqrt(3).
        seed: of R.

    Shapes:
        graph [N, N]; returns [N, d] float32 with columns of mean 0 and variance 1. A node without edges is placed where
        the zero vector is.

    Raises:
        ConfigError: dimension below 1, or no weight that is not 0.
        UnknownNameError: no such projection.

    Example:
        >>> import networkx as nx
        >>> FastRP(16).fit_transform(nx.karate_club_graph()).shape
        (34, 16)
    """

    def __init__(
        self,
        dimension: int = 128,
        weights: tuple[float, ...] = (0.0, 0.0, 1.0, 6.0),
        alpha: float = -0.5,
        normalise: bool = True,
        projection: Projection = "code",
        seed: int = 0,
    ) -> None:
        self.dimension, self.weights, self.alpha = dimension, weights, alpha
        self.normalise, self.projection, self.seed = normalise, projection, seed

    def embed(self, adjacency: sparse.csr_matrix) -> Vectors:
        """Returns the vectors; see the class."""
        weights = np.asarray(self.weights, dtype=np.float64).reshape(-1)
        if self.dimension < 1 or not np.isfinite(weights).all() or not weights.any():
            raise ConfigError(
                f"FastRP needs dimension >= 1 and a finite weight that is not 0, got {self.dimension}, {self.weights}"
            )
        degree = np.asarray(adjacency.sum(axis=1, dtype=np.float64)).ravel()
        step = sparse.diags(_power(degree, -1.0)).dot(adjacency).astype(np.float32)
        start = random_projection(adjacency.shape[0], self.dimension, self.projection, self.seed)
        power = step @ sparse.diags(_power(degree, self.alpha)).dot(start).astype(np.float32)
        total = np.zeros((adjacency.shape[0], self.dimension), dtype=np.float32)
        for k, weight in enumerate(weights[: np.flatnonzero(weights)[-1] + 1]):
            if k:
                power = step @ (power.toarray() if sparse.issparse(power) else power)
            if weight:
                dense = power.toarray() if sparse.issparse(power) else power
                total += np.float32(weight) * (_unit_rows(dense) if self.normalise else dense)
        return _standardised(total)


def random_projection(
    num_nodes: int, dimension: int, projection: Projection = "code", seed: int = 0
) -> sparse.csr_matrix:
    """Returns R as an [N, d] matrix; see `FastRP`.

    Every entry is non-zero with the same chance, independently: the gaps between non-zeros are geometric.

    Example:
        >>> random_projection(10_000, 8).shape
        (10000, 8)
    """
    if projection not in get_args(Projection):
        raise UnknownNameError("projection", projection, get_args(Projection))
    rng = np.random.default_rng(seed)
    density = 1.0 / 3.0 if projection == "paper" else 1.0 / np.sqrt(num_nodes)
    value = np.sqrt(3.0) if projection == "paper" else np.sqrt(1.0 / (density * dimension))
    cells = num_nodes * dimension
    at = np.empty(0, dtype=np.int64)
    while not len(at) or at[-1] < cells:
        due = int(1.1 * density * cells) + 100
        gaps = rng.geometric(density, due)
        at = np.concatenate([at, np.cumsum(gaps) + (at[-1] if len(at) else -1)])
    at = at[at < cells]
    sign = rng.integers(0, 2, len(at)) * 2 - 1
    place = at // dimension, at % dimension
    return sparse.csr_matrix(((sign * value).astype(np.float64), place), shape=(num_nodes, dimension))


def _power(degree: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    return np.power(degree, exponent, out=np.zeros_like(degree), where=degree > 0)


def _unit_rows(x: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def _standardised(x: NDArray[np.float32]) -> NDArray[np.float32]:
    x -= x.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = np.sqrt(np.mean(np.square(x), axis=0, dtype=np.float64)).astype(np.float32)
    x /= np.where(spread > 0, spread, np.float32(1.0))
    return x
