"""Natural graph networks: the message of an edge is made by a network on the neighbourhood of that edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.bag_layers import BagGIN, make_bag_norm, normed
from graphkit.encoders.base import Edges
from graphkit.encoders.mixing.base import Mixing, Widths
from graphkit.kernels import spmm
from graphkit.kernels.bags import Bag


class NGN(Mixing):
    """De Haan, Cohen, Welling, Natural Graph Networks, NeurIPS 2020 (arXiv 2007.08349), section 4: local networks.

        m_pq = GIN^k(h on the nodes within `radius` of p or q, with p and q marked)_q
        h_q' = relu(norm(W h_q + sum_p m_pq))

    Isomorphic neighbourhoods send equal messages, and others may differ, which a message of two states alone cannot. A
    subgraph is a directed edge; `inner_layers` convolutions run inside.
    """

    policies = ("edge-ego",)

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        a, last = widths.channels, widths.num_layers - 1
        self.layers = nn.ModuleList()
        for number in range(widths.num_layers):
            b = widths.out_channels if number == last else a
            convs = [BagGIN(a, a, widths.edge_dim, widths.norm) for _ in range(widths.inner_layers)]
            self.layers.append(
                nn.ModuleDict(
                    {
                        "convs": nn.ModuleList(convs),
                        "inner_norms": nn.ModuleList(make_bag_norm(widths.norm, a) for _ in convs),
                        "ends": nn.Embedding(3, a),
                        "own": nn.Linear(a, b),
                        "message": nn.Linear(a, b, bias=False),
                        "norm": make_bag_norm(widths.norm, b),
                    }
                )
            )

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] to node states [N, C]."""
        rows, nodes = bag.sub.new_ones(bag.num_rows), torch.ones(len(x), device=x.device)
        ends = torch.zeros(bag.num_rows, dtype=torch.long, device=x.device)
        ends[: bag.level[1]] = torch.arange(bag.level[1], device=x.device) % 2 + 1  # source, target, source, ...
        for layer in self.layers:
            inner = spmm(bag.rows_of_node.t, x) + layer["ends"](ends)
            for conv, norm in zip(layer["convs"], layer["inner_norms"], strict=True):
                inner = normed(norm, conv(inner, bag.inside, rows, edge_attr), rows, relu=True)
            sent = layer["message"](inner[1 : bag.level[1] : 2])
            received = spmm(bag.subgraphs_of_node(1), sent)
            x = normed(layer["norm"], layer["own"](x) + received, nodes, relu=True)
            x = functional.dropout(x, self.dropout, self.training)
        return x
