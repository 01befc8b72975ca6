"""Readers: from the files a card lists, as published, to one `RawGraph` of numpy arrays.

A reader is a module with a `VERSION` (raise it whenever the graph it returns changes, so that cached graphs are read
again) and `read(files, card) -> RawGraph`. Readers know file formats; downloading, checksums, validation against the
card and caching happen around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.data.cards import Card
    from graphkit.data.raw import LocalFile, RawGraph

    Reader = Callable[[Mapping[str, LocalFile], Card], RawGraph]

READERS: Registry[Reader] = Registry(
    "reader",
    {
        "planetoid": "graphkit.data.readers.planetoid:read",
        "geom-gcn": "graphkit.data.readers.geom_gcn:read",
        "heterophilous": "graphkit.data.readers.heterophilous:read",
        "gnn-benchmark": "graphkit.data.readers.gnn_benchmark:read",
        "ogb-node": "graphkit.data.readers.ogb_node:read",
    },
    group="graphkit.readers",
)
