"""From a RunSpec and a dataset to a model: options are checked against the encoder's signature before anything runs."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphkit.config import RunSpec
from graphkit.data.graphs import GraphDataset
from graphkit.data.labelled import LabelledDataset
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Edges, Encoder
from graphkit.encoders.inputs import CategoryEmbedding
from graphkit.errors import ConfigError
from graphkit.heads import GRAPH_HEADS, PAIR_HEADS
from graphkit.heads.context import PairContext
from graphkit.heads.node import NodeHead
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.seeds import SeedStreams
from graphkit.training.options import typed_options

if TYPE_CHECKING:
    from graphkit.data.graph_links import GraphLinkDataset
    from graphkit.training.graph_link_feed import GraphLinkBatch

Structure = Mapping[str, Tensor]


class NodeModel(nn.Module):
    """An encoder followed by a node head.

    Args:
        encoder: from inputs to node states.
        head: from node states to scores.
        inputs: embedding of categorical inputs, or None for features; `edge_inputs` that of edges.

    Shapes:
        x [N, F] float32 or SparseFeatures, or [N, D] categories; graph CSRGraph or edge_index [2, E] int64; returns
        scores [N, C].
    """

    def __init__(
        self,
        encoder: Encoder,
        head: NodeHead,
        inputs: CategoryEmbedding | None = None,
        edge_inputs: CategoryEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.inputs, self.edge_inputs = encoder, head, inputs, edge_inputs

    def forward(
        self,
        x: Tensor | SparseFeatures,
        graph: Tensor | CSRGraph,
        edge_attr: Tensor | None = None,
        structure: Structure | None = None,
    ) -> Tensor:
        """Returns raw scores (logits, or values for a regression); edge features go to encoders that take them."""
        return typing.cast(Tensor, self.head(self.states(x, graph, edge_attr, structure)))

    def states(
        self, x: Any, graph: Tensor | CSRGraph, edge_attr: Tensor | None = None, structure: Structure | None = None
    ) -> Tensor:
        """Returns the encoder's states."""
        edges: Edges = edge_attr if self.encoder.edge_dim is not None else None
        x = x if self.inputs is None else self.inputs(x)
        if self.edge_inputs is not None and isinstance(edges, Tensor):
            edges = self.edge_inputs.shared(edges)
        return typing.cast(Tensor, self.encoder(x, graph, edges, structure=structure))


class GraphModel(NodeModel):
    """An encoder followed by a graph head; `structure["ptr"]` [G + 1] says whose nodes are whose.

    Shapes:
        as NodeModel; returns scores [G, C].
    """

    def forward(
        self,
        x: Tensor | SparseFeatures,
        graph: Tensor | CSRGraph,
        edge_attr: Tensor | None = None,
        structure: Structure | None = None,
    ) -> Tensor:
        """Returns one row of raw scores a graph."""
        states = self.states(x, graph, edge_attr, structure)
        return typing.cast(Tensor, self.head(states, None if structure is None else structure["ptr"]))


class GraphLinkModel(NodeModel):
    """An encoder of whole graphs followed by a pair head that looks at no more than two states.

    Shapes:
        a batch with P pairs returns raw scores [P].
    """

    def forward(self, batch: GraphLinkBatch) -> Tensor:  # type: ignore[override]
        """Returns the raw score of every pair of a batch."""
        return self.pair_scores(batch.states(self), batch.graph, batch.pairs)

    def pair_scores(self, states: Tensor, graph: CSRGraph, pairs: Tensor) -> Tensor:
        """Returns the raw scores [P] of pairs [2, P] of nodes with states [N, C]."""
        return typing.cast(Tensor, self.head(PairContext(pairs, states, graph, lambda x, graph: states)))


