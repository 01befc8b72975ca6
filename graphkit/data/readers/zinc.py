"""ZINC-12k, Dwivedi et al., JMLR 2023 (arXiv 2003.00982): penalised log P of molecules, one npz a part.

The published files are pickles of torch tensors; here every part is plain arrays: `x` [N, 1] atom types, `edge_index`
[2, E] with atoms numbered from 0 in every molecule, `edge_attr` [E] bond types, `y` [G, 1], `node_ptr` and `edge_ptr`
[G + 1]. `write_part` makes such a file of PyG's `ZINC(root, subset=True, split=...)`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraphs
from graphkit.errors import DataError

VERSION = 1
ATOM_TYPES, BOND_TYPES = 28, 4
PARTS = ("train", "val", "test")
KEYS = ("x", "edge_index", "edge_attr", "y", "node_ptr", "edge_ptr")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads the three parts, one after the other; they are the split of every protocol of the card.

    Raises:
        DataError: a part lacks an array.

    Example:
        >>> read(fetch(load_card("zinc")), load_card("zinc")).num_graphs  # doctest: +SKIP
        12000
    """
    found: list[dict[str, Any]] = []
    for part in PARTS:
        try:
            with np.load(io.BytesIO(files[f"{part}.npz"].read_bytes()), allow_pickle=False) as arrays:
                found.append(
                    {key: arrays[key] for key in ("x", "edge_index", "edge_attr", "y", "node_ptr", "edge_ptr")}
                )
        except (KeyError, ValueError) as error:
            raise DataError(f"{card.name}: {part}.npz holds no graphs in plain arrays: {error}") from error
    nodes = np.concatenate([np.diff(part["node_ptr"].astype(np.int64)) for part in found])
    edges = np.concatenate([np.diff(part["edge_ptr"].astype(np.int64)) for part in found])
    ptr = np.concatenate([[0], np.cumsum(nodes)])
    local = np.concatenate([part["edge_index"].astype(np.int64) for part in found], axis=1)
    bounds = np.cumsum([0] + [len(part["y"]) for part in found])
    train, valid, test = (np.arange(first, last) for first, last in zip(bounds[:-1], bounds[1:], strict=True))
    return RawGraphs(
        ptr=ptr,
        edge_index=local + np.repeat(ptr[:-1], edges),
        x=np.concatenate([part["x"].reshape(-1, 1) for part in found]).astype(np.int64),
        y=np.concatenate([part["y"].reshape(-1, 1) for part in found]).astype(np.float32),
        splits={protocol: [(train, valid, test)] for protocol in card.protocols},
        x_sizes=(ATOM_TYPES,),
        edge_attr=np.concatenate([part["edge_attr"].reshape(-1, 1) for part in found]).astype(np.int64),
        edge_sizes=(BOND_TYPES,),
        name=card.name,
    )


def write_part(graphs: Iterable[Any], path: Path | str) -> None:
    """Writes PyG's graphs of one part as the npz that `read` takes.

    Args:
        graphs: `Data` with x [n, 1], edge_index, edge_attr [e] and y.
        path: file to write.

    Example:
        >>> write_part(ZINC(root, subset=True, split="train"), "train.npz")  # doctest: +SKIP
    """
    listed = list(graphs)
    arrays = {key: [np.asarray(graph[key]) for graph in listed] for key in ("x", "edge_index", "edge_attr", "y")}
    sizes = {"node_ptr": [len(x) for x in arrays["x"]], "edge_ptr": [edge.shape[1] for edge in arrays["edge_index"]]}
    columns: dict[str, Any] = {
        "x": np.concatenate(arrays["x"]).astype(np.uint8),
        "edge_index": np.concatenate(arrays["edge_index"], axis=1).astype(np.uint8),
        "edge_attr": np.concatenate(arrays["edge_attr"]).astype(np.uint8),
        "y": np.concatenate([y.reshape(1, -1) for y in arrays["y"]]).astype(np.float32),
    }
    columns |= {key: np.concatenate([[0], np.cumsum(values)]).astype(np.int32) for key, values in sizes.items()}
    np.savez_compressed(path, **columns)
