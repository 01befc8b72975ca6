"""What two neighbourhoods give together, against sums over the union of their keys."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.encoders.temporal.joint import JointAttention, JointSum, Union, attention_terms_reference
from graphkit.kernels.neighborhoods import NeighborhoodCache, common_keys
from graphkit.kernels.tables import Tables

NODES, WIDTH, VALUES = 12, 5, 3


def inputs() -> tuple[tuple[torch.Tensor, ...], Union, tuple[np.ndarray, np.ndarray], tuple]:
    torch.manual_seed(0)
    cache, random = NeighborhoodCache(Tables(NODES), 5, 3, 1), np.random.default_rng(0)
    ends = random.integers(0, 6, 30), random.integers(6, NODES, 30)
    for start in range(0, 30, 6):
        src, dst = (part[start : start + 6] for part in ends)
        cache.write(src, dst, np.arange(start, start + 6.0), np.zeros((12, 1), dtype=np.float32))
    source, target = cache.entries(np.arange(6)), cache.entries(np.arange(4, NODES))
    pairs = np.repeat(np.arange(6), 8), np.tile(np.arange(8), 6)
    union = Union.of(source, target, common_keys(source, target, *pairs), 48)
    shapes = (len(union.owner), VALUES), (WIDTH, VALUES), (64, WIDTH)
    tensors = tuple(torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return tensors, union, pairs, (source, target)


def slow(tensors: tuple[torch.Tensor, ...], parts: tuple, left: int, right: int) -> list[torch.Tensor]:
    """What the keys of one pair carry, key by key."""
    value, weight, codes = (part.detach() for part in tensors)
    found: dict[int, list] = {}
    for side, (entries, node, first) in enumerate(((parts[0], left, 0), (parts[1], right, len(parts[0].key)))):
        for e in range(entries.ptr[node], entries.ptr[node + 1]):
            known = found.setdefault(int(entries.key[e]), [torch.zeros(VALUES, dtype=torch.float64), 0])
            known[0] = known[0] + value[first + e]
            known[1] += int(entries.bits[e]) * (8 if side else 1)
    return [weight @ known + codes[code] for known, code in found.values()]


def test_attention_equals_plain_torch_with_its_gradients() -> None:
    tensors, union, pairs, parts = inputs()
    joint = JointAttention(WIDTH).double()
    value, weight, codes = tensors
    found = joint.terms(*tensors, union)
    due = attention_terms_reference(value, weight.T, codes, joint.score.weight, joint.score.bias, union)
    assert torch.allclose(found, due) and len(union.pair) > 20
    grad = torch.randn_like(found)
    learned = *tensors, joint.score.weight, joint.score.bias
    grads = [torch.autograd.grad((out * grad).sum(), learned) for out in (found, due)]
    assert all(torch.allclose(one, two) for one, two in zip(*grads, strict=True))
    states = joint(union.joined(found, *pairs))
    for pair in (0, 17, 40):
        hidden = torch.relu(torch.stack(slow(tensors, parts, pairs[0][pair], pairs[1][pair])))
        share = torch.softmax(5 * torch.tanh(joint.score(hidden) / 5), dim=0)
        own = sum(share[:, head] @ hidden @ joint.mix[head] for head in range(2))
        assert torch.allclose(states[pair], own)


def test_sum_is_over_the_union() -> None:
    tensors, union, pairs, parts = inputs()
    joint = JointSum(WIDTH).double()
    states = joint(union.joined(joint.terms(*tensors, union), *pairs))
    for pair in (0, 17, 40):
        own = torch.stack(slow(tensors, parts, pairs[0][pair], pairs[1][pair])).sum(dim=0)
        assert torch.allclose(states[pair], joint.mix(own))


@pytest.mark.parametrize("kind", [JointSum, JointAttention])
def test_all_pairs_are_the_pairs(kind: type) -> None:
    tensors, union, pairs, parts = inputs()
    joint, out = kind(WIDTH).double(), torch.nn.Linear(WIDTH, 1).double()
    left, right = np.array([2, 0, 5]), np.arange(8)
    bias = torch.randn(3, WIDTH, dtype=torch.float64), torch.randn(8, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        pair, *entries = common_keys(*parts, left, right[None])
        touched, pair = np.unique(pair, return_inverse=True)
        some = Union.of(*parts, (pair, *entries), len(touched))
        found = joint.all_pairs(joint.terms(*tensors, some), some, bias, (left, right), torch.from_numpy(touched), out)
        states = joint(union.joined(joint.terms(*tensors, union), *pairs)).view(6, 8, WIDTH)[left]
        due = out(torch.relu(states + bias[0][:, None] + bias[1])).squeeze(-1)
    assert torch.allclose(found, due)
