"""The contract of every encoder: features and edges in, one state a node out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError, ShapeError, UnknownNameError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph
from graphkit.kernels.edge_messages import SharedRows
from graphkit.kernels.ragged import whole
from graphkit.transforms.structures import Graphs, Requirement

_INPUTS = ("x", "edge_index", "edge_attr", "y")

Edges = Tensor | SharedRows | None
"""Features of edges [E, D], a row an edge or a row a kind of edge."""


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder makes of a `Data` object.

    Shapes:
        x [N, C] floating: one state a node.
    """

    x: Tensor


class Encoder(nn.Module):
    """Base class of encoders; a subclass writes `encode(x, graph, edge_attr)`.

    An encoder that needs more than edges sets `reads_structure` and writes `encode(x, graph, edge_attr, structure)`.
    `structure` holds, by name: `ptr [G + 1]` and `batch [N]` of the graphs, `z` and `pos` where the dataset has them,
    and the arrays of the transforms that its property `requires` names (`transforms.structures`).

    Options of an encoder are typed keyword arguments of its constructor, after `in_channels` and `out_channels`; the
    command line and the model cards read them from its signature.

    Args:
        in_channels: F, number of input features.
        out_channels: C, width of the result.
        edge_dim: number of features of an edge; None for an encoder that takes none.

    Raises:
        ConfigError: a width is not positive.

    Example:
        >>> import torch
        >>> from graphkit.kernels import spmm
        >>> class Mean(Encoder):
        ...     def encode(self, x, graph, edge_attr):
        ...         return spmm(graph, x, reduce="mean")
        >>> Mean(4, 4)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 4])
    """

    weighted: ClassVar[bool] = False
    """Whether `encode` takes one weight an edge as `edge_weight`, besides or instead of edge features."""
    reads_structure: ClassVar[bool] = False
    """Whether `encode` takes the structure."""
    shares_rows: ClassVar[bool] = False
    """Whether `encode` takes edge features as SharedRows, so that alike edges are computed once."""
    level: ClassVar[Literal["node", "graph"]] = "node"
    """What `encode` returns a state of."""

    def __init__(self, in_channels: int, out_channels: int, edge_dim: int | None = None) -> None:
        super().__init__()
        require_positive(in_channels=in_channels, out_channels=out_channels)
        if edge_dim is not None:
            require_positive(edge_dim=edge_dim)
        self.in_channels, self.out_channels, self.edge_dim = in_channels, out_channels, edge_dim

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The structural transforms whose arrays `encode` reads."""
        return ()

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Computes the states from checked inputs.

        Args:
            x: [N, F] floating tensor or SparseFeatures.
            graph: N nodes and E edges.
            edge_attr: [E, edge_dim] floating, or None if the encoder takes no edge features.

        Returns:
            [N, C].
        """
        raise TypeError(f"{type(self).__name__} must define encode(x, graph, edge_attr)")

    def forward(
        self,
        x: Any,
        edge_index: Tensor | CSRGraph | None = None,
        edge_attr: Edges = None,
        edge_weight: Tensor | None = None,
        structure: Mapping[str, Tensor] | None = None,
    ) -> Tensor | EncoderOutput:
        """Encodes nodes, given as tensors or as one PyG `Data` object.

        Args:
            x: [N, F] floating tensor or SparseFeatures; or a `Data` with `x`, `edge_index` and, where the encoder takes
                edge features, `edge_attr`; `transforms.attach` adds what the encoder requires.
            edge_index: [2, E] integer (row 0 sources, row 1 targets) or a CSRGraph.
            edge_attr: [E, edge_dim] or [E] floating, or SharedRows.
            edge_weight: [E] floating, for encoders that are `weighted`; ones if None.
            structure: arrays by name, for encoders that read them; all nodes are one graph where `ptr` is missing.

        Returns:
            [N, C] for tensors, an EncoderOutput for a `Data`.

        Raises:
            ShapeError: an input does not fit the encoder or the other inputs.
        """
        if edge_index is None:
            if isinstance(x, Tensor | SparseFeatures):
                raise ShapeError(f"{type(self).__name__} was given x without edge_index; pass both, or one Data object")
            edge_attr = None if self.edge_dim is None else x.edge_attr
            own = {key: value for key, value in x.to_dict().items() if key not in _INPUTS}
            return EncoderOutput(self._checked(x.x, x.edge_index, edge_attr, structure=own))
        return self._checked(x, edge_index, edge_attr, edge_weight, structure)

    def _checked(
        self,
        x: Tensor | SparseFeatures | None,
        edge_index: Tensor | CSRGraph,
        edge_attr: Edges,
        edge_weight: Tensor | None = None,
        structure: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        name = type(self).__name__
        if x is None or x.dim() != 2 or x.size(1) != self.in_channels:
            shape = "missing" if x is None else f"of shape {list(x.shape)}"
            raise ShapeError(f"{name} was built for x [N, {self.in_channels}], but x is {shape}")
        graph = as_graph(edge_index, x.size(0))
        edges: Any = self._checked_edges(edge_attr, graph)
        if edge_weight is not None and (not self.weighted or edge_weight.shape != (graph.num_edges,)):
            due = f"takes edge_weight [{graph.num_edges}]" if self.weighted else "takes no edge_weight"
            raise ShapeError(f"{name} {due}, got {list(edge_weight.shape)}")
        more: dict[str, Any] = {} if edge_weight is None else {"edge_weight": edge_weight}
        if self.reads_structure:
            more["structure"] = self._checked_structure(structure or {}, x)
        return self.encode(x, graph, edges, **more)

    def with_required(self, structure: Mapping[str, Tensor], graph: CSRGraph, name: str) -> Mapping[str, Tensor]:
        """Returns the structure with the required arrays, computed here where array `name` is not among them.

        Args:
            structure: as `encode` was given it.
            graph: the graph; its edges in edge order.
            name: an array that a required transform makes.
        """
        if name in structure:
            return structure
        own = Graphs(graph.edge_index(), torch.tensor([0, graph.num_nodes]))
        made = {key: values for one in self.requires for key, values in whole(one.compute(own)).items()}
        return {**structure, **{key: values.to(graph.device) for key, values in made.items()}}

    def _checked_structure(self, structure: Mapping[str, Tensor], x: Tensor | SparseFeatures) -> Mapping[str, Tensor]:
        nodes, device = x.size(0), x.device
        if "ptr" in structure:
            return structure
        batch = torch.zeros(nodes, dtype=torch.long, device=device)
        return {**structure, "ptr": torch.tensor([0, nodes], device=device), "batch": batch}

    def _checked_edges(self, edge_attr: Edges, graph: CSRGraph) -> Edges:
        name = type(self).__name__
        if edge_attr is None:
            if self.edge_dim is not None:
                raise ShapeError(f"{name} was built with edge_dim={self.edge_dim}; pass edge_attr [E, {self.edge_dim}]")
            return None
        if self.edge_dim is None:
            raise ShapeError(
                f"{name} was built without edge features, but edge_attr is {list(edge_attr.shape)}; leave it out, or"
                " build an encoder that has the option edge_dim"
            )
        if isinstance(edge_attr, Tensor) and edge_attr.dim() == 1:
            edge_attr = edge_attr.unsqueeze(-1)
        if edge_attr.shape != (graph.num_edges, self.edge_dim):
            raise ShapeError(
                f"{name} needs edge_attr [{graph.num_edges}, {self.edge_dim}] for {graph.num_edges} edges and"
                f" edge_dim={self.edge_dim}, got {list(edge_attr.shape)}"
            )
        rows = SharedRows.of(edge_attr)
        return rows if self.shares_rows else rows.dense()


def require_positive(**sizes: int) -> None:
    """Refuses sizes below one, naming the option.

    Raises:
        ConfigError: a size is not positive.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ConfigError(f"{name} must be at least 1, got {size}")


def require_choice(choices: Any, **options: str) -> None:
    """Refuses option values that are none of the names a Literal type lists.

    Args:
        choices: a `Literal[...]` of strings.
        options: option name and value.

    Raises:
        UnknownNameError: a value is not listed; the nearest ones are suggested.
    """
    for name, value in options.items():
        if value not in get_args(choices):
            raise UnknownNameError(f"{name}", value, get_args(choices))
