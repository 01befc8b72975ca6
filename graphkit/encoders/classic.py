"""Classical message passing as it has to be tuned to be a fair baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.linear import Activation, activation_of, drop
from graphkit.encoders.local import Local, LocalConv
from graphkit.encoders.norm import Norm, make_norm
from graphkit.encoders.positional import Encoding, InputLayer
from graphkit.kernels import CSRGraph, SparseFeatures, counter_dropout
from graphkit.transforms.structures import Requirement

Residual = Literal["none", "identity", "linear"]


class ClassicGNN(Encoder):
    r"""GCN, GAT, GatedGCN, GINE or GraphSAGE with residual connections, normalisation, dropout and an input layer.

    Luo, Shi, Wu: "Classic GNNs are Strong Baselines", NeurIPS 2024 (arXiv 2406.08993), and Toenshoff et al.: "Where Did
    the Gap Go?" (arXiv 2309.00367): with these four parts, tuned, the classical layers are level with or above newer
    architectures on many published sets. A layer is

        h' = dropout(act(norm(conv(h) + R h)))    R a linear map (`linear`); or h + the same without R (`identity`)

    Args:
        in_channels: F.
        out_channels: C.
        layer: the convolution: `gcn`, `gat`, `gatedgcn`, `gine` or `sage`.
        hidden_channels: width of the states; divisible by `heads` for `gat`.
        num_layers: number of convolutions.
        heads: attention heads of `gat`.
        dropout: rate after every layer.
        input_dropout: rate on the input features.
        activation: after every layer.
        norm: before the activation.
        residual: `linear` (Luo et al.), `identity` (Toenshoff et al.) or `none`.
        encoding: positions among the inputs (`encoders.positional`).
        encoding_steps: random-walk steps of the encoding.
        encoding_vectors: Laplacian eigenvectors of the encoding.
        encoding_channels: channels a kind of position takes.
        edge_dim: number of features of an edge; None for none.

    Example:
        >>> import torch
        >>> ClassicGNN(3, 2, hidden_channels=8)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    reads_structure = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layer: Local = "gcn",
        hidden_channels: int = 64,
        num_layers: int = 4,
        heads: int = 1,
        dropout: float = 0.2,
        input_dropout: float = 0.0,
        activation: Activation = "relu",
        norm: Norm = "batch",
        residual: Residual = "linear",
        encoding: Encoding = "none",
        encoding_steps: int = 20,
        encoding_vectors: int = 10,
        encoding_channels: int = 16,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, heads=heads)
        require_choice(Residual, residual=residual)
        self.dropout, self.input_dropout, self.residual = dropout, input_dropout, residual
        self.activation = activation_of(activation)
        self.first = InputLayer(
            in_channels, hidden_channels, encoding, encoding_steps, encoding_vectors, encoding_channels
        )
        self.edges = None if edge_dim is None else nn.Linear(edge_dim, hidden_channels)
        self.convs = nn.ModuleList(
            LocalConv(layer, hidden_channels, heads, edges=edge_dim is not None) for _ in range(num_layers)
        )
        self.norms = nn.ModuleList(make_norm(norm, hidden_channels) for _ in range(num_layers))
        maps = num_layers if residual == "linear" else 0
        self.maps = nn.ModuleList(nn.Linear(hidden_channels, hidden_channels) for _ in range(maps))
        self.last = nn.Linear(hidden_channels, out_channels)

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The transforms of positions."""
        return self.first.requires

    def encode(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        edge_attr: Tensor | None,
        structure: Mapping[str, Tensor],
    ) -> Tensor:
        """Returns the states behind the output layer [N, C]."""
        state = self.first(drop(x, self.input_dropout, self.training), structure)
        edges = None if self.edges is None else self.edges(edge_attr)
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            new, edges = conv(state, graph, edges)
            if self.residual == "linear":
                new = new + self.maps[number](state)
            new = counter_dropout(self.activation(norm(new)), self.dropout, self.training)
            state = state + new if self.residual == "identity" else new
        return self.last(state)
