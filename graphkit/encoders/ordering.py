"""In which order a sequence mixer reads the nodes: fixed places, or orders drawn anew, several at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice, require_positive
from graphkit.encoders.positional import needed
from graphkit.kernels import CSRGraph
from graphkit.kernels.sequences import Sequences
from graphkit.transforms.structures import Requirement

Order = Literal["degree-noise", "random", "given", "degree", "pagerank", "eigenvector", "rcm", "hac"]
DRAWN = ("degree-noise", "random")
"""Orders with chance in them."""


class NodeOrdering(nn.Module):
    """Arranges the nodes of every graph as sequences, `copies` times if the order is drawn.

    `degree-noise` sorts by out-degree ascending and breaks ties at random, `random` is a random order; both are drawn
    at every call (Graph-Mamba, arXiv 2402.00789, section 4). `given` is the order of node numbers, which a mixer
    without a sense of order may as well take. The others are fixed and come from `transforms.orders`.

    Args:
        kind: which.
        buckets: sequences a graph is dealt into at random, each arranged on its own (the binning of Graph-Mamba; its
            repository hard-codes 3). More than one makes any order a drawn one.

    Example:
        >>> import torch
        >>> from graphkit.kernels import as_graph
        >>> graph = as_graph(torch.tensor([[0, 0, 1], [1, 2, 0]]), 3)
        >>> nodes, sequences = NodeOrdering("degree-noise")({"ptr": torch.tensor([0, 3])}, graph)
        >>> nodes.tolist(), sequences.ptr.tolist()
        ([2, 1, 0], [0, 3])
    """

    def __init__(self, kind: Order = "degree-noise", buckets: int = 1) -> None:
        super().__init__()
        require_choice(Order, order=kind)
        require_positive(buckets=buckets)
        self.kind, self.buckets = kind, buckets

    @property
    def drawn(self) -> bool:
        """Whether two calls may differ."""
        return self.kind in DRAWN or self.buckets > 1

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The transform that computes a fixed order."""
        return () if self.kind in (*DRAWN, "given") else (Requirement("node-order", {"kind": self.kind}),)

    def forward(
        self,
        structure: Mapping[str, Tensor],
        graph: CSRGraph,
        copies: int = 1,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Sequences]:
        """Returns the nodes [copies * N] in reading order, and the sequences they form.

        Args:
            structure: `ptr [G + 1]`, and `order [N]` for a fixed order.
            graph: for degrees.
            copies: independent arrangements, packed one after another; a fixed order has one whatever is asked for.
            generator: source of drawn orders; None takes torch's own.
        """
        ptr = structure["ptr"].long()
        sequences, nodes, device = Sequences(ptr), graph.num_nodes, ptr.device
        copies = copies if self.drawn else 1
        group = torch.arange(copies, device=device).repeat_interleave(nodes) * sequences.num_sequences
        group = group + sequences.owner.repeat(copies)
        if self.buckets > 1:
            dealt = torch.randint(self.buckets, (len(group),), generator=generator, device=device)
            group = group * self.buckets + dealt
        order = torch.arange(len(group), device=device)
        if self.kind in DRAWN:
            order = torch.randperm(len(group), generator=generator, device=device)
        if self.kind == "degree-noise":
            key = graph.out_degree.repeat(copies)
        elif self.kind in (*DRAWN, "given"):
            key = torch.zeros_like(group)
        else:
            key = needed(structure, "order").repeat(copies)
        rank = group * (int(key.max()) + 1 if len(key) else 1) + key
        order = order[rank[order].argsort(stable=True)]
        if self.buckets == 1:
            return order % max(nodes, 1), sequences.repeated(copies) if copies > 1 else sequences
        count = torch.bincount(group, minlength=copies * sequences.num_sequences * self.buckets)
        return order % max(nodes, 1), Sequences(torch.cat([count.new_zeros(1), count.cumsum(0)]))
