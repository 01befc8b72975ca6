"""Encoders: from node features and edges to node states, by name."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.encoders.base import Encoder

ENCODERS: Registry[type[Encoder]] = Registry(
    "encoder",
    {
        "augmented-gin": "graphkit.encoders.augmented:AugmentedGIN",
        "classic": "graphkit.encoders.classic:ClassicGNN",
        "cognn": "graphkit.encoders.cognn:CoGNN",
        "custom-gnn": "graphkit.encoders.custom_gnn:CustomGNN",
        "dagnn": "graphkit.encoders.dagnn:DAGNN",
        "gat": "graphkit.encoders.gat:GAT",
        "gatv2": "graphkit.encoders.gatv2:GATv2",
        "gcn": "graphkit.encoders.gcn:GCN",
        "gin": "graphkit.encoders.gin:GIN",
        "hybrid": "graphkit.encoders.hybrid:Hybrid",
        "identity": "graphkit.encoders.identity:Identity",
        "pathnn": "graphkit.encoders.path:PathNN",
        "plstm": "graphkit.encoders.plstm:PLSTM",
        "policy-learn": "graphkit.encoders.policy_learn:PolicyLearn",
        "pure-gcn": "graphkit.encoders.pure_gcn:PureGCN",
        "residual": "graphkit.encoders.residual:ResidualShell",
        "rni": "graphkit.encoders.rni:RNI",
        "sage": "graphkit.encoders.sage:GraphSAGE",
        "sgc": "graphkit.encoders.sgc:SGC",
        "sir-gcn": "graphkit.encoders.sir_gcn:SIRGCN",
        "subgraph": "graphkit.encoders.subgraph:SubgraphEncoder",
    },
    group="graphkit.encoders",
    adapt="graphkit.encoders.adapter:as_encoder",
)

__all__ = ["ENCODERS", "create_encoder", "list_encoders"]


def list_encoders(pattern: str = "*") -> list[str]:
    """Returns the names of encoders that a pattern matches, importing none of them.

    Args:
        pattern: `*` stands for anything, `?` for one letter.

    Example:
        >>> list_encoders("*gat*")
        ['gat', 'gatv2']
    """
    return [name for name in ENCODERS if fnmatchcase(name, pattern)]


def create_encoder(name: str, in_channels: int, out_channels: int, **options: Any) -> Encoder:
    """Builds an encoder by name.

    Args:
        name: one of `list_encoders()`, an entry point of the group `graphkit.encoders`, or `module:Class`.
        in_channels: F, width of the input features.
        out_channels: C, width of the states.
        options: the encoder's own (`graphkit ls encoders`).

    Raises:
        UnknownNameError: no such encoder.
        ConfigError: an option does not fit.

    Example:
        >>> import torch
        >>> create_encoder("gat", 4, 2, heads=2)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 2])
    """
    return ENCODERS.get(name)(in_channels=in_channels, out_channels=out_channels, **options)
