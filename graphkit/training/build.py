"""From a RunSpec and a dataset to a model: options are checked against the encoder's signature before anything runs."""

from __future__ import annotations

import typing
from typing import Any

import torch
from torch import Tensor, nn

from graphkit.config import RunSpec
from graphkit.data.load import NodeDataset
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder
from graphkit.errors import ConfigError
from graphkit.heads.node import NodeHead
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.seeds import SeedStreams
from graphkit.training.options import typed_options


class NodeModel(nn.Module):
    """An encoder followed by a node head.

    Shapes:
        x [N, F] float32 or SparseFeatures; graph CSRGraph or edge_index [2, E] int64; returns scores [N, C].
    """

    def __init__(self, encoder: Encoder, head: NodeHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, x: Tensor | SparseFeatures, graph: Tensor | CSRGraph, edge_attr: Tensor | None = None) -> Tensor:
        """Returns raw scores (logits, or values for a regression); edge features go to encoders that take them."""
        edge_attr = edge_attr if self.encoder.edge_dim is not None else None
        return typing.cast(Tensor, self.head(self.encoder(x, graph, edge_attr)))


def build_model(spec: RunSpec, dataset: NodeDataset, streams: SeedStreams) -> NodeModel:
    """Builds encoder and head for a dataset; the weights come from the run's `init` stream.

    Raises:
        UnknownNameError: an option the encoder does not take, with suggestions.
        ConfigError: an option of the wrong type or a missing one, or a dataset without features.
    """
    outputs = dataset.num_outputs
    if not dataset.num_features:
        raise ConfigError(
            f"dataset {dataset.name} has no features, which encoder {spec.encoder.name!r} needs; take a node embedding "
            "(`graphkit ls embeddings`) in its place, or as its data.inputs"
        )
    torch.manual_seed(streams.integer("init"))
    encoder_class = ENCODERS.get(spec.encoder.name)
    options = check_options(encoder_class, spec)
    if spec.head.name != "identity" and "hidden_channels" not in options:
        raise ConfigError(f"head {spec.head.name!r} needs encoder.options.hidden_channels")
    width = outputs if spec.head.name == "identity" else int(options["hidden_channels"])
    encoder = encoder_class(in_channels=dataset.num_features, out_channels=width, **options)
    target, kind = typing.cast(Any, dataset.card.target), typing.cast(Any, spec.head.name)
    head = NodeHead(encoder.out_channels, outputs, kind=kind, target=target, **spec.head.options)
    return NodeModel(encoder, head)


def check_options(encoder_class: type[Encoder], spec: RunSpec) -> dict[str, Any]:
    """Returns `spec.encoder.options`, typed by the encoder's constructor."""
    return typed_options(
        encoder_class,
        spec.encoder.options,
        what="encoder",
        name=spec.encoder.name,
        skip=("in_channels", "out_channels"),
    )
