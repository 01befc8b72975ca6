"""Sums and attention over the union of two sets of keys: what each set gives alone, and a correction a common key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.kernels.cpu.pair_scores import attention_relu_dot, relu_dot
from graphkit.kernels.neighborhoods import Entries

Common = tuple[np.ndarray, np.ndarray, np.ndarray]
"""[S] number of the pair, entry of its left end, entry of its right end."""
SOURCE, TARGET = 1, 8
"""What hop bits of a left and of a right end are multiplied by."""


@dataclass(frozen=True)
class Keys:
    """The entries of the nodes of one side with what they carry.

    Args:
        entries: of Q nodes.
        value: [P, C], linear in the entry's value.
        code: [64, C], what hop bits add: those of a left end in bits 1 to 4, of a right end in bits 8 to 32.
        side: SOURCE or TARGET.
    """

    entries: Entries
    value: Tensor
    code: Tensor
    side: int

    def alone(self, rows: Tensor | None = None) -> Tensor:
        """Returns what entries [P, C], or some of them, are where the other end lacks the key."""
        bits = torch.from_numpy(self.entries.bits)
        value = self.value
        if rows is not None:
            bits, value = bits[rows], value.index_select(0, rows)
        # a product with one-hot rows: its gradient is one too, where that of indexing is a slow scatter
        return torch.addmm(value, functional.one_hot(bits, 8).to(value.dtype), self.code[:: self.side][:8])

    def summed(self, x: Tensor) -> Tensor:
        """Returns sums [Q, ...] of [P, ...] over each node's entries."""
        start = x.new_zeros(len(self.entries.ptr) - 1, *x.shape[1:])
        return start.index_add(0, torch.from_numpy(self.entries.owner), x)


def both(source: Keys, target: Keys, a: Tensor, b: Tensor) -> Tensor:
    """Returns what common keys [S, C] are, given their entries of both ends."""
    left, right = torch.from_numpy(source.entries.bits)[a], torch.from_numpy(target.entries.bits)[b]
    value = source.value.index_select(0, a) + target.value.index_select(0, b)
    return value + functional.embedding(left * SOURCE + right * TARGET, source.code)


class JointSum(nn.Module):
    """Sum over the keys of either end, as the code of NAT has it. See `JointAttention` for the shapes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, channels, bias=False)

    def forward(self, source: Keys, target: Keys, left: np.ndarray, right: np.ndarray, common: Common) -> Tensor:
        """Returns [B, C]."""
        one, two = (keys.summed(keys.alone()) for keys in (source, target))
        pair, change = self._change(source, target, common)
        a, b = torch.from_numpy(left), torch.from_numpy(right)
        return self.mix((one.index_select(0, a) + two.index_select(0, b)).index_add(0, pair, change))

    def all_pairs(self, source, target, bias, left, right, common, out) -> Tensor:  # noqa: D102
        ends = [self.mix(keys.summed(keys.alone())) for keys in (source, target)]
        first, second = ends[0][torch.from_numpy(left)] + bias[0], ends[1][torch.from_numpy(right)] + bias[1]
        found = first.new_empty(len(left), len(right))
        relu_dot(first.numpy(), second.numpy(), out.weight[0].numpy(), found.numpy())
        pair, change = self._change(source, target, common)
        touched, row = torch.unique(pair, return_inverse=True)
        hidden = first[touched // len(right)] + second[touched % len(right)]
        hidden = hidden.index_add(0, row, self.mix(change))
        found.view(-1)[touched] = torch.relu(hidden) @ out.weight[0]
        return found + out.bias

    def _change(self, source: Keys, target: Keys, common: Common) -> tuple[Tensor, Tensor]:
        pair, a, b = (torch.from_numpy(column) for column in common)
        return pair, both(source, target, a, b) - source.alone(a) - target.alone(b)


class JointAttention(nn.Module):
    r"""Attention over the keys of either end: weights exp(l_a) / sum exp(l), with logits l = 5 tanh(w . relu(x) / 5).

    Bounded logits need no maximum to be taken out, so numerators and denominators of both ends add up, and a common key
    replaces its two single terms by the joint one. Each head mixes channels after the ratio.

    Args:
        channels: C.
        heads: H.

    Shapes:
        source and target keys; left, right [B] places of their nodes; common lists of [S]; returns [B, C].
    """

    def __init__(self, channels: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.score = nn.Linear(channels, heads)
        self.mix = nn.Parameter(torch.empty(heads, channels, channels))
        nn.init.uniform_(self.mix, -(channels**-0.5), channels**-0.5)

    def forward(self, source: Keys, target: Keys, left: np.ndarray, right: np.ndarray, common: Common) -> Tensor:
        """Returns [B, C]."""
        ends = [[keys.summed(part) for part in self._terms(keys.alone())] for keys in (source, target)]
        a, b, pair = (torch.from_numpy(part) for part in (left, right, common[0]))
        change = self._change(source, target, common)
        above, below = (
            (ends[0][n].index_select(0, a) + ends[1][n].index_select(0, b)).index_add(0, pair, change[n])
            for n in (0, 1)
        )
        return torch.einsum("bhc,hcd->bd", above / below.clamp(min=1e-6).unsqueeze(-1), self.mix)

    def all_pairs(self, source, target, bias, left, right, common, out) -> Tensor:  # noqa: D102
        rows, columns = torch.from_numpy(left), torch.from_numpy(right)
        ends = []
        for keys, at in ((source, rows), (target, columns)):
            above, below = (keys.summed(part) for part in self._terms(keys.alone()))
            ends.append((torch.einsum("qhc,hcd->qhd", above, self.mix)[at].contiguous(), below[at]))
        (above, below), (other_above, other_below) = ends
        found = above.new_empty(len(left), len(right))
        arrays = (part.numpy() for part in (above, below, other_above, other_below, *bias, out.weight[0]))
        attention_relu_dot(*arrays, found.numpy())
        touched, row = torch.unique(torch.from_numpy(common[0]), return_inverse=True)
        change = self._change(source, target, common)
        b, k = touched // len(right), touched % len(right)
        above = (above[b] + other_above[k]).index_add(0, row, torch.einsum("shc,hcd->shd", change[0], self.mix))
        below = (below[b] + other_below[k]).index_add(0, row, change[1])
        hidden = (above / below.clamp(min=1e-6).unsqueeze(-1)).sum(dim=1) + bias[0][b] + bias[1][k]
        found.view(-1)[touched] = torch.relu(hidden) @ out.weight[0]
        return found + out.bias

    def _terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(x)
        weight = torch.exp(5 * torch.tanh(self.score(hidden) / 5))
        return weight.unsqueeze(-1) * hidden.unsqueeze(1), weight

    def _change(self, source: Keys, target: Keys, common: Common) -> tuple[Tensor, Tensor]:
        a, b = torch.from_numpy(common[1]), torch.from_numpy(common[2])
        joint = self._terms(both(source, target, a, b))
        single = self._terms(source.alone(a)), self._terms(target.alone(b))
        return joint[0] - single[0][0] - single[1][0], joint[1] - single[0][1] - single[1][1]
