from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graphkit.errors import ProtocolError, ShapeError
from graphkit.evaluation.leakage import (
    check_node_leakage,
    duplicate_nodes,
    label_features,
    scaled_features,
    split_overlap,
)


def clean() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x, y = generator.random((60, 8)), np.arange(60) % 3
    return x, y, np.arange(30), np.arange(30, 45), np.arange(45, 60)


def test_clean_data_passes() -> None:
    report = check_node_leakage(*clean(), allowed_duplicates=0.0)
    assert (report.overlap, report.duplicates, report.duplicate_share, report.label_features) == ({}, [], 0.0, [])


def test_an_overlap_is_caught() -> None:
    x, y, train, valid, test = clean()
    with pytest.raises(ProtocolError, match="train and test share 1 node, for example 7"):
        check_node_leakage(x, y, train, valid, np.append(test, 7))
    with pytest.raises(ProtocolError, match="valid and test share 15 nodes"):
        check_node_leakage(x, y, train, test, test)
    assert split_overlap([1], [1], [1]).keys() == {"train and valid", "train and test", "valid and test"}


@pytest.mark.parametrize("factor", [1.0, 1 / 7])
def test_a_planted_label_is_caught_even_when_rows_are_scaled(factor: float) -> None:
    x, y, *parts = clean()
    x[:, 5] = (y == 2) * factor
    assert label_features(x, y) == [5]
    with pytest.raises(ProtocolError, match="feature column 5"):
        check_node_leakage(x, y, *parts)


def test_a_column_of_the_right_size_but_other_nodes_is_no_label() -> None:
    x, y, *_ = clean()
    x[:, 5] = np.roll(y == 2, 1) & (np.arange(60) != 0) | (np.arange(60) == 2)
    x[:, 6] = -1.0 * (y == 1)
    assert label_features(x, y) == []
    assert label_features(np.ones((4, 2)), np.zeros(4)) == []


def test_unlabelled_nodes_say_nothing_about_labels() -> None:
    assert label_features([[1.0], [0.0], [1.0]], [0, 1, -1]) == [0]


def test_repeated_nodes_are_counted_and_limited() -> None:
    x, y, train, valid, test = clean()
    x[45], y[45] = x[3], y[3]
    x[46], y[46] = x[4], (y[4] + 1) % 3  # same features, other label: no duplicate
    report = check_node_leakage(x, y, train, valid, test)
    assert (report.duplicates, report.duplicate_share) == ([45], pytest.approx(1 / 15))
    with pytest.raises(ProtocolError, match=r"6\.7% of the test nodes repeat.*for example 45"):
        check_node_leakage(x, y, train, valid, test, allowed_duplicates=0.05)


def test_empty_rows_are_no_duplicates() -> None:
    assert duplicate_nodes(np.zeros((2, 3)), [0, 0], [0], [1]) == []


def test_arrays_must_fit() -> None:
    with pytest.raises(ShapeError, match=r"features \[N, F\]"):
        label_features(np.zeros(3), np.zeros(3))
    with pytest.raises(ShapeError, match=r"labels \[N\]"):
        duplicate_nodes(np.zeros((3, 1)), np.zeros(2), [0], [1])
    with pytest.raises(ShapeError, match="node numbers"):
        split_overlap([0.5], [1], [2])


@pytest.mark.parametrize("density", [0.02, 0.5])
def test_sparse_and_dense_features_give_the_same_answers(density: float) -> None:
    generator = np.random.default_rng(int(density * 100))
    x = (generator.random((200, 6)) < density) * generator.integers(-1, 3, size=(200, 6)).astype(np.float32)
    y, train, test = generator.integers(3, size=200), np.arange(100), np.arange(100, 200)
    x[:, 4] = 0.5 * (y == 1)
    seen = {(*row, label) for row, label in zip(x[train].tolist(), y[train], strict=True)}
    expected = [i for i in test if x[i].any() and (*x[i].tolist(), y[i]) in seen]
    assert duplicate_nodes(x, y, train, test) == expected != []
    assert label_features(x, y) == [4]
    for layout in (sparse.csr_matrix(x), sparse.coo_matrix(x), sparse.csc_matrix(x.astype(np.float64))):
        assert duplicate_nodes(layout, y, train, test) == expected
        assert label_features(layout, y) == [4]


def test_repeated_nodes_with_task_labels() -> None:
    x, y = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]), np.array([[0, 1], [0, 1], [1, 0]])
    assert duplicate_nodes(x, y, [0], [1, 2]) == [1]
    assert check_node_leakage(x, y, [0], [2], [1]).duplicates == [1]


@pytest.mark.parametrize("ddof", [0, 1])
def test_features_scaled_with_test_rows_are_found(ddof: int) -> None:
    generator = np.random.default_rng(0)
    raw, train = generator.gamma(2.0, size=(300, 5)), np.arange(150)
    everyone = ((raw - raw.mean(axis=0)) / raw.std(axis=0, ddof=ddof)).astype(np.float32)
    fitted = (raw - raw[train].mean(axis=0)) / raw[train].std(axis=0, ddof=ddof)
    assert scaled_features(everyone, train) == [0, 1, 2, 3, 4]
    assert scaled_features(fitted, train) == scaled_features(raw, train) == []
    spread = raw.max(axis=0) - raw.min(axis=0)
    spans = (raw - raw.min(axis=0)) / spread
    inside = [c for c in range(5) if {spans[:, c].argmin(), spans[:, c].argmax()} - set(train)]
    assert scaled_features(spans, train) == inside != []
    assert scaled_features(generator.integers(2, size=(300, 4)), train) == []


def test_scaled_features_are_reported_and_refused_where_the_task_is_inductive() -> None:
    x, y, *parts = clean()
    x[:, 3] = (x[:, 3] - x[:, 3].mean()) / x[:, 3].std()
    assert check_node_leakage(x, y, *parts).scaled_features == [3]
    with pytest.raises(
        ProtocolError, match="1 feature columns, column 3 first, are scaled with statistics that include"
    ):
        check_node_leakage(x, y, *parts, inductive=True)
    with pytest.raises(ShapeError, match="training nodes"):
        scaled_features(x, [])
