"""What a pair head may look at: every input is made when it is first asked for, and kept for the batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures, common_neighbors, exclusive_neighbors
from graphkit.kernels.build import index_dtype

Made = TypeVar("Made")
Lists = Callable[..., tuple[Tensor, Tensor]]
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

    def common(self, pairs: Tensor | None = None, removed: Tensor | None = None) -> CSRGraph:
        """The common neighbours of pairs, as a graph whose rows are the pairs and whose columns are the nodes.

        Args:
            pairs: [2, P]; the batch's own if None.
            removed: [E] bool in edge order, edges of `graph` to overlook.
        """
        return self._lists(common_neighbors, pairs, removed)

    def exclusive(self, pairs: Tensor | None = None, removed: Tensor | None = None) -> CSRGraph:
        """The neighbours of the first end that the second end does not have; arguments and result as in `common`."""
        return self._lists(exclusive_neighbors, pairs, removed)

    def _lists(self, kernel: Lists, pairs: Tensor | None, removed: Tensor | None) -> CSRGraph:
        chosen = self.pairs if pairs is None else pairs
        flags = None if removed is None else removed.cpu()
        offsets, nodes = kernel(self.once("context.host", lambda: self.graph.to("cpu")), chosen.cpu(), removed=flags)
        dtype = index_dtype(self.graph.num_nodes, chosen.size(1), nodes.numel())
        edges = torch.arange(nodes.numel(), dtype=dtype)
        rows = CSRGraph(offsets.to(dtype), nodes.to(dtype), edges, self.graph.num_nodes, chosen.size(1))
        return rows.to(self.graph.device)

    @cached_property
    def source(self) -> Tensor:
        """[B, C] states of the first ends."""
        return self.states.index_select(0, self.pairs[0])

    @cached_property
    def target(self) -> Tensor:
        """[B, C] states of the second ends."""
        return self.states.index_select(0, self.pairs[1])
