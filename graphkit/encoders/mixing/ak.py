"""GNN-AK+: a convolution whose kernel is a network on the ego net of every node."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.bag_layers import BagGIN, make_bag_norm, normed
from graphkit.encoders.base import Edges
from graphkit.encoders.mixing.base import Mixing, Widths
from graphkit.kernels import spmm
from graphkit.kernels.bags import Bag


class AK(Mixing):
    """Zhao et al., From Stars to Subgraphs, ICLR 2022 (arXiv 2110.03753), equations 5 to 7.

    A layer runs `inner_layers` convolutions on the ego nets of all nodes, whose states know their distance to the root,
    and joins three readouts, each gated by the distance: the root, the sum over its ego net, and the sum over all ego
    nets that hold the node. Only the nodes of an ego net take part.
    """

    policies = ("ego",)

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        hops, last = widths.radius + 1, widths.num_layers - 1
        self.layers = nn.ModuleList()
        a = widths.channels
        for number in range(widths.num_layers):
            b = widths.out_channels if number == last else a
            convs = [BagGIN(a, a, widths.edge_dim, widths.norm) for _ in range(widths.inner_layers)]
            self.layers.append(
                nn.ModuleDict(
                    {
                        "hops": nn.Embedding(hops, a),
                        "gates": nn.Embedding(hops, 3 * a),
                        "convs": nn.ModuleList(convs),
                        "inner_norms": nn.ModuleList(make_bag_norm(widths.norm, a) for _ in convs),
                        "join": nn.Linear(4 * a, b),
                        "norm": make_bag_norm(widths.norm, b),
                    }
                )
            )

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] to node states [N, C]."""
        rows, nodes = bag.sub.new_ones(bag.num_rows), torch.ones(len(x), device=x.device)
        for layer in self.layers:
            inner = spmm(bag.rows_of_node.t, x) + layer["hops"](bag.distance)
            for conv, norm in zip(layer["convs"], layer["inner_norms"], strict=True):
                inner = normed(norm, conv(inner, bag.inside, rows, edge_attr), rows, relu=True)
            root, own, context = torch.sigmoid(layer["gates"](bag.distance)).chunk(3, dim=1)
            count = len(bag.root)
            parts = [
                x,
                inner[:count] * root[:count],
                spmm(bag.rows_of_subgraph, inner * own),
                spmm(bag.rows_of_node, inner * context),
            ]
            x = normed(layer["norm"], layer["join"](torch.cat(parts, dim=1)), nodes, relu=True)
            x = functional.dropout(x, self.dropout, self.training)
        return x
