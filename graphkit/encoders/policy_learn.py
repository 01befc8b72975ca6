"""Policy-Learn: a few marked copies of the graph, the marked nodes chosen by a network that learns with the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Edges, Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear, dense
from graphkit.encoders.norm import Norm, make_norm
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, spmm
from graphkit.kernels.edge_messages import SharedRows, relu_messages
from graphkit.kernels.ragged import owners

Choice = Literal["learned", "random"]


class PolicyLearn(Encoder):
    """Marks one node after the other, each in a copy of its own, and encodes the unmarked graph and all copies by DS.

    Bevilacqua et al., Efficient Subgraph GNNs by Learning Effective Selection Policies, ICLR 2024 (arXiv 2310.20082),
    section 4. A selection network encodes the bag so far; a node's logit is an MLP of its mean state over the bag and
    of the graph's. The next mark is the largest logit, with Gumbel noise in training and the gradient of the softmax.
    All copies share the edges: states are [N, S, H], and messages one sparse product over rows of S * H numbers.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: H.
        num_layers: convolutions of each of both networks.
        selections: T, marked nodes; the bag has T + 1 graphs.
        choice: `learned`, or `random` nodes, which is what a learned choice has to beat.
        temperature: of the softmax.
        drop_ratio: share of the nodes that may not be chosen, drawn at every step of training.
        dropout: rate after every convolution.
        norm: inside and after every convolution.
        eval_samples: draws averaged in evaluation; of `random` alone, the learned choice draws nothing there.
        eval_seed: start of the draws of evaluation.
        edge_dim: number of features of an edge; None for none.

    Example:
        >>> triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> PolicyLearn(3, 2, hidden_channels=8, num_layers=2)(torch.ones(3, 3), triangle).shape
        torch.Size([3, 2])
    """

    reads_structure: ClassVar[bool] = True
    shares_rows: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 3,
        selections: int = 2,
        choice: Choice = "learned",
        temperature: float = 0.66,
        drop_ratio: float = 0.0,
        dropout: float = 0.0,
        norm: Norm = "batch",
        eval_samples: int = 1,
        eval_seed: int = 0,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(
            hidden_channels=hidden_channels, num_layers=num_layers, selections=selections, eval_samples=eval_samples
        )
        require_choice(Choice, choice=choice)
        if temperature <= 0 or not 0 <= drop_ratio < 1:
            raise ConfigError(f"need temperature > 0 and 0 <= drop_ratio < 1, got {temperature} and {drop_ratio}")
        self.selections, self.temperature, self.drop_ratio = selections, temperature, drop_ratio
        self.eval_samples, self.eval_seed = eval_samples if choice == "random" else 1, eval_seed
        widths = [hidden_channels] * num_layers + [out_channels]
        self.predict = MarkedNet(in_channels, widths, norm, dropout, edge_dim)
        self.select: MarkedNet | None = None
        if choice == "learned":
            self.select = MarkedNet(in_channels, [hidden_channels] * (num_layers + 1), norm, dropout, edge_dim)
            self.score = nn.Sequential(
                nn.Linear(hidden_channels, 2 * hidden_channels), nn.ReLU(), nn.Linear(2 * hidden_channels, 1)
            )

    @property
    def stochastic(self) -> bool:
        """Whether evaluation draws, too."""
        return self.select is None

    def encode(
        self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Edges, structure: Mapping[str, Tensor]
    ) -> Tensor:
        """Returns the mean over the bag of the states of the prediction network [N, C]."""
        x, owner = dense(x), owners(structure["ptr"], x.size(0))
        if self.training:
            return self._once(x, graph, edge_attr, owner, structure["ptr"], None)
        generator = torch.Generator(device=x.device).manual_seed(self.eval_seed)
        passes = [self._once(x, graph, edge_attr, owner, structure["ptr"], generator) for _ in range(self.eval_samples)]
        return torch.stack(passes).mean(0)

    def _once(
        self,
        x: Tensor,
        graph: CSRGraph,
        edge_attr: Edges,
        owner: Tensor,
        ptr: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        marks = self.choose(x, graph, edge_attr, owner, ptr, generator)
        return self.predict(x, marks, graph, edge_attr).mean(1)

    def choose(
        self,
        x: Tensor,
        graph: CSRGraph,
        edge_attr: Edges,
        owner: Tensor,
        ptr: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Returns the marks of the bag [N, T + 1], zero in the first graph; `owner` [N] is every node's graph."""
        marks = x.new_zeros(len(x), 1)
        for _ in range(self.selections):
            logits = self._logits(x, marks, graph, edge_attr, owner, ptr, generator)
            taken = (marks.detach() > 0).any(1) & (ptr.diff() > marks.size(1) - 1)[owner]
            logits = logits.masked_fill(taken, float("-inf"))
            marks = torch.cat([marks, self._mark(logits, owner, len(ptr) - 1).unsqueeze(1)], dim=1)
        return marks

    def _logits(
        self,
        x: Tensor,
        marks: Tensor,
        graph: CSRGraph,
        edge_attr: Edges,
        owner: Tensor,
        ptr: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        if self.select is None:
            return torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)
        states = self.select(x, marks, graph, edge_attr).mean(1)
        whole = states.new_zeros(len(ptr) - 1, states.size(1)).index_add(0, owner, states)
        states = states + (whole / ptr.diff().clamp(min=1).unsqueeze(1))[owner]
        logits: Tensor = self.score(states).squeeze(1)
        if not self.training:
            return logits
        if self.drop_ratio:
            logits = logits.masked_fill(self._dropped(owner, ptr), float("-inf"))
        uniform = torch.rand(logits.shape, device=x.device, dtype=x.dtype).clamp(1e-20, 1 - 1e-7)
        return logits - torch.log(-torch.log(uniform))

    def _dropped(self, owner: Tensor, ptr: Tensor) -> Tensor:
        """A random share of every graph's nodes; the one drawn lowest always stays."""
        key = torch.rand(len(owner), device=owner.device)
        lowest = key.new_full((len(ptr) - 1,), 2.0).scatter_reduce(0, owner, key, "amin")
        return (key > 1 - self.drop_ratio) & (key > lowest[owner])

    def _mark(self, logits: Tensor, owner: Tensor, graphs: int) -> Tensor:
        """One at the largest logit of every graph, zero elsewhere; the gradient is that of the softmax."""
        top = logits.new_full((graphs,), float("-inf")).scatter_reduce(0, owner, logits.detach(), "amax")
        number = torch.arange(len(logits), device=logits.device)
        winner = number.new_full((graphs,), len(logits)).scatter_reduce(
            0, owner, torch.where(logits.detach() >= top[owner], number, len(logits)), "amin"
        )
        hard = (number == winner[owner]).to(logits.dtype)
        if self.select is None or not self.training:
            return hard
        high = torch.where(top.isfinite(), top, 0.0)[owner]
        share = ((logits - high) / self.temperature).exp()
        soft = share / share.new_zeros(graphs).index_add(0, owner, share).clamp(min=1e-30)[owner]
        return hard + soft - soft.detach()


