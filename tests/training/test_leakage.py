"""The guards on torch models: planted leaks are caught, clean models pass, and the user's model is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import erdos_renyi_graph, to_undirected

from graphkit.errors import ProtocolError
from graphkit.training import check_leakage

NODES = 20


class LinkModel(nn.Module):
    """GCN states, dot product; `remove` takes the targets out of the graph first."""

    def __init__(self, remove: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.remove, self.conv, self.drop = remove, GCNConv(4, 8), nn.Dropout(0.5)
        self.register_buffer("x", torch.randn(NODES, 4))

    def forward(self, edge_index: Tensor, pairs: Tensor) -> Tensor:
        if self.remove:
            targets = torch.cat([pairs, pairs.flip(0)], dim=1)
            keys, taken = edge_index[0] * NODES + edge_index[1], targets[0] * NODES + targets[1]
            edge_index = edge_index[:, ~torch.isin(keys, taken)]
        states = self.drop(self.conv(self.x, edge_index))
        return (states[pairs[0]] * states[pairs[1]]).sum(dim=1)


class Memory(nn.Module):
    """Last-seen times of destinations; `early` observes the events of the question's own time first."""

    def __init__(self, early: bool = False, writes: bool = False) -> None:
        super().__init__()
        self.early, self.writes = early, writes
        self.register_buffer("last", torch.zeros(NODES))

    def forward(self, events: dict[str, Tensor], src: Tensor, candidates: Tensor, t: Tensor) -> Tensor:
        known = events["t"] <= t.min() if self.early else events["t"] < t.min()
        last = self.last.clone().scatter_reduce(0, events["dst"][known], events["t"][known].float(), "amax")
        if self.writes:
            self.last[candidates[:, 0]] = t.max().float() + 50
        return last[candidates]


@pytest.fixture(scope="module")
def edge_index() -> Tensor:
    torch.manual_seed(0)
    return to_undirected(erdos_renyi_graph(NODES, 0.2), num_nodes=NODES)


def temporal() -> dict[str, Any]:
    generator = np.random.default_rng(0)
    t = np.sort(np.append(generator.integers(100, size=300), np.full(10, 60)))
    events = {"src": generator.integers(NODES, size=310), "dst": generator.integers(NODES, size=310), "t": t}
    candidates = torch.from_numpy(generator.permuted(np.tile(np.arange(NODES), (6, 1)), axis=1)[:, :9])
    queries = (torch.arange(6), candidates, torch.full((6,), 60))
    return {"queries": queries, "events": events, "cut": 60}


def leaks(model: Any, **given: Any) -> list[str]:
    return [finding.guard for finding in check_leakage(model, strict=False, **given) if finding.leaks]


def test_target_links_as_messages(edge_index: Tensor) -> None:
    assert leaks(LinkModel(remove=False), edge_index=edge_index, pairs=edge_index[:, :4]) == ["target-edge"]
    clean = LinkModel(remove=True).train()
    assert leaks(clean, edge_index=edge_index, pairs=edge_index[:, :4]) == []
    assert clean.training, "the user's module is copied, not switched"


def test_temporal_models() -> None:
    assert leaks(Memory(), **temporal()) == []
    assert leaks(Memory(early=True), **temporal()) == ["garbage-future"]
    writer = Memory(writes=True)
    assert "repeat" in leaks(writer, **temporal())
    assert not writer.last.any(), "the user's module is copied, not changed"


def test_dropout_outside_of_a_module_is_named(edge_index: Tensor) -> None:
    drop = nn.Dropout(0.5)
    given = temporal()["queries"]
    assert "repeat" in leaks(lambda s, c, t: drop(torch.ones(c.shape)), queries=given)
    with pytest.raises(ProtocolError, match=r"\[repeat\].*switch it to evaluation mode"):
        check_leakage(lambda s, c, t: drop(torch.ones(c.shape)), queries=given)


@pytest.mark.parametrize("told", [True, False])
def test_a_random_link_split_that_was_not_told_the_graph_is_undirected(edge_index: Tensor, told: bool) -> None:
    torch.manual_seed(0)
    split = RandomLinkSplit(num_val=0.2, num_test=0.2, is_undirected=told, add_negative_train_samples=False)
    parts = split(Data(edge_index=edge_index, num_nodes=NODES))
    links = {
        name: part.edge_label_index[:, part.edge_label == 1]
        for name, part in zip(("train", "valid", "test"), parts, strict=True)
    }
    (found,) = check_leakage(links=links, strict=False)
    assert found.leaks != told


def test_scaling_in_torch() -> None:
    x, train = torch.rand(30, 4), torch.arange(15)
    everyone = lambda x: (x - x.mean(0)) / x.std(0)  # noqa: E731
    fitted = lambda x: (x - x[:15].mean(0)) / x[:15].std(0)  # noqa: E731
    assert check_leakage(transform=everyone, x=x, train=train, strict=False)[0].leaks
    assert not check_leakage(transform=fitted, x=x, train=train)[0].leaks
