"""Readers: from the files a card lists, as published, to one `RawGraph`, `RawGraphs`, `RawLinks` or `RawEvents`.

A reader is a module with a `VERSION` (raise it whenever what it returns changes, so that cached datasets are read
again) and `read(files, card)`, which returns what the card's task wants (`data.tasks`). Readers know file formats;
downloading, checksums, validation against the card and caching happen around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.data.cards import Card
    from graphkit.data.raw import LocalFile, RawEvents, RawGraph, RawGraphs, RawLinks
    from graphkit.data.systems import RawSystems

    Reader = Callable[[Mapping[str, LocalFile], Card], RawGraph | RawGraphs | RawLinks | RawEvents | RawSystems]

READERS: Registry[Reader] = Registry(
    "reader",
    {
        "planetoid": "graphkit.data.readers.planetoid:read",
        "geom-gcn": "graphkit.data.readers.geom_gcn:read",
        "heterophilous": "graphkit.data.readers.heterophilous:read",
        "group-mat": "graphkit.data.readers.group_mat:read",
        "gnn-benchmark": "graphkit.data.readers.gnn_benchmark:read",
        "jodie-csv": "graphkit.data.readers.jodie:read",
        "events-text": "graphkit.data.readers.event_text:read",
        "events-table": "graphkit.data.readers.event_table:read",
        "tgb-csv": "graphkit.data.readers.tgb:read",
        "tgb-node": "graphkit.data.readers.tgb_node:read",
        "tgb-seq": "graphkit.data.readers.tgb_seq:read",
        "dyglib-csv": "graphkit.data.readers.dyglib:read",
        "seal-mat": "graphkit.data.readers.seal_mat:read",
        "contact-tensors": "graphkit.data.readers.contact_tensors:read",
        "superpixels": "graphkit.data.readers.superpixels:read",
        "ogb-link": "graphkit.data.readers.ogb_link:read",
        "ogb-graph": "graphkit.data.readers.ogb_graph:read",
        "extxyz": "graphkit.data.readers.extxyz:read",
        "npz-molecules": "graphkit.data.readers.npz_molecules:read",
        "qm7": "graphkit.data.readers.qm7:read",
        "qm9": "graphkit.data.readers.qm9:read",
        "ogb-node": "graphkit.data.readers.ogb_node:read",
        "smiles": "graphkit.data.readers.smiles:read",
        "zinc": "graphkit.data.readers.zinc:read",
        "tu": "graphkit.data.readers.tu:read",
        "exp-text": "graphkit.data.readers.exp_text:read",
        "csl": "graphkit.data.readers.csl:read",
        "graph6": "graphkit.data.readers.graph6:read",
    },
    group="graphkit.readers",
)
