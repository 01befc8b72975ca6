"""HeaRT on Planetoid graphs: split and negatives out of files that a user supplies, or cleaned negatives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.disk import sha256_of
from graphkit.data.fetch import raw_folder
from graphkit.data.link_draws import unordered_links
from graphkit.data.negatives import NegativeSet, Positives, heart_clean, read_heart
from graphkit.data.raw import RawGraph
from graphkit.errors import DataError

Links = NDArray[np.int64]
PROTOCOLS = ("heart", "heart-clean")
_PARTS = ("train", "valid", "test")


def heart_folder(card: Card) -> Path:
    """Returns where the files of HeaRT are looked for: `heart` in the dataset's folder (`graphkit data path NAME`)."""
    return raw_folder(card) / "heart"


def heart_split(card: Card, raw: RawGraph, protocol: str) -> tuple[Mapping[str, Links], dict[str, str]]:
    """Reads the split of Li et al., NeurIPS 2023 (arXiv 2306.10453), with the negatives of every positive.

    The folder holds `train_pos.txt`, `valid_pos.txt` and `test_pos.txt` (two node numbers a line), and under `heart`
    also `heart_valid_samples.npy` and `heart_test_samples.npy`. The authors publish them in an archive; graphkit does
    not download it.

    Args:
        card: the dataset.
        raw: its graph, which gives cleaned negatives their features.
        protocol: `heart` or `heart-clean`.

    Returns:
        message, train, valid, test [2, B], and valid_candidates and test_candidates [2, B, K] whole pairs; and the
        sha256 of every file read.

    Raises:
        DataError: a file is missing or damaged, or its links are not those of the graph.
    """
    folder = heart_folder(card)
    files = [folder / f"{part}_pos.txt" for part in _PARTS]
    parts = dict(zip(_PARTS, (_read_pairs(path, raw.num_nodes) for path in files), strict=True))
    _check_same_graph(card, raw, parts)
    found: dict[str, Links] = {"message": parts["train"], **parts}
    for part in ("valid", "test"):
        positives = Positives(*parts[part])
        if protocol == "heart":
            path = folder / f"heart_{part}_samples.npy"
            files.append(path)
            made = read_heart(path, positives, split=part)
        else:
            masked = parts["valid"] if part == "test" else None
            made = heart_clean(positives, parts["train"], raw.num_nodes, features=raw.x, masked=masked, split=part)
        found[f"{part}_candidates"] = _pairs(made, len(positives))
    return found, {f"heart/{path.name}": sha256_of(path) for path in files}


def _pairs(made: NegativeSet, rows: int) -> Links:
    sources, _ = made.source_rows(slice(None))
    return np.stack([np.asarray(sources), np.asarray(made.values)]).reshape(2, rows, -1).astype(np.int64)


def _read_pairs(path: Path, num_nodes: int) -> Links:
    if not path.is_file():
        raise DataError(
            f"there is no file {path}: HeaRT's files are not downloaded; get the authors' archive (arXiv "
            f"2306.10453) and put the files of this dataset into {path.parent}"
        )
    try:
        pairs = np.loadtxt(path, dtype=np.int64, ndmin=2).T
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is no list of pairs of node numbers: {error}") from error
    if len(pairs) != 2 or not pairs.size:
        raise DataError(f"{path} holds {len(pairs)} numbers a line; a link is two node numbers")
    if pairs.min() < 0 or pairs.max() >= num_nodes:
        raise DataError(f"{path} names node {pairs.max()}, but the graph has nodes 0 to {num_nodes - 1}")
    kept: Links = np.ascontiguousarray(pairs[:, pairs[0] != pairs[1]])
    return kept


def _check_same_graph(card: Card, raw: RawGraph, parts: Mapping[str, Links]) -> None:
    """The files carry no features, so the numbers of their nodes must be those of the graph."""
    listed = unordered_links(np.concatenate([parts[part] for part in _PARTS], axis=1), raw.num_nodes)
    known = unordered_links(raw.edge_index, raw.num_nodes)
    keys = [pairs[0] * raw.num_nodes + pairs[1] for pairs in (listed, known)]
    strange = ~np.isin(keys[0], keys[1])
    if strange.any():
        source, target = listed[:, int(strange.argmax())]
        raise DataError(
            f"{int(strange.sum())} links of HeaRT's files are no links of {card.name}, {source} - {target} first: they "
            "belong to another dataset, or number its nodes otherwise"
        )
