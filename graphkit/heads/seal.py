"""SEAL: a graph network with sort pooling reads the labelled enclosing subgraph of a link."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.errors import ConfigError
from graphkit.heads.block_layers import BlockConvolution, SubgraphHead
from graphkit.kernels.link_blocks import LinkBlocks


class SEALHead(SubgraphHead):
    """Scores links by a DGCNN on their enclosing subgraphs, whose nodes carry double-radius labels.

    Zhang and Chen: "Link prediction based on graph neural networks", NeurIPS 2018 (arXiv 1802.09691); DGCNN: Zhang et
    al., "An end-to-end deep learning architecture for graph classification", AAAI 2018. Convolutions with tanh, the
    last one channel wide; the `k` nodes with the largest last channel in that order; two one-dimensional convolutions
    over them with a pooling in between; a perceptron.

    Args:
        in_channels: C, width of the encoder's states.
        hops: radius of a subgraph around either end.
        cap: most new nodes a hop; 0 takes all.
        use_states: whether nodes start with the encoder's states besides their labels.
        label_channels: width of the embedding of labels; 0 leaves them out.
        hidden_channels: width of a convolution.
        num_layers: convolutions before the one-channel one.
        k: nodes kept of a subgraph; smaller ones are filled with zeros. SEAL takes the 60th percentile of their sizes.
        dropout: rate in the perceptron.

    Shapes:
        a context of B pairs; returns logits [B].

    Raises:
        ConfigError: `k` below 10, a width or number of layers below 1, or a rate out of range.

    Example:
        >>> from graphkit.heads.context import PairContext
        >>> from graphkit.kernels import CSRGraph
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> context = PairContext(torch.tensor([[0], [2]]), torch.ones(3, 16), graph, lambda x, graph: x)
        >>> SEALHead(16).eval()(context).shape
        torch.Size([1])
    """

    def __init__(
        self,
        in_channels: int,
        hops: int = 1,
        cap: int = 0,
        use_states: bool = False,
        label_channels: int = 32,
        hidden_channels: int = 32,
        num_layers: int = 3,
        k: int = 30,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(in_channels, hops, cap, use_states, label_channels)
        if k < 10 or min(hidden_channels, num_layers) < 1 or not 0.0 <= dropout < 1.0:
            raise ConfigError(
                "SEAL needs k of at least 10, hidden_channels and num_layers of at least 1 and 0 <= dropout < 1, got "
                f"{k}, {hidden_channels}, {num_layers} and {dropout}"
            )
        self.k = k
        widths = [self.input_channels, *[hidden_channels] * num_layers, 1]
        self.convs = nn.ModuleList(BlockConvolution(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.node = nn.Linear(sum(widths[1:]), 16)  # a convolution as wide as its stride
        self.along = nn.Conv1d(16, 32, 5)
        self.perceptron = nn.Sequential(
            nn.Linear(32 * (k // 2 - 4), 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 1)
        )

    def score(self, blocks: LinkBlocks, x: Tensor) -> Tensor:
        """Returns the logit of every link [B]."""
        states = []
        for conv in self.convs:
            x = conv(blocks, x).tanh()
            states.append(x)
        mapped = functional.linear(torch.cat(states, dim=1), self.node.weight)
        # Nodes are mapped before they are sorted, and missing ones come out as the bias, as zeros would.
        kept = sort_pool(blocks, mapped, x[:, 0], self.k) + self.node.bias
        pooled = functional.max_pool1d(kept.relu().transpose(1, 2), 2)
        out: Tensor = self.perceptron(self.along(pooled).relu().flatten(1))
        return out.squeeze(-1)


def sort_pool(blocks: LinkBlocks, x: Tensor, order: Tensor, k: int) -> Tensor:
    """Returns the rows of the `k` nodes of every block with the largest `order`, the largest first; zeros fill up.

    Args:
        blocks: M nodes, B links.
        x: [M, F].
        order: [M]; of equal values the earlier node comes first. Gradients flow through `x` alone.
        k: nodes kept.

    Returns:
        [B, k, F].

    Example:
        >>> blocks = LinkBlocks.from_edges(torch.tensor([0, 3]), torch.empty(2, 0, dtype=torch.long))
        >>> sort_pool(blocks, torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0.0, 9.0, 5.0]), 2).tolist()
        [[[2.0], [3.0]]]
    """
    sizes = blocks.ptr.diff()
    ranks = torch.arange(k, device=x.device)
    by_value = torch.sort(order.detach(), descending=True, stable=True).indices
    link = torch.repeat_interleave(torch.arange(blocks.num_links, device=x.device), sizes)
    sorted_nodes = by_value[torch.sort(link[by_value], stable=True).indices]
    place = blocks.ptr[:-1, None] + ranks
    there = ranks < sizes[:, None]
    rows = x.index_select(0, sorted_nodes[torch.where(there, place, 0)].view(-1)).view(*place.shape, -1)
    return torch.where(there.unsqueeze(-1), rows, 0.0)
