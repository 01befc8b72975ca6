"""The npz files of Shchur et al., 2018 (arXiv 1811.05868): Amazon co-purchase and Microsoft Academic co-author graphs.

Adjacency and attributes are CSR matrices, stored as `adj_*` and `attr_*` arrays. The published files also hold names as
Python objects; those members are never opened, so nothing is unpickled. There are no published splits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads a co-purchase or co-author graph, as `torch_geometric.datasets.Amazon` and `Coauthor` do.

    Args:
        files: the one npz file of the card, as published or re-encoded without pickles.
        card: its name is used in messages.

    Returns:
        0/1 bag-of-words features as CSR, edges in both directions without self loops or duplicates, and classes.

    Raises:
        DataError: the file lacks an array, or a numeric array is stored as Python objects.

    Example:
        >>> read(fetch(load_card("amazon-photo")), load_card("amazon-photo")).num_nodes  # doctest: +SKIP
        7650
    """
    (file,) = files.values()
    try:
        with file.open() as stream, np.load(stream, allow_pickle=False) as arrays:
            adjacency, attributes = (_csr(arrays, prefix) for prefix in ("adj", "attr"))
            y = arrays["labels"].astype(np.int64)
    except (KeyError, ValueError) as error:
        raise DataError(f"{card.name}: {file.path} is not the published file: {error}; fetch it again") from error
    pairs = adjacency.tocoo()
    # The papers that use these graphs binarise the counts: a word occurs, or does not.
    attributes.data = (attributes.data > 0).astype(np.float32)
    attributes.eliminate_zeros()
    return RawGraph(
        x=attributes,
        edge_index=both_directions(pairs.row, pairs.col, len(y), self_loops=False),
        y=y,
        name=card.name,
    )


def _csr(arrays: Mapping[str, np.ndarray], prefix: str) -> sparse.csr_matrix:
    data, indices, indptr, shape = (arrays[f"{prefix}_{part}"] for part in ("data", "indices", "indptr", "shape"))
    matrix = sparse.csr_matrix((data, indices.astype(np.int32), indptr), shape=(int(shape[0]), int(shape[1])))
    matrix.sum_duplicates()
    return matrix
