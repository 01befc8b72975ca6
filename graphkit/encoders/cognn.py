"""Cooperative graph neural networks."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.linear import Activation, Linear, activation_of, drop
from graphkit.encoders.norm import Norm, make_norm
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, spmm

Kind = Literal["mean", "sum", "gcn"]


_INVERSE_BOUND = 0.5
"""tau_0 of the authors' program: a learnt temperature stays below 1 / tau_0."""


class CoGNN(Encoder):
    """Lets every node choose in every layer whether it listens, broadcasts, does both or neither.

    Finkelshtein et al., ICML 2024 (arXiv 2310.01267), algorithm 1. Two action networks, shared over layers, give each
    node the logits of listening and of broadcasting; hard straight-through Gumbel-softmax draws make the edge weights
    broadcast(source) * listen(target) of the environment layer. Actions are drawn in evaluation too: there the noise
    comes from `eval_seed`, and the states are averages over `eval_samples` passes.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of the environment states.
        num_layers: environment layers.
        kind: environment layer. `mean` and `sum` read a node's own state beside the aggregate, the mean divides by the
            full degree whatever the actions; `gcn` normalises by the degrees that the actions leave.
        action_channels: width between the layers of the action networks; a single layer has none.
        action_layers: layers of the action networks.
        action_kind: aggregation of the action networks.
        temperature: of the draws; 0 learns one a node, 1 / (softplus(w . x) + 0.5).
        dropout: rate behind every convolution.
        activation: behind every convolution.
        norm: one normalisation shared by all environment layers.
        skip: add each layer's input to its output.
        eval_samples: passes averaged in evaluation.
        eval_seed: start of the noise of evaluation.

    Raises:
        ConfigError: a negative temperature.

    Example:
        >>> import torch
        >>> CoGNN(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 3,
        kind: Kind = "mean",
        action_channels: int = 16,
        action_layers: int = 1,
        action_kind: Kind = "mean",
        temperature: float = 0.01,
        dropout: float = 0.2,
        activation: Activation = "gelu",
        norm: Norm = "layer",
        skip: bool = False,
        eval_samples: int = 1,
        eval_seed: int = 0,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(
            hidden_channels=hidden_channels,
            num_layers=num_layers,
            action_channels=action_channels,
            action_layers=action_layers,
            eval_samples=eval_samples,
        )
        require_choice(Kind, kind=kind, action_kind=action_kind)
        if temperature < 0:
            raise ConfigError(f"temperature must not be negative (0 learns it), got {temperature}")
        self.first, self.last = Linear(in_channels, hidden_channels), nn.Linear(hidden_channels, out_channels)
        self.convs = nn.ModuleList(_Conv(hidden_channels, hidden_channels, kind) for _ in range(num_layers))
        self.norm = make_norm(norm, hidden_channels)
        widths = [hidden_channels, *[action_channels] * (action_layers - 1), 2]
        self.listen, self.broadcast = (
            nn.ModuleList(_Conv(a, b, action_kind) for a, b in zip(widths, widths[1:], strict=False)) for _ in range(2)
        )
        self.temperature = temperature
        self.to_temperature = nn.Linear(hidden_channels, 1, bias=False) if temperature == 0 else None
        self.dropout, self.activation, self.skip = dropout, activation_of(activation), skip
        self.eval_samples, self.eval_seed = eval_samples, eval_seed

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states behind the output layer [N, C]."""
        source, target = graph.edge_index()
        if self.training:
            return self._pass(x, graph, source, target, None)
        generator = torch.Generator(device=source.device).manual_seed(self.eval_seed)
        passes = [self._pass(x, graph, source, target, generator) for _ in range(self.eval_samples)]
        return torch.stack(passes).mean(0)

    def _pass(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        source: Tensor,
        target: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        state = self.activation(drop(self.first(x), self.dropout, self.training))
        for conv in self.convs:
            normed = self.norm(state)
            listen, broadcast = (
                self._draw(self._logits(network, normed, graph), normed, generator)
                for network in (self.listen, self.broadcast)
            )
            out = conv(normed, graph, broadcast[source] * listen[target])
            out = self.activation(drop(out, self.dropout, self.training))
            state = state + out if self.skip else out
        return self.last(self.norm(state))

    def _logits(self, network: nn.ModuleList, x: Tensor, graph: CSRGraph) -> Tensor:
        for conv in network[:-1]:
            x = self.activation(drop(conv(x, graph, None), self.dropout, self.training))
        return network[-1](x, graph, None)

    def _draw(self, logits: Tensor, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draws [N] actions in {0, 1}; the gradient is that of the softmax (Jang et al. 2017)."""
        uniform = torch.rand(logits.shape, generator=generator, dtype=logits.dtype, device=logits.device)
        noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        temperature: float | Tensor = self.temperature
        if self.to_temperature is not None:
            temperature = 1.0 / (functional.softplus(self.to_temperature(x)) + _INVERSE_BOUND)
        soft = ((logits + noise) / temperature).softmax(-1)[:, 0]
        return (soft > 0.5).to(soft.dtype) + soft - soft.detach()


class _Conv(nn.Module):
    """W [x_i, AGG_j w_ij x_j] for `mean` and `sum`; W sum_j n_ij x_j for `gcn`, n normalising A * w + I."""

    def __init__(self, in_channels: int, out_channels: int, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.lin = nn.Linear(in_channels * (1 if kind == "gcn" else 2), out_channels)

    def forward(self, x: Tensor, graph: CSRGraph, weight: Tensor | None) -> Tensor:
        if self.kind != "gcn":
            return self.lin(torch.cat([x, spmm(graph, x, weight, reduce=self.kind)], dim=-1))
        if weight is not None:  # a node always hears itself
            source, target = graph.edge_index()
            weight = torch.where(source == target, 1.0, weight)
        looped, norm = graph.gcn_norm(weight, dtype=x.dtype)
        return self.lin(spmm(looped, x, norm))
