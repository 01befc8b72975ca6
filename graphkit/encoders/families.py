"""Encoders by what they encode: nodes of a graph, points in space, or streams of events."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphkit.encoders import ENCODERS
from graphkit.encoders.equivariant import POINT_ENCODERS
from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.registry import Registry

FAMILIES: Mapping[str, Registry[Any]] = MappingProxyType(
    {"nodes": ENCODERS, "points": POINT_ENCODERS, "streams": TEMPORAL_ENCODERS}
)
_OF_KIND = {"system": "points", "temporal-link": "streams", "temporal-edge": "streams", "temporal-attribute": "streams"}


def family_of(name: str) -> str:
    """Returns what the encoder called `name` encodes; `nodes` for a name that nothing has.

    Example:
        >>> family_of("graphmixer"), family_of("gat")
        ('streams', 'nodes')
    """
    return next((family for family, registry in FAMILIES.items() if name in registry), "nodes")


def family_for(kind: str) -> str:
    """Returns what a kind of dataset has to encode.

    Example:
        >>> family_for("temporal-link")
        'streams'
    """
    return _OF_KIND.get(kind, "nodes")
