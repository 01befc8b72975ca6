"""Local message passing beside a sequence mixer over all nodes: GPS, Graph-Mamba, GMN and the hybrids of GSM++."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.hybrid_layer import HybridLayer, LocalChoice
from graphkit.encoders.mixers import Mixer
from graphkit.encoders.norm import Norm
from graphkit.encoders.ordering import NodeOrdering, Order
from graphkit.encoders.positional import Encoding, InputLayer
from graphkit.encoders.tokens import TokenEncoder
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.transforms.structures import Requirement

Tail = Literal["same", "attention"]


class Hybrid(Encoder):
    r"""Stacks layers in which messages pass along edges while a sequence model reads all nodes of the graph.

    Rampasek et al., GraphGPS (arXiv 2205.12454), equation 2, with any `mixer` in the place of attention:

        h_local = norm(h + conv(h, e))      h_global = norm(h + mixer(h in some order))      (either may be missing)
        h = h_local + h_global              h = norm(h + W_2 relu(W_1 h))

    * GPS: `mixer = "attention"`;
    * Graph-Mamba (Wang et al., arXiv 2402.00789): `mixer = "mamba"`, `order = "degree-noise"`; a fresh order a layer
      and step while training, the mean over `permutations` orders in every layer at evaluation, in one packed call;
    * GMN (Behrouz and Hashemi, arXiv 2402.08678): `bidirectional`, and `token_length` m, `token_walks` M,
      `token_samples` s of the random-walk neighbourhoods that first encode every node (m = 0: none);
    * GSM++ (Behrouz et al., arXiv 2411.15671): `order = "hac"` and `tail = "attention"`, state spaces below a
      Transformer layer. Its mixture of tokenisations is not built, because its details could not be read.

    Args:
        in_channels: F.
        out_channels: C.
        local: convolution of the local half, or `none`.
        mixer: of the global half, or `none`.
        order: in which the mixer reads the nodes.
        tail: mixer of the last layer, the `same` or `attention`.
        bidirectional: read the nodes from both ends, with weights of each direction's own.
        hidden_channels: width of the states.
        num_layers: number of layers.
        heads: of attention, Mamba-2 and `gat`.
        states: of the state spaces, a channel.
        expansion: inner width of the state spaces in multiples of `hidden_channels`.
        buckets: sequences that every graph is dealt into at random (Graph-Mamba's bins for large graphs).
        mixer_norm: before the mixer; the paper of Graph-Mamba has `layer`, its repository `none`.
        dropout: rate in both halves and in the feed-forward network.
        norm: after each half and the feed-forward network.
        encoding: positions among the inputs (`encoders.positional`).
        encoding_steps: random-walk steps of the encoding.
        encoding_vectors: Laplacian eigenvectors of the encoding.
        encoding_channels: channels a kind of position takes.
        token_length: m, longest walks of a node's tokens; 0 for no tokens.
        token_walks: M, walks a token.
        token_samples: s, tokens a length.
        permutations: orders averaged at evaluation, where orders are drawn.
        eval_seed: start of those orders.
        edge_dim: number of features of an edge; None for none.

    Raises:
        ConfigError: neither a local half nor a mixer, or widths that do not fit.

    Example:
        >>> import torch
        >>> Hybrid(3, 2, hidden_channels=8, num_layers=2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    reads_structure = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        local: LocalChoice = "gatedgcn",
        mixer: Mixer = "mamba",
        order: Order = "degree-noise",
        tail: Tail = "same",
        bidirectional: bool = False,
        hidden_channels: int = 96,
        num_layers: int = 4,
        heads: int = 4,
        states: int = 16,
        expansion: int = 1,
        buckets: int = 1,
        mixer_norm: Norm = "none",
        dropout: float = 0.0,
        norm: Norm = "batch",
        encoding: Encoding = "none",
        encoding_steps: int = 20,
        encoding_vectors: int = 10,
        encoding_channels: int = 16,
        token_length: int = 0,
        token_walks: int = 4,
        token_samples: int = 2,
        permutations: int = 5,
        eval_seed: int = 0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, permutations=permutations)
        require_choice(Tail, tail=tail)
        if local == "none" and mixer == "none":
            raise ConfigError("local and mixer are both 'none', so that nodes would never see each other; choose one")
        self.permutations, self.eval_seed = permutations, eval_seed
        self.first = InputLayer(
            in_channels, hidden_channels, encoding, encoding_steps, encoding_vectors, encoding_channels
        )
        self.edges = None if edge_dim is None else nn.Linear(edge_dim, hidden_channels)
        self.tokens: TokenEncoder | None = None
        if token_length:
            self.tokens = TokenEncoder(hidden_channels, token_length, token_walks, token_samples, states, expansion)
        self.ordering = None if mixer == "none" and tail == "same" else NodeOrdering(order, buckets)
        kinds = [mixer] * (num_layers - 1) + ["attention" if tail == "attention" else mixer]
        self.layers = nn.ModuleList(
            HybridLayer(
                hidden_channels,
                local,
                kind,
                heads=heads,
                states=states,
                expansion=expansion,
                bidirectional=bidirectional,
                mixer_norm=mixer_norm,
                dropout=dropout,
                norm=norm,
                edges=edge_dim is not None,
            )
            for kind in kinds
        )
        self.last = nn.Linear(hidden_channels, out_channels)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The transforms of order, positions and tokens."""
        tokens = () if self.tokens is None else self.tokens.requires
        order = () if self.ordering is None else self.ordering.requires
        return (*order, *self.first.requires, *tokens)

    def encode(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        edge_attr: Tensor | None,
        structure: Mapping[str, Tensor],
    ) -> Tensor:
        """Returns the states behind the output layer [N, C]."""
        state = self.first(x, structure)
        edges = None if self.edges is None else self.edges(edge_attr)
        if self.tokens is not None:
            state = state + self.tokens(state, structure)
        generator = None if self.training else torch.Generator(device=state.device).manual_seed(self.eval_seed)
        copies = 1 if self.training else self.permutations
        arranged = None
        for layer in self.layers:
            if self.ordering is not None and (arranged is None or self.ordering.drawn):
                arranged = self.ordering(structure, graph, copies, generator)
            state, edges = layer(state, graph, edges, arranged)
        return self.last(functional.relu(state))
