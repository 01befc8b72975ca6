import multiprocessing
import os

import pytest
import torch

from graphkit.kernels import gat_attention, gather_max, gatv2_attention, pair_sum, pool, spmm


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    """Sends even small calls to the threads."""
    before = torch.get_num_threads()
    monkeypatch.setattr(pool, "SMALL_CALL", 0)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def everything(graph):
    torch.manual_seed(0)
    x = torch.randn(graph.num_sources, 4, 8, requires_grad=True)
    score = torch.randn(graph.num_sources, 4, requires_grad=True)
    weight = torch.rand(graph.num_edges, requires_grad=True)
    att = torch.randn(4, 8, requires_grad=True)
    results = [
        spmm(graph, x, weight),
        spmm(graph, x, weight, "min"),
        gather_max(graph, x),
        gat_attention(graph, x, score, score, dropout=0.5, training=True),
        gatv2_attention(graph, x, x, att, dropout=0.5, training=True),
        pair_sum(graph, x.flatten(1), x.flatten(1), None, "gelu", weight),
    ]
    sum(result.square().sum() for result in results).backward()
    return [*results, x.grad, score.grad, weight.grad, att.grad]


def test_results_do_not_depend_on_the_number_of_threads(random_graph):
    graph = random_graph(3000, 3000, 40_000)
    assert len(pool.row_blocks(graph)) > 8
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(everything(graph))
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


def test_blocks_cover_the_rows_and_share_the_work(random_graph):
    graph = random_graph(4000, 4000, 100_000)
    bounds = torch.tensor(pool.row_blocks(graph))
    assert bounds[0] == 0 and bounds[-1] == 4000 and (bounds.diff() >= 0).all()
    work = (graph.rowptr.long()[bounds] + bounds).diff()
    assert work.max() < 1.1 * work.double().mean()
    assert len(pool.row_blocks(random_graph())) == 2


def test_failure_in_a_block_reaches_the_caller(random_graph):
    def kernel(first, last, block):
        if block == 3:
            raise ZeroDivisionError("block 3")

    with pytest.raises(ZeroDivisionError, match="block 3"):
        pool.run_rows(random_graph(3000, 3000, 40_000), 1, kernel)


def _sum_in_child(graph, x, answer):
    answer.put(spmm(graph, x).sum().item())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_works_in_a_forked_child(random_graph):
    graph = random_graph(3000, 3000, 40_000).sorted()
    x = torch.ones(3000, 4)
    expected = spmm(graph, x).sum().item()  # the parent's threads are running now
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    child = context.Process(target=_sum_in_child, args=(graph, x, answer), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0 and answer.get() == expected
