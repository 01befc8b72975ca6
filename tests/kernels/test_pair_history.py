from __future__ import annotations

import numpy as np
import pytest

from graphkit.errors import CacheError
from graphkit.kernels.pair_history import FEATURES, PairHistory
from graphkit.kernels.tables import Tables


def test_features_are_those_of_the_definition() -> None:
    random = np.random.default_rng(0)
    src, dst = random.integers(0, 20, 3000), random.integers(0, 30, 3000)
    t = np.sort(random.random(3000)) * 1000
    history = PairHistory(Tables(30), 2.0)
    for start in range(0, 3000, 700):
        part = slice(start, start + 700)
        history.observe(src[part], dst[part], t[part])
    asked, candidates, now = np.array([0, 5]), np.array([[1, 2], [29, 7]]), np.array([1000.0, 1200.0])
    found = history.features(asked, candidates, now)
    assert found.shape == (2, 2, len(FEATURES))
    for row in range(2):
        for column in range(2):
            u, v = asked[row], candidates[row, column]
            both, seen, sent = (src == u) & (dst == v), dst == v, src == u

            def age(mask: np.ndarray, row: int = row, back: int = 1) -> float:
                return np.log1p((now[row] - t[mask][-back]) / 2.0) / 10 if mask.sum() >= back else 2.0

            due = [
                both.any(), age(both), np.log1p(both.sum()) / 5, dst[np.flatnonzero(sent)[-1]] == v,
                age(seen), np.log1p(seen.sum()) / 5, age(sent), np.log1p(sent.sum()) / 5,
                age(both, back=2), age(seen, back=2),
            ]  # fmt: skip
            assert found[row, column] == pytest.approx(np.array(due, dtype=float), abs=1e-5)
    shared = history.features(asked, np.array([1, 2]), now)
    assert np.array_equal(shared[0], found[0])


def test_tables_grow_are_put_back_and_refuse_strangers() -> None:
    state = Tables(2)
    state.add("memory", 3, fill=7)
    state["memory"][1] = 1
    assert not state.grow(2) and state.grow(3)
    assert state["memory"][:3].tolist() == [[7, 7, 7], [1, 1, 1], [7, 7, 7]]
    saved, digest = state.copy(), state.digest
    state["memory"][0] = 0
    assert state.digest != digest
    state.load(saved)
    assert state.digest == digest and state.num_nodes == 3
    other = Tables(2)
    other.add("memory", 4)
    with pytest.raises(CacheError, match="memory"):
        other.load(saved)
