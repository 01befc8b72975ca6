from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphkit.errors import ConfigError, ShapeError
from graphkit.sampling import enclosing_loader


def graph() -> Data:
    generator = torch.Generator().manual_seed(0)
    half = torch.randint(0, 40, (2, 100), generator=generator)
    edge_index = torch.cat([half, half.flip(0)], dim=1)
    return Data(x=torch.randn(40, 3), edge_index=edge_index, edge_weight=torch.rand(200), y=torch.arange(40))


def test_every_link_comes_once_with_its_features_and_target():
    data, pairs = graph(), torch.stack([torch.arange(19), torch.arange(19) + 20])
    target = torch.arange(19) % 2
    seen = []
    for block in enclosing_loader(data, pairs, target, hops=2, batch_size=4, shuffle=True, seed=3):
        starts = block.ptr[:-1]
        assert torch.equal(block.n_id[starts], pairs[0, block.link])
        assert torch.equal(block.n_id[starts + 1], pairs[1, block.link])
        assert torch.equal(block.x, data.x[block.n_id]) and torch.equal(block.y, target[block.link])
        assert torch.equal(block.n_id[block.edge_index], data.edge_index[:, block.e_id])
        assert torch.equal(block.edge_weight, data.edge_weight[block.e_id])
        assert len(block.z) == block.num_nodes == len(block.batch)
        seen += block.link.tolist()
    assert sorted(seen) == list(range(19)) and seen != list(range(19))


def test_seeds_decide_and_order_is_kept_without_shuffling():
    data, pairs = graph(), torch.stack([torch.arange(10), torch.arange(10) + 20])
    passes = [
        [
            block.link.tolist()
            for block in enclosing_loader(data, pairs, hops=1, batch_size=3, seed=seed, shuffle=shuffle)
        ]
        for seed, shuffle in ((0, False), (1, True), (1, True), (2, True))
    ]
    assert sum(passes[0], []) == list(range(10)) and passes[1] == passes[2] != passes[3]


def test_wrong_arguments_are_named():
    pairs = torch.tensor([[0], [1]])
    with pytest.raises(ConfigError, match="batch_size"):
        next(enclosing_loader(graph(), pairs, hops=1, batch_size=0))
    with pytest.raises(ShapeError, match="1 pairs, but 2 targets"):
        next(enclosing_loader(graph(), pairs, torch.zeros(2), hops=1, batch_size=1))
