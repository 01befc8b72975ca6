from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from graphkit.data.negatives import NegativeSet, Positives, heart_clean, read_heart
from graphkit.errors import ConfigError, DataError, ShapeError


def graph(seed: int, nodes: int = 30, edges: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, nodes, (2, edges)), (rng.random((nodes, 12)) < 0.2).astype(float)


def exact_scores(links: np.ndarray, x: np.ndarray, alpha: float) -> list[np.ndarray]:
    """Resource allocation, PageRank by a linear solve, cosine: dense and slow."""
    nodes = len(x)
    a = np.zeros((nodes, nodes))
    a[links[0], links[1]] = a[links[1], links[0]] = 1
    np.fill_diagonal(a, 0)
    degree = a.sum(1)
    weight = np.divide(1, degree, out=np.zeros(nodes), where=degree > 0)
    walk = a * weight[:, None]
    rank = alpha * np.linalg.inv(np.eye(nodes) - (1 - alpha) * walk)
    length = np.sqrt((x**2).sum(1))
    cosine = np.divide(
        x @ x.T, np.outer(length, length), out=np.zeros((nodes, nodes)), where=np.outer(length, length) > 0
    )
    return [(a * weight) @ a, rank, cosine]


def published_rank(score: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The rank of the paper's script for every node: ties share, nodes without a score come next."""
    score = np.round(np.where(allowed, score, 0), 9)
    top = score.max()
    if top <= 0:
        return np.ones(len(score))
    rank = np.array([1 + np.sum((score >= one) & (score < top)) for one in score], dtype=float)
    rank[score <= 0] = rank[score > 0].max() + 1
    return rank


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), with_features=st.booleans())
def test_candidates_are_the_hardest_by_the_paper_s_ranks(seed: int, with_features: bool) -> None:
    links, x = graph(seed)
    known = np.array([[0, 5], [9, 7]])
    positives = Positives([0, 3, 0], [5, 0, 8])
    features = x if with_features else None
    made = heart_clean(positives, links, 30, features=features, masked=known, count=12, eps=1e-14, split="test")
    scores = exact_scores(links, x, 0.15)[: 3 if with_features else 2]
    both = np.concatenate([links, known], axis=1)
    for row in range(3):
        table = np.stack([made.source_rows([row])[0], made.rows([row])[0]], axis=1)
        for anchor, other, half, kept in (
            (positives.src[row], positives.dst[row], table[:6, 1], table[:6, 0]),
            (positives.dst[row], positives.src[row], table[6:, 0], table[6:, 1]),
        ):
            allowed = np.ones(30, dtype=bool)
            allowed[[anchor, other]] = False
            allowed[both[1][both[0] == anchor]] = allowed[both[0][both[1] == anchor]] = False
            ranks = np.array([published_rank(score[anchor], allowed) for score in scores])
            scored = allowed & (np.max([score[anchor] for score in scores], axis=0) > 1e-12)
            value = np.where(scored, ranks.min(0) * 1e4 + ranks.sum(0), 1e9)
            assert np.all(kept == anchor) and len(set(half.tolist())) == 6 and allowed[half].all()
            expected = np.sort(value[allowed])[:6]
            np.testing.assert_allclose(np.sort(value[half]), expected)


def test_ranking_a_node_twice_gives_the_same_list() -> None:
    links, x = graph(1)
    repeated = Positives([4] * 6, [9] * 6)
    made = heart_clean(repeated, links, 30, features=x, count=10, eps=1e-6, split="test").candidates
    assert (made == made[0]).all()


