"""Drop-ins against the classes of PyG whose signatures they have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.nn.models import tgn as pyg

from graphkit.encoders.temporal.tgn_memory import TGNMemory
from graphkit.errors import ConfigError, ShapeError
from graphkit.sampling.last_neighbors import LastNeighborLoader

NODES = 40


def stream(many: int = 200) -> tuple[torch.Tensor, ...]:
    random = np.random.default_rng(0)
    src, dst = random.integers(0, 25, many), random.integers(10, NODES, many)
    t = np.cumsum(random.integers(1, 9, many))
    return tuple(torch.from_numpy(part) for part in (src, dst, t, random.normal(size=(many, 3)).astype(np.float32)))


def test_neighbours_are_those_of_pyg_where_pyg_is_right() -> None:
    src, dst, _, _ = stream()
    ours, theirs = LastNeighborLoader(NODES, 6), pyg.LastNeighborLoader(NODES, 6)
    for start in range(0, 200, 5):  # no node has more than 6 events a batch
        asked = torch.cat([src[start : start + 5], dst[start : start + 5]]).unique()
        one, two = ours(asked), theirs(asked)
        assert torch.equal(one[0], two[0])
        assert {tuple(edge) for edge in torch.cat([one[1], one[2][None]]).t().tolist()} == {
            tuple(edge) for edge in torch.cat([two[1], two[2][None]]).t().tolist()
        }
        ours.insert(src[start : start + 5], dst[start : start + 5])
        theirs.insert(src[start : start + 5], dst[start : start + 5])
    assert ours.cur_e_id == theirs.cur_e_id
    ours.reset_state()
    assert ours(torch.tensor([3]))[1].shape == (2, 0)
    with pytest.raises(ConfigError, match="processor"):
        LastNeighborLoader(3, 2, "cuda")


@pytest.mark.parametrize("bad", [-1, -3, NODES])
def test_a_node_out_of_range_is_named_and_nothing_is_written(bad: int) -> None:
    loader = LastNeighborLoader(NODES, 6)
    for ends in ([1, bad], [2, 3]), ([2, 3], [1, bad]):
        with pytest.raises(ShapeError, match=rf"event 1 .*{bad}\D.* {NODES} nodes"):
            loader.insert(*(torch.tensor(part) for part in ends))
    assert loader.cur_e_id == 0 and loader(torch.arange(NODES))[1].shape == (2, 0)


@pytest.mark.parametrize("aggregator", [pyg.LastAggregator, pyg.MeanAggregator])
def test_memory_is_that_of_pyg(aggregator: type) -> None:
    def build(cls: type, **more: str) -> torch.nn.Module:
        return cls(NODES, 3, 8, 5, pyg.IdentityMessage(3, 8, 5), aggregator(), **more)

    theirs, ours, exact = build(pyg.TGNMemory), build(TGNMemory, compat="pyg"), build(TGNMemory)
    for one in (ours, exact):
        one.load_state_dict(theirs.state_dict())
        one.train()
    theirs.train()
    src, dst, t, msg = stream()
    for start in range(0, 150, 15):
        part = slice(start, start + 15)
        asked = torch.cat([src[part], dst[part], torch.arange(5)]).unique()
        for one in (ours, theirs):
            one.zero_grad()
        found, due = ours(asked), theirs(asked)
        assert torch.allclose(found[0], due[0], atol=1e-6) and torch.equal(found[1], due[1])
        known = exact(asked)
        met = torch.isin(asked, torch.cat([src[:start], dst[:start]]))
        assert torch.equal(known[0][~met], torch.zeros(int((~met).sum()), 8))
        for out in (found, due):
            (out[0] ** 2).sum().backward()
        for (name, own), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert torch.allclose(own.grad, other.grad, atol=1e-4), name
        for one in (ours, theirs, exact):
            one.update_state(src[part], dst[part], t[part], msg[part])
            one.detach()
        assert torch.allclose(ours.memory, theirs.memory, atol=1e-6) and torch.equal(
            ours.last_update, theirs.last_update
        )
    for one in (ours, theirs, exact):
        one.eval()
        one.update_state(src[150:], dst[150:], t[150:], msg[150:])
    everyone = torch.arange(NODES)
    assert torch.allclose(ours(everyone)[0], theirs(everyone)[0], atol=1e-6)
    assert torch.equal(ours.last_update, theirs.last_update)
    touched = torch.cat([src, dst]).unique()
    times = torch.zeros(NODES, dtype=torch.int64)
    for event in range(200):
        times[src[event]] = times[dst[event]] = t[event]
    assert torch.equal(exact.last_update[touched], times[touched])
    exact.reset_state()
    assert exact.memory.abs().sum() == 0
