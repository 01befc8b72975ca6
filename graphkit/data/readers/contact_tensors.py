"""PCQM-Contact of the Long Range Graph Benchmark, Dwivedi et al., NeurIPS 2022 (arXiv 2206.08164).

Three files of `torch.save`, one a part, each a list of (x, edge_attr, edge_index, edge_label_index, edge_label), as
`torch_geometric.datasets.LRGBDataset` reads them. Atoms and bonds are categories of the Open Graph Benchmark; contacts
are the labelled pairs whose label is 1, in both directions. Pairs with label 0 are left out: negatives are drawn.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.graph_links import RawGraphLinks
from graphkit.data.molecules import ATOM_SIZES, BOND_SIZES
from graphkit.data.raw import LocalFile
from graphkit.errors import DataError, UnsafePickleError

VERSION = 1
PARTS = ("train", "val", "test")
FIELDS = ("x", "edge_attr", "edge_index", "edge_label_index", "edge_label")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphLinks:
    """Reads the molecules of all parts, one after the other; they are the split of every protocol of the card.

    Args:
        files: `train.pt`, `val.pt` and `test.pt`.
        card: its protocols all get the published split.

    Raises:
        UnsafePickleError: a file names anything but tensors in lists and tuples; nothing was executed.
        DataError: a file is damaged, or holds something else.

    Example:
        >>> read(fetch(load_card("pcqm-contact")), load_card("pcqm-contact")).num_graphs  # doctest: +SKIP
        529434
    """
    found: dict[str, list[Any]] = {field: [] for field in FIELDS}
    bounds = [0]
    for part in PARTS:
        graphs = _tensors(files[f"{part}.pt"])
        if not isinstance(graphs, list) or {type(one) for one in graphs} != {tuple} or {*map(len, graphs)} != {5}:
            raise DataError(f"{card.name}: {part}.pt is no list of ({', '.join(FIELDS)})")
        for graph in graphs:
            for field, values in zip(FIELDS, graph, strict=True):
                found[field].append(np.asarray(values, dtype=np.int64))
        bounds.append(len(found["x"]))
    ptr = np.append(0, np.cumsum([len(x) for x in found["x"]]))
    labelled = zip(found["edge_label_index"], found["edge_label"], strict=True)
    contacts = [ends[:, labels == 1] for ends, labels in labelled]
    edges, links = (
        np.concatenate(ends, axis=1) + np.repeat(ptr[:-1], [one.shape[1] for one in ends])
        for ends in (found["edge_index"], contacts)
    )
    train, valid, test = (np.arange(first, last) for first, last in zip(bounds[:-1], bounds[1:], strict=True))
    return RawGraphLinks(
        ptr=ptr,
        edge_index=edges,
        x=np.concatenate(found["x"]),
        links=links,
        splits={protocol: [(train, valid, test)] for protocol in card.protocols},
        x_sizes=ATOM_SIZES,
        edge_attr=np.concatenate(found["edge_attr"]),
        edge_sizes=BOND_SIZES,
        name=card.name,
    )


def _tensors(file: LocalFile) -> Any:
    """What `torch.save` wrote, tensors and plain values only."""
    import torch

    try:
        return torch.load(io.BytesIO(file.read_bytes()), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        why = str(error).splitlines()[0]
        raise UnsafePickleError(f"{file.path.name} holds more than tensors, and was not run: {why}") from error
    except (RuntimeError, EOFError, OSError) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{file.path.name} is damaged or cut short: {why}; fetch it again") from error
