"""PathNN: a recurrent network reads the paths that end in a node, length by length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Edges, Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear
from graphkit.encoders.norm import Norm, make_norm
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.kernels.edge_messages import SharedRows
from graphkit.kernels.lstm import lstm_step
from graphkit.kernels.path_steps import PathSteps, merged_steps, path_steps
from graphkit.kernels.paths import Kind
from graphkit.transforms.structures import Requirement

Aggregate = Literal["sum", "mean"]
Inputs = Literal["mlp", "none"]
Update = Literal["relu", "mlp"]


class PathNN(Encoder):
    r"""Updates every node by the paths of 1, 2, ... K edges that end in it, one length a layer.

    Michel, Nikolentzos, Lutzeyer, Vazirgiannis, "Path Neural Networks: Expressive and Accurate Graph Neural Networks",
    ICML 2023 (arXiv 2306.05955), equations 2 to 4. Layer k, over the paths p = (p_k, ..., p_1, v) into v:

        z_p = LSTM(h[p_k], ..., h[p_1], h[v])    h_v <- act(norm(h_v + sum_p z_p))

    One LSTM is shared by all layers. Its input projection is taken once a node, and paths with equal beginnings share
    their states: the work is that of the distinct beginnings (`transforms.paths.PathTree`), the result is the same.
    Without dropout, rows that hold equal numbers, as of atoms of one kind, are read once too (`kernels.path_steps`),
    unless gradients of `x` are asked for.
    Dropout falls on a node's state before the projection, so that all paths through the node see the same mask.
    `sp` is no function of the graph alone: where several shortest paths join two nodes, the order of nodes decides.

    Args:
        in_channels: F.
        out_channels: C.
        kind: `sp` one shortest path from every node, `sp+` all shortest paths, `ap` all simple paths.
        length: K, the most edges of a path, and the number of layers.
        hidden_channels: width of the states.
        distances: tell every node on a path its distance to the root; adds to `ap` most of its power.
        aggregate: `sum` or `mean` over the paths of a node.
        dropout: rate on the states that the LSTM reads.
        inputs: `mlp` passes the features through two layers first, `none` takes them as states (F = hidden).
        update: `relu`, or `mlp` for dropout and two layers after every norm.
        norm: of the updated states, and inside the layers of `inputs` and `update`.
        max_per_root: most paths of one length and node, a sample where there are more; 0 keeps all.
        edge_dim: number of features of an edge, which are read with the node they lead to; None for none.

    Example:
        >>> import torch
        >>> PathNN(3, 2, kind="ap", hidden_channels=8)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    reads_structure = True
    shares_rows = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kind: Kind = "sp",
        length: int = 2,
        hidden_channels: int = 64,
        distances: bool = False,
        aggregate: Aggregate = "sum",
        dropout: float = 0.0,
        inputs: Inputs = "mlp",
        update: Update = "relu",
        norm: Norm = "batch",
        max_per_root: int = 0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(length=length, hidden_channels=hidden_channels)
        require_choice(Kind, kind=kind)
        require_choice(Aggregate, aggregate=aggregate)
        require_choice(Inputs, inputs=inputs)
        require_choice(Update, update=update)
        width = hidden_channels
        self.kind, self.length, self.aggregate, self.dropout = kind, length, aggregate, dropout
        self.distances, self.max_per_root = distances, max_per_root
        self.start = _layers(in_channels, width, norm) if inputs == "mlp" else None
        if self.start is None and in_channels != width:
            self.start = Linear(in_channels, width)
        self.distance = nn.Embedding(length + 1, width) if distances else None
        if self.distance is not None:
            nn.init.xavier_uniform_(self.distance.weight)
        self.lstm = nn.LSTM(width * (2 if distances else 1) + (edge_dim or 0), width)
        self.norms = nn.ModuleList(make_norm(norm, width) for _ in range(length))
        self.updates = nn.ModuleList(
            nn.Sequential(nn.Dropout(dropout), _layers(width, width, norm)) if update == "mlp" else nn.ReLU()
            for _ in range(length)
        )
        self.end = nn.Linear(width, out_channels) if width != out_channels else None

    @property
    def requires(self) -> tuple[Requirement, ...]:
        """The tree of paths."""
        options = {"kind": self.kind, "length": self.length, "distances": self.distances}
        more = {"edges": self.edge_dim is not None, "max_per_root": self.max_per_root}
        return (Requirement("path-tree", {**options, **more}),)

    def encode(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        edge_attr: Edges,
        structure: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Returns the states [N, C]; `structure` holds the tree of paths, or it is made here."""
        structure = self.with_required(structure or {}, graph, "path_1_1_node")
        states = x if self.start is None else self.start(x)
        lengths = torch.split(self.lstm.weight_ih_l0, self._widths(), dim=1)
        weight, rest = lengths[0], list(lengths[1:])
        far = None if self.distance is None else functional.linear(self.distance.weight, rest.pop(0))
        edges = None
        if edge_attr is not None:
            weights = rest.pop(0)
            edges = SharedRows.of(edge_attr).map(lambda table: functional.linear(table, weights))
        bias = self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0
        for steps, norm, update in zip(self._steps(x, edges, structure), self.norms, self.updates, strict=True):
            seen = functional.dropout(states, self.dropout, self.training)
            read = functional.linear(seen if steps.nodes is None else seen[steps.nodes], weight, bias)
            table = None if edges is None else edges.table
            states = update(norm(states + self._paths(steps, len(states), read, far, table)))
        return states if self.end is None else self.end(states)

    def _steps(
        self, x: Tensor | SparseFeatures, edges: SharedRows | None, structure: Mapping[str, Tensor]
    ) -> list[PathSteps]:
        place = None if edges is None else edges.index
        if edges is not None and place is None:
            place = torch.arange(len(edges), device=edges.table.device)
        steps = path_steps(structure, self.length, place, self.distance is not None)
        if not isinstance(x, Tensor) or x.device.type != "cpu":
            return steps
        # nodes that are read as one share the gradient of what was read, which is wrong for single rows of x
        return steps if x.requires_grad or (self.training and self.dropout > 0.0) else merged_steps(steps, x)

    def _widths(self) -> list[int]:
        width = self.lstm.hidden_size
        return [width, *([width] if self.distance is not None else []), *([self.edge_dim] if self.edge_dim else [])]

    def _paths(
        self, steps: PathSteps, num_nodes: int, read: Tensor, far: Tensor | None, edges: Tensor | None
    ) -> Tensor:
        """Sums over the paths into every node of what the LSTM makes of them [N, hidden]."""
        state = cell = None
        for step in steps.steps:
            more = edges if step.more is not None else None
            state, cell = lstm_step(step, read, state, cell, self.lstm.weight_hh_l0, far, more)
        assert state is not None
        summed = steps.sum(state, num_nodes)
        if self.aggregate == "mean":
            many = torch.bincount(steps.root.long(), minlength=num_nodes).clamp(min=1)
            summed = summed / many.unsqueeze(-1).to(summed.dtype)
        return summed


def _layers(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    first, second = Linear(in_channels, out_channels), nn.Linear(out_channels, out_channels)
    norms = [make_norm(norm, out_channels) for _ in range(2)]
    return nn.Sequential(first, norms[0], nn.ReLU(), second, norms[1], nn.ReLU())
