"""Circular skip links by formula."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.synthetic.skip_links import generate
from graphkit.errors import ConfigError
from graphkit.expressiveness import FlatGraphs, classes, oracles


def test_classes_differ_by_marks_alone() -> None:
    raw = generate(0)
    flat = FlatGraphs.from_union(raw.edge_index, raw.ptr)
    assert classes(oracles.wl(flat)) == 1 and classes(oracles.bags(flat, "node-marked")) == 3
    assert set(np.bincount(raw.edge_index[1]).tolist()) == {4}
    train, valid, test = raw.splits["generator"][0]
    assert [len(part) for part in (train, valid, test)] == [36, 12, 12]


def test_the_seed_renumbers() -> None:
    assert np.array_equal(generate(1).edge_index, generate(1).edge_index)
    assert not np.array_equal(generate(1).edge_index, generate(2).edge_index)


def test_bad_options() -> None:
    with pytest.raises(ConfigError, match="graphs >= 5"):
        generate(0, graphs=2)


def test_the_card() -> None:
    assert load_dataset("skip-links").num_graphs == 60
