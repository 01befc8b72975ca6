"""The npz files of Platonov et al., ICLR 2023 (arXiv 2302.11640): one file holds graph, features, labels and splits.

Each undirected edge is stored once, so the reverse is added. Ten rows of masks give the 50/25/25 splits (48/32/20 in
the filtered Wikipedia graphs).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.readers.split_files import masks_to_triple
from graphkit.errors import DataError

VERSION = 1
_KEYS = ("node_features", "node_labels", "edges", "train_masks", "val_masks", "test_masks")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads a heterophilous graph, as `torch_geometric.datasets.HeterophilousGraphDataset` does.

    Args:
        files: the one npz file of the card.
        card: its name is used in messages.

    Returns:
        Dense features, edges in both directions without duplicates, classes, the `heterophilous-10` splits.

    Raises:
        DataError: the file lacks an array, or holds Python objects.

    Example:
        >>> read(fetch(load_card("minesweeper")), load_card("minesweeper")).edge_index.shape  # doctest: +SKIP
        (2, 78804)
    """
    (file,) = files.values()
    try:
        with file.open() as stream, np.load(stream, allow_pickle=False) as arrays:
            x, y, edges, train, valid, test = (arrays[key] for key in _KEYS)
    except (KeyError, ValueError) as error:
        raise DataError(f"{card.name}: {file.path} is not the published file: {error}; fetch it again") from error
    masks = zip(train.astype(bool), valid.astype(bool), test.astype(bool), strict=True)
    return RawGraph(
        x=x.astype(np.float32),
        edge_index=both_directions(edges[:, 0], edges[:, 1], len(x)),
        y=y.astype(np.int64),
        splits={"heterophilous-10": [masks_to_triple(*three) for three in masks]},
        name=card.name,
    )
