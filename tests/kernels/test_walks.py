from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import walk_reference
from graphkit.kernels.link_blocks import LinkBlocks, block_convolution, reference_convolution
from graphkit.kernels.walks import edge_logits, walk_profile


def blocks_of(sizes: list[int], density: float, seed: int, isolated: int = -1) -> LinkBlocks:
    """Random undirected blocks without the edge between nodes 0 and 1; endpoint `isolated` of every block has none."""
    random, edges, start = np.random.default_rng(seed), [], 0
    for size in sizes:
        adjacency = np.triu(random.random((size, size)) < density, 1)
        adjacency[0, 1] = False
        if isolated >= 0:
            adjacency[isolated], adjacency[:, isolated] = False, False
        edges.append(np.stack(np.nonzero(adjacency | adjacency.T)) + start)
        start += size
    ptr = torch.tensor(np.cumsum([0, *sizes]))
    return LinkBlocks.from_edges(ptr, torch.tensor(np.concatenate(edges, axis=1)))


def inputs(blocks: LinkBlocks, heads: int = 2, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    logits = torch.randn(blocks.graph.num_edges, heads, dtype=dtype, requires_grad=True)
    target = torch.randn(blocks.num_links, 2, heads, dtype=dtype, requires_grad=True)
    return logits, target


@pytest.mark.parametrize(
    ("form", "graphs"), [(walk_profile, 200), (walk_reference.walk_profile, 40)], ids=["compiled", "torch"]
)
def test_equals_dense_powers_on_random_graphs(form, graphs):
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    worst = worst_grad = 0.0
    for graph in range(graphs):
        size = int(random.integers(2, 60))
        blocks = blocks_of([size], float(random.uniform(0.02, 0.5)), graph, isolated=graph % 4 - 2)
        logits, target = inputs(blocks)
        ours = form(blocks, logits, target, 8)
        dense = walk_reference.dense_profile(blocks, logits, target, 8)
        worst = max(worst, float((ours - dense).detach().abs().max()))
        grad = torch.randn_like(dense)
        pairs = zip(*(torch.autograd.grad(result, (logits, target), grad) for result in (ours, dense)), strict=True)
        worst_grad = max(worst_grad, *(float((mine - other).abs().max()) for mine, other in pairs if mine.numel()))
    assert worst < 1e-12 and worst_grad < 1e-10


def test_gradients():
    blocks = blocks_of([5, 2, 4], 0.6, 1)
    logits, target = inputs(blocks)
    assert torch.autograd.gradcheck(lambda *values: walk_profile(blocks, *values, 5), (logits, target))


def test_links_do_not_see_each_other():
    together = blocks_of([7, 3, 12], 0.4, 2)
    logits, target = inputs(together)
    found, row = walk_profile(together, logits, target, 6), together.graph.row
    for link, (start, end) in enumerate(zip(together.ptr[:-1].tolist(), together.ptr[1:].tolist(), strict=True)):
        own = (row >= start) & (row < end)
        edges = torch.stack([together.graph.col, row])[:, own].long() - start
        alone = LinkBlocks.from_edges(torch.tensor([0, end - start]), edges)
        one = walk_profile(alone, logits[own], target[link : link + 1], 6)
        assert torch.equal(one[0], found[link])


def test_single_precision_and_many_links():
    blocks = blocks_of([40] * 64, 0.3, 3)
    logits, target = inputs(blocks, heads=3)
    exact = walk_profile(blocks, logits, target, 8)
    torch.testing.assert_close(
        walk_profile(blocks, logits.float(), target.float(), 8).double(), exact, rtol=0, atol=5e-6
    )
    torch.set_num_threads(before + 1) if (before := torch.get_num_threads()) == 1 else None
    try:
        assert torch.equal(walk_profile(blocks, logits, target, 8), exact)
    finally:
        torch.set_num_threads(before)


def test_extreme_logits_stay_finite():
    blocks = blocks_of([2, 9], 0.5, 4)
    logits, target = (torch.full_like(tensor, 1e4) for tensor in inputs(blocks))
    for sign in (-1.0, 1.0):
        target = (sign * target).requires_grad_()
        found = walk_profile(blocks, logits, target, 8)
        assert torch.isfinite(found).all()
        assert torch.isfinite(torch.autograd.grad(found.sum(), target)[0]).all()


def test_edge_logits_agree_with_reference():
    blocks = blocks_of([6, 2, 9], 0.5, 5)
    query, key = (torch.randn(17, 2, 19, dtype=torch.float64, requires_grad=True) for _ in range(2))
    ours, theirs = edge_logits(blocks, query, key), walk_reference.edge_logits(blocks, query, key)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)
    grads = [torch.randn_like(tensor) for tensor in ours]
    for mine, other in zip(
        torch.autograd.grad(ours, (query, key), grads), torch.autograd.grad(theirs, (query, key), grads), strict=True
    ):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("target", [False, True])
def test_convolution_agrees_with_reference_and_dense(target):
    blocks = blocks_of([6, 2, 9], 0.5, 6)
    x = torch.randn(17, 21, dtype=torch.float64, requires_grad=True)
    adjacency = torch.eye(17, dtype=torch.float64)
    adjacency[blocks.graph.row.long(), blocks.graph.col.long()] = 1.0
    if target:
        adjacency[blocks.ends, blocks.ends.flip(1)] = 1.0
    share = adjacency.sum(1).rsqrt()
    dense = (share[:, None] * adjacency * share) @ x
    found = block_convolution(blocks, x, target)
    torch.testing.assert_close(found, dense)
    torch.testing.assert_close(reference_convolution(blocks, x, target), dense)
    grad = torch.randn_like(dense)
    torch.testing.assert_close(torch.autograd.grad(found, x, grad), torch.autograd.grad(dense, x, grad))


def test_directed_blocks_have_right_gradients():
    blocks = LinkBlocks.from_edges(torch.tensor([0, 4]), torch.tensor([[0, 2, 3, 1], [2, 3, 1, 2]]))
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: block_convolution(blocks, x, True), (x,))


def test_bad_input_is_refused():
    blocks = blocks_of([3, 4], 0.5, 7)
    with pytest.raises(ShapeError, match="at least two nodes"):
        LinkBlocks.from_edges(torch.tensor([0, 1, 3]), torch.empty(2, 0, dtype=torch.long))
    with pytest.raises(ShapeError, match="end at 3"):
        LinkBlocks(
            LinkBlocks.from_edges(torch.tensor([0, 3]), torch.empty(2, 0, dtype=torch.long)).graph, torch.tensor([0, 2])
        )
    with pytest.raises(ConfigError, match="at least 2 steps"):
        walk_profile(blocks, *inputs(blocks), 1)
    with pytest.raises(ShapeError, match="logits and target"):
        walk_profile(blocks, torch.zeros(1, 2), torch.zeros(2, 2, 2), 4)
    with pytest.raises(ShapeError, match="query and key"):
        edge_logits(blocks, torch.zeros(3, 1, 2), torch.zeros(7, 1, 2))
    with pytest.raises(ShapeError, match="7 nodes"):
        block_convolution(blocks, torch.zeros(3, 1))
