from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import ProtocolError, ShapeError
from graphkit.evaluation import check_link_leakage
from graphkit.evaluation.link_leakage import shared_links

RING = np.array([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])
links = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def both_ways(links: np.ndarray) -> np.ndarray:
    return np.concatenate([links, links[::-1]], axis=1)


def test_disjoint_parts_pass() -> None:
    train, valid, test = RING[:, :3], RING[:, 3:4], RING[:, 4:]
    assert shared_links({"train": train, "valid": valid, "test": test}) == {}
    check_link_leakage(both_ways(train), train, valid, test)
    check_link_leakage(both_ways(train), train, valid, [])


def test_the_reverse_of_a_test_link_in_training_is_caught() -> None:
    """What splitting the columns of an undirected `edge_index` does."""
    edge_index = both_ways(RING)[:, np.random.default_rng(0).permutation(10)]
    train, valid, test = edge_index[:, :6], edge_index[:, 6:8], edge_index[:, 8:]
    assert shared_links({"train": train, "test": test}, undirected=False) == {}
    found = shared_links({"train": train, "test": test})["train and test"]
    assert found.shape[0] == 2 and set(map(tuple, found.T)) <= set(map(tuple, test.T))
    with pytest.raises(ProtocolError, match=r"train and .* share \d links?, for example \(\d, \d\)"):
        check_link_leakage(train, train, valid, test)


def test_a_scored_link_that_carries_messages_is_caught() -> None:
    train, valid, test = RING[:, :3], RING[:, 3:4], RING[:, 4:]
    with pytest.raises(ProtocolError, match=r"message edges and test share 1 link, for example \(4, 0\)"):
        check_link_leakage(both_ways(RING[:, [0, 1, 2, 4]]), train, valid, test)
    with pytest.raises(ProtocolError, match=r"message edges and valid share 1 link, for example \(3, 4\)"):
        check_link_leakage(RING, train, valid, [])


@given(links, links, st.booleans())
@settings(max_examples=100, deadline=None)
def test_overlaps_equal_sets(a: list, b: list, undirected: bool) -> None:
    def key(link: tuple[int, int]) -> tuple[int, int]:
        return (min(link), max(link)) if undirected else link

    found = shared_links(
        {"a": np.array(a, dtype=int).reshape(-1, 2).T, "b": np.array(b, dtype=int).reshape(-1, 2).T},
        undirected=undirected,
    )
    expected = {key(link) for link in a} & {key(link) for link in b}
    shared = [tuple(link) for link in found.get("a and b", np.empty((2, 0))).T.tolist()]
    assert {key(link) for link in shared} == expected and len(shared) == len(expected)
    assert set(shared) <= set(b)


@pytest.mark.parametrize("bad", [[0, 1], [[0.5], [1.0]], [[-1], [0]], [[0], [1], [2]]])
def test_other_shapes_are_refused(bad: list) -> None:
    with pytest.raises(ShapeError, match=r"train must be links \[2, n\]"):
        shared_links({"train": bad})
