"""Data: cards, verified files, readers, a cache of processed graphs, and datasets of nodes, graphs, links and events.

Names are imported on first use, so that listing cards costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.data.cards import Card, list_cards, load_card
    from graphkit.data.dataset import NodeDataset
    from graphkit.data.event_dataset import EventDataset, EventSplit
    from graphkit.data.events import EventStore
    from graphkit.data.fetch import fetch
    from graphkit.data.graphs import GraphDataset
    from graphkit.data.links import LinkDataset, LinkSplit
    from graphkit.data.load import load_dataset
    from graphkit.data.raw import LocalFile, RawEvents, RawGraph, RawGraphs, RawLinks
    from graphkit.data.splits import Split

_HOMES = {
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "NodeDataset": "dataset",
    "EventDataset": "event_dataset",
    "EventSplit": "event_dataset",
    "EventStore": "events",
    "fetch": "fetch",
    "GraphDataset": "graphs",
    "LinkDataset": "links",
    "LinkSplit": "links",
    "load_dataset": "load",
    "LocalFile": "raw",
    "RawEvents": "raw",
    "RawGraph": "raw",
    "RawGraphs": "raw",
    "RawLinks": "raw",
    "Split": "splits",
}

__all__ = [
    "Card",
    "EventDataset",
    "EventSplit",
    "EventStore",
    "GraphDataset",
    "LinkDataset",
    "LinkSplit",
    "LocalFile",
    "NodeDataset",
    "RawEvents",
    "RawGraph",
    "RawGraphs",
    "RawLinks",
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
