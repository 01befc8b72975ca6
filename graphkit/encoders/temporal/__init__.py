"""Temporal encoders: they take in a stream of events and say, at any moment, what they make of a node or of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.temporal.base import TemporalEncoder

TEMPORAL_ENCODERS: Registry[type[TemporalEncoder]] = Registry(
    "temporal encoder",
    {
        "craft": "graphkit.encoders.temporal.craft:CRAFT",
        "dygformer": "graphkit.encoders.temporal.dygformer:DyGFormer",
        "dyrep": "graphkit.encoders.temporal.tgn:DyRep",
        "graphmixer": "graphkit.encoders.temporal.graphmixer:GraphMixer",
        "gru-ids": "graphkit.encoders.temporal.gru_ids:GRUIds",
        "jodie": "graphkit.encoders.temporal.tgn:JODIE",
        "nat": "graphkit.encoders.temporal.nat:NAT",
        "semba": "graphkit.encoders.temporal.semba:SEMBA",
        "sequence": "graphkit.encoders.temporal.sequence:SequenceEncoder",
        "static": "graphkit.encoders.temporal.static:StaticEncoder",
        "tgat": "graphkit.encoders.temporal.tgat:TGAT",
        "tgn": "graphkit.encoders.temporal.tgn:TGN",
        "todyformer": "graphkit.encoders.temporal.todyformer:Todyformer",
        "tpnet": "graphkit.encoders.temporal.tpnet:TPNet",
        "evolvegcn": "graphkit.encoders.temporal.evolvegcn:EvolveGCN",
        "gcrn": "graphkit.encoders.temporal.gcrn:GCRN",
        "dyted": "graphkit.encoders.temporal.dyted:DyTed",
        "coevognn": "graphkit.encoders.temporal.coevognn:CoEvoGNN",
    },
    group="graphkit.temporal_encoders",
)

__all__ = ["TEMPORAL_ENCODERS"]
