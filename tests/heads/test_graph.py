"""Readouts and the graph head: order of nodes, other graphs and empty graphs do not matter."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.heads.graph import GraphHead
from graphkit.heads.readout import make_readout

READOUTS = ["sum", "mean", "max", "attention", "set"]
PTR = torch.tensor([0, 3, 3, 5])


def states() -> torch.Tensor:
    return torch.randn(5, 4, dtype=torch.double, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", READOUTS)
def test_order_of_nodes_and_other_graphs_do_not_matter(name: str) -> None:
    torch.manual_seed(0)
    readout, x = make_readout(name, 4).double(), states()
    pooled = readout(x, PTR)
    assert pooled.shape == (3, readout.out_channels) and torch.isfinite(pooled).all()
    torch.testing.assert_close(readout(x[[2, 0, 1, 4, 3]], PTR), pooled)
    torch.testing.assert_close(readout(x[3:], torch.tensor([0, 2])), pooled[2:])


@pytest.mark.parametrize("name", READOUTS)
def test_gradients(name: str) -> None:
    torch.manual_seed(0)
    readout = make_readout(name, 4).double()
    assert torch.autograd.gradcheck(lambda x: readout(x, PTR), (states().requires_grad_(),))


def test_against_the_definition() -> None:
    x = states()
    assert torch.equal(make_readout("sum", 4)(x, PTR)[0], x[0] + x[1] + x[2])
    torch.testing.assert_close(make_readout("mean", 4)(x, PTR)[2], x[3:].mean(0))
    assert torch.equal(make_readout("max", 4)(x, PTR)[0], x[:3].max(0).values)
    assert torch.equal(make_readout("max", 4)(-x.abs(), PTR)[1], torch.zeros(4, dtype=torch.double))


def test_losses() -> None:
    scores, y = torch.tensor([[0.0, 3.0], [1.0, 1.0]]), torch.tensor([[2.0, torch.nan], [1.0, 0.0]])
    assert GraphHead(4, 2, target="regression").loss(scores, y).item() == pytest.approx(1.0)
    assert GraphHead(4, 2, target="regression", loss="mse").loss(scores, y).item() == pytest.approx(5 / 3)
    labels = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan]])
    assert GraphHead(4, 2, target="multilabel").loss(scores, labels).item() == pytest.approx(0.6931, abs=1e-4)


def test_states_of_graphs_need_no_readout() -> None:
    assert GraphHead(4, 1, readout="none", target="binary").float()(torch.ones(3, 4)).shape == (3, 1)


@pytest.mark.parametrize("options", [{"readout": "median"}, {"loss": "huber"}, {"kind": "deep"}])
def test_unknown_options(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        GraphHead(4, 2, **options)


def test_a_normalised_head_tells_graphs_apart_that_hardly_differ() -> None:
    torch.manual_seed(0)
    head, plain = GraphHead(4, 2, norm="batch", kind="mlp"), GraphHead(4, 2, kind="mlp")
    x, ptr = torch.ones(6, 4) + 1e-3 * torch.randn(6, 4), torch.arange(7)
    assert head(x, ptr).std(0).min() > 0.1 > 1e-2 > plain(x, ptr).std(0).max()


def test_a_normalised_head_takes_a_batch_of_one_graph() -> None:
    head = GraphHead(4, 2, norm="batch")
    assert torch.equal(head(states().float()), head.eval()(states().float()))
    with pytest.raises(ConfigError, match="unknown norm 'layer' of a graph head"):
        GraphHead(4, 2, norm="layer")  # type: ignore[arg-type]
