"""Every guard catches a planted leak and passes a clean model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphkit.errors import ConfigError, NonFiniteScores, ProtocolError, ShapeError
from graphkit.evaluation import check_leakage
from graphkit.evaluation.probes import candidate_order, fitted_on_train, garbage_future, target_edges

NODES, CUT = 12, 60


def stream() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    t = np.sort(generator.integers(100, size=200))
    src, dst = generator.integers(NODES, size=200), generator.integers(NODES, size=200)
    return {"src": src, "dst": dst, "t": t, "msg": generator.normal(size=(200, 3)).astype(np.float32)}


def questions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The positive stands in column 0, as evaluators have it."""
    generator = np.random.default_rng(1)
    candidates = generator.permuted(np.tile(np.arange(NODES), (8, 1)), axis=1)[:, :6]
    return generator.integers(NODES, size=8), candidates, np.full(8, CUT)


def recency(events: dict, src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Last time of the pair strictly before the question: a clean model."""
    return last_time(events, src, candidates, t, lambda seen, now: seen < now)


def last_time(
    events: dict, src: np.ndarray, candidates: np.ndarray, t: np.ndarray, known: Callable[[Any, Any], Any]
) -> np.ndarray:
    scores = np.zeros(candidates.shape)
    for i, j in np.ndindex(candidates.shape):
        mine = (events["src"] == src[i]) & (events["dst"] == candidates[i, j]) & known(events["t"], t[i])
        scores[i, j] = events["t"][mine].max(initial=-1)
    return scores


def leaks(model: Callable[..., Any], **given: Any) -> list[str]:
    return [finding.guard for finding in check_leakage(model, strict=False, **given) if finding.leaks]


def test_a_clean_model_passes_every_temporal_guard() -> None:
    found = check_leakage(recency, queries=questions(), events=stream(), cut=CUT)
    assert [finding.guard for finding in found] == ["repeat", "candidate-order", "batch", "garbage-future"]
    assert all(finding.change == 0.0 for finding in found)


def test_a_model_that_knows_the_column_of_the_positive_is_caught() -> None:
    def first_wins(src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        scores = (candidates % 5).astype(float)
        scores[:, 0] += 0.1
        return scores

    assert leaks(first_wins, queries=questions()) == ["candidate-order"]
    assert leaks(lambda s, c, t: c % 5, queries=questions()) == []


def test_a_model_that_scores_candidates_relative_to_each_other_follows_them() -> None:
    assert leaks(lambda s, c, t: c - c.mean(axis=1, keepdims=True), queries=questions()) == []


def test_a_model_that_looks_up_the_positives_of_its_batch_is_caught() -> None:
    def seen_in_batch(src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.bincount(candidates.ravel(), minlength=NODES)[candidates]

    assert leaks(seen_in_batch, queries=questions()) == ["batch"]
    positives = lambda s, c, t: np.isin(c, c[:, 0]).astype(float)  # noqa: E731
    assert leaks(positives, queries=questions()) == ["candidate-order", "batch"]


def test_a_model_whose_scoring_writes_to_its_memory_is_caught() -> None:
    memory = np.zeros(NODES)

    def update_before_predict(src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        memory[candidates[:, 0]] += 1
        return memory[candidates]

    assert "repeat" in leaks(update_before_predict, queries=questions())


def test_a_random_model_is_caught() -> None:
    generator = np.random.default_rng(0)
    assert "repeat" in leaks(lambda s, c, t: c + generator.normal(size=c.shape), queries=questions())


@pytest.mark.parametrize(
    "peeking",
    [
        lambda e, s, c, t: last_time(e, s, c, t, lambda seen, now: seen <= now),  # the question's own time
        lambda e, s, c, t: last_time(e, s, c, t, lambda seen, now: seen < now + 30),
        lambda e, s, c, t: recency(e, s, c, t) / e["t"].max(),  # time scaled by the whole stream
        lambda e, s, c, t: recency(e, s, c, t) + e["msg"].mean(),  # features normalised over the whole stream
        lambda e, s, c, t: recency(e, s, c, t) + len(e["t"]),
        lambda e, s, c, t: np.bincount(e["dst"], minlength=NODES)[c],  # popularity over the whole stream
    ],
)
def test_a_model_that_sees_the_future_is_caught(peeking: Callable[..., Any]) -> None:
    assert leaks(peeking, queries=questions(), events=stream(), cut=CUT) == ["garbage-future"]
    with pytest.raises(
        ProtocolError, match=r"\[garbage-future\] scores change with events from 60 on: look neighbours"
    ):
        check_leakage(peeking, queries=questions(), events=stream(), cut=CUT)


def test_the_past_may_be_used_in_any_way() -> None:
    def past(events: dict, src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        known = events["t"] < t.min()
        return np.bincount(events["dst"][known], minlength=NODES)[candidates] + events["msg"][known].mean()

    assert leaks(past, queries=questions(), events=stream(), cut=CUT) == []


def test_a_model_that_writes_to_its_input_confuses_nobody() -> None:
    events, asked = stream(), questions()
    kept = {name: values.copy() for name, values in events.items()}

    def messy(events: dict, src: np.ndarray, candidates: np.ndarray, t: np.ndarray) -> np.ndarray:
        scores = recency(events, src, candidates, t)
        events["t"][:], candidates[:] = 0, 0
        return scores

    assert "garbage-future" not in leaks(messy, queries=asked, events=events, cut=CUT)
    assert all(np.array_equal(kept[name], events[name]) for name in kept)


def undirected_graph() -> np.ndarray:
    generator = np.random.default_rng(2)
    links = np.array([(u, v) for u in range(NODES) for v in range(u) if generator.random() < 0.4]).T
    return np.concatenate([links, links[::-1]], axis=1)


def propagated(edges: np.ndarray) -> np.ndarray:
    adjacency = np.zeros((NODES, NODES))
    adjacency[edges[1], edges[0]] = 1.0
    return (adjacency + np.eye(NODES)) @ np.random.default_rng(3).normal(size=(NODES, 4))


def dot(edges: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    states = propagated(edges)
    return (states[pairs[0]] * states[pairs[1]]).sum(axis=1)


def without_targets(edges: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    targets = {(u, v) for u, v in np.concatenate([pairs, pairs[::-1]], axis=1).T.tolist()}
    return edges[:, [link not in targets for link in map(tuple, edges.T.tolist())]]


def test_a_link_model_that_passes_messages_over_its_target_is_caught() -> None:
    edges = undirected_graph()
    assert leaks(dot, edge_index=edges, pairs=edges[:, :5]) == ["target-edge"]
    assert leaks(lambda e, p: dot(without_targets(e, p), p), edge_index=edges, pairs=edges[:, :5]) == []


def test_common_neighbours_do_not_use_the_target() -> None:
    def common(edges: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        adjacency = np.zeros((NODES, NODES))
        adjacency[edges[0], edges[1]] = 1.0
        return (adjacency @ adjacency)[pairs[0], pairs[1]]

    edges = undirected_graph()
    assert leaks(common, edge_index=edges, pairs=edges[:, ::7]) == []


def test_removing_one_direction_only_is_caught_on_undirected_graphs() -> None:
    def one_way(edges: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        targets = set(map(tuple, pairs.T.tolist()))
        return dot(edges[:, [link not in targets for link in map(tuple, edges.T.tolist())]], pairs)

    edges = undirected_graph()
    assert leaks(one_way, edge_index=edges, pairs=edges[:, :5]) == ["target-edge"]
    assert leaks(one_way, edge_index=edges, pairs=edges[:, :5], undirected=False) == []


def test_preparing_features_with_test_rows_is_caught() -> None:
    x, train = np.random.default_rng(0).gamma(2.0, size=(40, 3)), np.arange(20)
    scale = lambda x, rows: (x - x[rows].mean(axis=0)) / x[rows].std(axis=0)  # noqa: E731
    given = {"x": x, "train": train, "strict": False}
    (leaky,) = check_leakage(transform=lambda x: scale(x, slice(None)), **given)
    assert leaky.guard == "features-fitted-on-test" and leaky.leaks
    assert not check_leakage(transform=lambda x: scale(x, train), **given)[0].leaks
    assert not check_leakage(transform=lambda x: x / x.sum(axis=1, keepdims=True), **given)[0].leaks
    (seen,) = check_leakage(x=scale(x, slice(None)), train=train, strict=False)
    assert seen.guard == "features-scaled-on-test" and seen.leaks
    assert not check_leakage(x=scale(x, train), train=train)[0].leaks


def test_overlapping_parts_are_caught() -> None:
    assert not check_leakage(split=([0, 1], [2], [3]))[0].leaks
    (same,) = check_leakage(split=([0, 1], [2, 3], [3, 2]), strict=False)
    assert same.text == "valid and test are the same 2 nodes; repair the split"
    (more,) = check_leakage(split=([0, 2], [2, 3], [3, 2]), strict=False)
    assert more.text.startswith("valid and test are the same 2 nodes; train and valid share 1 node, for example 2")
    with pytest.raises(ProtocolError, match=r"\[split-overlap\] train and test share 1 node, for example 1"):
        check_leakage(split=([0, 1], [2], [3, 1]))


def test_reversed_links_are_caught() -> None:
    links = {"train": [[0, 1], [1, 2]], "test": [[1], [0]]}
    (found,) = check_leakage(links=links, strict=False)
    assert found.leaks and found.text == (
        "train and test share 1 link, for example (1, 0); split pairs, not directed edges"
    )
    assert not check_leakage(links=links, undirected=False)[0].leaks


def test_every_leak_is_listed_at_once() -> None:
    with pytest.raises(ProtocolError, match=r"\[split-overlap\].*; \[link-overlap\]"):
        check_leakage(split=([0], [0], [1]), links={"a": [[0], [1]], "b": [[0], [1]]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing to check"),
        ({"model": dot}, "model without queries, or edge_index and pairs"),
        ({"queries": questions()}, "queries without model"),
        ({"model": dot, "queries": questions(), "events": stream()}, "events without queries and cut"),
        ({"model": dot, "queries": questions(), "cut": 1}, "cut without events"),
        ({"model": dot, "edge_index": [[0], [1]]}, "model without queries"),
        ({"pairs": [[0], [1]]}, "pairs without model and edge_index"),
        ({"transform": dot}, "transform without x and train"),
        ({"x": [[1.0]]}, "x without train"),
        ({"train": [0]}, "train without x"),
    ],
)
def test_incomplete_questions_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_leakage(**given)


def test_shapes_are_checked() -> None:
    src, candidates, t = questions()
    with pytest.raises(ShapeError, match="K >= 2"):
        candidate_order(lambda s, c, t: c, src, candidates[:, :1], t)
    with pytest.raises(ShapeError, match=r"src and t must be \[8\]"):
        candidate_order(lambda s, c, t: c, src[:3], candidates, t)
    with pytest.raises(ShapeError, match=r"returned scores of shape \[8\], \[8, 6\] was due"):
        candidate_order(lambda s, c, t: s, src, candidates, t)
    with pytest.raises(NonFiniteScores, match="nothing can be compared"):
        candidate_order(lambda s, c, t: c * np.nan, src, candidates, t)
    with pytest.raises(ShapeError, match="leaves no past"):
        garbage_future(lambda e: e["t"], stream(), cut=-1)
    with pytest.raises(ShapeError, match="leaves no future"):
        garbage_future(lambda e: e["t"], stream(), cut=1000)
    with pytest.raises(ShapeError, match=r"`t` \[T\] among them"):
        garbage_future(lambda e: e["src"], {"src": np.zeros(3)}, cut=1)
    with pytest.raises(ShapeError, match="no pair is an edge"):
        target_edges(dot, [[0], [1]], [[2], [3]])
    with pytest.raises(ShapeError, match=r"pairs must be whole numbers \[2, n\]"):
        target_edges(dot, [[0], [1]], [0, 1])
    with pytest.raises(ShapeError, match="not all, training rows"):
        fitted_on_train(lambda x: x, np.ones((2, 1)), [0, 1])
