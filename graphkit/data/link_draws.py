"""Links of a graph divided at random, with negatives, the same on every platform and numpy version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import GraphValidationError, ProtocolError

Links = NDArray[np.int64]
_TRIES = 64


class Words:
    """A counter stream of random 64-bit words (Philox), which no numpy version changes.

    Args:
        name: which stream.
        index: which of its members.

    Example:
        >>> len(Words("random-85-5-10", 0).order(5))
        5
    """

    def __init__(self, name: str, index: int) -> None:
        tag = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        self._stream = np.random.Philox(key=np.array([tag, index], dtype=np.uint64))

    def order(self, count: int) -> NDArray[np.int64]:
        """Returns 0 to count - 1 in random order."""
        return np.argsort(self._stream.random_raw(count), kind="stable").astype(np.int64)

    def below(self, limit: int, count: int) -> NDArray[np.int64]:
        """Returns `count` numbers from 0 to limit - 1, limit at most 2 ** 32."""
        high = self._stream.random_raw(count) >> np.uint64(32)
        return ((high * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def unordered_links(edge_index: Links, num_nodes: int) -> Links:
    """Returns every link once as [2, L], the smaller node first, without self-loops, sorted.

    Example:
        >>> unordered_links(np.array([[1, 0, 2, 2], [0, 1, 1, 2]]), 3).tolist()
        [[0, 1], [1, 2]]
    """
    return _pairs(np.unique(_keys(edge_index[:, edge_index[0] != edge_index[1]], num_nodes)), num_nodes)


def draw_non_links(words: Words, num_nodes: int, links: Links, count: int) -> Links:
    """Draws `count` different unordered pairs [2, count] that are no links and no self pairs, uniformly.

    Args:
        words: where the draws come from.
        num_nodes: N.
        links: [2, L] pairs that may not be drawn, in any order and direction.
        count: how many.

    Raises:
        GraphValidationError: the graph is so dense that there are hardly as many.

    Example:
        >>> draw_non_links(Words("doc", 0), 3, np.array([[0, 1], [1, 2]]), 1).tolist()
        [[0], [2]]
    """
    taken = np.unique(_keys(links, num_nodes))
    found = np.zeros(0, dtype=np.int64)
    for _ in range(_TRIES):
        wanted = count - len(found)
        if wanted == 0:
            break
        size = 2 * wanted + 16
        pairs = np.stack([words.below(num_nodes, size), words.below(num_nodes, size)])
        keys = _keys(pairs[:, pairs[0] != pairs[1]], num_nodes)
        keys = keys[~_holds(taken, keys)]
        merged = np.concatenate([found, keys])
        _, first = np.unique(merged, return_index=True)
        found = merged[np.sort(first)][:count]
    if len(found) < count:
        raise GraphValidationError(
            f"only {len(found)} of {count} negatives were found among {num_nodes} nodes: nearly every pair is a link"
        )
    return _pairs(found, num_nodes)


def draw_split(protocol: str, index: int, edge_index: Links, num_nodes: int) -> Mapping[str, Links]:
    """Draws split `index` of a protocol that divides the links of a graph at random.

    `ncn-70-10-20` keeps the sizes of its source: a fifth of the links (rounded down) tests, the rounded-down half of
    another fifth validates. `random-85-5-10` draws the negatives of training and validation knowing the training links
    only; no pair is a negative twice.

    Args:
        protocol: one of `DRAWS`.
        index: which split.
        edge_index: [2, E] edges; every unordered pair counts once.
        num_nodes: N.

    Returns:
        `message`, `train`, `valid`, `test`, `valid_negatives` and `test_negatives`, and where the protocol draws them
        `train_negatives`, each [2, B].

    Raises:
        ProtocolError: the protocol draws no links, or the graph has too few for a split.
        GraphValidationError: the graph is too dense for its negatives.

    Example:
        >>> ring = np.stack([np.arange(40), (np.arange(40) + 1) % 40])
        >>> {key: part.shape[1] for key, part in draw_split("ncn-70-10-20", 0, ring, 40).items()}
        {'message': 28, 'train': 28, 'valid': 4, 'test': 8, 'valid_negatives': 8, 'test_negatives': 8}
    """
    if protocol not in DRAWS:
        raise ProtocolError(f"protocol {protocol} draws no links; {', '.join(DRAWS)} do")
    links, words = unordered_links(edge_index, num_nodes), Words(protocol, index)
    total = links.shape[1]
    if protocol == "ncn-70-10-20":
        tested = validated = int(total * 0.2)
        sizes = int(validated * 0.5), tested
    else:
        sizes = int(total * 0.05), int(total * 0.1)
    if min(sizes) < 1:
        raise ProtocolError(f"{total} links are too few for {protocol}: a part would be empty")
    order = words.order(total)
    valid, test, train = np.split(links[:, order], [sizes[0], sum(sizes)], axis=1)
    parts = {"message": train, "train": train, "valid": valid, "test": test}
    if protocol == "ncn-70-10-20":
        drawn = draw_non_links(words, num_nodes, links, validated + tested)
        return {**parts, "valid_negatives": drawn[:, :validated], "test_negatives": drawn[:, validated:]}
    test_negatives = draw_non_links(words, num_nodes, links, sizes[1])
    known = np.concatenate([train, test_negatives], axis=1)
    practical = draw_non_links(words, num_nodes, known, train.shape[1] + sizes[0])
    parts |= {"train_negatives": practical[:, sizes[0] :], "valid_negatives": practical[:, : sizes[0]]}
    return {**parts, "test_negatives": test_negatives}


DRAWS = ("ncn-70-10-20", "random-85-5-10")
"""Protocols whose splits are drawn from the links of any graph."""


def _keys(pairs: Links, num_nodes: int) -> Links:
    keys: Links = np.minimum(pairs[0], pairs[1]) * np.int64(num_nodes) + np.maximum(pairs[0], pairs[1])
    return keys


def _pairs(keys: Links, num_nodes: int) -> Links:
    return np.stack([keys // num_nodes, keys % num_nodes])


def _holds(ordered: Links, keys: Links) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[place] == keys
    return found
