"""Encoders: from node features and edges to node states, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.base import Encoder

ENCODERS: Registry[type[Encoder]] = Registry(
    "encoder",
    {
        "cognn": "graphkit.encoders.cognn:CoGNN",
        "dagnn": "graphkit.encoders.dagnn:DAGNN",
        "gat": "graphkit.encoders.gat:GAT",
        "gatv2": "graphkit.encoders.gatv2:GATv2",
        "gcn": "graphkit.encoders.gcn:GCN",
        "identity": "graphkit.encoders.identity:Identity",
        "pure-gcn": "graphkit.encoders.pure_gcn:PureGCN",
        "residual": "graphkit.encoders.residual:ResidualShell",
        "sage": "graphkit.encoders.sage:GraphSAGE",
        "sgc": "graphkit.encoders.sgc:SGC",
        "sir-gcn": "graphkit.encoders.sir_gcn:SIRGCN",
    },
    group="graphkit.encoders",
)

__all__ = ["ENCODERS"]
