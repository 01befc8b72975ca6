"""The text files of Pei et al., ICLR 2020 (arXiv 2002.05287): WebKB, Wikipedia pages and Actor.

`out1_node_feature_label.txt` has one line a node: number, comma-separated features, class. WebKB and Wikipedia list
every feature's 0 or 1; Actor lists the indices of the words that occur. `out1_graph_edges.txt` has one directed edge a
line. Edges stay directed, as published and as PyG reads them; `data.undirected` adds the reverse ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.data.readers.edges import coalesce
from graphkit.data.readers.split_files import read_split_files
from graphkit.errors import DataError

VERSION = 1
NODES, EDGES = "out1_node_feature_label.txt", "out1_graph_edges.txt"


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads a Geom-GCN dataset, as PyG's WebKB, WikipediaNetwork and Actor do.

    Args:
        files: the two text files and the ten split files.
        card: `reader_options["word_lists"]` is true where features are lists of word indices (Actor).

    Returns:
        0/1 features as CSR, directed edges without duplicates (self loops stay), classes, the `geom-gcn-10` splits.

    Raises:
        DataError: a line does not have its three fields, a node is missing or listed twice.

    Example:
        >>> read(fetch(load_card("texas")), load_card("texas")).num_nodes  # doctest: +SKIP
        183
    """
    lines = files[NODES].read_text().splitlines()[1:]
    fields = [line.split("\t") for line in lines if line]
    if any(len(entry) != 3 for entry in fields):
        raise DataError(f"{card.name}: {NODES} must hold node, features and class on every line; fetch it again")
    node = np.array([entry[0] for entry in fields], dtype=np.int64)
    if not np.array_equal(np.sort(node), np.arange(len(node))):
        raise DataError(f"{card.name}: {NODES} must list each of its {len(node)} nodes once; fetch it again")
    y = np.empty(len(node), dtype=np.int64)
    y[node] = np.array([entry[2] for entry in fields], dtype=np.int64)
    ends = np.array(files[EDGES].read_text().split()[2:], dtype=np.int64).reshape(-1, 2)
    build = _word_lists if card.reader_options.get("word_lists", False) else _dense_rows
    return RawGraph(
        x=build(node, [entry[1] for entry in fields]),
        edge_index=coalesce(ends[:, 0], ends[:, 1], len(node)),
        y=y,
        splits=read_split_files(files, len(node)),
        name=card.name,
    )


def _dense_rows(node: NDArray[np.int64], rows: list[str]) -> sparse.csr_matrix:
    values = np.array(",".join(rows).split(","), dtype=np.float32)
    if len(values) % len(rows):
        raise DataError(f"{NODES}: lines have different numbers of features; fetch it again")
    x = np.empty((len(rows), len(values) // len(rows)), dtype=np.float32)
    x[node] = values.reshape(x.shape)
    return sparse.csr_matrix(x)


def _word_lists(node: NDArray[np.int64], rows: list[str]) -> sparse.csr_matrix:
    words = [np.unique(np.array(row.split(","), dtype=np.int64)) for row in rows]
    column = np.concatenate(words)
    owner = np.repeat(node, [len(one) for one in words])
    ones = np.ones(len(column), dtype=np.float32)
    return sparse.csr_matrix((ones, (owner, column)), shape=(len(rows), int(column.max()) + 1))
