"""Many graphs inside which links are asked for, as contacts between the atoms of a molecule: kept flat like graphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data import graph_checks, graphs
from graphkit.data.cards import Card
from graphkit.data.checks import check_edges, check_statistics
from graphkit.data.container import Arrays
from graphkit.data.graphs import GraphDataset
from graphkit.data.labelled import writeable
from graphkit.data.raw import RawGraphs
from graphkit.errors import GraphValidationError
from graphkit.kernels.ragged import NODE, Ragged

PARTS = ("train", "valid", "test")


@dataclass
class RawGraphLinks(RawGraphs):
    """Many graphs and the links that are asked for inside each; other arguments are those of `RawGraphs`.

    Args:
        links: [2, L] int64 (source, target) in the numbers of the union, those of a graph side by side; a link that
            holds in both directions is listed twice. No edge of the graph is among them.
    """

    y: NDArray[Any] = field(init=False)
    """[G] int64, how many links a graph has."""
    links: NDArray[np.int64] = field(kw_only=True)

    def __post_init__(self) -> None:
        self.y = np.bincount(self.owner, minlength=self.num_graphs)

    @property
    def owner(self) -> NDArray[np.int64]:
        """[L] the graph of every link."""
        found: NDArray[np.int64] = np.searchsorted(self.ptr, self.links[0], side="right") - 1
        return found


class GraphLinkDataset(GraphDataset):
    """Many graphs with links to predict inside them; a split is one of graphs.

    Args:
        card: what the dataset is.
        raw: graphs and links in numpy arrays.
        content: sha256 of the arrays.
        provenance: files, digests and reader, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("far-links").asked.values.shape[1]
        2
    """

    raw: RawGraphLinks

    @cached_property
    def asked(self) -> Ragged:
        """The links [L, 2] as an array that follows the graphs into batches."""
        import torch

        ptr = torch.from_numpy(np.append(0, np.cumsum(self.raw.y)))
        return Ragged(torch.from_numpy(writeable(self.raw.links.T)), ptr, NODE)

    def __repr__(self) -> str:
        raw = self.raw
        sizes = f"graphs={raw.num_graphs}, nodes={raw.num_nodes}, edges={raw.num_edges}, links={raw.links.shape[1]}"
        return f"GraphLinkDataset({self.name!r}, {sizes})"


def check(raw: RawGraphLinks, card: Card) -> dict[str, int]:
    """Checks graphs and splits as for any dataset of graphs, and links.

    Raises:
        GraphValidationError: as for graphs; or a link joins two graphs, is an edge or listed twice, links of a graph do
            not lie side by side, or a node is linked to all others, so that nothing is left to rank a link among.
    """
    name = raw.name or card.name
    graph_checks.check_graphs(raw, card)
    check_edges(raw.links, raw.num_nodes, f"{name}: links")
    source, target = raw.links
    owner = raw.owner
    crossing = np.flatnonzero((target < raw.ptr[owner]) | (target >= raw.ptr[owner + 1]))
    if len(crossing):
        raise GraphValidationError(f"{name}: link {crossing[0]} joins two graphs of the union")
    if (np.diff(owner) < 0).any():
        raise GraphValidationError(f"{name}: the links of a graph must lie side by side, in the order of the graphs")
    keys, edges = source * np.int64(raw.num_nodes) + target, raw.edge_index[0] * np.int64(raw.num_nodes)
    shown = np.flatnonzero(np.isin(keys, edges + raw.edge_index[1]) | (source == target))
    if len(shown):
        link = raw.links[:, shown[0]].tolist()
        raise GraphValidationError(f"{name}: {len(shown)} links are edges of their graph or loops, {link} first")
    distinct, times = np.unique(keys, return_counts=True)
    if len(distinct) < len(keys):
        twice = divmod(int(distinct[times > 1][0]), raw.num_nodes)
        raise GraphValidationError(f"{name}: {len(keys) - len(distinct)} links are listed twice, {list(twice)} first")
    degree = np.bincount(source, minlength=raw.num_nodes)
    full = np.flatnonzero((degree > 0) & (degree >= np.repeat(np.diff(raw.ptr), np.diff(raw.ptr)) - 1))
    if len(full):
        raise GraphValidationError(
            f"{name}: node {full[0]} is linked to all other nodes of its graph, so there is nothing to rank its links "
            "among; leave the graph out"
        )
    found = count(raw, card)
    check_statistics(card.statistics, found, name)
    return found


def count(raw: RawGraphLinks, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish; links are those of the split of the default protocol."""
    found = graph_checks.count(raw, card)
    del found["classes"]
    for protocol in card.protocols[:1]:
        for part, ids in zip(PARTS, raw.splits[protocol][0], strict=True):
            found[f"{part}_links"] = int(raw.y[ids].sum())
    return found


def measure(raw: RawGraphLinks, card: Card) -> dict[str, Any]:
    """Returns sizes of the graphs and how many links they have, as plain values."""
    sizes = np.diff(raw.ptr)
    source, target = raw.links
    backward = np.isin(source * np.int64(raw.num_nodes) + target, target * np.int64(raw.num_nodes) + source)
    return {
        "smallest_graph": int(sizes.min()),
        "median_graph": float(np.median(sizes)),
        "largest_graph": int(sizes.max()),
        "mean_degree": raw.num_edges / max(1, raw.num_nodes),
        "links": raw.links.shape[1],
        "links_in_both_directions": float(backward.mean()) if len(backward) else 1.0,
        "graphs_without_links": int((raw.y == 0).sum()),
        "most_links_of_a_graph": int(raw.y.max()),
    }


def pack(raw: RawGraphLinks) -> Arrays:
    """Lays graphs and links out as named arrays."""
    return {**graphs.pack(raw), "links": np.ascontiguousarray(raw.links)}


def unpack(arrays: Arrays, name: str) -> RawGraphLinks:
    """Builds the dataset that `pack` laid out."""
    fields = graphs.fields_of(arrays, name)
    del fields["y"]  # follows from the links
    return RawGraphLinks(**fields, links=arrays["links"])
