"""Every cell of the ladder: which oracle tells which family apart, as computed and checked independently."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.expressiveness import ORACLES, classes, concatenate, ladder, oracles

FAMILIES = [*ladder()]
CELLS = {
    "1-wl": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    "nm": [2, 2, 2, 2, 10, 2, 2, 1, 1, 1, 1, 1, 1],
    "ds-nd": [2, 2, 2, 2, 10, 2, 2, 1, 1, 1, 1, 1, 1],
    "ego1": [2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1],
    "ego1+": [2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1],
    "ego2": [2, 2, 1, 2, 5, 2, 2, 1, 1, 1, 1, 1, 1],
    "ego2+": [2, 2, 1, 2, 5, 2, 2, 1, 1, 1, 1, 1, 1],
    "dss-nm": [2, 2, 2, 2, 10, 2, 2, 1, 1, 1, 1, 1, 1],
    "ak1": [2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1],
    "ak2": [2, 2, 1, 2, 5, 2, 2, 1, 1, 1, 1, 1, 1],
    "sp+10": [2, 2, 2, 2, 10, 2, 2, 1, 1, 1, 1, 1, 1],
    "ap3": [2, 2, 1, 2, 5, 2, 2, 1, 1, 1, 1, 1, 1],
    "ap4": [2, 2, 2, 2, 9, 2, 2, 2, 4, 2, 1, 1, 1],
    "2-fwl": [2, 2, 2, 2, 10, 2, 2, 1, 1, 1, 1, 1, 1],
    "3-fwl": [2, 2, 2, 2, 10, 2, 2, 2, 4, 2, 2, 2, 1],
}
HEAVY = {
    "ap5": [2, 2, 2, 2, 10, 2, 2, 2, 4, 2, 1, 1, 1],
    "(1,2)-wl": [2, 2, 2, 2, 10, 2, 2, 2, 4, 2, 2, 2, 1],
}


def found(name: str, families: list[str]) -> list[int]:
    graphs = ladder()
    return [classes(ORACLES[name].run(graphs[family])) for family in families]


@pytest.mark.parametrize("name", CELLS)
def test_cells(name: str) -> None:
    assert found(name, FAMILIES) == CELLS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_heavy_cells(name: str) -> None:
    assert found(name, FAMILIES) == HEAVY[name]


@pytest.mark.parametrize("name", HEAVY)
def test_light_cells_of_heavy_oracles(name: str) -> None:
    light = ["c6-2c3", "c13-c6c7", "decalin", "rook-shrikhande"]
    assert found(name, light) == [HEAVY[name][FAMILIES.index(family)] for family in light]


def test_the_distance_carries_the_power_of_paths() -> None:
    without = [classes(oracles.paths(graphs, 4, distance=False)) for graphs in ladder().values()]
    assert without == [2, 2, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1]


def test_shortest_paths_need_their_length() -> None:
    assert classes(oracles.paths(ladder()["csl41"], 4, "shortest", False)) == 7


@pytest.mark.parametrize("name", [name for name in ORACLES if name != "ap5"])
def test_colours_do_not_depend_on_labels_or_neighbours_in_the_list(name: str) -> None:
    graphs = concatenate([ladder()[family] for family in ("c8-2c4", "decalin", "cfi-c5")])
    expected = ORACLES[name].run(graphs)
    np.testing.assert_array_equal(ORACLES[name].run(graphs.relabelled(3)), expected)
    np.testing.assert_array_equal(ORACLES[name].run(graphs.take([4, 1])), expected[[4, 1]])


def test_families_have_the_sizes_of_their_papers() -> None:
    sizes = {name: (int(graphs.sizes[0]), graphs.num_graphs) for name, graphs in ladder().items()}
    assert sizes["cfi-k5"] == (40, 2) and sizes["chang"] == (28, 4) and sizes["latin5"] == (25, 2)
    assert int(ladder()["cfi-k5"].max_degree[0]) == 16
