"""The superpixel graphs of the Long Range Graph Benchmark, Dwivedi et al., NeurIPS 2022 (arXiv 2206.08164).

Three pickles of lists of (x, edge_attr, edge_index, y), one a part, as `torch_geometric.datasets.LRGBDataset` reads
them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.data.torch_pickle import load_tensors
from graphkit.errors import DataError

VERSION = 1
PARTS = ("train", "val", "test")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads the graphs of all parts as one disjoint union; every node is labelled.

    Args:
        files: `train.pickle`, `val.pickle` and `test.pickle`.
        card: its protocols all get the published split.

    Raises:
        DataError: a file does not hold graphs of that form.

    Example:
        >>> read(fetch(load_card("pascalvoc-sp")), load_card("pascalvoc-sp")).num_features  # doctest: +SKIP
        14
    """
    xs, edges, attributes, labels, sizes, ends = [], [], [], [], [0], []
    for part in PARTS:
        file = files[f"{part}.pickle"]
        graphs = load_tensors(file.read_bytes(), file.path.name)
        if not isinstance(graphs, list) or not all(isinstance(graph, tuple) and len(graph) == 4 for graph in graphs):
            raise DataError(f"{card.name}: {file.path.name} is no list of (x, edge_attr, edge_index, y)")
        for x, edge_attr, edge_index, y in graphs:
            xs.append(np.asarray(x, dtype=np.float32))
            attributes.append(np.asarray(edge_attr, dtype=np.float32))
            edges.append(np.asarray(edge_index, dtype=np.int64))
            labels.append(np.asarray(y, dtype=np.int64).reshape(-1))
            sizes.append(len(xs[-1]))
        ends.append(len(sizes) - 1)
    ptr = np.cumsum(sizes)
    first = np.repeat(ptr[:-1], [one.shape[1] for one in edges])
    borders = [0, *(int(ptr[end]) for end in ends)]
    train, valid, test = (np.arange(low, high) for low, high in zip(borders, borders[1:], strict=False))
    return RawGraph(
        x=np.concatenate(xs),
        edge_index=np.concatenate(edges, axis=1) + first,
        y=np.concatenate(labels),
        splits={protocol: [(train, valid, test)] for protocol in card.protocols},
        edge_attr=np.concatenate(attributes),
        ptr=ptr,
        name=card.name,
    )
