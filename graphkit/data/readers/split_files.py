"""The split files of Pei et al., ICLR 2020 (arXiv 2002.05287): `NAME_split_0.6_0.2_K.npz`, K = 0..9.

Each holds three masks over the nodes. The names say 60/20/20; the masks are 48/32/20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphkit.data.raw import LocalFile, Triple
from graphkit.errors import DataError

PROTOCOL = "geom-gcn-10"
_NAME = re.compile(r".*_split_0\.6_0\.2_(\d+)\.npz")


def read_split_files(files: Mapping[str, LocalFile], num_nodes: int) -> dict[str, list[Triple]]:
    """Reads the split files among `files`, in the order of their numbers.

    Args:
        files: every file of a card, by name.
        num_nodes: N, the length each mask must have.

    Returns:
        {"geom-gcn-10": [(train, valid, test), ...]}, or an empty dictionary where there are no split files.

    Raises:
        DataError: a mask is missing or has another length.

    Example:
        >>> read_split_files({}, 10)
        {}
    """
    found = {int(match[1]): name for name in files if (match := _NAME.fullmatch(name))}
    if not found:
        return {}
    return {PROTOCOL: [_read(files[found[index]], found[index], num_nodes) for index in sorted(found)]}


def masks_to_triple(train: NDArray[np.bool_], valid: NDArray[np.bool_], test: NDArray[np.bool_]) -> Triple:
    """Turns three [N] masks into sorted int64 node numbers."""
    return np.flatnonzero(train), np.flatnonzero(valid), np.flatnonzero(test)


def _read(file: LocalFile, name: str, num_nodes: int) -> Triple:
    with file.open() as stream, np.load(stream, allow_pickle=False) as arrays:
        try:
            masks = [arrays[key].astype(bool) for key in ("train_mask", "val_mask", "test_mask")]
        except KeyError as error:
            raise DataError(f"{name} lacks {error}; delete it and fetch it again") from error
    for mask in masks:
        if mask.shape != (num_nodes,):
            raise DataError(f"{name} holds masks of shape {list(mask.shape)}, but the graph has {num_nodes} nodes")
    return masks_to_triple(*masks)
