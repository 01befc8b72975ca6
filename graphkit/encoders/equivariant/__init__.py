"""Encoders of points in space, whose outputs turn with the points; by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.equivariant.base import PointEncoder

POINT_ENCODERS: Registry[type[PointEncoder]] = Registry(
    "point encoder",
    {
        "dimenet++": "graphkit.encoders.equivariant.pyg:DimeNet",
        "egnn": "graphkit.encoders.equivariant.egnn:EGNN",
        "escn": "graphkit.encoders.equivariant.escn:ESCN",
        "mfn": "graphkit.encoders.equivariant.mfn:MFN",
        "painn": "graphkit.encoders.equivariant.painn:PaiNN",
        "point-gnn": "graphkit.encoders.equivariant.plain:PointGNN",
        "radial-field": "graphkit.encoders.equivariant.plain:RadialField",
        "schnet": "graphkit.encoders.equivariant.pyg:SchNet",
        "straight-line": "graphkit.encoders.equivariant.plain:StraightLine",
        "tensornet": "graphkit.encoders.equivariant.tensornet:TensorNet",
        "visnet": "graphkit.encoders.equivariant.pyg:ViSNet",
    },
    group="graphkit.point_encoders",
)

__all__ = ["POINT_ENCODERS"]
