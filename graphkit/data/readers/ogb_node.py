"""Node-prediction archives of the Open Graph Benchmark, Hu et al., NeurIPS 2020 (arXiv 2005.00687).

One zip holds `FOLDER/raw/*.csv.gz` (edges, features, labels, counts) and `FOLDER/split/RULE/{train,valid,test}.csv.gz`.
The members are read in place: no `ogb` package, no prompt, nothing unpacked to disk.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.archive import open_member
from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraph:
    """Reads ogbn-arxiv or ogbn-products, as `ogb.nodeproppred` does.

    Args:
        files: the one zip archive of the card.
        card: `reader_options`: `folder` (top folder of the archive), `split` (`time`, `sales_ranking`) and
            `add_inverse_edge`: true where each undirected edge is stored once, so that the reverse must be added.

    Returns:
        Dense features, edges as published (no edge dropped or sorted), classes (-1 where the label is empty) and the
        official split under `ogb`.

    Raises:
        DataError: a member is missing, or its rows do not match the counts in the archive.

    Example:
        >>> read(fetch(load_card("ogbn-arxiv")), load_card("ogbn-arxiv")).edge_index.shape  # doctest: +SKIP
        (2, 1166243)
    """
    (file,) = files.values()
    options = card.reader_options
    folder, rule = options["folder"], options["split"]

    def table(member: str, dtype: type[np.generic]) -> NDArray[Any]:
        return _table(file.path, f"{folder}/{member}.csv.gz", dtype)

    num_nodes = int(table("raw/num-node-list", np.int64).sum())
    num_edges = int(table("raw/num-edge-list", np.int64).sum())
    edges = table("raw/edge", np.int64).reshape(-1, 2)
    x = table("raw/node-feat", np.float32)
    labels = table("raw/node-label", np.float64).ravel()
    for what, rows, due in (("edges", edges, num_edges), ("features", x, num_nodes), ("labels", labels, num_nodes)):
        if len(rows) != due:
            raise DataError(f"{card.name}: {len(rows)} rows of {what}, but the archive promises {due}; fetch it again")
    if options.get("add_inverse_edge", False):
        edges = np.concatenate([edges, edges[:, ::-1]])
    train, valid, test = (
        np.sort(table(f"split/{rule}/{part}", np.int64).ravel()) for part in ("train", "valid", "test")
    )
    return RawGraph(
        x=x,
        edge_index=np.ascontiguousarray(edges.T),
        y=np.where(np.isnan(labels), -1, labels).astype(np.int64),
        splits={"ogb": [(train, valid, test)]},
        name=card.name,
    )


def _table(archive: Path, member: str, dtype: type[np.generic]) -> NDArray[Any]:
    stream = gzip.GzipFile(fileobj=io.BytesIO(open_member(archive, member)))
    try:
        return np.loadtxt(stream, delimiter=",", dtype=dtype, ndmin=2)
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(
            f"{archive}: member {member} is damaged: {error}; delete the archive and fetch it again"
        ) from error
