"""The link-prediction graphs of SEAL, Zhang and Chen, NeurIPS 2018 (arXiv 1802.09691), with ten fixed splits.

`NAME.mat` holds the graph as the sparse matrix `net`; `NAME_split_K.mat`, K = 1..10, hold the 90/10 splits that Pan,
Shi and Dokmanic, WalkPool, ICLR 2022 (arXiv 2110.04375) publish. Their node numbers start at 1.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import io as matlab
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawLinks
from graphkit.errors import DataError

VERSION = 1
VALID_SHARE = 0.05
"""Part of the training links and of the training negatives that validates, as WalkPool does."""
Links = NDArray[np.int64]


def read(files: Mapping[str, LocalFile], card: Card) -> RawLinks:
    """Reads one of the graphs and its splits.

    Validation links stay in the graph a model sees, as they do in the published code; they are drawn from a Philox
    stream keyed by the number of the split, so that they are the same everywhere.

    Args:
        files: `NAME.mat` and the ten split files.
        card: takes no options.

    Returns:
        Undirected links, with ten splits under `seal-10`.

    Raises:
        DataError: a matrix is missing, not symmetric, or of another graph than the splits.

    Example:
        >>> read(fetch(load_card("usair")), load_card("usair")).edge_index.shape  # doctest: +SKIP
        (2, 2126)
    """
    splits = sorted((name for name in files if "_split_" in name), key=_number)
    (graph,) = (name for name in files if name not in splits)
    net = _load(files[graph], "net").tocoo()
    if net.shape[0] != net.shape[1] or (net != net.T).nnz:
        raise DataError(f"{card.name}: {graph} holds no symmetric matrix; it is damaged or another version")
    upper = net.row < net.col
    edge_index = np.stack([net.row[upper], net.col[upper]]).astype(np.int64)
    return RawLinks(
        num_nodes=int(net.shape[0]),
        edge_index=edge_index[:, np.lexsort(edge_index[::-1])],
        splits={"seal-10": [_split(files[name], index, card.name) for index, name in enumerate(splits)]},
        name=card.name,
    )


def _split(file: LocalFile, index: int, name: str) -> dict[str, Links]:
    pairs = {key: _pairs(file, key, name) for key in ("train_pos", "train_neg", "test_pos", "test_neg")}
    rng = np.random.Generator(np.random.Philox(key=index))
    parts: dict[str, Links] = {"message": pairs["train_pos"]}
    for key, suffix in (("train_pos", ""), ("train_neg", "_negatives")):
        total = pairs[key].shape[1]
        order = rng.permutation(total)
        size = round(VALID_SHARE * total)
        parts[f"valid{suffix}"] = pairs[key][:, np.sort(order[:size])]
        parts[f"train{suffix}"] = pairs[key][:, np.sort(order[size:])]
    return parts | {"test": pairs["test_pos"], "test_negatives": pairs["test_neg"]}


def _pairs(file: LocalFile, key: str, name: str) -> Links:
    pairs = np.asarray(_load(file, key)).astype(np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and pairs.min() < 1):
        raise DataError(f"{name}: {key} of {file.path.name} must be [n, 2] node numbers from 1, got {pairs.shape}")
    return np.ascontiguousarray(pairs.T - 1)


def _load(file: LocalFile, key: str) -> Any:
    found = matlab.loadmat(io.BytesIO(file.read_bytes()), variable_names=[key])
    if key not in found:
        raise DataError(f"{file.path} holds no {key!r}; it is damaged or another file")
    return sparse.csr_matrix(found[key]) if sparse.issparse(found[key]) else found[key]


def _number(name: str) -> int:
    return int(name.removesuffix(".mat").rsplit("_", 1)[1])
