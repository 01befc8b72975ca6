"""What all datasets have in common: a card, where the data came from, a fingerprint, and the look-up of protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphkit.config import stable_hash
from graphkit.data.cards import Card
from graphkit.errors import ProtocolError


class CardedDataset:
    """Data with the card they were read by.

    Args:
        card: what the dataset is.
        content: sha256 of the arrays.
        provenance: files, digests, reader and preparation, for the result record.
    """

    def __init__(self, card: Card, content: str, provenance: Mapping[str, Any]) -> None:
        self.card, self.provenance = card, dict(provenance)
        facts = {"name": card.name, "task": card.task, "target": card.target, "metric": card.metric}
        self.fingerprint: str = stable_hash({**facts, "content": content})

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    def num_splits(self, protocol: str | None = None) -> int:
        """Returns how many splits a protocol has here, one where time has one order; None takes the card's default.

        Raises:
            ProtocolError: the dataset does not have that protocol.
        """
        self._protocol(protocol)
        return 1

    def _protocol(self, protocol: str | None) -> str:
        """Returns the name of a protocol that the dataset has; None and "" take the card's default."""
        if not protocol:
            return self.card.protocols[0]
        if protocol not in self.card.protocols:
            has = ", ".join(self.card.protocols)
            raise ProtocolError(f"dataset {self.name} has no protocol {protocol!r}; it has {has}")
        return protocol

    def _protocol_of(self, protocol: str | None, index: int) -> str:
        """Returns the name of a protocol that the dataset has and that has split `index`."""
        name = self._protocol(protocol)
        count = self.num_splits(name)
        if not 0 <= index < count:
            splits = "split 0 alone" if count == 1 else f"splits 0..{count - 1}"
            raise ProtocolError(f"{self.name}: {name} has {splits}, got {index}")
        return name
