"""Data: cards, verified files, readers, a cache of processed graphs, and datasets of nodes, graphs, links and events.

Names are imported on first use, so that listing cards costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.data.cards import Card, list_cards, load_card
    from graphkit.data.dataset import NodeDataset
    from graphkit.data.event_dataset import EventDataset
    from graphkit.data.event_files import open_events, save_events
    from graphkit.data.event_splits import EventSplit, hide_nodes, split_events
    from graphkit.data.events import EventStore
    from graphkit.data.fetch import fetch
    from graphkit.data.graphs import GraphDataset
    from graphkit.data.links import LinkDataset, LinkSplit
    from graphkit.data.load import load_dataset
    from graphkit.data.raw import LocalFile, RawEvents, RawGraph, RawGraphs, RawLinks
    from graphkit.data.snapshots import Snapshots, take_snapshots
    from graphkit.data.splits import Split

_HOMES = {
    "Card": "cards",
    "list_cards": "cards",
    "load_card": "cards",
    "NodeDataset": "dataset",
    "EventDataset": "event_dataset",
    "EventSplit": "event_splits",
    "EventStore": "events",
    "Snapshots": "snapshots",
    "hide_nodes": "event_splits",
    "open_events": "event_files",
    "save_events": "event_files",
    "split_events": "event_splits",
    "take_snapshots": "snapshots",
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
    "Snapshots",
    "Split",
    "fetch",
    "hide_nodes",
    "list_cards",
    "load_card",
    "load_dataset",
    "open_events",
    "save_events",
    "split_events",
    "take_snapshots",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
