"""Networks on bags of subgraphs: one encoder, with the bag and what its subgraphs tell each other as options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from graphkit.encoders.base import Edges, Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear
from graphkit.encoders.mixing import MIXINGS
from graphkit.encoders.mixing.base import Widths
from graphkit.encoders.policies import Policy, make_roots
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.kernels.bags import Bag, Edit, make_bag

Pool = Literal["nodes", "subgraph"]
EDITS: Mapping[str, Edit] = {
    "node-deleted": "delete-node",
    "edge-deleted": "delete-edge",
    "ego": "ego",
    "ego+": "ego",
    "edge-ego": "ego",
}
"""Edit of a policy; marks for all others."""
MARKS: Mapping[str, int] = {"node-deleted": 0, "edge-deleted": 0, "ego": 0, "tuples": 2, "edge-ego": 2}
"""Marks a subgraph of a policy carries; one for all others."""


class SubgraphEncoder(Encoder):
    r"""Encodes every subgraph of a bag and returns one state a node.

    The bag is chosen by `policy`, what its subgraphs tell each other by `mixing`: `ds` nothing, `dss` what a node is in
    all of them (Bevilacqua et al., ICLR 2022), `sun` also what root and subgraph are (Frasca et al., NeurIPS 2022),
    `ak` readouts of ego nets (Zhao et al., ICLR 2022), `2ign` equivariant maps on pairs (Mitton, Murray-Smith, 2021),
    `ngn` messages made by a network around their edge (de Haan et al., NeurIPS 2020).
    Marked tuples with `ds` are the (1, 2)-WL network of Zhou et al., ICML 2023, marked nodes the (1, 1)-WL one.

    With the readout `mean` on top, `ds` and `dss` give ESAN's graph vector. States that an edit cannot have reached yet
    are computed once a graph (`kernels.bags`); the result is exactly that of full copies.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width between layers.
        num_layers: number of layers.
        policy: subgraphs in the bag: one a node with the node marked, deleted, or its `ego` net (`ego+`: root marked);
            one an edge with it deleted; one a pair of nodes (`tuples`) with both marked; one a directed edge with
            what is around it (`edge-ego`); one a simple path of `radius` edges, its nodes marked in order (`paths`); or
            `random` marked nodes.
        mixing: as above.
        radius: of ego nets; largest distance between the nodes of a tuple, 0 for any; edges of a path.
        inner_layers: convolutions inside a layer of `ak` and `ngn`.
        num_roots: marked nodes of the policy `random`, beside one unmarked copy.
        eval_seed: start of the draws of `random` in evaluation.
        pool: `nodes` averages a node's states over all subgraphs; `subgraph` (`ds` and `dss`) passes the mean of every
            subgraph through a network and averages those rooted at the node, which tells more apart.
        norm: batch normalisation over all copies of all nodes.
        shared_norm: with `norm`, `dss` normalises what subgraphs share by itself, as published; otherwise once, with
            the sum of both, which graphs need whose nodes are all alike.
        dropout: rate after every layer.
        budget_mb: most memory in 10^6 bytes that the states of a layer may take.
        edge_dim: number of features of an edge; None for none.

    Raises:
        ConfigError: a mixing that is not defined for the policy.

    Example:
        >>> triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> SubgraphEncoder(3, 2, hidden_channels=8)(torch.ones(3, 3), triangle).shape
        torch.Size([3, 2])
    """

    reads_structure: ClassVar[bool] = True
    shares_rows: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 32,
        num_layers: int = 6,
        policy: Policy = "node-marked",
        mixing: str = "ds",
        radius: int = 2,
        inner_layers: int = 2,
        num_roots: int = 2,
        pool: Pool = "nodes",
        norm: bool = True,
        shared_norm: bool = True,
        dropout: float = 0.0,
        budget_mb: int = 4000,
        eval_seed: int = 0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(
            hidden_channels=hidden_channels,
            num_layers=num_layers,
            inner_layers=inner_layers,
            num_roots=num_roots,
            budget_mb=budget_mb,
        )
        require_choice(Policy, policy=policy)
        require_choice(Pool, pool=pool)
        self.policy, self.radius, self.num_roots, self.num_layers = policy, radius, num_roots, num_layers
        self.eval_seed = eval_seed
        self.hidden_channels, self.budget = hidden_channels, budget_mb * 1_000_000
        mixing_class = MIXINGS.get(mixing)
        able = mixing_class.policies or get_args(Policy)
        if policy not in able:
            raise ConfigError(f"mixing {mixing!r} is not defined for policy {policy!r}; use {' or '.join(able)}")
        self.input = Linear(in_channels, hidden_channels)
        widths = Widths(
            hidden_channels,
            out_channels,
            num_layers,
            inner_layers,
            radius,
            max(radius, 1) + 1 if policy == "paths" else MARKS.get(policy, 1),
            edge_dim,
            norm,
            shared_norm,
            dropout,
            pool,
            self.budget,
        )
        self.mixing = mixing_class(widths)

    @property
    def stochastic(self) -> bool:
        """Whether two calls draw two bags, in evaluation too."""
        return self.policy == "random"

    def bag(self, graph: CSRGraph, ptr: Tensor, generator: torch.Generator | None = None) -> Bag:
        """Builds the bag of a batch: N nodes of the graphs that begin at `ptr` [G + 1].

        Raises:
            BudgetExceeded: its states would take more than `budget_mb`; nothing was allocated.
            GraphValidationError: an edge lacks its reverse.
        """
        root, owner = make_roots(self.policy, graph, ptr, self.radius, self.num_roots, generator)
        edit = EDITS.get(self.policy, "mark")
        return make_bag(
            graph,
            root,
            owner,
            ptr,
            edit,
            self.radius if edit == "ego" else self.num_layers,
            whole=self.mixing.whole and edit != "ego",
            extra=int(self.policy == "random"),
            budget=self.budget,
            row_bytes=self.hidden_channels * self.input.weight.element_size(),
        )

    def encode(
        self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Edges, structure: Mapping[str, Tensor]
    ) -> Tensor:
        """Returns one state a node [N, C]."""
        generator = None if self.training else torch.Generator().manual_seed(self.eval_seed)
        return self.mixing(self.input(x), self.bag(graph, structure["ptr"], generator), edge_attr)
