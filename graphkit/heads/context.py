"""What a pair head may look at: every input is made when it is first asked for, and kept for the batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures

Made = TypeVar("Made")
Encode = Callable[[Tensor | SparseFeatures, CSRGraph], Tensor]


class PairContext:
    """A batch of pairs of nodes, with lazy inputs for a head.

    A pair of a node with itself is scored like any other; a node without neighbours has none in common with anybody.

    Args:
        pairs: [2, B] integer, the two ends of every pair; B may be 0.
        x: [N, F] input features, or SparseFeatures.
        graph: the graph messages pass along; in training it lacks the links that the batch asks for.
        encode: from features and a graph to states, the encoder in its present mode.
        whole: the graph with nothing removed, for heads that take each pair's own link out; `graph` if None.
        shared: what a caller keeps over several batches of the same graph, states among them; a fresh table if None.

    Shapes:
        states [N, C]; source and target [B, C].

    Raises:
        ShapeError: `pairs` is no integer [2, B].
        GraphValidationError: a pair names a node that is not there.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 3)
        >>> context = PairContext(torch.tensor([[0, 2], [1, 2]]), torch.eye(3), graph, lambda x, graph: x)
        >>> context.source.shape, len(context)
        (torch.Size([2, 3]), 2)
    """

    def __init__(
        self,
        pairs: Tensor,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        encode: Encode,
        whole: CSRGraph | None = None,
        shared: dict[str, object] | None = None,
    ) -> None:
        if pairs.dim() != 2 or pairs.size(0) != 2 or pairs.dtype not in (torch.int32, torch.int64):
            raise ShapeError(f"pairs must be an integer tensor [2, B], got {pairs.dtype} {list(pairs.shape)}")
        nodes = graph.num_nodes
        if pairs.numel() and not (int(pairs.min()) >= 0 and int(pairs.max()) < nodes):
            worst = int(((pairs < 0) | (pairs >= nodes)).any(0).nonzero()[0])
            raise GraphValidationError(
                f"pair {worst} is {pairs[:, worst].tolist()}, but the graph has nodes 0 to {nodes - 1}"
            )
        self.pairs, self.x, self.graph, self.encode = pairs, x, graph, encode
        self.whole = graph if whole is None else whole
        self._shared = {} if shared is None else shared

    def __len__(self) -> int:
        return self.pairs.size(1)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Returns `make()`, called the first time `name` is asked for on this graph.

        Args:
            name: what is kept; prefix it with the name of your head.
            make: makes it out of states and graph alone, not of the pairs.
        """
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]  # type: ignore[return-value]

    @property
    def states(self) -> Tensor:
        """[N, C] node states of the encoder; a head that never asks never pays for them."""
        return self.once("states", lambda: self.encode(self.x, self.graph))

    @cached_property
    def source(self) -> Tensor:
        """[B, C] states of the first ends."""
        return self.states.index_select(0, self.pairs[0])

    @cached_property
    def target(self) -> Tensor:
        """[B, C] states of the second ends."""
        return self.states.index_select(0, self.pairs[1])
