"""The Planetoid files `ind.NAME.*` of Yang, Cohen and Salakhutdinov, ICML 2016 (arXiv 1603.08861).

Seven Python 2 pickles and one text file. Rows of `allx` come first, then the test nodes, whose order in `tx` is that of
`test.index`. CiteSeer's list has 15 gaps: those nodes have no features, no label and no edges. They stay in the graph,
so that every other node keeps its published number, as zero rows of class 0: the Geom-GCN files split them like any
node, and that is how every published number counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph, Triple
from graphkit.data.readers.edges import both_directions
from graphkit.data.readers.split_files import read_split_files
from graphkit.data.unpickle import safe_load
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads a Planetoid dataset, as `torch_geometric.datasets.Planetoid` does.

    Args:
        files: `ind.NAME.{x,y,tx,ty,allx,ally,graph,test.index}`, and optionally the ten Geom-GCN split files.
        card: `reader_options["prefix"]` is NAME, by default the card's name.

    Returns:
        Row-sparse features, edges in both directions without self loops or duplicates, labels, the public split and the
        Geom-GCN splits that are present.

    Raises:
        DataError: the files do not fit each other.

    Example:
        >>> read(fetch(load_card("cora")), load_card("cora")).num_nodes  # doctest: +SKIP
        2708
    """
    prefix = card.reader_options.get("prefix", card.name)
    parts = {part: safe_load(files[f"ind.{prefix}.{part}"]) for part in ("y", "tx", "ty", "allx", "ally", "graph")}
    test = np.array(files[f"ind.{prefix}.test.index"].read_text().split(), dtype=np.int64)
    first = parts["allx"].shape[0]
    if len(test) != parts["tx"].shape[0] or not len(test) or test.min() != first:
        raise DataError(
            f"{card.name}: {len(test)} test nodes do not continue the {first} others; fetch the files again"
        )
    num_nodes = int(test.max()) + 1
    source, target = _edges(parts["graph"])
    splits: dict[str, list[Triple]] = {"planetoid-public": [_public_split(len(parts["y"]), test)]}
    splits.update(read_split_files(files, num_nodes))
    return RawGraph(
        x=_features(parts["allx"], parts["tx"], test, num_nodes),
        edge_index=both_directions(source, target, num_nodes, self_loops=False),
        y=_labels(parts["ally"], parts["ty"], test, num_nodes),
        splits=splits,
        name=card.name,
    )


def _features(others: Any, tests: Any, test: NDArray[np.int64], num_nodes: int) -> sparse.csr_matrix:
    others, tests = sparse.coo_matrix(others), sparse.coo_matrix(tests)
    rows = np.concatenate([others.row, test[tests.row]])
    columns = np.concatenate([others.col, tests.col])
    values = np.concatenate([others.data, tests.data]).astype(np.float32)
    return sparse.csr_matrix((values, (rows, columns)), shape=(num_nodes, others.shape[1]))


def _labels(others: Any, tests: Any, test: NDArray[np.int64], num_nodes: int) -> NDArray[np.int64]:
    onehot = np.zeros((num_nodes, others.shape[1]), dtype=np.int64)
    onehot[: len(others)] = others
    onehot[test] = tests
    return onehot.argmax(axis=1)


def _edges(graph: Mapping[int, list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lengths = [len(neighbours) for neighbours in graph.values()]
    source = np.repeat(np.fromiter(graph, dtype=np.int64, count=len(graph)), lengths)
    return source, np.fromiter(chain.from_iterable(graph.values()), dtype=np.int64, count=sum(lengths))


def _public_split(labelled: int, test: NDArray[np.int64]) -> Triple:
    """The nodes of `y` train, the 500 after them validate, the listed ones test (Kipf and Welling, 1609.02907)."""
    return np.arange(labelled), np.arange(labelled, labelled + 500), np.sort(test)