class MarkedNet(nn.Module):
    """DS on copies of a graph that differ in marks alone: h_sv' = relu(norm(MLP(h_sv + sum_u h_su))) + h_sv.

    Args:
        in_channels: F.
        widths: of the input map and of every convolution's result.
        norm: inside and after every convolution.
        dropout: rate after every convolution.
        edge_dim: number of features of an edge; None for none.
    """

    def __init__(self, in_channels: int, widths: list[int], norm: Norm, dropout: float, edge_dim: int | None) -> None:
        super().__init__()
        self.input, self.mark = Linear(in_channels, widths[0]), nn.Parameter(torch.randn(widths[0]))
        pairs = list(zip(widths, widths[1:], strict=False))
        self.first = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)
        self.last = nn.ModuleList(nn.Linear(b, b) for _, b in pairs)
        self.inner_norms = nn.ModuleList(make_norm(norm, b) for _, b in pairs)
        self.norms = nn.ModuleList(make_norm(norm, b) for _, b in pairs)
        self.edges = nn.ModuleList(nn.Linear(edge_dim, a) for a, _ in pairs) if edge_dim is not None else None
        self.dropout = dropout

    def forward(self, x: Tensor, marks: Tensor, graph: CSRGraph, edge_attr: Edges = None) -> Tensor:
        """Maps inputs [N, F] and marks [N, S] to states [N, S, C]."""
        states = self.input(x).unsqueeze(1) + marks.unsqueeze(2) * self.mark
        shape = states.shape[:2]
        for layer, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            received = self._received(states, graph, edge_attr, layer)
            fresh = self.inner_norms[layer](first((states + received).flatten(0, 1))).relu()
            fresh = self.norms[layer](last(fresh)).relu()
            fresh = functional.dropout(fresh, self.dropout, self.training).unflatten(0, shape)
            states = fresh + states if fresh.shape == states.shape else fresh
        return states

    def _received(self, states: Tensor, graph: CSRGraph, edge_attr: Edges, layer: int) -> Tensor:
        if self.edges is None:
            return spmm(graph, states.flatten(1)).view(states.shape)
        assert edge_attr is not None
        return relu_messages(states, SharedRows.of(edge_attr).map(self.edges[layer]), graph)
