"""Sums and attention over the union of two sets of keys: what each set gives alone, and a correction a common key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu import key_terms as compiled
from graphkit.kernels.cpu.pair_scores import attention_relu_dot, relu_dot
from graphkit.kernels.neighborhoods import Entries

Array = np.ndarray


@dataclass(frozen=True)
class Union:
    """The entries of the nodes of both sides, and the keys that pairs of them have in common.

    Outputs are numbered: those of left nodes, of right nodes, then of pairs.

    Shapes:
        owner [P] output of an entry's node; code [P] its hop bits, 1 to 4 for left nodes and 8 to 32 for right ones;
        pair [S] output of a common key's pair, left and right [S] its entries; nodes = (left, right) ones; size O.
    """

    owner: Array
    code: Array
    pair: Array
    left: Array
    right: Array
    nodes: tuple[int, int]
    size: int

    @classmethod
    def of(cls, source: Entries, target: Entries, common: tuple[Array, Array, Array], pairs: int) -> Union:
        """Numbers everything; `common` names pairs 0..pairs-1 and entries of each side."""
        nodes = len(source.ptr) - 1, len(target.ptr) - 1
        return cls(
            np.concatenate([source.owner, target.owner + nodes[0]]),
            np.concatenate([source.bits, 8 * target.bits]),
            common[0] + sum(nodes),
            common[1],
            common[2] + len(source.key),
            nodes,
            sum(nodes) + pairs,
        )

    @property
    def lists(self) -> tuple[Array, ...]:
        """Owners and codes of entries, then pairs and entries of common keys."""
        return self.owner, self.code, self.pair, self.left, self.right

    def joined(self, terms: Tensor, left: Array, right: Array) -> Tensor:
        """Returns [P, ...] of all pairs, numbered as in `common`: both ends and what they have in common."""
        ends = (torch.from_numpy(part) for part in (left, right + self.nodes[0]))
        first, second = (terms.index_select(0, rows) for rows in ends)
        return first + second + terms[sum(self.nodes) :]


class JointSum(nn.Module):
    """Sum over the keys of either end, as the code of NAT has it.

    What a key carries is W v + code, W a linear map without bias and v the sum of the values that ends keep of it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, channels, bias=False)

    def terms(self, value: Tensor, weight: Tensor, codes: Tensor, union: Union) -> Tensor:
        """Returns [O, C] of values [P, F], W [C, F] and codes [64, C]."""
        values = value.new_zeros(union.size, value.shape[1]).index_add(0, torch.from_numpy(union.owner), value)
        first, second = union.code[union.left], union.code[union.right]
        counts = torch.zeros(union.size * 64, dtype=value.dtype)
        for owner, code, sign in (
            (union.owner, union.code, 1),
            (union.pair, first + second, 1),  # values of common keys are in the sums of both ends already
            (union.pair, first, -1),
            (union.pair, second, -1),
        ):
            counts += sign * torch.bincount(torch.from_numpy(64 * owner + code), minlength=len(counts))
        return self.mix(values @ weight.T + counts.view(-1, 64) @ codes)

    def forward(self, joined: Tensor) -> Tensor:
        """Returns [B, C] of what pairs have."""
        return joined

    def all_pairs(
        self, terms: Tensor, union: Union, bias: tuple[Tensor, Tensor], places: Any, touched: Tensor, out: nn.Linear
    ) -> Tensor:
        """Returns scores [B, K] of all pairs of left and right places, `touched` [S'] those with common keys."""
        left, right = places
        first = terms[torch.from_numpy(left)] + bias[0]
        second = terms[torch.from_numpy(right + union.nodes[0])] + bias[1]
        found = first.new_empty(len(left), len(right))
        relu_dot(first.numpy(), second.numpy(), out.weight[0].numpy(), found.numpy())
        hidden = first[touched // len(right)] + second[touched % len(right)] + terms[sum(union.nodes) :]
        found.view(-1)[touched] = torch.relu(hidden) @ out.weight[0]
        return found + out.bias


class JointAttention(nn.Module):
    r"""Attention over the keys of either end: weights exp(l_a) / sum exp(l), with logits l = 5 tanh(w . relu(x) / 5).

    Bounded logits need no maximum to be taken out, so numerators and denominators of both ends add up, and a common key
    replaces its two single terms by the joint one. Each head mixes channels after the ratio. Methods as `JointSum`,
    with terms [O, H, C + 1]: numerators, then the denominator.

    Args:
        channels: C.
        heads: H.
    """

    def __init__(self, channels: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.score = nn.Linear(channels, heads)
        self.mix = nn.Parameter(torch.empty(heads, channels, channels))
        nn.init.uniform_(self.mix, -(channels**-0.5), channels**-0.5)

    def terms(self, value: Tensor, weight: Tensor, codes: Tensor, union: Union) -> Tensor:  # noqa: D102
        found: Tensor = _Terms.apply(value, weight.T, codes, self.score.weight, self.score.bias, union)
        return found

    def forward(self, joined: Tensor) -> Tensor:
        """Returns [B, C] of what pairs have."""
        ratio = joined[..., :-1] / joined[..., -1:].clamp(min=1e-6)
        return ratio.flatten(1) @ self.mix.flatten(0, 1)

    def all_pairs(self, terms, union, bias, places, touched, out) -> Tensor:  # noqa: D102
        left, right = places
        mixed, below = torch.einsum("qhc,hcd->qhd", terms[..., :-1], self.mix), terms[..., -1]
        rows, columns = torch.from_numpy(left), torch.from_numpy(right + union.nodes[0])
        arrays = [part.numpy() for at in (rows, columns) for part in (mixed[at], below[at])]
        found = terms.new_empty(len(left), len(right))
        attention_relu_dot(*arrays, *(part.numpy() for part in (*bias, out.weight[0])), found.numpy())
        b, k = touched // len(right), touched % len(right)
        own = slice(sum(union.nodes), None)
        above = mixed[rows[b]] + mixed[columns[k]] + mixed[own]
        under = below[rows[b]] + below[columns[k]] + below[own]
        hidden = (above / under.clamp(min=1e-6).unsqueeze(-1)).sum(dim=1) + bias[0][b] + bias[1][k]
        found.view(-1)[touched] = torch.relu(hidden) @ out.weight[0]
        return found + out.bias


class _Terms(torch.autograd.Function):
    """The kernel and its gradient."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *tensors, ctx.union = inputs
        lists = ctx.union.lists
        tensors = [part.detach().contiguous() for part in tensors]
        value, _, codes, score, _ = tensors
        ctx.size = value.shape[1], codes.shape[1], len(score)
        out = value.new_zeros(ctx.union.size, ctx.size[2], ctx.size[1] + 1)
        soft = value.new_empty(len(lists[0]) + 3 * len(lists[2]), ctx.size[2])
        compiled.forward(*(flat(part) for part in tensors), *lists, flat(out), flat(soft), ctx.size)
        ctx.save_for_backward(soft, *tensors)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        soft, *tensors = ctx.saved_tensors
        found = [torch.zeros_like(part) for part in tensors]
        given = (flat(part) for part in tensors[:4])
        outputs = tuple(flat(part) for part in found)
        compiled.backward(*given, *ctx.union.lists, flat(soft), flat(grads[0]), outputs, ctx.size)
        return *found, None


def attention_terms_reference(
    value: Tensor, weight: Tensor, codes: Tensor, score: Tensor, bias: Tensor, union: Union
) -> Tensor:
    """What `JointAttention.terms` returns by plain torch operations, W [F, C], the oracle of its tests."""
    out = value.new_zeros(union.size, len(score), codes.shape[1] + 1)
    first, second = union.code[union.left], union.code[union.right]
    rows = [(union.owner, value, union.code, 1)]
    rows += [(union.pair, value[union.left] + value[union.right], first + second, 1)]
    rows += [(union.pair, value[union.left], first, -1), (union.pair, value[union.right], second, -1)]
    for owner, known, code, sign in rows:
        hidden = torch.relu(known @ weight + codes[code])
        share = torch.exp(5 * torch.tanh((hidden @ score.T + bias) / 5)).unsqueeze(-1)
        ones = torch.ones_like(hidden[:, :1])
        row = share * torch.cat([hidden, ones], dim=1).unsqueeze(1)
        out = out.index_add(0, torch.from_numpy(owner), sign * row)
    return out
