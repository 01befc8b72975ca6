"""Random node initialisation: part of every node's input is noise, drawn anew at every pass."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, spmm

Distribution = Literal["normal", "uniform", "xavier"]


class RNI(Encoder):
    """Graph convolutions over node states of which a share is random: universal in expectation.

    Abboud, Ceylan, Grohe, Lukasiewicz, The Surprising Power of Graph Neural Networks with Random Node Initialization,
    IJCAI 2021 (arXiv 2010.01179). Two convolutions of the features make the other share; then come `num_layers`
    convolutions h_v' = tanh(W_1 h_v + W_2 sum_u h_u + b). Noise is drawn in evaluation too, from `eval_seed`.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: H.
        num_layers: number of convolutions after the initial states.
        fraction: share of the initial states that is random, above 0 and at most 1.
        distribution: `normal` N(0, 1), `uniform` or `xavier` (of bounds 1, and sqrt(6 / (F + H)) as Glorot).
        eval_samples: passes averaged in evaluation.
        eval_seed: start of the noise of evaluation.

    Example:
        >>> encoder = RNI(3, 2, hidden_channels=8)
        >>> encoder(torch.ones(2, 3), torch.tensor([[0, 1], [1, 0]])).shape
        torch.Size([2, 2])
    """

    stochastic = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 8,
        fraction: float = 0.5,
        distribution: Distribution = "normal",
        eval_samples: int = 1,
        eval_seed: int = 0,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, eval_samples=eval_samples)
        require_choice(Distribution, distribution=distribution)
        self.noise = round(fraction * hidden_channels)
        if not 0 < self.noise <= hidden_channels:
            raise ConfigError(f"fraction must leave 1 to {hidden_channels} random numbers a node, got {fraction}")
        plain = hidden_channels - self.noise
        self.start = nn.ModuleList([_Conv(in_channels, plain), _Conv(plain, plain)] if plain else [])
        widths = [hidden_channels] * num_layers + [out_channels]
        self.convs = nn.ModuleList(_Conv(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.bound = {"normal": 0.0, "uniform": 1.0, "xavier": (6 / (in_channels + hidden_channels)) ** 0.5}[
            distribution
        ]
        self.eval_samples, self.eval_seed = eval_samples, eval_seed

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states of the last convolution [N, C], averaged over the draws in evaluation."""
        fixed = x
        for conv in self.start:
            fixed = torch.tanh(conv(fixed, graph))
        if self.training:
            return self._pass(fixed, graph, None)
        generator = torch.Generator(device=graph.device).manual_seed(self.eval_seed)
        return torch.stack([self._pass(fixed, graph, generator) for _ in range(self.eval_samples)]).mean(0)

    def _pass(self, fixed: Tensor | SparseFeatures, graph: CSRGraph, generator: torch.Generator | None) -> Tensor:
        shape, like = (graph.num_nodes, self.noise), self.convs[0].own.weight
        if self.bound:
            noise = (2 * torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype) - 1) * self.bound
        else:
            noise = torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
        state = torch.cat([fixed, noise], dim=1) if len(self.start) and isinstance(fixed, Tensor) else noise
        for conv in self.convs:
            state = torch.tanh(conv(state, graph))
        return state


class _Conv(nn.Module):
    """W_1 h_v + W_2 sum_u h_u + b (Morris et al., AAAI 2019)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.own, self.other = Linear(in_channels, out_channels), Linear(in_channels, out_channels, bias=False)

    def forward(self, x: Tensor | SparseFeatures, graph: CSRGraph) -> Tensor:
        return self.own(x) + spmm(graph, self.other(x))
