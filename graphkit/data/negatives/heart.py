"""HeaRT: hard negatives ranked by heuristics, regenerated without the published script's fault, or read as published.

Li et al.: "Evaluating graph neural networks for link prediction: current pitfalls and new benchmarking", NeurIPS 2023.
The two are different benchmarks (kinds `heart` and `heart-clean`) and must never be compared.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.data.disk import sha256_of
from graphkit.data.negatives.checks import whole_numbers
from graphkit.data.negatives.counter import stream_key
from graphkit.data.negatives.exchange import read_npy
from graphkit.data.negatives.generate import row_range
from graphkit.data.negatives.heart_kernels import Matrix, rank_rows
from graphkit.data.negatives.positives import Positives
from graphkit.data.negatives.sets import NegativeSet
from graphkit.errors import ConfigError, DataError, ShapeError


def heart_clean(
    positives: Positives,
    edge_index: ArrayLike,
    num_nodes: int,
    *,
    features: Any = None,
    masked: ArrayLike | None = None,
    count: int = 500,
    alpha: float = 0.15,
    eps: float = 1e-7,
    seed: int = 42,
    split: str,
    rows: slice | None = None,
) -> NegativeSet:
    """Ranks all nodes for both ends of every positive and takes the hardest: K/2 links (s, x) and K/2 links (x, t).

    Nodes are ranked by resource allocation, by personalised PageRank (push of Andersen, Chung, Lang, FOCS 2006) and,
    with features, by cosine similarity; the best of the ranks counts. Differences from the published script: scores are
    never overwritten (there, a node's similarities turn into ranks after its first use and the order inverts); equal
    best ranks are ordered by the sum of ranks, then at random by seed and node, where the script takes what topk gives;
    the end itself, the other end and masked neighbours never occur; nodes without any score fill up without
    replacement, and only where all others are taken.

    Args:
        positives: the positives of a whole split.
        edge_index: [2, E] training links in one or both directions, which the scores are made from.
        num_nodes: N.
        features: [N, F] array or scipy sparse matrix; None: no similarity, as for the OGB datasets.
        masked: [2, M] more known links that may not occur, in one or both directions (validation links when testing).
        count: K, even.
        alpha: restart probability of PageRank.
        eps: PageRank stops when every residual is below alpha * eps * degree; published: 1e-7 for Cora, CiteSeer and
            PubMed, 1e-5 for ogbl-collab and ogbl-ddi, 5e-6 for ogbl-ppa, 5e-5 for ogbl-citation2.
        seed: of the random parts.
        split: name of the split.
        rows: a slice of the split; None: all.

    Shapes:
        the set holds whole links: `sources` and `values` are [B * K].

    Raises:
        ConfigError: K is odd or below 2, or alpha or eps is outside (0, 1).
        ShapeError: links or features do not fit N nodes.
        DataError: a node is not below N, a feature is not finite, or too few nodes are left for K/2 candidates.

    Example:
        >>> ring = [[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]]
        >>> made = heart_clean(Positives([0], [2]), ring, 5, count=2, eps=1e-4, split="test")
        >>> made.source_rows(slice(None))[0].tolist(), made.values.tolist()
        ([0, 4], [3, 2])
    """
    if count < 2 or count % 2 or not 0 < alpha < 1 or not 0 < eps < 1:
        raise ConfigError(f"HeaRT needs an even count and alpha, eps in (0, 1), got {count}, {alpha}, {eps}")
    part = row_range(rows, len(positives))
    links, known = _links(edge_index, num_nodes), _links(masked, num_nodes)
    for name, column in (("src", positives.src), ("dst", positives.dst)):
        if column.max() >= num_nodes:
            raise DataError(f"{name} of the positives holds node {column.max()} of a graph with {num_nodes} nodes")
    similar, digest = _features(features, num_nodes)
    graph, hidden = _graph(links, num_nodes), _graph(np.concatenate([links, known], axis=1), num_nodes)
    src, dst = positives.src[part.start : part.stop], positives.dst[part.start : part.stop]
    anchors, others = np.stack([src, dst], axis=1).reshape(-1), np.stack([dst, src], axis=1).reshape(-1)
    order = np.argsort(anchors, kind="stable")  # scores of a node are made once for all its links
    found = np.empty((len(anchors), count // 2), dtype=np.int64)
    key = stream_key(seed, "heart-clean", split)
    stuck = rank_rows(key, anchors, others, order, graph, hidden, *similar, alpha, eps, found)
    if stuck >= 0:
        raise DataError(
            f"row {part.start + stuck // 2} has fewer than {count // 2} possible candidates for node "
            f"{anchors[stuck]}: ask for a smaller count"
        )
    table = np.empty((len(part), count, 2), dtype=np.int64)
    half = count // 2
    table[:, :half, 0], table[:, :half, 1] = src[:, None], found[0::2]
    table[:, half:, 0], table[:, half:, 1] = found[1::2], dst[:, None]
    parameters: dict[str, Any] = {"seed": seed, "split": split, "count": count, "alpha": alpha, "eps": eps}
    parameters |= {"links": _hash(links), "masked": _hash(known), "features": digest}
    if len(part) < len(positives):
        parameters["rows"] = [part.start, part.stop]
        positives = positives.take(slice(part.start, part.stop))
    return NegativeSet.of_matrix("heart-clean", table, parameters, positives, num_nodes=num_nodes)


def read_heart(path: str | Path, positives: Positives | None = None, *, split: str) -> NegativeSet:
    """Reads a published file of HeaRT, `heart_valid_samples.npy` or `heart_test_samples.npy`: links [B, K, 2].

    The first half of a row replaces the target of the positive, the second half its source; this is checked, and gives
    the positives where none are given. Rows may hold their own positive.

    Args:
        path: the file.
        positives: the positives of the split, in the order of the file.
        split: name of the split.

    Raises:
        DataError: the file is missing, damaged, or its rows are not of this form.
        ShapeError: it has another number of rows than there are positives.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        raise DataError(f"there is no file {place}")
    links = read_npy(place)
    if links.ndim != 3 or links.shape[2] != 2 or links.shape[1] % 2:
        raise DataError(f"{place.name} holds an array {list(links.shape)}; negatives of HeaRT are [B, K, 2], K even")
    half = links.shape[1] // 2
    ends = positives or Positives(links[:, 0, 0], links[:, -1, 1])
    if len(ends) != len(links):
        raise ShapeError(f"{place.name} has {len(links)} rows for {len(ends)} positives: another split or version")
    bad = (links[:, :half, 0] != ends.src[:, None]).any(1) | (links[:, half:, 1] != ends.dst[:, None]).any(1)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{place.name}: row {row} does not keep the source {ends.src[row]} in its first half and the target "
            f"{ends.dst[row]} in its second; it belongs to other positives"
        )
    parameters = {"source": "heart", "split": split, "file": sha256_of(place)}
    return NegativeSet.of_matrix("heart", links, parameters, ends)


