"""DS and DSS: subgraphs that never meet, or that share what a node is in all of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.bag_layers import BagGIN, Marks, make_bag_norm, normed
from graphkit.encoders.base import Edges
from graphkit.encoders.mixing.base import Mixing, Widths
from graphkit.kernels import spmm
from graphkit.kernels.bags import Bag


class DS(Mixing):
    """One network on every subgraph: h_sv' = relu(norm(GIN(h_s, A_s)_v)), averaged over the subgraphs in the end.

    Bevilacqua et al., ICLR 2022 (arXiv 2110.02910), section 3.2. Every subgraph holds all nodes, those that lost their
    edges too. States are those of `kernels.bags`: shared ones first, then rows.
    """

    shares = False

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        self.marks = Marks(widths.marks, widths.channels)
        sizes = [widths.channels] * widths.num_layers + [widths.out_channels]
        pairs = list(zip(sizes, sizes[1:], strict=False))
        self.convs = nn.ModuleList(BagGIN(a, b, widths.edge_dim, widths.norm) for a, b in pairs)
        self.norms = nn.ModuleList(make_bag_norm(widths.norm, b) for _, b in pairs)
        shared = pairs if self.shares else []
        own = widths.norm and widths.shared_norm
        self.shared_convs = nn.ModuleList(BagGIN(a, b, widths.edge_dim, own) for a, b in shared)
        self.shared_norms = nn.ModuleList(make_bag_norm(own, b) for _, b in shared)
        self.norms_sum = self.shares and not own
        out = widths.out_channels
        read = nn.Sequential(nn.Linear(out, out), nn.ReLU(), nn.Linear(out, out))
        self.read = read if widths.pool == "subgraph" else None

    def forward(self, x: Tensor, bag: Bag, edge_attr: Edges) -> Tensor:
        """Maps node inputs [N, H] to states [N, C], read from the nodes or from the subgraphs as `pool` says."""
        x = self.marks(x, bag, bag.rows(0))
        around = bag.graph.with_self_loops().sorted() if self.shares else None
        ones = torch.ones(bag.graph.num_nodes, device=x.device)
        for layer, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True), start=1):
            copies = bag.multiplicity(layer)
            states = conv(x, bag.operator(layer), copies, edge_attr)
            if around is None:
                states = normed(norm, states, copies, relu=True)
            else:
                shared = self.shared_convs[layer - 1](mean_over_subgraphs(x, bag, layer - 1), around, ones, edge_attr)
                shared = spmm(bag.spread(layer), normed(self.shared_norms[layer - 1], shared, ones))
                if self.norms_sum:
                    states = normed(norm, states + shared, copies, relu=True)
                else:
                    states = functional.relu(normed(norm, states, copies) + shared)
            x = functional.dropout(states, self.dropout, self.training)
        if self.read is None:
            return mean_over_subgraphs(x, bag, len(self.convs))
        return spmm(bag.subgraphs_of_node(), self.read(mean_of_subgraphs(x, bag)), reduce="mean")


class DSS(DS):
    """The same plus a convolution of the mean: h_sv' = relu(norm(GIN_1(h_s, A_s)_v) + norm(GIN_2(mean_s h_s, A)_v)).

    Bevilacqua et al., ICLR 2022 (arXiv 2110.02910), equation 3; the two normalisations are those of the authors' code.
    Without `shared_norm` there is one, of the sum: relu(norm(GIN_1(h_s, A_s)_v + GIN_2(mean_s h_s, A)_v)). Where all
    nodes are alike to GIN_2, as in circulant graphs, its outputs vary by rounding errors alone in the first layers, and
    a normalisation of their own makes those as large as everything else.
    """

    shares = True


def mean_over_subgraphs(x: Tensor, bag: Bag, layer: int) -> Tensor:
    """The mean of a node's states over all subgraphs of its graph, from states after a layer [N + R_l, C]: [N, C]."""
    spread = bag.spread(layer)
    share = bag.multiplicity(layer).to(x.dtype) / bag.copies[spread.col.long()].clamp(min=1)
    return spmm(spread.t, x, share)


def mean_of_subgraphs(x: Tensor, bag: Bag) -> Tensor:
    """The mean over all nodes of every subgraph, from states [N + R, C] after the last layer: [S, C]."""
    nodes = bag.graph.num_nodes
    shared, rows = x[:nodes], x[nodes:]
    change = spmm(bag.rows_of_subgraph, rows - spmm(bag.rows_of_node.t, shared))
    whole = spmm(bag.nodes_of_graph, shared)
    size = bag.nodes_of_graph.in_degree.to(x.dtype)
    return (change + whole[bag.owner]) / size[bag.owner].unsqueeze(1)
