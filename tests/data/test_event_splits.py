from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data import EventStore, hide_nodes, open_events, save_events, split_events, take_snapshots
from graphkit.data.event_splits import _quantile
from graphkit.errors import ConfigError, DataError, GraphValidationError, UnknownNameError


def store(t: Any, part: Any = None, seed: int = 0) -> EventStore:
    rng = np.random.default_rng(seed)
    return EventStore(rng.integers(0, 9, len(t)), rng.integers(0, 12, len(t)), np.sort(t), part=part, num_nodes=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.sampled_from([0.7, 0.85, 0.5, 0.1]))
def test_the_quantile_without_a_pass_is_numpy_s(times: list[int], share: float) -> None:
    t = np.sort(np.array(times))
    assert _quantile(t, share) == np.quantile(t, share)


def test_rules_of_time_give_different_parts() -> None:
    t = np.array([0, 1, 2, 3, 4, 5, 6, 70, 85, 100])
    assert split_events(store(t)).sizes == (7, 1, 2)
    assert split_events(store(t), "time-span").sizes == (8, 1, 1)
    assert split_events(store(t, [0] * 5 + [1] * 4 + [2]), "provided").sizes == (5, 4, 1)
    with pytest.raises(UnknownNameError, match="time-span"):
        split_events(store(t), "timespan")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="provides no split"):
        split_events(store(t), "provided")
    with pytest.raises(GraphValidationError, match="not in the order of time"):
        store(t, [0] * 5 + [2] * 4 + [1])


def test_hidden_nodes_are_absent_from_training_and_asked_about_later() -> None:
    events = store(np.arange(400))
    split = split_events(events)
    found = hide_nodes(events, split, share=0.25)
    assert len(found.hidden) == 3 and not found.train[split.valid].any()
    touched = np.isin(events.src, found.hidden) | np.isin(events.dst, found.hidden)
    assert not (found.train & touched).any() and found.new[found.hidden].all()
    assert (found.test[split.test] == touched[split.test]).all()
    assert hide_nodes(events, split, share=0.25).sha256 == found.sha256
    assert hide_nodes(events, split, share=0.25, seed=1).sha256 != found.sha256
    with pytest.raises(ConfigError, match="share"):
        hide_nodes(events, split, share=1.0)


@pytest.mark.parametrize("options", [{"every": 7}, {"every": 7, "keep_empty": False}, {"size": 9}])
def test_snapshots_are_the_groups_of_a_loop(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    events = store(rng.choice(200, 60))
    found = take_snapshots(events, **options)
    groups: dict[int, list[tuple[int, int]]] = {}
    for i in range(len(events)):
        slot = int((events.t[i] - events.t[0]) // 7) if "every" in options else i // 9
        groups.setdefault(slot, []).append((int(events.src[i]), int(events.dst[i])))
    due = (
        [groups.get(slot, []) for slot in range(max(groups) + 1)] if options == {"every": 7} else list(groups.values())
    )
    assert len(found) == len(due) and found.first_event[-1] == len(events)
    for i, group in enumerate(due):
        assert [tuple(pair) for pair in found.edges(i).T.tolist()] == sorted(set(group))
        assert int(found.count[found.ptr[i] : found.ptr[i + 1]].sum()) == len(group)
    both = set(due[1]) | set(due[2])
    assert {tuple(pair) for pair in found.window(2, 2).T.tolist()} == both
    with pytest.raises(ConfigError, match="one of both"):
        take_snapshots(events)


def test_a_folder_of_events_round_trips_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    events = store(np.arange(20), [0] * 10 + [1] * 5 + [2] * 5)
    again = open_events(save_events(events, tmp_path / "toy"))
    assert again.part is not None and again.t.tolist() == events.t.tolist() and split_events(again, "provided")
    np.save(tmp_path / "toy" / "t.npy", np.arange(19))
    with pytest.raises(DataError, match="lengths differ"):
        open_events(tmp_path / "toy")
    with pytest.raises(DataError, match="no folder of events"):
        open_events(tmp_path)


MEASURE = """
import sys, psutil
import numpy as np
from graphkit.data import open_events, split_events
own = psutil.Process()
before = own.memory_info().rss
store = open_events(sys.argv[1])
split = split_events(store)
part = store[split.test.stop - 200 : split.test.stop]
assert len(store) == int(sys.argv[2]) and len(part) == 200
print(own.memory_info().rss - before)
"""


def test_millions_of_events_open_without_being_read(tmp_path: Path) -> None:
    """Four million events are 96 MB; binary search for the split touches a few pages, whatever the size."""
    count = 4_000_000
    ends = np.arange(count, dtype=np.int64) % 1000
    save_events(EventStore(ends, ends[::-1], np.arange(count)), tmp_path / "big")
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "big"), str(count)], capture_output=True, text=True, check=True
    )
    assert int(out.stdout) < 20 << 20