def _links(edge_index: ArrayLike | None, num_nodes: int) -> NDArray[np.int64]:
    table = np.zeros((2, 0), dtype=np.int64) if edge_index is None else np.asarray(edge_index)
    if table.ndim != 2 or len(table) != 2:
        raise ShapeError(f"links must be an edge_index [2, E], got {list(table.shape)}")
    links = np.stack([whole_numbers("links", end) for end in table])
    if links.size and links.max() >= num_nodes:
        raise DataError(f"links hold node {links.max()} of a graph with {num_nodes} nodes")
    return links


def _graph(links: NDArray[np.int64], num_nodes: int) -> Matrix:
    """Both directions of every link once, without self loops, neighbours sorted."""
    kept = links[:, links[0] != links[1]]
    ends = np.concatenate([kept, kept[::-1]], axis=1)
    matrix = sparse.csr_matrix((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(num_nodes, num_nodes))
    return _matrix(matrix)


def _matrix(matrix: Any) -> Matrix:
    matrix.sum_duplicates()
    matrix.sort_indices()
    return Matrix(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64))


def _features(features: Any, num_nodes: int) -> tuple[tuple[Matrix, Matrix, NDArray[np.float64]], str | None]:
    if features is None:
        empty = sparse.csr_matrix((num_nodes, 0), dtype=np.float64)
        return (_matrix(empty), _matrix(empty.T.tocsr()), np.ones(num_nodes)), None
    matrix = sparse.csr_matrix(features, dtype=np.float64)
    if matrix.shape[0] != num_nodes:
        raise ShapeError(f"features must be [{num_nodes}, F], got {list(matrix.shape)}")
    if not np.isfinite(matrix.data).all():
        raise DataError("features hold NaN or infinity")
    matrix.eliminate_zeros()
    rows = _matrix(matrix)
    norms = np.sqrt(np.bincount(np.repeat(np.arange(num_nodes), np.diff(rows.starts)), rows.data**2, num_nodes))
    return (rows, _matrix(matrix.T.tocsr()), norms), _hash(rows.starts, rows.ids, rows.data)


def _hash(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
