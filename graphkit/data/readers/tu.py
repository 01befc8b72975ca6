"""TU datasets, Morris et al., 2020 (arXiv 2007.08663): one zip of text files a dataset, and published folds.

NAME_A.txt                one edge a line, "source, target", nodes numbered from 1 through the whole dataset
NAME_graph_indicator.txt  the graph of every node, from 1
NAME_graph_labels.txt     one label a graph
NAME_node_labels.txt, NAME_node_attributes.txt, NAME_edge_labels.txt    where the dataset has them
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.archive import list_members, open_member
from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraphs, Triple
from graphkit.errors import DataError

VERSION = 1
PARTS = ("A", "graph_indicator", "graph_labels", "node_labels", "node_attributes", "edge_labels")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads a TU dataset, as `torch_geometric.datasets.TUDataset` does: no self loops, no edge twice.

    Node features are node attributes and one-hot node labels, edge features one-hot edge labels, in this order; graphs
    without either get the one-hot degree.

    Args:
        files: the zip, and the folds of Errica et al. (`*_splits.json`) where the card has them.
        card: `reader_options`: `attributes = true` takes real node attributes over, too.

    Returns:
        Graphs with int64 classes from 0, in the order of the labels' values; the folds under `tu-errica`.

    Raises:
        DataError: a file is missing, or its lines do not match the graph indicator.

    Example:
        >>> read(fetch(load_card("mutag")), load_card("mutag")).num_graphs  # doctest: +SKIP
        188
    """
    (archive,) = (file.path for path, file in files.items() if path.endswith(".zip"))
    members = {part: name for name in list_members(archive) for part in PARTS if name.endswith(f"_{part}.txt")}
    graph_of = _table(archive, members, "graph_indicator", np.int64)[:, 0] - 1
    pairs = _table(archive, members, "A", np.int64) - 1
    labels = _table(archive, members, "graph_labels", np.float64)[:, 0]
    if (np.diff(graph_of) < 0).any() or len(graph_of) and graph_of[-1] >= len(labels):
        raise DataError(f"{card.name}: the graph indicator is not sorted, or names more graphs than there are labels")
    nodes = len(graph_of)
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < nodes:
        raise DataError(f"{card.name}: an edge names node {pairs.max() + 1}, but there are {nodes}")
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    key = pairs[order, 0] * nodes + pairs[order, 1]
    kept = order[np.concatenate([[True], key[1:] != key[:-1]])] if len(order) else order
    kept = kept[pairs[kept, 0] != pairs[kept, 1]]
    edge_index = np.ascontiguousarray(pairs[kept].T)
    parts = []
    if "node_attributes" in members and card.reader_options.get("attributes", False):
        parts.append(_table(archive, members, "node_attributes", np.float32))
    if "node_labels" in members:
        parts += _one_hot(_table(archive, members, "node_labels", np.int64))
    if not parts:
        parts = _one_hot(np.bincount(edge_index[1], minlength=nodes)[:, None], smallest=0)
    edge_attr = None
    if "edge_labels" in members:
        edge_attr = np.concatenate(_one_hot(_table(archive, members, "edge_labels", np.int64)), axis=1)[kept]
    x = np.concatenate(parts, axis=1)
    published = [folds(file) for path, file in files.items() if path.endswith(".json")]
    if len(x) != nodes:
        raise DataError(f"{card.name}: {len(x)} rows of node features for {nodes} nodes")
    return RawGraphs(
        ptr=np.searchsorted(graph_of, np.arange(len(labels) + 1)).astype(np.int64),
        edge_index=edge_index,
        x=x,
        y=np.unique(labels, return_inverse=True)[1].astype(np.int64),
        splits={"tu-errica": published[0]} if published else {},
        edge_attr=edge_attr,
        name=card.name,
    )


def folds(file: LocalFile) -> list[Triple]:
    """Reads the ten folds of Errica et al., ICLR 2020: each a test part, and one inner hold-out of the rest.

    Raises:
        DataError: the file has another layout.
    """
    try:
        found = json.loads(file.read_text())
        inner = [fold["model_selection"][0] for fold in found]
        return [
            (_sorted(held["train"]), _sorted(held["validation"]), _sorted(fold["test"]))
            for fold, held in zip(found, inner, strict=True)
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file.path} holds no folds of Errica et al.: {error}") from error


def _sorted(numbers: list[int]) -> NDArray[np.int64]:
    return np.sort(np.array(numbers, dtype=np.int64))


def _table(archive: Path, members: Mapping[str, str], part: str, dtype: type[np.generic]) -> NDArray[Any]:
    if part not in members:
        raise DataError(f"{archive} has no file *_{part}.txt; it is no TU dataset")
    text = open_member(archive, members[part])
    try:
        return np.loadtxt(io.BytesIO(text), delimiter=",", dtype=dtype, ndmin=2)
    except ValueError as error:
        raise DataError(f"{archive}: {members[part]} is damaged: {error}") from error


def _one_hot(labels: NDArray[np.int64], smallest: int | None = None) -> list[NDArray[np.float32]]:
    """One block a column of labels, as wide as its range of values."""
    blocks = []
    for column in labels.T:
        low = int(column.min()) if smallest is None else smallest
        blocks.append(np.eye(int(column.max()) - low + 1, dtype=np.float32)[column - low])
    return blocks
