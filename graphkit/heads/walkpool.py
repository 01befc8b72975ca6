"""WalkPool: the probabilities of walks around a link, under learned attention, decide whether it is there."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.errors import ConfigError
from graphkit.heads.block_layers import BlockConvolution, SubgraphHead
from graphkit.kernels import counter_dropout
from graphkit.kernels.link_blocks import LinkBlocks
from graphkit.kernels.walks import edge_logits, walk_profile


class WalkPoolHead(SubgraphHead):
    """Scores links by walk profiles of their enclosing subgraphs, with the link and without it.

    Pan, Shi, Dokmanic: "Neural Link Prediction with Walk Pooling", ICLR 2022 (arXiv 2110.04375), section 3. Graph
    convolutions on the subgraph with the link give node states; attention between them gives transition probabilities;
    walks of 2 to `walk_length` steps give 5 numbers a length and head, the link's own attention one more; a perceptron
    reads them. The powers are not formed: see `graphkit.kernels.walks`.

    Args:
        in_channels: C, width of the encoder's states.
        hops: radius of a subgraph around either end.
        cap: most new nodes a hop; 0 takes all.
        use_states: whether nodes start with the encoder's states.
        label_channels: width of an embedding of double-radius labels; 0 leaves them out.
        hidden_channels: width of the convolutions and of one head.
        num_layers: graph convolutions.
        heads: H, attention heads.
        walk_length: T, the longest walk.
        mlp_factor: hidden layers of the perceptron have 2, 2 and 1 times this many units a feature.
        dropout: rate between convolutions, inside attention and before the last layer.

    Shapes:
        a context of B pairs; returns logits [B].

    Raises:
        ConfigError: a width, a number of layers, a length or a rate out of range.

    Example:
        >>> from graphkit.heads.context import PairContext
        >>> from graphkit.kernels import CSRGraph
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> context = PairContext(torch.tensor([[0], [2]]), torch.ones(3, 16), graph, lambda x, graph: x)
        >>> WalkPoolHead(16).eval()(context).shape
        torch.Size([1])
    """

    def __init__(
        self,
        in_channels: int,
        hops: int = 2,
        cap: int = 0,
        use_states: bool = True,
        label_channels: int = 0,
        hidden_channels: int = 32,
        num_layers: int = 2,
        heads: int = 2,
        walk_length: int = 8,
        mlp_factor: int = 10,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(in_channels, hops, cap, use_states, label_channels)
        given = {"hidden_channels": hidden_channels, "num_layers": num_layers, "heads": heads, "mlp_factor": mlp_factor}
        if min(given.values()) < 1 or walk_length < 2 or not 0.0 <= dropout < 1.0:
            raise ConfigError(
                f"WalkPool needs {', '.join(given)} of at least 1, walk_length of at least 2 and 0 <= dropout < 1, got "
                f"{', '.join(map(str, given.values()))}, {walk_length} and {dropout}"
            )
        self.heads, self.walk_length, self.dropout = heads, walk_length, dropout
        widths = [self.input_channels, *[hidden_channels] * num_layers]
        self.convs = nn.ModuleList(
            BlockConvolution(a, b, target=True) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.attention = nn.Linear(sum(widths), 2 * hidden_channels)  # queries and keys have a layer of their own each
        self.query, self.key = (nn.Linear(hidden_channels, heads * hidden_channels) for _ in range(2))
        features = heads * (5 * (walk_length - 1) + 1)
        hidden = [2 * mlp_factor * features, 2 * mlp_factor * features, mlp_factor * features, features]
        layers: list[nn.Module] = [nn.BatchNorm1d(features)]
        for a, b in zip([features, *hidden], hidden, strict=False):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.classifier = nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(features, 1))

    def score(self, blocks: LinkBlocks, x: Tensor) -> Tensor:
        """Returns the logit of every link [B]."""
        out: Tensor = self.classifier(self.features(blocks, x))
        return out.squeeze(-1)

    def features(self, blocks: LinkBlocks, x: Tensor) -> Tensor:
        """Returns the walk profile [B, H (5 (T - 1) + 1)]: by head trace differences, the link's weight, the rest."""
        states = [x]
        for layer, conv in enumerate(self.convs):
            last = states[-1]
            if layer:
                last = counter_dropout(last.relu(), self.dropout, self.training)
            states.append(conv(blocks, last))
        hidden = functional.leaky_relu(self.attention(torch.cat(states, dim=1)), 0.2)
        halves = counter_dropout(hidden, self.dropout, self.training).chunk(2, dim=1)
        maps = zip((self.query, self.key), halves, strict=True)
        query, key = (linear(half).unflatten(1, (self.heads, -1)) for linear, half in maps)
        logits, target = edge_logits(blocks, query, key)
        walks = walk_profile(blocks, logits, target, self.walk_length)
        weight = target.sigmoid().sum(1).unsqueeze(-1)
        return torch.cat([walks[:, :, 0], weight, walks[:, :, 1:].flatten(2)], dim=2).flatten(1)
