"""A link dataset: the graph a model may see, the links it is asked for, and the pairs it must tell them from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card
from graphkit.data.checks import check_edges, check_features, check_statistics
from graphkit.data.raw import RawLinks
from graphkit.errors import GraphValidationError, ProtocolError

Links = NDArray[np.int64]
PARTS = ("valid", "test")
_KEYS = (
    "message",
    "test_message",
    "train",
    "train_negatives",
    *(f"{p}{s}" for p in PARTS for s in ("", "_negatives", "_candidates")),
)


class LinkSplit:
    """What a model may see, learns from and is asked for.

    Args:
        name: protocol id.
        index: which of the protocol's splits.
        message: [2, E] edges a model may pass messages along, in both directions where links are undirected.
        train: [2, B] links to learn from.
        valid: [2, B] links of validation; `test` likewise.
        valid_negatives: [2, M] pairs, the same for every validation link; or [B, K] other targets of every source; or
            [2, B, K] other pairs of every link.
        test_negatives: likewise.
        train_negatives: [2, M] published training negatives; None where a model draws its own.
        shared: whether all links of a part have the same negatives, [2, M].
        test_message: [2, E'] edges a model may pass messages along when test links are scored; None where they are
            `message`.

    Raises:
        ProtocolError: negatives have another shape than `shared` says.

    Example:
        >>> message = np.array([[0, 1], [1, 0]])
        >>> pairs = np.array([[0], [3]])
        >>> LinkSplit("ogb", 0, message, message[:, :1], pairs, pairs + 1, pairs + 2, pairs + 3)
        LinkSplit('ogb', 0, message=2, train=1, valid=1, test=1)
    """

    def __init__(
        self,
        name: str,
        index: int,
        message: Links,
        train: Links,
        valid: Links,
        valid_negatives: Links,
        test: Links,
        test_negatives: Links,
        train_negatives: Links | None = None,
        shared: bool = True,
        test_message: Links | None = None,
    ) -> None:
        self.name, self.index = name, index
        self.message, self.train, self.valid, self.test = message, train, valid, test
        self.valid_negatives, self.test_negatives = valid_negatives, test_negatives
        self.train_negatives, self._shared, self.test_message = train_negatives, shared, test_message
        for part in PARTS:
            negatives, rows = getattr(self, f"{part}_negatives"), 2 if shared else getattr(self, part).shape[1]
            fits = negatives.ndim == 2 and len(negatives) == rows
            if not shared and negatives.ndim == 3:
                fits = negatives.shape[:2] == (2, rows)
            if not fits or not negatives.shape[-1]:
                due = "[2, M] pairs" if shared else f"[{rows}, K] targets or [2, {rows}, K] pairs"
                raise ProtocolError(
                    f"split {index} of {name}: {part} negatives are {due}, got shape {list(negatives.shape)}"
                )

    def message_of(self, part: str) -> Links:
        """The edges a model may pass messages along when links of `valid` or `test` are scored."""
        return self.test_message if part == "test" and self.test_message is not None else self.message

    def shared(self, part: str) -> bool:
        """Whether all links of `valid` or `test` have the same negatives, [2, M]."""
        return self._shared

    @cached_property
    def sha256(self) -> str:
        """A hex digest of message, training, validation and test links and the negatives of the last two."""
        more = [] if self.test_message is None else [self.test_message]
        parts = self.message, self.train, self.valid, self.test, self.valid_negatives, self.test_negatives
        return _digest(*parts, *more)

    def negatives_sha256(self, part: str) -> str:
        """A hex digest of the negatives of `valid` or `test`."""
        return _digest(getattr(self, f"{part}_negatives"))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{key}={getattr(self, key).shape[1]}" for key in ("message", "train", "valid", "test"))
        return f"LinkSplit({self.name!r}, {self.index}, {sizes})"


class LinkDataset(CardedDataset):
    """A graph with links to predict.

    Args:
        card: what the dataset is.
        raw: links, features and splits in numpy and scipy arrays.
        content: sha256 of the arrays.
        provenance: files, digests and reader, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("usair").split(index=3)  # doctest: +SKIP
        LinkSplit('seal-10', 3, message=3828, train=1818, valid=96, test=212)
    """

    def __init__(self, card: Card, raw: RawLinks, content: str, provenance: Mapping[str, Any]) -> None:
        super().__init__(card, content, provenance)
        self.raw = raw

    @property
    def num_nodes(self) -> int:
        """N."""
        return self.raw.num_nodes

    @property
    def num_features(self) -> int:
        """F, 0 where nodes have no features."""
        return 0 if self.raw.x is None else int(self.raw.x.shape[1])

    def num_splits(self, protocol: str | None = None) -> int:
        """Returns how many splits a protocol has here; None takes the card's default protocol.

        Raises:
            ProtocolError: the dataset does not have that protocol.
        """
        return len(self.raw.splits[self._protocol(protocol)])

    def split(self, protocol: str | None = None, index: int = 0) -> LinkSplit:
        """Returns split `index` of a protocol; None takes the card's default protocol.

        Raises:
            ProtocolError: the dataset does not have that protocol, or the protocol not that split.
        """
        protocol = self._protocol_of(protocol, index)
        parts = self.raw.splits[protocol][index]
        return LinkSplit(
            protocol,
            index,
            message=self._both_ways(parts.get("message", self.raw.edge_index)),
            test_message=self._both_ways(parts["test_message"]) if "test_message" in parts else None,
            train=parts.get("train", self.raw.edge_index),
            train_negatives=parts.get("train_negatives"),
            shared="test_negatives" in parts,
            **{part: parts[part] for part in PARTS},
            **{f"{part}_negatives": _negatives(parts, part) for part in PARTS},
        )

    def _both_ways(self, links: Links) -> Links:
        return np.concatenate([links, links[::-1]], axis=1) if self.raw.undirected else links

    def __repr__(self) -> str:
        return f"LinkDataset({self.name!r}, nodes={self.num_nodes}, links={self.raw.edge_index.shape[1]})"


def count(raw: RawLinks, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish; links of the splits are those of split 0 of the default protocol."""
    source, target = raw.edge_index
    counts = {
        "nodes": raw.num_nodes,
        "edges": raw.edge_index.shape[1],
        "features": 0 if raw.x is None else int(raw.x.shape[1]),
        "self_loops": int((source == target).sum()),
    }
    for protocol in card.protocols[:1]:
        parts = raw.splits[protocol][0]
        counts["train_links"] = parts.get("train", raw.edge_index).shape[1]
        counts |= {f"{part}_links": parts[part].shape[1] for part in PARTS}
    return counts


def check(raw: RawLinks, card: Card) -> dict[str, int]:
    """Checks links, features, splits and the card's published statistics.

    Raises:
        GraphValidationError: a link names a node that is not there, a test link is a message link, features are not
            finite, or a count differs from the published one.
    """
    name = raw.name or card.name
    check_edges(raw.edge_index, raw.num_nodes, name)
    if raw.x is not None:
        check_features(raw.x, name)
    for protocol, splits in raw.splits.items():
        for index, parts in enumerate(splits):
            where = f"{name}: split {index} of {protocol}"
            _check_split(raw, parts, where)
            if not card.reader_options.get("repeated_links", False):
                _check_unseen(raw, parts, where)
    found = count(raw, card)
    check_statistics(card.statistics, found, name)
    return found


def pack(raw: RawLinks) -> dict[str, NDArray[Any]]:
    """Lays links out as named arrays."""
    arrays: dict[str, Any] = {"edge_index": raw.edge_index, "facts": np.array([raw.num_nodes, raw.undirected])}
    if sparse.issparse(raw.x):
        raise GraphValidationError(f"{raw.name}: sparse features of link datasets are not kept; give a dense array")
    for key in ("x", "edge_attr"):
        if getattr(raw, key) is not None:
            arrays[key] = getattr(raw, key)
    for protocol, splits in raw.splits.items():
        for index, parts in enumerate(splits):
            arrays |= {f"split.{protocol}.{index}.{key}": value for key, value in parts.items()}
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def unpack(arrays: Mapping[str, NDArray[Any]], name: str) -> RawLinks:
    """Builds the links that `pack` laid out."""
    found: dict[str, dict[int, dict[str, Links]]] = {}
    for label, array in arrays.items():
        if label.startswith("split."):
            protocol, index, key = label.removeprefix("split.").rsplit(".", 2)
            found.setdefault(protocol, {}).setdefault(int(index), {})[key] = array
    num_nodes, is_undirected = arrays["facts"].tolist()
    return RawLinks(
        num_nodes=num_nodes,
        edge_index=arrays["edge_index"],
        splits={protocol: [splits[index] for index in sorted(splits)] for protocol, splits in found.items()},
        undirected=bool(is_undirected),
        x=arrays.get("x"),
        edge_attr=arrays.get("edge_attr"),
        name=name,
    )


def _check_split(raw: RawLinks, parts: Mapping[str, Links], where: str) -> None:
    for key, links in parts.items():
        if key not in _KEYS:
            raise GraphValidationError(f"{where} has a part {key!r}; known: {', '.join(_KEYS)}")
        if key.endswith("_candidates"):
            if links.size and not (links.min() >= 0 and links.max() < raw.num_nodes):
                raise GraphValidationError(f"{where}: {key} name a node outside 0..{raw.num_nodes - 1}")
        else:
            check_edges(links, raw.num_nodes, f"{where}: {key}")
    for part in PARTS:
        if part not in parts or _negatives(parts, part) is None:
            raise GraphValidationError(f"{where} lacks {part} links or their negatives")


def _check_unseen(raw: RawLinks, parts: Mapping[str, Links], where: str) -> None:
    """Refuses test links that a model is shown; validation links it may be given, as SEAL does."""
    shown = parts.get("test_message", parts.get("message", raw.edge_index))
    twice = np.isin(_keys(parts["test"], raw), _keys(shown, raw))
    if twice.any():
        source, target = parts["test"][:, np.flatnonzero(twice)[0]]
        raise GraphValidationError(
            f"{where}: {int(twice.sum())} test links are in the graph a model sees, {source} - {target} first; "
            "where links repeat in time, say reader_options.repeated_links = true"
        )


def _negatives(parts: Mapping[str, Links], part: str) -> Any:
    return parts.get(f"{part}_negatives", parts.get(f"{part}_candidates"))


def _keys(links: Links, raw: RawLinks) -> Links:
    source, target = links
    if raw.undirected:
        source, target = np.minimum(source, target), np.maximum(source, target)
    keys: Links = source * np.int64(raw.num_nodes) + target
    return keys


def _digest(*parts: Links) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.array(part.shape, dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
    return digest.hexdigest()
