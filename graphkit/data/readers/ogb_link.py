"""Link-prediction archives of the Open Graph Benchmark, Hu et al., NeurIPS 2020 (arXiv 2005.00687).

`raw/*.csv.gz`, or `raw/data.npz` in binary archives, holds the training graph; `split/RULE/{valid,test}.pt`, or one
`split_dict.pt`, the links to predict and their negatives, as numpy arrays inside a pickle. The pickles are read with
the restricted unpickler: no `ogb` package, no torch, no code is run. The files come as one zip archive, or one by one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawLinks
from graphkit.data.readers.ogb_files import OGBFiles
from graphkit.errors import DataError

VERSION = 1
PROTOCOL, WITH_VALID = "ogb", "ogb-valid-edges"
_Graph = tuple[int, NDArray[np.int64], NDArray[np.float32] | None]
"""Nodes, edges [2, E], and features."""


def read(files: Mapping[str, LocalFile], card: Card) -> RawLinks:
    """Reads ogbl-ddi, ogbl-collab, ogbl-ppa, ogbl-citation2 or ogbl-vessel.

    Args:
        files: one zip archive, or `raw/...` and `split/...` one by one; a split file may be a pickle-free npz with the
            keys `valid_edge`, `valid_edge_neg`, `test_edge` and `test_edge_neg`.
        card: `reader_options`: `folder` (top folder of the archive), `split` (`target`, `time`, `throughput`,
            `spatial`) and `undirected` (each link is listed once and holds both ways; true unless told).

    Returns:
        The training links as published, repeats included, and the official split under `ogb`, and under
        `ogb-valid-edges` where the card has it; with the training negatives of binary archives, which list both
        directions of a link, of which one is kept.

    Raises:
        DataError: a file is missing, or its rows do not match the counts beside it.

    Example:
        >>> read(fetch(load_card("ogbl-ddi")), load_card("ogbl-ddi")).edge_index.shape  # doctest: +SKIP
        (2, 1067911)
    """
    options = card.reader_options
    source = OGBFiles(files, options.get("folder", ""), card.name)
    undirected = bool(options.get("undirected", True))
    binary = source.has("raw/data.npz")
    num_nodes, edges, x = _binary_graph(source) if binary else _text_graph(source)
    if binary and undirected:
        edges = edges[:, edges[0] < edges[1]]
    parts: dict[str, NDArray[np.int64]] = {}
    for part in ("train", "valid", "test") if binary else ("valid", "test"):
        parts |= _part(source.split(options["split"], part), part, card.name)
    splits: dict[str, list[Mapping[str, NDArray[np.int64]]]] = {PROTOCOL: [parts]}
    if WITH_VALID in card.protocols:
        splits[WITH_VALID] = [parts | {"test_message": np.concatenate([edges, parts["valid"]], axis=1)}]
    return RawLinks(
        num_nodes=num_nodes,
        edge_index=np.ascontiguousarray(edges),
        splits=splits,
        undirected=undirected,
        x=x,
        name=card.name,
    )


def _text_graph(source: OGBFiles) -> _Graph:
    num_nodes = int(source.table("raw/num-node-list", np.int64).sum())
    edges = source.table("raw/edge", np.int64)
    source.check_count(len(edges), int(source.table("raw/num-edge-list", np.int64).sum()))
    x = source.table("raw/node-feat", np.float32) if source.has("raw/node-feat.csv.gz") else None
    return num_nodes, edges.reshape(-1, 2).T, x


def _binary_graph(source: OGBFiles) -> _Graph:
    with np.load(io.BytesIO(source.content("raw/data.npz")), allow_pickle=False) as arrays:
        edges = arrays["edge_index"].astype(np.int64)
        source.check_count(edges.shape[1], int(arrays["num_edges_list"].sum()))
        x = arrays["node_feat"].astype(np.float32) if "node_feat" in arrays else None
        return int(arrays["num_nodes_list"].sum()), edges, x


def _part(saved: Mapping[str, Any], part: str, name: str) -> dict[str, NDArray[np.int64]]:
    if "edge" in saved and "edge_neg" in saved:
        links, negatives = (np.asarray(saved[key]).astype(np.int64).T for key in ("edge", "edge_neg"))
        return {part: np.ascontiguousarray(links), f"{part}_negatives": np.ascontiguousarray(negatives)}
    if "source_node" in saved and "target_node_neg" in saved:
        ends = [np.asarray(saved[key]).astype(np.int64) for key in ("source_node", "target_node")]
        return {part: np.stack(ends), f"{part}_candidates": np.asarray(saved["target_node_neg"]).astype(np.int64)}
    raise DataError(f"{name}: {part} links are stored under unknown names: {', '.join(map(str, saved))}")