def build_model(spec: RunSpec, dataset: LabelledDataset, streams: SeedStreams) -> NodeModel:
    """Builds encoder and head for a dataset; the weights come from the run's `init` stream.

    Raises:
        UnknownNameError: an option the encoder or head does not take, with suggestions.
        ConfigError: an option of the wrong type or a missing one, a dataset without features, or edge features for an
            encoder that takes none.
    """
    if not dataset.num_features:
        raise ConfigError(
            f"dataset {dataset.name} has no features, which encoder {spec.encoder.name!r} needs; take a node embedding "
            "(`graphkit ls embeddings`) in its place, or as its data.inputs"
        )
    torch.manual_seed(streams.integer("init"))
    encoder_class = ENCODERS.get(spec.encoder.name)
    options = check_options(encoder_class, spec)
    if isinstance(dataset, GraphDataset):
        return _graph_model(spec, dataset, encoder_class, options)
    outputs = dataset.num_outputs
    if spec.head.name != "identity" and "hidden_channels" not in options:
        raise ConfigError(f"head {spec.head.name!r} needs encoder.options.hidden_channels")
    width = outputs if spec.head.name == "identity" else int(options["hidden_channels"])
    encoder = encoder_class(in_channels=dataset.num_features, out_channels=width, **options)
    target, kind = typing.cast(Any, dataset.card.target), typing.cast(Any, spec.head.name)
    head = NodeHead(encoder.out_channels, outputs, kind=kind, target=target, **spec.head.options)
    return NodeModel(encoder, head)


def _graph_model(
    spec: RunSpec, dataset: GraphDataset, encoder_class: type[Encoder], options: dict[str, Any]
) -> GraphModel:
    encoder, *inputs = _graph_encoder(spec, dataset, encoder_class, options)
    head_class = GRAPH_HEADS.get(spec.head.name)
    taken = typed_options(
        head_class,
        spec.head.options,
        what="head",
        name=spec.head.name,
        skip=("in_channels", "num_outputs", "target"),
    )
    if encoder.level == "graph":
        taken["readout"] = "none"
    head = head_class(encoder.out_channels, dataset.num_outputs, target=typing.cast(Any, dataset.card.target), **taken)
    return GraphModel(encoder, head, *inputs)


def build_graph_link_model(spec: RunSpec, dataset: GraphLinkDataset, streams: SeedStreams) -> GraphLinkModel:
    """Builds encoder and pair head for links inside graphs; the weights come from the run's `init` stream.

    Raises:
        UnknownNameError: an option the encoder or head does not take, with suggestions.
        ConfigError: an option of the wrong type, or an encoder that has no states of nodes.
    """
    torch.manual_seed(streams.integer("init"))
    encoder_class = ENCODERS.get(spec.encoder.name)
    encoder, *inputs = _graph_encoder(spec, dataset, encoder_class, check_options(encoder_class, spec))
    if encoder.level == "graph":
        raise ConfigError(f"encoder {spec.encoder.name!r} encodes graphs, not nodes, between which links are asked for")
    head_class = PAIR_HEADS.get(spec.head.name)
    taken = typed_options(head_class, spec.head.options, what="head", name=spec.head.name, skip=("in_channels",))
    return GraphLinkModel(encoder, typing.cast(Any, head_class(encoder.out_channels, **taken)), *inputs)


def _graph_encoder(
    spec: RunSpec, dataset: GraphDataset, encoder_class: type[Encoder], options: dict[str, Any]
) -> tuple[Encoder, CategoryEmbedding | None, CategoryEmbedding | None]:
    """The encoder of a dataset of graphs, and the first layers of its nodes' and edges' categories."""
    raw = dataset.raw
    signature = inspect.signature(encoder_class).parameters
    hidden = options.get("hidden_channels", getattr(signature.get("hidden_channels"), "default", None))
    if not isinstance(hidden, int):
        raise ConfigError(f"encoder {spec.encoder.name!r} has no hidden_channels, the width of the states of graphs")
    width = spec.data.input_channels or hidden
    inputs = CategoryEmbedding(raw.x_sizes, width) if raw.x_sizes else None
    edge_inputs = None
    if spec.data.edge_features:
        if raw.edge_attr is None:
            raise ConfigError(f"dataset {dataset.name} has no edge features; set data.edge_features = false")
        if "edge_dim" not in signature:
            raise ConfigError(f"encoder {spec.encoder.name!r} takes no edge features; set data.edge_features = false")
        edge_inputs = CategoryEmbedding(raw.edge_sizes, width) if raw.edge_sizes else None
        options["edge_dim"] = width if raw.edge_sizes else raw.edge_attr.shape[1]
    encoder = encoder_class(
        in_channels=width if inputs is not None else dataset.num_features, out_channels=hidden, **options
    )
    return encoder, inputs, edge_inputs


def check_options(encoder_class: type[Encoder], spec: RunSpec) -> dict[str, Any]:
    """Returns `spec.encoder.options`, typed by the encoder's constructor."""
    return typed_options(
        encoder_class,
        spec.encoder.options,
        what="encoder",
        name=spec.encoder.name,
        skip=("in_channels", "out_channels"),
    )
