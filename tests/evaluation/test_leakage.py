from __future__ import annotations

import numpy as np
import pytest

from graphkit.errors import ProtocolError, ShapeError
from graphkit.evaluation.leakage import check_node_leakage, duplicate_nodes, label_features, split_overlap


def clean() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x, y = generator.random((60, 8)), np.arange(60) % 3
    return x, y, np.arange(30), np.arange(30, 45), np.arange(45, 60)


def test_clean_data_passes() -> None:
    report = check_node_leakage(*clean(), allowed_duplicates=0.0)
    assert (report.overlap, report.duplicates, report.duplicate_share, report.label_features) == ({}, [], 0.0, [])


def test_an_overlap_is_caught() -> None:
    x, y, train, valid, test = clean()
    with pytest.raises(ProtocolError, match="train and test share 1 nodes, for example 7"):
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
        duplicate_nodes(np.zeros((3, 1)), np.zeros((3, 1)), [0], [1])
    with pytest.raises(ShapeError, match="node numbers"):
        split_overlap([0.5], [1], [2])
