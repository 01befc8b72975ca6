"""SPEN: linear maps that are equivariant to the order of the nodes of every ego net, on pairs and on nodes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.bag_layers import make_bag_norm, normed
from graphkit.encoders.base import Edges
from graphkit.encoders.mixing.base import Mixing, Widths
from graphkit.kernels import spmm
from graphkit.kernels.bags import Bag
from graphkit.kernels.edge_messages import SharedRows
from graphkit.kernels.pair_blocks import PairBlocks


class IGN(Mixing):
    """Mitton and Murray-Smith, Subgraph Permutation Equivariant Networks, 2021 (arXiv 2111.11840), section 4.

    The ego net of a node, the node itself left out, has a state a pair of nodes and a state a node. A layer maps both
    by all linear maps that do not depend on the order of the nodes (Maron et al., ICLR 2019): 15 from pairs to pairs,
    5 from pairs to nodes, 5 back, and 2 from nodes to nodes, with means in place of sums. States of a pair, and of a
    node, are then averaged over the ego nets that hold them. Weights are shared by ego nets of all sizes, so that any
    size is taken.
    """

    policies = ("ego",)

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        a = widths.channels
        self.pairs = nn.Embedding(3, a)  # two nodes without an edge, with one, one node twice
        self.edge = None if widths.edge_dim is None else nn.Linear(widths.edge_dim, a)
        self.layers = nn.ModuleList(_Layer(a, widths.norm) for _ in range(widths.num_layers))
        self.out = nn.Linear(4 * a, widths.out_channels)

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] to one state a node, made of the invariants of its ego net and itself [N, C]."""
        blocks = PairBlocks.of(bag, self.budget, x.size(1) * x.element_size())
        kind = torch.where(blocks.first == blocks.second, 2, (blocks.edge >= 0).long())
        pairs = spmm(blocks.holders, self.pairs(kind), reduce="mean")
        if self.edge is not None:
            assert edge_attr is not None
            edges = SharedRows.of(edge_attr).map(self.edge)
            held = edges.at(blocks.edge.clamp(min=0)) * (blocks.edge >= 0).unsqueeze(1)
            pairs = pairs + spmm(blocks.holders, held, reduce="mean")
        for layer in self.layers:
            pairs, x = layer(pairs, x, blocks)
            pairs, x = (functional.dropout(states, self.dropout, self.training) for states in (pairs, x))
        local, nodes = spmm(blocks.holders.t, pairs), spmm(blocks.members.t, x)
        diagonal = spmm(blocks.diagonal, local)
        invariants = [spmm(blocks.egos, values, reduce="mean") for values in (blocks.rows(local), diagonal, nodes)]
        return self.out(torch.cat([*invariants, x], dim=1))


class _Layer(nn.Module):
    def __init__(self, width: int, norm: bool) -> None:
        super().__init__()
        self.pair, self.turned = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.from_first = nn.Linear(4 * width, width, bias=False)
        self.from_second = nn.Linear(4 * width, width, bias=False)
        self.from_ego = nn.Linear(3 * width, width, bias=False)
        self.diagonal = nn.Linear(4 * width, width, bias=False)
        self.diagonal_ego = nn.Linear(3 * width, width, bias=False)
        self.node, self.node_ego = nn.Linear(4 * width, width), nn.Linear(3 * width, width, bias=False)
        self.own = nn.Linear(width, width, bias=False)
        self.pair_norm, self.node_norm = make_bag_norm(norm, width), make_bag_norm(norm, width)

    def forward(self, pairs: Tensor, x: Tensor, blocks: PairBlocks) -> tuple[Tensor, Tensor]:
        """Maps states of pairs [Q, H] and of nodes [N, H] to new ones."""
        local, member = spmm(blocks.holders.t, pairs), spmm(blocks.members.t, x)
        diagonal = spmm(blocks.diagonal, local)
        rows = torch.cat([diagonal, blocks.rows(local), blocks.columns(local), member], dim=1)
        ego = torch.cat(
            [spmm(blocks.egos, values, reduce="mean") for values in (blocks.rows(local), diagonal, member)], dim=1
        )
        to_rows = blocks.egos.t
        on_diagonal = self.diagonal(rows) + spmm(to_rows, self.diagonal_ego(ego))
        first = self.from_first(rows) + spmm(to_rows, self.from_ego(ego))
        found = self.pair(local) + self.turned(local.index_select(0, blocks.turn))
        found = found + spmm(blocks.by_first.t, first) + spmm(blocks.by_second.t, self.from_second(rows))
        found = found + spmm(blocks.diagonal.t, on_diagonal)
        nodes = self.node(rows) + spmm(to_rows, self.node_ego(ego))
        pairs = spmm(blocks.holders, functional.relu(found), reduce="mean")
        x = self.own(x) + spmm(blocks.members, functional.relu(nodes), reduce="mean")
        ones = torch.ones(max(len(pairs), len(x)), device=x.device)
        return (
            normed(self.pair_norm, pairs, ones[: len(pairs)], relu=True),
            normed(self.node_norm, x, ones[: len(x)], relu=True),
        )
