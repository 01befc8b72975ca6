from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.checks import check_raw
from graphkit.data.raw import RawGraph
from graphkit.errors import GraphValidationError

CARD = Card(name="square", target="multiclass", statistics={"nodes": 4, "edges": 5, "self_loops": 1, "isolated": 1})


def square(**changes: Any) -> RawGraph:
    """Edges 0-1, 1-2 twice, a loop at 2; node 3 is alone and has no label."""
    raw = RawGraph(
        x=np.eye(4, 3, dtype=np.float32),
        edge_index=np.array([[0, 1, 1, 1, 2], [1, 0, 2, 2, 2]]),
        y=np.array([0, 1, 2, -1]),
        splits={"given": [(np.array([0]), np.array([1]), np.array([2]))]},
    )
    return dataclasses.replace(raw, **changes)


def test_a_good_graph_is_counted() -> None:
    assert check_raw(square(), CARD) == {
        "nodes": 4,
        "edges": 5,
        "features": 3,
        "classes": 3,
        "graphs": 1,
        "self_loops": 1,
        "duplicate_edges": 1,
        "isolated": 1,
    }


def bad_features(value: float) -> np.ndarray[Any, Any]:
    x = np.zeros((4, 3), dtype=np.float32)
    x[2, 1] = value
    return x


def split(*parts: list[int]) -> dict[str, Any]:
    return {"given": [tuple(np.array(part) for part in parts)]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": bad_features(np.nan)}, r"feature 1 of node 2 is NaN or infinite \(1 such values\)"),
        ({"x": bad_features(-np.inf)}, "feature 1 of node 2 is NaN or infinite"),
        ({"x": sparse.csr_matrix(bad_features(np.inf))}, "feature 1 of node 2 is NaN or infinite"),
        ({"x": np.zeros((4, 3))}, "features must be float32, got float64"),
        ({"x": np.zeros(4, dtype=np.float32)}, r"features must be \[N, F\]"),
        ({"edge_index": np.array([[0, 1], [1, 4]])}, r"edge 1 is 1 -> 4, but nodes are numbered 0\.\.3"),
        ({"edge_index": np.array([[0, -1], [1, 0]])}, "edge 1 is -1 -> 0"),
        ({"edge_index": np.zeros((2, 2), dtype=np.int32)}, "must be int64"),
        ({"edge_index": np.zeros((3, 2), dtype=np.int64)}, r"must be int64 \[2, E\]"),
        ({"y": np.array([0, 1, 2])}, r"labels of shape \[3\] for 4 nodes"),
        ({"y": np.array([0, 1, 2, -5])}, "label -5 of node 3 is out of range"),
        ({"y": np.array([0.0, 1, 2, np.nan])}, "multiclass y must be int64"),
        ({"edge_attr": np.zeros((4, 2), dtype=np.float32)}, "4 edge features for 5 edges"),
        ({"edge_attr": np.full((5, 2), np.nan, dtype=np.float32)}, "edge feature 0 of edge 0 is NaN"),
        ({"ptr": np.array([0, 2])}, "ptr must be int64 from 0 to 4"),
        ({"ptr": np.array([0, 3, 2, 4])}, "ptr decreases"),
        ({"ptr": np.array([0, 2, 4])}, "edge 2 joins two graphs"),
        ({"splits": split([0], [1], [9])}, r"test of split 0 of given names node 9"),
        ({"splits": split([0], [0], [2])}, "in both train and valid"),
        ({"splits": split([0, 3], [1], [2])}, "train of split 0 of given holds 1 nodes without a label, node 3 first"),
        ({"edge_index": np.array([[0], [1]])}, r"edges 1 \(published 5\), self_loops 0 \(published 1\), isolated 2"),
    ],
)
def test_broken_graphs_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphValidationError, match=f"square.*{message}") as caught:
        check_raw(square(**changes), CARD)
    assert caught.value.exit_code == 3


def test_huge_finite_features_are_fine() -> None:
    check_raw(square(x=np.full((4, 3), 3e38, dtype=np.float32)), CARD)


def test_binary_labels_end_at_one() -> None:
    card = dataclasses.replace(CARD, target="binary", statistics={})
    with pytest.raises(GraphValidationError, match="label 2 of node 2.*end at 1"):
        check_raw(square(), card)
    assert check_raw(square(y=np.array([0, 0, 0, -1])), card)["classes"] == 2


def test_multilabel_targets_may_miss_labels() -> None:
    card = dataclasses.replace(CARD, target="multilabel", statistics={"classes": 2})
    y = np.array([[0, 1], [1, np.nan], [1, 1], [np.nan, np.nan]], dtype=np.float32)
    check_raw(square(y=y), card)
    with pytest.raises(GraphValidationError, match="values other than 0, 1"):
        check_raw(square(y=y + 1), card)
    with pytest.raises(GraphValidationError, match="multilabel y must be float32"):
        check_raw(square(), card)
    with pytest.raises(GraphValidationError, match="without a label, node 3"):
        check_raw(square(y=y, splits=split([0], [1], [3])), card)


def test_a_graph_without_edges_is_a_graph() -> None:
    empty = square(edge_index=np.empty((2, 0), dtype=np.int64))
    assert check_raw(empty, dataclasses.replace(CARD, statistics={"isolated": 4}))["edges"] == 0
