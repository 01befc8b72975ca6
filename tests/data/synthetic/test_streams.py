"""The answers that each generator of streams is made to have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.data import EventDataset, EventStore
from graphkit.data.cards import Card
from graphkit.data.event_negatives import part_negatives
from graphkit.data.synthetic import GENERATORS
from graphkit.errors import ConfigError
from graphkit.evaluation import metric_named, stream_ranks
from graphkit.scorers import SCORERS

STREAMS = (
    "sequential-rules",
    "triadic-closure",
    "repeat-process",
    "popularity-drift",
    "signed-balance",
    "snapshot-sbm",
)
CARD = Card(
    name="toy",
    task="temporal-link-prediction",
    target="ranking",
    metric="mrr",
    protocols=("stream-generator",),
    negatives={"kind": "published"},
)


def dataset(name: str, **options: Any) -> EventDataset:
    return EventDataset(CARD, EventStore.from_raw(GENERATORS.get(name)(**options)), "content", {})  # type: ignore[arg-type]


def ranked(data: EventDataset, model: Any, metric: str, batch: int = 200) -> float:
    """The test metric of a model without parameters."""
    events, split = data.events, data.split()
    known = events[: split.test.start]
    model.fit(known.src, known.dst, known.t, events.num_nodes)
    own = events[split.test]
    negatives = part_negatives(data, split, "test")
    ranks = stream_ranks(model, own.src, own.dst, own.t, negatives, batch_size=batch)
    return float(metric_named(metric).fn(ranks))


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_a_function_of_its_seed(name: str) -> None:
    one, again, other = (GENERATORS.get(name)(seed) for seed in (1, 1, 2))
    assert np.array_equal(one.dst, again.dst) and not np.array_equal(one.dst, other.dst)
    assert (np.diff(one.t) >= 0).all()


def choices(data: EventDataset, score: Any) -> float:
    """Pair accuracy over validation and test of score(src, candidate)."""
    right = []
    for part, own in (("valid", data.split().valid), ("test", data.split().test)):
        twins = data.events.negatives[part][0]
        for src, dst, twin in zip(data.events.src[own], data.events.dst[own], twins, strict=True):
            a, b = score(int(src), int(dst)), score(int(src), int(twin))
            right.append(1.0 if a > b else 0.5 if a == b else 0.0)
    return float(np.mean(right))


def test_rules_follow_the_order_and_nothing_else() -> None:
    users = 400
    data = dataset("sequential-rules", users=users, chains=12, rounds=5)
    events = data.events
    seen = {(int(u), int(i)): at for at, (u, i) in enumerate(zip(events.src, events.dst, strict=True))}

    def by_order(user: int, item: int) -> float:
        base = item - (item - users) % 4
        first = seen[user, base] < seen[user, base + 1]
        return float(first == (item - base == 2))

    assert choices(data, by_order) == 1.0
    for name in ("edgebank", "pair-recency", "local-global-recency", "dst-popularity", "poptrack"):
        assert ranked(data, SCORERS.get(name)(), "pair-accuracy") == pytest.approx(0.5, abs=0.09)
    # the unordered set of items of a user: the answer given {A, B} of its chain is either with probability 1/2
    kind = (events.dst - users) % 4
    assert abs(np.mean(kind[kind >= 2] == 2) - 0.5) < 0.04
    assert len(np.unique(events.pair_keys)) == len(events)


def test_a_rule_that_is_broken_at_times_has_its_ceiling() -> None:
    users = 1500
    data = dataset("sequential-rules", users=users, chains=10, rounds=3, rule=0.8, distractors=2)
    seen = {(int(u), int(i)): at for at, (u, i) in enumerate(zip(data.events.src, data.events.dst, strict=True))}

    def by_order(user: int, item: int) -> float:
        base = item - (item - users) % 4
        return float((seen[user, base] < seen[user, base + 1]) == (item - base == 2))

    assert choices(data, by_order) == pytest.approx(0.8, abs=0.04)


def test_common_neighbours_of_the_last_round_tell_every_closure() -> None:
    data = dataset("triadic-closure", triads=200, rounds=4)
    train = data.events[data.split().train]
    last = train[len(train) - 400 :]
    after = {int(w): int(v) for w, v in zip(last.src[200:], last.dst[200:], strict=True)}
    middle = {int(u): int(w) for u, w in zip(last.src[:200], last.dst[:200], strict=True)}
    assert choices(data, lambda u, v: float(after[middle[u]] == v)) == 1.0
    for name in ("edgebank", "dst-recency", "local-global-recency", "dst-popularity"):
        assert ranked(data, SCORERS.get(name)(), "pair-accuracy", 1000) == pytest.approx(0.5, abs=0.12)


def test_edgebank_has_exactly_the_known_mrr_on_habits() -> None:
    data = dataset("repeat-process", sources=40, favourites=3, destinations=400, events=4000, negatives=10)
    assert data.events.y is not None
    share = data.events.y[data.split().test].mean()
    due = share + (1 - share) / (1 + 10 / 2)
    assert ranked(data, SCORERS.get("edgebank")(), "mrr", 1) == pytest.approx(due, abs=1e-12)
    assert ranked(data, SCORERS.get("pair-recency")(), "mrr", 200) == pytest.approx(due, abs=1e-12)


def test_recency_and_fading_popularity_follow_fashions_and_memory_of_pairs_does_not() -> None:
    data = dataset("popularity-drift", fashions=40, length=100)
    found = {
        name: ranked(data, SCORERS.get(name)(), "mrr", 1)
        for name in ("dst-recency", "poptrack", "pair-recency", "dst-popularity")
    }
    assert data.events.y is not None
    share = data.events.y[data.split().test].mean()
    assert found["dst-recency"] > 0.5 > 2 * found["pair-recency"] and found["dst-popularity"] < 0.3
    assert share + 0.3 * (1 - share) > ranked(data, SCORERS.get("poptrack")(decay=0.9), "mrr", 1) > 0.9 * share  # type: ignore[call-arg]


def test_signs_of_two_camps_are_balanced_on_every_triangle() -> None:
    raw = GENERATORS.get("signed-balance")(nodes=30, events=3000)
    sign = {(int(a), int(b)): int(s) for a, b, s in zip(raw.src, raw.dst, raw.y, strict=True)}  # type: ignore[union-attr, arg-type]
    checked = 0
    for (a, b), one in sign.items():
        for c in range(30):
            if (b, c) in sign and (a, c) in sign:
                assert one * sign[b, c] == sign[a, c]
                checked += 1
    assert checked > 1000 and 0.4 < np.mean(raw.y == 1) < 0.6  # type: ignore[union-attr]
    noisy = GENERATORS.get("signed-balance")(nodes=30, events=20000, balance=0.8)
    _, where = np.unique(noisy.src * 30 + noisy.dst, return_inverse=True)  # type: ignore[union-attr]
    mean = np.bincount(where, weights=noisy.y) / np.bincount(where)  # type: ignore[union-attr, arg-type]
    assert np.abs(mean).mean() == pytest.approx(2 * 0.8 - 1, abs=0.03)


def test_blocks_move_and_edges_keep_to_them() -> None:
    raw = GENERATORS.get("snapshot-sbm")(nodes=300, steps=12, degree_within=6.0, degree_across=2.0)
    assert raw.y.mean() == pytest.approx(6 * 0.99 / (6 * 0.99 + 2), abs=0.03)  # type: ignore[union-attr]
    still = GENERATORS.get("snapshot-sbm")(nodes=300, steps=12, moves=0.0)
    block = still.y.astype(bool)  # type: ignore[union-attr]
    groups = {frozenset((int(a) % 300, int(b) % 300)) for a, b in zip(still.src[block], still.dst[block], strict=True)}  # type: ignore[union-attr]
    apart = {frozenset((int(a), int(b))) for a, b in zip(still.src[~block], still.dst[~block], strict=True)}  # type: ignore[union-attr]
    assert not groups & apart


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sequential-rules", {"chains": 2}, "chains >= 6"),
        ("sequential-rules", {"rule": 1.5}, "rule is a probability"),
        ("triadic-closure", {"rounds": 1}, "rounds >= 2"),
        ("repeat-process", {"destinations": 30}, "destinations >="),
        ("popularity-drift", {"negatives": 100}, "fashions >= 101"),
        ("signed-balance", {"nodes": 2}, "nodes >= 4"),
        ("snapshot-sbm", {"moves": -0.1}, "moves is a probability"),
    ],
)
def test_options_out_of_range_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GENERATORS.get(name)(**options)
