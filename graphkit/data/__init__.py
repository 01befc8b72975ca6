"""Data: cards, verified files, readers, a cache of processed graphs, and `NodeDataset`.

Names are imported on first use, so that listing cards costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.data.cards import Card, list_cards, load_card
    from graphkit.data.dataset import NodeDataset
    from graphkit.data.fetch import fetch
    from graphkit.data.load import load_dataset
    from graphkit.data.raw import LocalFile, RawGraph
    from graphkit.data.splits import Split

_HOMES = {
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "NodeDataset": "dataset",
    "fetch": "fetch",
    "load_dataset": "load",
    "LocalFile": "raw",
    "RawGraph": "raw",
    "Split": "splits",
}

__all__ = [
    "Card",
    "LocalFile",
    "NodeDataset",
    "RawGraph",
    "Split",
    "fetch",
    "list_cards",
    "load_card",
    "load_dataset",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
