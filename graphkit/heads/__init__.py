"""Heads: from encoder states to raw scores, a loss, and scores an evaluator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from graphkit.heads.link import PairHead

HEADS: Registry[type[nn.Module]] = Registry("head", {"node": "graphkit.heads.node:NodeHead"}, group="graphkit.heads")
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

__all__ = ["HEADS", "PAIR_HEADS"]
