"""Heads: from encoder states to raw scores, a loss, and scores an evaluator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from graphkit.heads.link import PairHead
    from graphkit.heads.node import NodeHead
    from graphkit.heads.points import PointHead

HEADS: Registry[type[nn.Module]] = Registry("head", {"node": "graphkit.heads.node:NodeHead"}, group="graphkit.heads")
GRAPH_HEADS: Registry[type[NodeHead]] = Registry(
    "graph head", {"graph": "graphkit.heads.graph:GraphHead"}, group="graphkit.graph_heads"
)
"""Heads that score graphs, by the name that `head.name` takes on datasets of graphs."""
PAIR_HEADS: Registry[type[PairHead]] = Registry(
    "pair head",
    {
        "bilinear": "graphkit.heads.link:BilinearHead",
        "dot": "graphkit.heads.link:DotHead",
        "hadamard-mlp": "graphkit.heads.link:HadamardHead",
        "ncn": "graphkit.heads.ncn:NCNHead",
        "ncnc": "graphkit.heads.ncn:NCNCHead",
        "seal": "graphkit.heads.seal:SEALHead",
        "walkpool": "graphkit.heads.walkpool:WalkPoolHead",
    },
    group="graphkit.pair_heads",
)
"""Heads that score pairs of nodes, by the name that `head.name` takes on link datasets."""
POINT_HEADS: Registry[type[PointHead]] = Registry(
    "point head",
    {
        "dipole": "graphkit.heads.energy:DipoleHead",
        "direct": "graphkit.heads.energy:DirectForceHead",
        "energy": "graphkit.heads.energy:EnergyHead",
        "distance": "graphkit.heads.points:DistanceDecoder",
        "position": "graphkit.heads.points:PositionHead",
    },
    group="graphkit.point_heads",
)
"""Heads of points in space, by the name that `head.name` takes on particles and molecules."""

STREAM_HEADS: Registry[type[nn.Module]] = Registry(
    "stream head",
    {"concat-mlp": "graphkit.heads.stream:ConcatMLP", "dot": "graphkit.heads.stream:Dot"},
    group="graphkit.stream_heads",
)
"""Heads over states of a temporal encoder; encoders that score pairs themselves take `identity`."""

__all__ = ["GRAPH_HEADS", "HEADS", "PAIR_HEADS", "POINT_HEADS", "STREAM_HEADS"]
