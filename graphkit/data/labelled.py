"""What a dataset of labelled nodes and one of labelled graphs have in common: card, origin, outputs and splits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data import checks
from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card, data_root
from graphkit.data.raw import RawGraph, RawGraphs
from graphkit.data.splits import Split
from graphkit.data.tasks import asks_for_links
from graphkit.errors import ProtocolError
from graphkit.evaluation.node_splits import DRAWN
from graphkit.evaluation.protocols import PROTOCOLS


class LabelledDataset(CardedDataset):
    """A dataset whose labelled things (nodes or graphs) are split into train, valid and test.

    Args:
        card: what the dataset is.
        raw: what was read, in numpy and scipy arrays.
        content: sha256 of the arrays.
        provenance: files, digests, reader and preparation, for the result record.
    """

    data: Any
    """The PyG `Data` that a subclass builds on first use."""

    def __init__(self, card: Card, raw: RawGraph | RawGraphs, content: str, provenance: Mapping[str, Any]) -> None:
        super().__init__(card, content, provenance)
        self.raw = raw

    @property
    def root(self) -> Path:
        """The cache folder the dataset lives in."""
        return data_root()

    @property
    def num_features(self) -> int:
        """F."""
        return self.raw.num_features

    @cached_property
    def num_outputs(self) -> int:
        """Width of a head's output: classes, 1 for binary targets, L for labels and numbers."""
        if self.card.target == "binary":
            return 1
        found = checks.num_classes(self.raw.y, self.card.target)
        return max(found, self.card.statistics.get("classes", 0))

    def num_splits(self, protocol: str | None = None) -> int:
        """Returns how many splits a protocol has here; None takes the card's default protocol.

        Raises:
            ProtocolError: the dataset does not have that protocol.
        """
        protocol = self._protocol(protocol)
        return len(self.raw.splits[protocol]) if protocol in self.raw.splits else PROTOCOLS[protocol].num_splits

    def split(self, protocol: str | None = None, index: int = 0) -> Split:
        """Returns split `index` of a protocol; None takes the card's default protocol.

        Raises:
            ProtocolError: the dataset does not have that protocol, or the protocol not that split.

        Example:
            >>> from graphkit.data import load_dataset
            >>> load_dataset("karate").split()
            Split('generator', 0, train=10, valid=6, test=18)
        """
        protocol = self._protocol_of(protocol, index)
        if protocol in self.raw.splits:
            return Split(protocol, index, *self.raw.splits[protocol][index])
        return Split(protocol, index, *PROTOCOLS[protocol].generate(self.raw.y, index, 0))

    def _protocol(self, protocol: str | None) -> str:
        if not protocol:
            return super()._protocol(protocol)
        protocol = super()._protocol(protocol)
        if asks_for_links(self.card, protocol):
            raise ProtocolError(
                f"protocol {protocol} predicts links: use load_dataset({self.name!r}, protocol={protocol!r})"
            )
        if protocol not in self.raw.splits and protocol not in DRAWN:
            raise ProtocolError(f"dataset {self.name}: its files hold no splits for protocol {protocol!r}")
        return protocol


def writeable(array: NDArray[Any]) -> NDArray[Any]:
    """Returns an array that torch may share: contiguous and writeable, copied only where it is not."""
    contiguous = np.ascontiguousarray(array)
    return contiguous if contiguous.flags.writeable else contiguous.copy()
