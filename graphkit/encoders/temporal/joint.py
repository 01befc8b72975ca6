"""Sums and attention over the union of two sets of keys: what each set gives alone, and a correction a common key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.kernels.cpu.pair_scores import attention_relu_dot, relu_dot
from graphkit.kernels.neighborhoods import Entries

Common = tuple[np.ndarray, np.ndarray, np.ndarray]
"""[S] number of the pair, entry of its left end, entry of its right end."""


@dataclass(frozen=True)
class Joined:
    """Entries with what they carry.

    Shapes:
        value [P, C], linear in the entry's value; code [64, C], what hop bits add: those of a left end in bits 1 to 4,
        of a right end in bits 8 to 32.
    """

    value: Tensor
    code: Tensor
    entries: Entries

    @cached_property
    def bits(self) -> Tensor:
        """[P] hop bits."""
        return torch.from_numpy(self.entries.bits)

    @cached_property
    def owner(self) -> Tensor:
        """[P] place of the node of an entry."""
        return torch.from_numpy(self.entries.owner)

    @property
    def nodes(self) -> int:
        """Q."""
        return len(self.entries.ptr) - 1

    def alone(self, side: int) -> Tensor:
        """Returns what entries [P, C] are where the other end lacks the key, of left (0) or right (1) ends."""
        return self.value + self.code[self.bits * (8 if side else 1)]

    def both(self, left: Tensor, right: Tensor) -> Tensor:
        """Returns what common keys [S, C] are."""
        return self.value[left] + self.value[right] + self.code[self.bits[left] + 8 * self.bits[right]]


class JointSum(nn.Module):
    """Sum over the keys of either end, as the code of NAT has it. See `JointAttention` for the shapes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, channels, bias=False)

    def forward(self, joined: Joined, left: np.ndarray, right: np.ndarray, common: Common) -> Tensor:
        """Returns [B, C]."""
        ends = [self._sums(joined, side) for side in (0, 1)]
        pair, a, b = (torch.from_numpy(column) for column in common)
        change = self.mix(joined.both(a, b) - joined.alone(0)[a] - joined.alone(1)[b])
        return (ends[0][torch.from_numpy(left)] + ends[1][torch.from_numpy(right)]).index_add(0, pair, change)

    def all_pairs(self, joined, source, target, left, right, common, out) -> Tensor:  # noqa: D102
        first, second = self._sums(joined, 0) + source, self._sums(joined, 1) + target
        first, second = first[torch.from_numpy(left)], second[torch.from_numpy(right)]
        found = first.new_empty(len(left), len(right))
        relu_dot(first.numpy(), second.numpy(), out.weight[0].numpy(), found.numpy())
        pair, a, b = (torch.from_numpy(column) for column in common)
        touched, row = torch.unique(pair, return_inverse=True)
        change = self.mix(joined.both(a, b) - joined.alone(0)[a] - joined.alone(1)[b])
        hidden = (first[touched // len(right)] + second[touched % len(right)]).index_add(0, row, change)
        found.view(-1)[touched] = torch.relu(hidden) @ out.weight[0]
        return found + out.bias

    def _sums(self, joined: Joined, side: int) -> Tensor:
        start = joined.value.new_zeros(joined.nodes, joined.value.shape[1])
        return self.mix(start.index_add(0, joined.owner, joined.alone(side)))


class JointAttention(nn.Module):
    r"""Attention over the keys of either end: weights exp(l_a) / sum exp(l), with logits l = 5 tanh(w . relu(x) / 5).

    Bounded logits need no maximum to be taken out, so numerators and denominators of both ends add up, and a common key
    replaces its two single terms by the joint one.

    Args:
        channels: C.
        heads: H.

    Shapes:
        joined with Q nodes; left, right [B] places of nodes; common lists of [S]; returns [B, C].
    """

    def __init__(self, channels: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.score = nn.Linear(channels, heads)
        self.mix = nn.Linear(channels, heads * channels, bias=False)

    def forward(self, joined: Joined, left: np.ndarray, right: np.ndarray, common: Common) -> Tensor:
        """Returns [B, C]."""
        ends = [self._sums(joined, side) for side in (0, 1)]
        a, b = torch.from_numpy(left), torch.from_numpy(right)
        change = self._change(joined, common)
        pair = torch.from_numpy(common[0])
        above = (ends[0][0][a] + ends[1][0][b]).index_add(0, pair, change[0])
        below = (ends[0][1][a] + ends[1][1][b]).index_add(0, pair, change[1])
        return _ratio(above, below)

    def all_pairs(self, joined, source, target, left, right, common, out) -> Tensor:  # noqa: D102
        rows, columns = torch.from_numpy(left), torch.from_numpy(right)
        one, two = ([part[at] for part in self._sums(joined, side)] for side, at in ((0, rows), (1, columns)))
        first, second = source[rows], target[columns]
        found = first.new_empty(len(left), len(right))
        arrays = (part.contiguous().numpy() for part in (*one, *two, first, second))
        attention_relu_dot(*arrays, out.weight[0].numpy(), found.numpy())
        touched, row = torch.unique(torch.from_numpy(common[0]), return_inverse=True)
        change = self._change(joined, common)
        b, k = touched // len(right), touched % len(right)
        above = (one[0][b] + two[0][k]).index_add(0, row, change[0])
        below = (one[1][b] + two[1][k]).index_add(0, row, change[1])
        found.view(-1)[touched] = torch.relu(_ratio(above, below) + first[b] + second[k]) @ out.weight[0]
        return found + out.bias

    def _terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(x)
        weight = torch.exp(5 * torch.tanh(self.score(hidden) / 5))
        return weight.unsqueeze(-1) * self.mix(hidden).unflatten(1, (self.heads, x.shape[1])), weight

    def _sums(self, joined: Joined, side: int) -> tuple[Tensor, Tensor]:
        above, below = self._terms(joined.alone(side))
        many = joined.nodes
        start = above.new_zeros(many, *above.shape[1:]), below.new_zeros(many, self.heads)
        return start[0].index_add(0, joined.owner, above), start[1].index_add(0, joined.owner, below)

    def _change(self, joined: Joined, common: Common) -> tuple[Tensor, Tensor]:
        a, b = torch.from_numpy(common[1]), torch.from_numpy(common[2])
        joint = self._terms(joined.both(a, b))
        single = self._terms(joined.alone(0)[a]), self._terms(joined.alone(1)[b])
        return joint[0] - single[0][0] - single[1][0], joint[1] - single[0][1] - single[1][1]


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return (above / below.clamp(min=1e-6).unsqueeze(-1)).sum(dim=1)
