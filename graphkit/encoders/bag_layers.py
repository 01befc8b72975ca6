"""Layers on the states of a bag: weighted batch normalisation, and convolutions that read rows and shared states."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Edges
from graphkit.kernels import CSRGraph, spmm
from graphkit.kernels.bags import Bag
from graphkit.kernels.edge_messages import SharedRows, relu_messages
from graphkit.kernels.weighted_norm import weighted_norm


class BagNorm(nn.Module):
    """Batch normalisation of states that stand for several copies each: exactly that of the copies.

    Ioffe and Szegedy, ICML 2015, with the mean and the variance weighted by the number of copies.

    Args:
        channels: C.
        momentum: of the running mean and variance.
        eps: added to the variance.

    Example:
        >>> norm = BagNorm(2)
        >>> norm(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1, 3])).shape
        torch.Size([2, 2])
    """

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.momentum, self.eps = momentum, eps

    def forward(self, x: Tensor, copies: Tensor, relu: bool = False) -> Tensor:
        """Normalises states [R, C] that stand for `copies` [R] each, and applies ReLU; running values in evaluation."""
        if not self.training:
            scale = self.weight * (self.running_var + self.eps).rsqrt()
            out = torch.addcmul(self.bias - self.running_mean * scale, x, scale)
            return functional.relu(out) if relu else out
        total = copies.sum().clamp(min=1)
        out, mean, var = weighted_norm(x, copies.to(x.dtype) / total, self.weight, self.bias, self.eps, relu)
        with torch.no_grad():
            unbiased = var * (total / (total - 1).clamp(min=1))
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        return out


class BagGIN(nn.Module):
    """A graph isomorphism convolution on the states of a bag: MLP(own state + sum of what the neighbours send).

    Xu et al., ICLR 2019 (arXiv 1810.00826), equation 4.1 with eps = 0; with edge features the sum is over
    relu(h_u + W e_uv) (Hu et al., ICLR 2020).

    Args:
        in_channels: F.
        out_channels: C.
        edge_dim: number of features of an edge; None for none.
        norm: normalise inside the network.

    Example:
        >>> from graphkit.kernels import CSRGraph
        >>> loops = CSRGraph.from_edge_index(torch.tensor([[0, 1], [0, 1]]), 2)
        >>> BagGIN(3, 4)(torch.ones(2, 3), loops, torch.ones(2)).shape
        torch.Size([2, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, edge_dim: int | None = None, norm: bool = True) -> None:
        super().__init__()
        # a constant before a normalisation has no effect
        self.first = nn.Linear(in_channels, out_channels, bias=not norm)
        self.last = nn.Linear(out_channels, out_channels, bias=not norm)
        self.norm = BagNorm(out_channels) if norm else None
        self.edge = None if edge_dim is None else nn.Linear(edge_dim, in_channels)

    def forward(self, x: Tensor, operator: CSRGraph, copies: Tensor, edge_attr: Edges = None) -> Tensor:
        """Maps states [R, F] to [R', C]; `operator` has R' targets that also read themselves, `copies` is [R']."""
        if self.edge is None:
            x = spmm(operator, functional.linear(x, self.first.weight))
            x = x if self.first.bias is None else x + self.first.bias
        else:
            assert edge_attr is not None
            x = self.first(relu_messages(x, SharedRows.of(edge_attr).map(self.edge), operator, operator.parent_edge))
        return self.last(functional.relu(x) if self.norm is None else self.norm(x, copies, relu=True))


class Marks(nn.Module):
    """Tells roots from other nodes: one learned vector for every set of places that a node has in the roots.

    Args:
        places: l, roots a subgraph; 0 for a policy that marks none, which leaves the inputs as they are.
        channels: H.
    """

    def __init__(self, places: int, channels: int) -> None:
        super().__init__()
        self.places = places
        self.weight = nn.Parameter(torch.randn(2**places, channels)) if places else None

    def forward(self, x: Tensor, bag: Bag, rows: int) -> Tensor:
        """Returns shared states, then those of the first `rows` rows [N + rows, H], from node inputs [N, H]."""
        if self.weight is None:
            return torch.cat([x, x.index_select(0, bag.node[:rows])]) if rows else x
        return torch.cat([x + self.weight[0], x.index_select(0, bag.node[:rows]) + self.weight[self._label(bag, rows)]])

    def rows(self, x: Tensor, bag: Bag) -> Tensor:
        """Returns the states of all rows [R, H] from node inputs [N, H]."""
        x = spmm(bag.rows_of_node.t, x)
        return x if self.weight is None else x + self.weight[self._label(bag, bag.num_rows)]

    def _label(self, bag: Bag, rows: int) -> Tensor:
        hit = bag.root[bag.sub[:rows]] == bag.node[:rows, None]
        return (hit * 2 ** torch.arange(self.places, device=hit.device)).sum(1)


def make_bag_norm(norm: bool, channels: int) -> nn.Module:
    """Returns a BagNorm, or nothing."""
    return BagNorm(channels) if norm else nn.Identity()


def normed(norm: nn.Module, x: Tensor, copies: Tensor, relu: bool = False) -> Tensor:
    """Normalises states that stand for `copies` each, where there is a normalisation, and applies ReLU."""
    if isinstance(norm, BagNorm):
        return norm(x, copies, relu)
    return functional.relu(x) if relu else x
