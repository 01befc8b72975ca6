"""How the subgraphs of a bag are encoded together: from node inputs and a bag to one state a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.mixing.base import Mixing

MIXINGS: Registry[type[Mixing]] = Registry(
    "mixing",
    {
        "ds": "graphkit.encoders.mixing.esan:DS",
        "dss": "graphkit.encoders.mixing.esan:DSS",
        "sun": "graphkit.encoders.mixing.sun:SUN",
        "ak": "graphkit.encoders.mixing.ak:AK",
        "ngn": "graphkit.encoders.mixing.ngn:NGN",
        "2ign": "graphkit.encoders.mixing.ign:IGN",
    },
    group="graphkit.mixings",
)

__all__ = ["MIXINGS"]
