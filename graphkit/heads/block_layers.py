"""What heads of enclosing subgraphs share: links as blocks, what nodes start with, and a convolution inside blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError
from graphkit.heads.context import PairContext
from graphkit.heads.link import PairHead
from graphkit.kernels.link_blocks import LinkBlocks, block_convolution
from graphkit.kernels.subgraph import enclosing_subgraphs

MAX_LABEL = 1000
"""Largest node label an embedding has a row for; larger ones share its row."""
EVAL_LINKS = 256
"""Links whose subgraphs lie in memory at a time when nothing is trained."""


class SubgraphHead(PairHead):
    """Base class of heads that score a link by its enclosing subgraph; a subclass writes `score(blocks, x)`.

    The subgraph of a pair is cut from the whole graph, the pair's own edges left out (Zhang and Chen, "Link prediction
    based on graph neural networks", NeurIPS 2018, arXiv 1802.09691), so links and non-links look alike. Nodes start
    with the encoder's states (those of encoder `identity` are the inputs) and an embedding of their double-radius
    labels. A pair of a node with itself has no subgraph and is refused.

    Args:
        in_channels: C, width of the encoder's states.
        hops: radius of a subgraph around either end.
        cap: most new nodes a hop, 0 for all; where there are more, the same ones are drawn for a pair every time.
        use_states: whether nodes start with the encoder's states; labels alone if false.
        label_channels: width of the embedding of labels; 0 leaves labels out.

    Raises:
        ConfigError: no hop, a negative cap or width, or nothing for nodes to start with.
    """

    def __init__(self, in_channels: int, hops: int, cap: int, use_states: bool, label_channels: int) -> None:
        super().__init__(in_channels)
        if hops < 1 or cap < 0 or label_channels < 0:
            raise ConfigError(
                f"hops must be at least 1, cap and label_channels not negative, got {hops}, {cap}, {label_channels}"
            )
        if not use_states and not label_channels:
            raise ConfigError("nodes have nothing to start with; set use_states = true or label_channels > 0")
        self.hops, self.cap, self.use_states = hops, cap, use_states
        self.labels = nn.Embedding(MAX_LABEL + 1, label_channels) if label_channels else None
        self.input_channels = (in_channels if use_states else 0) + label_channels

    def forward(self, context: PairContext) -> Tensor:
        """Returns the logit of every pair [B]."""
        if not len(context):
            return torch.zeros(0, device=context.graph.device)
        if self.training:
            return self._scored(context, context.pairs)
        return torch.cat([self._scored(context, pairs) for pairs in context.pairs.split(EVAL_LINKS, 1)])

    def score(self, blocks: LinkBlocks, x: Tensor) -> Tensor:
        """Returns the logit of every link [B] from the states [M, `input_channels`] that nodes start with."""
        raise TypeError(f"{type(self).__name__} must define score(blocks, x)")

    def _scored(self, context: PairContext, pairs: Tensor) -> Tensor:
        device = context.graph.device
        whole = context.once("subgraph.whole", lambda: context.whole.to("cpu"))
        batch = enclosing_subgraphs(whole, pairs.cpu(), self.hops, self.cap or None)
        blocks = LinkBlocks(batch.graph.to(device), batch.ptr.to(device))
        parts = [context.states.index_select(0, batch.node.to(device))] if self.use_states else []
        if self.labels is not None:
            parts.append(self.labels(batch.label.clamp(max=MAX_LABEL).to(device)))
        return self.score(blocks, parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))


class BlockConvolution(nn.Module):
    """A graph convolution inside the blocks of a batch of links: D^-1/2 (A + I) D^-1/2 X W + b.

    Kipf and Welling, ICLR 2017 (arXiv 1609.02907), eq. 2. W starts as Glorot and Bengio's uniform, b as zero.

    Args:
        in_channels: F.
        out_channels: C.
        target: whether the links themselves are edges.

    Shapes:
        x [M, F]; returns [M, C].

    Example:
        >>> blocks = LinkBlocks.from_edges(torch.tensor([0, 2]), torch.empty(2, 0, dtype=torch.long))
        >>> BlockConvolution(3, 4)(blocks, torch.ones(2, 3)).shape
        torch.Size([2, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, target: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.target = target
        nn.init.xavier_uniform_(self.weight)

    def forward(self, blocks: LinkBlocks, x: Tensor) -> Tensor:
        """Returns the convolved states."""
        if x.size(1) < self.weight.size(1):  # propagate the narrower side
            return torch.addmm(self.bias, block_convolution(blocks, x, self.target), self.weight)
        return block_convolution(blocks, x @ self.weight, self.target) + self.bias
