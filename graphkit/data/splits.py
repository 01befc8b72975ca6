"""A split: which nodes train, validate and test, as an explicit value that can be hashed and compared."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ProtocolError

Nodes = NDArray[np.int64]


class Split:
    """Sorted, disjoint sets of nodes for training, validation and test.

    Args:
        name: id of the protocol the split belongs to.
        index: which of the protocol's splits.
        train: [T] node numbers, or an [N] boolean mask; never empty.
        valid: as `train`, may be empty.
        test: as `train`, may be empty.

    Raises:
        ProtocolError: a node is in two parts or listed twice, a number is negative, or nothing is left to train on.

    Example:
        >>> Split("random-60-20-20", 0, [2, 0], [1], [3]).train
        array([0, 2])
    """

    def __init__(self, name: str, index: int, train: ArrayLike, valid: ArrayLike, test: ArrayLike) -> None:
        self.name, self.index = name, index
        where = f"split {index} of {name}"
        self.train, self.valid, self.test = (
            _nodes(part, f"{where}: {label}") for part, label in ((train, "train"), (valid, "valid"), (test, "test"))
        )
        if not len(self.train):
            raise ProtocolError(f"{where} has no training nodes")
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
            both = np.intersect1d(parts[one], parts[other], assume_unique=True)
            if len(both):
                raise ProtocolError(f"{where}: {len(both)} nodes are in both {one} and {other}, node {both[0]} first")

    @property
    def parts(self) -> tuple[Nodes, Nodes, Nodes]:
        """Train, valid and test, in this order."""
        return self.train, self.valid, self.test

    @cached_property
    def sha256(self) -> str:
        """A hex digest of the three parts; name and index do not count."""
        digest = hashlib.sha256()
        for part in self.parts:
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part.astype("<i8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Split):
            return NotImplemented
        return (self.name, self.index, self.sha256) == (other.name, other.index, other.sha256)

    def __hash__(self) -> int:
        return hash((self.name, self.index, self.sha256))

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{label}={len(part)}" for label, part in zip(("train", "valid", "test"), self.parts, strict=True)
        )
        return f"Split({self.name!r}, {self.index}, {sizes})"


def _nodes(part: ArrayLike, where: str) -> Nodes:
    array: NDArray[Any] = np.asarray(part)
    if array.dtype == bool:
        array = np.flatnonzero(array)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ProtocolError(f"{where} takes a list of node numbers or a mask, got {array.dtype} {list(array.shape)}")
    nodes = np.sort(array.astype(np.int64))
    if len(nodes) and nodes[0] < 0:
        raise ProtocolError(f"{where} names node {nodes[0]}")
    twice = nodes[1:][nodes[1:] == nodes[:-1]]
    if len(twice):
        raise ProtocolError(f"{where} lists node {twice[0]} twice")
    nodes.flags.writeable = False
    return nodes
