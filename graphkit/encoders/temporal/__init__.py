"""Temporal encoders: they take in a stream of events and say, at any moment, what they make of a node or of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.temporal.base import TemporalEncoder

TEMPORAL_ENCODERS: Registry[type[TemporalEncoder]] = Registry(
    "temporal encoder",
    {
        "graphmixer": "graphkit.encoders.temporal.graphmixer:GraphMixer",
    },
    group="graphkit.temporal_encoders",
)

__all__ = ["TEMPORAL_ENCODERS"]
