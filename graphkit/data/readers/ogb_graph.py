"""Molecules of the Open Graph Benchmark, Hu et al., NeurIPS 2020 (arXiv 2005.00687), read without `ogb`.

`raw/*.csv.gz` holds the edges of all molecules, each bond once, with atoms numbered from 0 in every molecule;
`split/scaffold/{train,valid,test}.csv.gz` the official split.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.molecules import ATOM_SIZES, BOND_SIZES
from graphkit.data.raw import LocalFile, RawGraphs
from graphkit.data.readers.ogb_files import OGBFiles
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads an ogbg-mol dataset, as `ogb.graphproppred` does: every bond in both directions, side by side.

    Args:
        files: one zip archive, or its members one by one.
        card: `reader_options`: `folder` (top folder of the archive) and `split` (`scaffold`).

    Returns:
        Atoms and bonds as categories; labels as the card's target wants them; the official split under `ogb`.

    Raises:
        DataError: a file is missing, or its rows do not match the counts beside it.

    Example:
        >>> read(fetch(load_card("ogbg-molbace")), load_card("ogbg-molbace")).num_graphs  # doctest: +SKIP
        1513
    """
    options = card.reader_options
    source = OGBFiles(files, options.get("folder", ""), card.name)
    nodes, edges = (source.table(f"raw/num-{what}-list", np.int64)[:, 0] for what in ("node", "edge"))
    ends = source.table("raw/edge", np.int64).reshape(-1, 2)
    source.check_count(len(ends), int(edges.sum()))
    x, edge_attr = (source.table(f"raw/{what}-feat", np.int64) for what in ("node", "edge"))
    if len(x) != nodes.sum() or len(edge_attr) != len(ends):
        raise DataError(
            f"{card.name}: features of {len(x)} atoms and {len(edge_attr)} bonds do not fit; fetch it again"
        )
    ptr = np.concatenate([[0], np.cumsum(nodes)]).astype(np.int64)
    ends = ends + np.repeat(ptr[:-1], edges)[:, None]
    both = np.stack([ends, ends[:, ::-1]], axis=1).reshape(-1, 2)
    rule = options.get("split", "scaffold")
    train, valid, test = (
        np.sort(source.table(f"split/{rule}/{part}", np.int64).ravel()) for part in ("train", "valid", "test")
    )
    return RawGraphs(
        ptr=ptr,
        edge_index=np.ascontiguousarray(both.T),
        x=x,
        y=labels_of(source.table("raw/graph-label", np.float64), card),
        splits={"ogb": [(train, valid, test)]},
        x_sizes=ATOM_SIZES,
        edge_attr=np.repeat(edge_attr, 2, axis=0),
        edge_sizes=BOND_SIZES,
        name=card.name,
    )


def labels_of(values: NDArray[np.float64], card: Card) -> NDArray[np.int64] | NDArray[np.float32]:
    """Returns labels [G, L] as a target wants them: [G] int64 for a single class, -1 for NaN; else [G, L] float32.

    Raises:
        DataError: several columns for a single class.
    """
    if card.target in ("multilabel", "regression"):
        return values.astype(np.float32)
    if values.shape[1] != 1:
        raise DataError(f"{card.name}: {values.shape[1]} labels a graph, but its target is {card.target}")
    return np.where(np.isnan(values[:, 0]), -1, values[:, 0]).astype(np.int64)