def test_slices_determinism_and_what_the_hash_covers() -> None:
    links, x = graph(2)
    positives = Positives([0, 3, 7, 3], [5, 0, 8, 11])
    options: dict[str, Any] = {"features": x, "count": 10, "eps": 1e-6, "split": "test"}
    made = heart_clean(positives, links, 30, **options)
    assert made == heart_clean(positives, links, 30, **options)
    assert made == heart_clean(positives, links, 30, **options | {"features": sparse.csr_matrix(x)})
    part = heart_clean(positives, links, 30, **options, rows=slice(1, 3))
    assert part.values.tolist() == made.rows(slice(1, 3))[0].tolist() and part != made
    assert np.array_equal(heart_clean(positives, links[::-1], 30, **options).values, made.values)
    others = [{"seed": 1}, {"eps": 1e-5}, {"features": None}, {"masked": [[1], [2]]}, {"split": "valid"}]
    assert len({made.sha256, *(heart_clean(positives, links, 30, **options | more).sha256 for more in others)}) == 6
    assert made.filtered and made.num_nodes == 30


def test_a_node_alone_is_filled_at_random() -> None:
    made = heart_clean(Positives([9], [1]), [[0, 1], [1, 2]], 10, count=6, eps=1e-4, split="test")
    ids = made.values[:3].tolist()
    assert len(set(ids)) == 3 and not set(ids) & {9, 1}
    assert (
        ids != heart_clean(Positives([9], [1]), [[0, 1], [1, 2]], 10, count=6, seed=0, split="test").values[:3].tolist()
    )


@pytest.mark.parametrize(
    ("error", "match", "more"),
    [
        (ConfigError, "even count", {"count": 3}),
        (ConfigError, "even count", {"alpha": 1.0}),
        (ConfigError, "even count", {"eps": 0.0}),
        (DataError, "row 0 has fewer than 30", {"count": 60}),
        (DataError, "a graph with 3 nodes", {"num_nodes": 3}),
        (DataError, "links hold node 4", {"num_nodes": 4, "edge_index": [[4], [1]]}),
        (ShapeError, "edge_index", {"edge_index": [1, 2]}),
        (ShapeError, r"features must be \[6, F\]", {"features": np.ones((5, 2))}),
        (DataError, "NaN", {"features": np.full((6, 2), np.nan)}),
    ],
)
def test_bad_requests(error: type[Exception], match: str, more: dict[str, Any]) -> None:
    options: dict[str, Any] = {"edge_index": [[0, 1], [1, 2]], "num_nodes": 6, "count": 2, "split": "test", **more}
    with pytest.raises(error, match=match):
        heart_clean(Positives([0], [3]), **options)


def published(path: Path, **change: Any) -> Path:
    links = np.array([[[0, 4], [0, 6], [3, 5], [4, 5]], [[1, 4], [1, 2], [2, 6], [3, 6]]])
    for place, value in change.items():
        links[tuple(map(int, place[1:]))] = value
    np.save(path, links)
    return path


def test_published_files(tmp_path: Path) -> None:
    made = read_heart(published(tmp_path / "heart_test_samples.npy"), split="test")
    assert isinstance(made, NegativeSet) and made.kind == "heart" and made.sources is not None
    assert made.positives is not None and made.positives.dst.tolist() == [5, 6]
    assert made.values.tolist() == [4, 6, 5, 5, 4, 2, 6, 6] and made.sources.tolist() == [0, 0, 3, 4, 1, 1, 2, 3]
    assert read_heart(tmp_path / "heart_test_samples.npy", Positives([0, 1], [5, 6]), split="test") == made


def test_files_of_other_positives_are_refused(tmp_path: Path) -> None:
    path = published(tmp_path / "heart_test_samples.npy")
    with pytest.raises(ShapeError, match="2 rows for 1 positives"):
        read_heart(path, Positives([0], [5]), split="test")
    with pytest.raises(DataError, match="row 1 does not keep the source 2"):
        read_heart(path, Positives([0, 2], [5, 6]), split="test")
    with pytest.raises(DataError, match="row 0 does not keep"):
        read_heart(published(path, _010=3), split="test")
    with pytest.raises(DataError, match="no file"):
        read_heart(tmp_path / "none.npy", split="test")
    np.save(path, np.zeros((2, 3, 2), int))
    with pytest.raises(DataError, match="K even"):
        read_heart(path, split="test")
