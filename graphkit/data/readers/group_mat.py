"""Multi-label graphs as Matlab files: a matrix `network` and a matrix `group`, as DeepWalk and node2vec use them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import io as matlab
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads an unweighted, undirected graph whose nodes have several labels each.

    Args:
        files: the one .mat file of the card.
        card: its name is used in messages.

    Returns:
        No features ([N, 0]), edges in both directions as stored, self loops included, and [N, L] labels of 0 and 1.

    Raises:
        DataError: a matrix is missing, weighted or not symmetric, or the two have different numbers of rows.

    Example:
        >>> read(fetch(load_card("blogcatalog")), load_card("blogcatalog")).y.shape  # doctest: +SKIP
        (10312, 39)
    """
    (file,) = files.values()
    try:
        found = matlab.loadmat(io.BytesIO(file.read_bytes()), variable_names=["network", "group"])
        network, group = _matrix(found["network"]), _matrix(found["group"])
    except (KeyError, ValueError, NotImplementedError) as error:
        raise DataError(f"{card.name}: {file.path} is not the published file: {error}; fetch it again") from error
    nodes = network.shape[0]
    if network.shape[1] != nodes or group.shape[0] != nodes:
        raise DataError(f"{card.name}: network {list(network.shape)} and group {list(group.shape)} do not fit")
    if (network != network.T).nnz or not (network.data == 1).all():
        raise DataError(f"{card.name}: its network is weighted or not symmetric; it is another version of the file")
    edges = network.tocoo()
    return RawGraph(
        x=np.empty((nodes, 0), dtype=np.float32),
        edge_index=np.stack([edges.row, edges.col]).astype(np.int64),
        y=np.asarray(group.toarray() != 0, dtype=np.float32),
        name=card.name,
    )


def _matrix(values: Any) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix(values)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix
