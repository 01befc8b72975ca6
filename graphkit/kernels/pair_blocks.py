"""All pairs of nodes of every ego net, and who is whose: the index of equivariant maps on pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphkit.errors import BudgetExceeded
from graphkit.kernels.bags import Bag
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.spmm import spmm


@dataclass(frozen=True, eq=False)
class PairBlocks:
    """M members (a node in an ego net, roots left out), P pairs of members of one ego net, Q pairs of nodes.

    Args:
        first: [P] member of every pair; `second` the other one.
        edge: [P] edge from the second to the first, -1 where there is none.
        turn: [P] the pair with both ends exchanged.
        holders: targets Q, sources P: the pairs of members that are one pair of nodes.
        members: targets N, sources M. `egos`: targets S, sources M.
        by_first: targets M, sources P; `by_second` likewise; `diagonal`: targets M, sources P, one each.
    """

    first: Tensor
    second: Tensor
    edge: Tensor
    turn: Tensor
    holders: CSRGraph
    members: CSRGraph
    egos: CSRGraph
    by_first: CSRGraph
    by_second: CSRGraph
    diagonal: CSRGraph

    @classmethod
    def of(cls, bag: Bag, budget: int, row_bytes: int) -> PairBlocks:
        """Lists the pairs of a bag of ego nets.

        Raises:
            BudgetExceeded: their states, of `row_bytes` each, would take more than `budget`; nothing was allocated.
        """
        graph, skip = bag.graph, bag.level[1]
        sub, order = torch.sort(bag.sub[skip:], stable=True)
        node = bag.node[skip:][order]
        sizes = torch.bincount(sub, minlength=len(bag.root))
        pairs = int(sizes.square().sum())
        if pairs * row_bytes > budget:
            raise BudgetExceeded(
                f"the {pairs:,} pairs of nodes of {len(bag.root):,} ego nets would take {pairs * row_bytes:,} bytes a"
                f" layer, more than the budget of {budget:,}; use mixing `ds`, a smaller radius, or raise budget_mb"
            )
        begin = sizes.cumsum(0) - sizes
        width = sizes[sub]  # pairs of every member
        first = torch.repeat_interleave(torch.arange(len(sub), device=sub.device), width)
        place = torch.arange(pairs, device=sub.device) - (width.cumsum(0) - width)[first]
        second = begin[sub][first] + place
        square = sizes.square().cumsum(0) - sizes.square()  # first pair of every ego net
        owner = sub[first]
        turn = square[owner] + (second - begin[owner]) * sizes[owner] + (first - begin[owner])
        count = graph.num_nodes
        code = node[first] * count + node[second]
        unique, held = code.unique(return_inverse=True)
        diagonal = (first == second).nonzero().flatten()
        arrive = graph.edge_index()
        edge = _lookup(arrive[1] * count + arrive[0], code)
        members = len(sub)
        return cls(
            first,
            second,
            edge,
            turn,
            _pool(held, len(unique)),
            _pool(node, count),
            _pool(sub, len(bag.root)),
            _pool(first, members),
            _pool(second, members),
            CSRGraph.from_edge_index(torch.stack([diagonal, first[diagonal]]), (pairs, members)),
        )

    def rows(self, local: Tensor) -> Tensor:
        """[M, C] mean over the pairs that begin with a member."""
        return spmm(self.by_first, local, reduce="mean")

    def columns(self, local: Tensor) -> Tensor:
        """[M, C] mean over the pairs that end with a member."""
        return spmm(self.by_second, local, reduce="mean")


def _pool(target: Tensor, size: int) -> CSRGraph:
    return CSRGraph.from_edge_index(
        torch.stack([torch.arange(len(target), device=target.device), target]), (len(target), size)
    )


def _lookup(keys: Tensor, wanted: Tensor) -> Tensor:
    """The place of every wanted value among the keys, or -1."""
    if not len(keys):
        return torch.full_like(wanted, -1)
    ordered, order = keys.sort()
    at = torch.searchsorted(ordered, wanted).clamp(max=len(keys) - 1)
    return torch.where(ordered[at] == wanted, order[at], -1)
