"""The random-walk neighbourhoods of a node, read as a sequence of subgraph tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.mixers import make_mixer
from graphkit.encoders.positional import needed
from graphkit.kernels import CSRGraph, spmm
from graphkit.kernels.sequences import Sequences
from graphkit.transforms.structures import Requirement


class TokenEncoder(nn.Module):
    r"""Encodes every token by one convolution inside its subgraph and a mean, then reads a node's tokens far to near.

    Behrouz and Hashemi, "Graph Mamba", KDD 2024 (arXiv 2402.08678), section 4: token = mean over its nodes of relu(W
    [h_i, mean of h_j over the token's edges]), plus a vector for its walk length; a bidirectional Mamba reads the
    tokens, and the output at the last token, the node itself, is the node's encoding. The paper leaves the token's
    encoder open and publishes no code; this one is graphkit's choice.

    Args:
        channels: C.
        length: m, steps of the longest walks.
        walks: M, walks a token.
        samples: s, tokens a length.
        states: of the state space, a channel.
        expansion: inner width of the state space in multiples of C.
    """

    def __init__(self, channels: int, length: int, walks: int, samples: int, states: int = 16, expansion: int = 1):
        super().__init__()
        require_positive(channels=channels, token_length=length, token_walks=walks, token_samples=samples)
        self.requires = (Requirement("walk-tokens", {"length": length, "walks": walks, "samples": samples}),)
        self.tokens = samples * length + 1
        self.conv = nn.Linear(2 * channels, channels)
        self.level = nn.Embedding(length + 1, channels)
        self.mixer = make_mixer("mamba", channels, states=states, expansion=expansion, bidirectional=True)
        self.norm = nn.LayerNorm(channels)
        levels = torch.arange(length, 0, -1).repeat_interleave(samples)
        self.register_buffer("levels", torch.cat([levels, levels.new_zeros(1)]), persistent=False)

    def forward(self, x: Tensor, structure: Mapping[str, Tensor]) -> Tensor:
        """Maps states [N, C] to what the nodes' neighbourhoods say [N, C]."""
        node, size = needed(structure, "token_node"), needed(structure, "token_size")
        edges = needed(structure, "token_edge").t()
        states = x.index_select(0, node)
        inside = CSRGraph.from_edge_index(edges, len(node))
        states = torch.cat([states, spmm(inside, states, reduce="mean")], dim=1)
        states = functional.relu(self.conv(states))
        owner = torch.repeat_interleave(torch.arange(len(size), device=x.device), size, output_size=len(node))
        total = states.new_zeros(len(size), states.size(1)).index_add(0, owner, states)
        tokens = total / size.unsqueeze(1) + self.level(self.levels).repeat(len(x), 1)
        ptr = torch.arange(len(x) + 1, device=x.device) * self.tokens
        return self.mixer(self.norm(tokens), Sequences(ptr))[self.tokens - 1 :: self.tokens]
