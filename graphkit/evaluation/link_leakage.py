"""Links shared between the parts of a split, in whichever direction they are written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ProtocolError, ShapeError

Links = NDArray[np.int64]


def shared_links(parts: Mapping[str, ArrayLike], *, undirected: bool = True) -> dict[str, Links]:
    """Returns the links that two parts share.

    Splitting the columns of an undirected `edge_index` as if it were directed puts (u, v) into training and (v, u) into
    test, so that every test link has been seen (a known trap of link splitters: pyg issue 3440, dgl issue 5536).

    Args:
        parts: name to links [2, n]; a part may hold a link several times, or in both directions.
        undirected: (u, v) and (v, u) are the same link.

    Returns:
        `"a and b"` to links [2, n], each as part `b` writes it and once; empty overlaps are left out.

    Raises:
        ShapeError: a part is not [2, n] whole numbers from 0.

    Example:
        >>> found = shared_links({"train": [[0, 1], [1, 2]], "test": [[2, 3], [1, 0]]})
        >>> {pair: links.tolist() for pair, links in found.items()}
        {'train and test': [[2], [1]]}
        >>> shared_links({"train": [[0, 1], [1, 2]], "test": [[2, 3], [1, 0]]}, undirected=False)
        {}
    """
    links = {name: checked_links(name, values) for name, values in parts.items()}
    num_nodes = 1 + max((int(pairs.max()) for pairs in links.values() if pairs.size), default=0)
    keys = {name: _keys(pairs, num_nodes, undirected) for name, pairs in links.items()}
    found = {}
    for a, b in combinations(links, 2):
        shared = np.intersect1d(keys[a], keys[b])
        if len(shared):
            _, first = np.unique(keys[b], return_index=True)
            found[f"{a} and {b}"] = links[b][:, np.sort(first[np.isin(keys[b][first], shared)])]
    return found


def check_link_leakage(
    message: ArrayLike, train: ArrayLike, valid: ArrayLike, test: ArrayLike, *, undirected: bool = True
) -> None:
    """Raises unless training, validation and test links are disjoint and no message edge is scored later.

    Args:
        message: [2, E] edges that carry messages while training; usually the training links.
        train: [2, n] links that are trained on; valid and test likewise.
        valid: [2, n] links.
        test: [2, n] links.
        undirected: (u, v) and (v, u) are the same link.

    Raises:
        ProtocolError: two parts share a link, or a validation or test link carries messages while training.
        ShapeError: a part is not [2, n] whole numbers from 0.

    Example:
        >>> check_link_leakage([[0, 1], [1, 0]], [[0], [1]], [[1], [2]], [[2], [3]])
    """
    overlaps = shared_links({"train": train, "valid": valid, "test": test}, undirected=undirected)
    for name, part in (("valid", valid), ("test", test)):
        overlaps.update(shared_links({"message edges": message, name: part}, undirected=undirected))
    if overlaps:
        raise ProtocolError(describe_overlaps(overlaps) + "; repair the split")


def describe_overlaps(overlaps: Mapping[str, Any]) -> str:
    """Returns overlaps of links or nodes in words, an example each."""
    texts = []
    for pair, members in overlaps.items():
        links = isinstance(members, np.ndarray)
        count = members.shape[1] if links else len(members)
        example = f"({members[0, 0]}, {members[1, 0]})" if links else str(members[0])
        what = "link" if links else "node"
        texts.append(f"{pair} share {count} {what}{'s' if count != 1 else ''}, for example {example}")
    return "; ".join(texts)


def checked_links(name: str, values: ArrayLike) -> Links:
    """Returns links as int64 [2, n], or raises; an empty list has n = 0."""
    array = np.asarray(values)
    if array.size == 0:
        return np.empty((2, 0), dtype=np.int64)
    if array.ndim != 2 or array.shape[0] != 2 or array.dtype.kind not in "ui" or array.min() < 0:
        raise ShapeError(
            f"{name} must be links [2, n] of node numbers from 0, got {array.dtype} of shape {list(array.shape)}"
        )
    return array.astype(np.int64)


def _keys(links: Links, num_nodes: int, undirected: bool) -> Links:
    source, target = (links.min(axis=0), links.max(axis=0)) if undirected else (links[0], links[1])
    keys: Links = source * num_nodes + target
    return keys
