"""An encoder, a pair head and, where nodes have no features, a table of learned rows, as one model."""

from __future__ import annotations

import typing
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from graphkit.config import RunSpec
from graphkit.data.links import LinkDataset
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder
from graphkit.errors import ConfigError
from graphkit.heads import PAIR_HEADS
from graphkit.heads.context import PairContext
from graphkit.heads.link import PairHead
from graphkit.heads.reweight import concentrated_weights
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.seeds import SeedStreams
from graphkit.training.build import check_options
from graphkit.training.inputs import LEARNED, input_parts, input_width
from graphkit.training.link_feed import LinkBatch
from graphkit.training.options import typed_options

WIDTH = 64
"""Of the states of encoders that have no option hidden_channels, or are not given it."""
EVAL_PAIRS = 1 << 16
"""Pairs scored at a time when nothing is trained."""


class LinkModel(nn.Module):
    """Scores pairs of nodes of one graph.

    Args:
        encoder: from features and edges to states.
        head: from states, and what else it asks a `PairContext` for, to scores.
        rows: [N, F] learned inputs, for nodes without features; None where they have some.
        edge_weight: [E] weights of the edges of the whole graph in edge order, kept with the parameters; None where
            edges have none.

    Shapes:
        a batch of B pairs returns raw scores [B].
    """

    edge_weight: Tensor | None

    def __init__(
        self, encoder: Encoder, head: PairHead, rows: Tensor | None = None, edge_weight: Tensor | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.rows = None if rows is None else nn.Parameter(rows)
        self.register_buffer("edge_weight", edge_weight)

    def forward(self, batch: LinkBatch) -> Tensor:
        """Returns the raw score of every pair of a batch."""
        return self.scores(self.context(batch.pairs, batch.x, batch.graph, batch.whole))

    def context(
        self,
        pairs: Tensor,
        x: Tensor | SparseFeatures | None,
        graph: CSRGraph,
        whole: CSRGraph | None = None,
        shared: dict[str, object] | None = None,
    ) -> PairContext:
        """Returns the lazy inputs of the head; arguments as in `PairContext`, x None where rows are learned."""
        return PairContext(pairs, self._inputs(x), graph, self._encode, whole, shared)

    def scores(self, context: PairContext) -> Tensor:
        """Returns the raw score [B] of every pair of a context."""
        return typing.cast(Tensor, self.head(context))

    @torch.no_grad()
    def reweight(self, x: Tensor | SparseFeatures | None, graph: CSRGraph, alpha: float) -> None:
        """Gives the edges of the whole graph the weights that `heads.reweight` finds for the present states.

        Args:
            x: features, or None where rows are learned.
            graph: the whole graph, in whose edge order `edge_weight` is.
            alpha: how much weight is added at a node.
        """
        if self.edge_weight is None:
            raise ConfigError("the model was built without edge weights; set train.reweight")
        self.eval()
        base = self.edge_weight.new_ones(graph.num_edges)
        if len(self.edge_weight) != len(base):
            self.edge_weight = base
        states = self._encode(self._inputs(x), graph)
        self.edge_weight = concentrated_weights(graph, states, base, self.head.of_product, alpha=alpha)

    @torch.no_grad()
    def scorer(
        self, x: Tensor | SparseFeatures | None, graph: CSRGraph, chunk: int = EVAL_PAIRS
    ) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
        """Returns a function from pairs [2, B] to scores [B]; nodes are encoded once, in evaluation mode.

        Args:
            x: features, or None where rows are learned.
            graph: the graph messages pass along.
            chunk: pairs scored at a time.
        """
        self.eval()
        shared: dict[str, object] = {}

        def score(pairs: NDArray[np.int64]) -> NDArray[np.float64]:
            self.eval()
            columns = torch.from_numpy(np.ascontiguousarray(pairs)).to(graph.device)
            with torch.no_grad():
                parts = [self.scores(self.context(part, x, graph, None, shared)) for part in columns.split(chunk, 1)]
            return torch.cat(parts).double().cpu().numpy()

        return score

    def _inputs(self, x: Tensor | SparseFeatures | None) -> Tensor | SparseFeatures:
        inputs = self.rows if x is None else x
        if inputs is None:
            raise ConfigError("the model has no learned rows, so it needs features x")
        return inputs

    def _encode(self, x: Tensor | SparseFeatures, graph: CSRGraph) -> Tensor:
        weight, kept = self.edge_weight, graph.parent_edge
        if weight is not None and kept is not None:  # a graph without the links of a batch
            weight = weight.index_select(0, kept)
        return typing.cast(Tensor, self.encoder(x, graph, None, weight))


def link_loss(scores: Tensor, y: Tensor) -> Tensor:
    """Mean of -log sigmoid(s) over positives plus mean of -log sigmoid(-s) over negatives.

    Args:
        scores: [B] raw scores.
        y: [B] of 1 (links) and 0.

    Returns:
        A scalar; a side without pairs adds nothing.

    Example:
        >>> round(float(link_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))), 4)
        1.3863
    """
    losses = functional.binary_cross_entropy_with_logits(scores, y, reduction="none")
    positives = y.sum()
    negatives = y.numel() - positives
    return (losses * y).sum() / positives.clamp(min=1) + (losses * (1 - y)).sum() / negatives.clamp(min=1)


def build_link_model(spec: RunSpec, dataset: LinkDataset, streams: SeedStreams, *, num_edges: int = 0) -> LinkModel:
    """Builds encoder and pair head for a link dataset; the weights come from the run's `init` stream.

    The states are as wide as the encoder's option `hidden_channels`, or `WIDTH` where it has none.

    Args:
        spec: encoder, head, inputs and `train.reweight` are read.
        dataset: the graph.
        streams: of the run.
        num_edges: E of the whole graph, which `train.reweight` gives a weight each.

    Raises:
        UnknownNameError: an option that encoder or head does not take, with suggestions.
        ConfigError: an option of the wrong type or a missing one, or weights for an encoder that takes none.
    """
    torch.manual_seed(streams.integer("init"))
    encoder_class = ENCODERS.get(spec.encoder.name)
    options = check_options(encoder_class, spec)
    head_class = PAIR_HEADS.get(spec.head.name)
    head_options = typed_options(head_class, spec.head.options, what="head", name=spec.head.name, skip=("in_channels",))
    width = input_width(spec, dataset.num_features)
    learned = LEARNED in input_parts(spec)
    rows = nn.init.orthogonal_(torch.empty(dataset.num_nodes, width)) if learned else None
    encoder = encoder_class(in_channels=width, out_channels=int(options.get("hidden_channels", WIDTH)), **options)
    weights = None
    if spec.train.reweight:
        if not encoder.weighted:
            raise ConfigError(f"encoder {spec.encoder.name!r} takes no edge weights, which train.reweight makes")
        weights = torch.ones(num_edges)
    return LinkModel(encoder, head_class(encoder.out_channels, **head_options), rows, weights)
