"""Circular skip links, Murphy et al., ICML 2019 (arXiv 1903.02541), with the splits of Dwivedi et al. (2003.00982)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraphs
from graphkit.errors import DataError

VERSION = 1
PARTS = ("train", "val", "test")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads the 150 graphs from plain arrays (nothing is unpickled) and the five published splits.

    Args:
        files: an npz of `edge_index [2, E]`, `edge_ptr [G + 1]`, `y [G]` and `num_nodes`; `CSL_{train,val,test}.index`.
        card: its name is used in messages.

    Returns:
        Graphs without their self loops, with one constant feature; the splits under `csl-5`.

    Raises:
        DataError: an array is missing, or the files of splits differ in length.
    """
    archive = next(file for path, file in files.items() if path.endswith(".npz"))
    try:
        with archive.open() as stream, np.load(stream, allow_pickle=False) as arrays:
            edges, bounds = arrays["edge_index"].astype(np.int64), arrays["edge_ptr"].astype(np.int64)
            y, size = arrays["y"].astype(np.int64), int(arrays["num_nodes"])
    except (KeyError, ValueError) as error:
        raise DataError(f"{card.name}: {archive.path} holds no plain arrays: {error}; fetch it again") from error
    graph = np.repeat(np.arange(len(y)), np.diff(bounds))
    proper = edges[0] != edges[1]
    train, valid, test = (
        _rows(next(file for path, file in files.items() if path.endswith(f"_{part}.index"))) for part in PARTS
    )
    return RawGraphs(
        ptr=np.arange(len(y) + 1, dtype=np.int64) * size,
        edge_index=np.ascontiguousarray((edges + graph * size)[:, proper]),
        x=np.ones((len(y) * size, 1), dtype=np.float32),
        y=y,
        splits={"csl-5": list(zip(train, valid, test, strict=True))},
        name=card.name,
    )


def _rows(file: LocalFile) -> list[NDArray[np.int64]]:
    return [np.array(line.split(","), dtype=np.int64) for line in file.read_text().split()]
