"""Arrays that follow graphs: cut with them, renumbered, empty where a graph has none."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.ragged import Ragged, cut, owners, ranges, whole

NODES = torch.tensor([0, 2, 2, 5])
OFFSETS = {"node": NODES, "edge": torch.tensor([0, 1, 1, 4])}
STRUCTURE = {
    "root": Ragged(torch.tensor([1, 4, 2], dtype=torch.int32), torch.tensor([0, 1, 1, 3]), "node"),
    "member": Ragged(torch.tensor([[0, 0], [1, 2], [2, 1]]), torch.tensor([0, 1, 1, 3]), "root"),
    "hops": Ragged(torch.tensor([7, 8, 9], dtype=torch.uint8), torch.tensor([0, 1, 1, 3])),
}


def test_numbers_count_through_the_batch() -> None:
    found = cut(STRUCTURE, torch.tensor([2, 1, 0]), OFFSETS)
    assert found["root"].tolist() == [2, 0, 4] and found["root"].dtype == torch.int32
    assert found["member"].tolist() == [[0, 1], [1, 0], [2, 2]]
    assert found["hops"].tolist() == [8, 9, 7] and found["hops_ptr"].tolist() == [0, 2, 2, 3]


def test_all_graphs_in_order_are_the_whole() -> None:
    found, every = cut(STRUCTURE, torch.arange(3), OFFSETS), whole(STRUCTURE)
    assert all(torch.equal(found[name], every[name]) for name in every)


def test_a_graph_without_rows_keeps_its_shape() -> None:
    assert cut(STRUCTURE, torch.tensor([1]), OFFSETS)["member"].shape == (0, 2)


def test_ranges_and_owners() -> None:
    rows, begin = ranges(NODES, torch.tensor([2, 0]))
    assert rows.tolist() == [2, 3, 4, 0, 1] and begin.tolist() == [0, 3, 5]
    assert owners(NODES, 5).tolist() == [0, 0, 2, 2, 2]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="3 rows"):
        Ragged(torch.ones(3), torch.tensor([0, 2]))
    with pytest.raises(ShapeError, match="end at 5"):
        owners(NODES, 4)
    with pytest.raises(ConfigError, match="numbers 'bag'"):
        cut({"a": Ragged(torch.zeros(1, dtype=torch.long), torch.tensor([0, 1]), "bag")}, torch.tensor([0]), OFFSETS)
