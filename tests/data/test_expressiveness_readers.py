"""Readers of EXP, CSL and lists of graphs in graph6."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.cards import load_card
from graphkit.data.graph_checks import wl_bound
from graphkit.data.raw import LocalFile, RawGraphs
from graphkit.data.readers import csl, exp_text, graph6
from graphkit.errors import DataError
from graphkit.expressiveness import FlatGraphs, classes, oracles


def file(folder: Path, name: str, content: str) -> dict[str, LocalFile]:
    (folder / name).write_text(content)
    return {name: LocalFile(folder / name)}


def test_exp_text(tmp_path: Path) -> None:
    raw = exp_text.read(file(tmp_path, "G.txt", "2\n2 1\n0 1 1\n1 1 0\n1 0\n1 0\n"), load_card("exp"))
    assert raw.ptr.tolist() == [0, 2, 3] and raw.y.tolist() == [1, 0]
    assert raw.edge_index.tolist() == [[1, 0], [0, 1]] and raw.x.tolist() == [[1, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize("content", ["2\n2 1\n0 1 1\n", "x\n", ""])
def test_a_damaged_exp_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="exp"):
        exp_text.read(file(tmp_path, "G.txt", content), load_card("exp"))


def test_pairs_of_exp_stay_in_one_part() -> None:
    for parts in exp_text.consecutive_folds(1200):
        assert sorted(np.concatenate(parts).tolist()) == list(range(1200))
        assert all({graph ^ 1 for graph in part.tolist()} == set(part.tolist()) for part in parts)


def test_csl_refuses_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "CSL.npz", edge_index=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="plain arrays"):
        csl.read({"CSL.npz": LocalFile(tmp_path / "CSL.npz")}, load_card("csl"))


def test_graph6_copies_are_relabelled(tmp_path: Path) -> None:
    raw = graph6.read(file(tmp_path, "a.g6", "DQc\nDDW\n"), load_card("sr25"))
    assert raw.y.tolist() == [0, 1] * 4 and raw.ptr[-1] == 40
    train, valid, test = raw.splits["relabelled-copies"][0]
    assert (train.tolist(), valid.tolist(), test.tolist()) == ([0, 1], [2, 3], [4, 5, 6, 7])


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "found"), [("csl", 1), ("sr25", 1), ("exp", 600)])
def test_published_files(mirror: Path, name: str, found: int) -> None:
    raw = load_dataset(name).raw
    color = (raw.x @ np.arange(1, raw.x.shape[1] + 1)).astype(np.uint64)
    assert classes(oracles.wl(FlatGraphs.from_union(raw.edge_index, raw.ptr, color))) <= found


def test_the_bound_of_colour_refinement() -> None:
    ring = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]
    threes = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
    graphs = FlatGraphs.from_edges([(6, ring), (6, threes), (2, [(0, 1)])])
    x = np.ones((14, 1), dtype=np.float32)
    raw = RawGraphs(ptr=graphs.ptr, edge_index=graphs.edge_index(), x=x, y=np.array([0, 1, 1]))
    assert wl_bound(raw) == {
        "wl_classes": 2,
        "wl_bound": pytest.approx(2 / 3),
        "wl_bound_without_features": pytest.approx(2 / 3),
    }
    x[0] = 2
    assert wl_bound(raw)["wl_classes"] == 3 and wl_bound(raw)["wl_bound"] == 1
