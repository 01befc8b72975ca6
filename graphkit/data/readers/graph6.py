"""Lists of graphs in graph6, as text lines or as plain string arrays: strongly regular families, BREC, all graphs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraphs, Triple
from graphkit.errors import DataError
from graphkit.expressiveness import FlatGraphs, concatenate, read_graph6

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads the graphs of all files, in the order of the card.

    Args:
        files: `*.g6`, one graph a line, or `*.npy` arrays of strings (nothing is unpickled).
        card: `reader_options`: `copies` adds so many random renumberings of every graph, and the protocol
            `relabelled-copies`: each graph is a class, one copy of each trains, one validates, the others test.
            `groups` names the files: a graph's label is then the number of its file.

    Returns:
        Graphs with one constant feature; y is the graph's number among the published ones, or its group's.

    Raises:
        DataError: a file is damaged.
    """
    parts = [_graphs(file, path) for path, file in files.items()]
    graphs, copies = concatenate(parts), int(card.reader_options.get("copies", 0))
    number = np.arange(graphs.num_graphs)
    grouped = "groups" in card.reader_options
    y = np.repeat(np.arange(len(parts)), [part.num_graphs for part in parts]) if grouped else number
    splits: dict[str, list[Triple]] = {}
    if copies:
        y = np.tile(number, copies)
        part = np.arange(len(y)) // graphs.num_graphs
        splits["relabelled-copies"] = [(np.flatnonzero(part == 0), np.flatnonzero(part == 1), np.flatnonzero(part > 1))]
        graphs = concatenate([graphs.relabelled(seed) for seed in range(copies)])
    return RawGraphs(
        ptr=graphs.ptr,
        edge_index=graphs.edge_index(),
        x=np.ones((len(graphs.color), 1), dtype=np.float32),
        y=y.astype(np.int64),
        splits=splits,
        name=card.name,
    )


def _graphs(file: LocalFile, path: str) -> FlatGraphs:
    if not path.endswith(".npy"):
        return read_graph6(file.read_bytes().splitlines())
    try:
        with file.open() as stream:
            return read_graph6(np.load(stream, allow_pickle=False).ravel().tolist())
    except ValueError as error:
        raise DataError(f"{file.path} is no array of strings: {error}; fetch it again") from error
