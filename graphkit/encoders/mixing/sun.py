"""SUN: a layer in which the root, the subgraph and the node's other copies all speak."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.bag_layers import BagGIN, Marks, make_bag_norm, normed
from graphkit.encoders.base import Edges
from graphkit.encoders.mixing.base import Mixing, Widths
from graphkit.kernels import spmm
from graphkit.kernels.bags import Bag


class SUN(Mixing):
    """Frasca et al., Understanding and Extending Subgraph GNNs, NeurIPS 2022 (arXiv 2206.11140), equation 5.

        h_sv' = relu(norm(GIN(h_s)_v + W_1 h_ss + W_2 mean_u h_su
                          + W_3 h_vv + W_4 mean_t h_tv + W_5 sum_u~v mean_t h_tu))

    and roots (s = v) have one more linear map of their own. Sums are over the nodes that a subgraph holds.
    """

    whole = True
    policies = ("node-marked", "ego", "ego+")

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        self.marks = Marks(widths.marks, widths.channels)
        self.layers = nn.ModuleList()
        sizes = [widths.channels] * widths.num_layers + [widths.out_channels]
        for a, b in zip(sizes, sizes[1:], strict=False):
            self.layers.append(
                nn.ModuleDict(
                    {
                        "conv": BagGIN(a, b, widths.edge_dim, widths.norm),
                        "own": nn.Linear(a, b, bias=False),
                        "of_subgraph": nn.Linear(2 * a, b, bias=False),
                        "of_node": nn.Linear(3 * a, b, bias=False),
                        "norm": make_bag_norm(widths.norm, b),
                    }
                )
            )

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] to the mean of a node's states over the subgraphs that hold it [N, C]."""
        x, copies, roots = self.marks.rows(x, bag), bag.sub.new_ones(bag.num_rows), len(bag.root)
        for layer in self.layers:
            root, node = x[:roots], spmm(bag.rows_of_node, x, reduce="mean")
            of_subgraph = layer["of_subgraph"](_joined(root, spmm(bag.rows_of_subgraph, x, reduce="mean")))
            of_node = layer["of_node"](_joined(root, node, spmm(bag.graph, node)))
            states = layer["conv"](x, bag.inside, copies, edge_attr)
            states = states + spmm(bag.rows_of_subgraph.t, of_subgraph) + spmm(bag.rows_of_node.t, of_node)
            own = functional.pad(layer["own"](root), (0, 0, 0, bag.num_rows - roots))
            x = normed(layer["norm"], states + own, copies, relu=True)
            x = functional.dropout(x, self.dropout, self.training)
        return spmm(bag.rows_of_node, x, reduce="mean")


def _joined(*parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=1)
