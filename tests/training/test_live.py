"""Live streams: scoring changes nothing, saved streams go on to the same bits, late events and unknown nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import CacheError, ShapeError, UnknownNameError
from graphkit.seeds import SeedStreams
from graphkit.training.live import Stream
from graphkit.training.stream_build import build_stream_model

NODES = 20
OPTIONS = {
    "craft": ["head.name=identity", "encoder.options.hidden_channels=8"],
    "nat": ["head.name=identity", "encoder.options.hidden_channels=8", "encoder.options.near=6"],
    "tgat": ["head.name=dot", "encoder.options.hidden_channels=8", "encoder.options.num_neighbors=3"],
    "tgn": ["head.name=concat-mlp", "encoder.options.hidden_channels=8", "encoder.options.time_channels=4"],
}


def build(name: str = "tgn", late: str = "error", seed: int = 0, msg: int = 0, recency: bool = True) -> Stream:
    more = f"head.options.recency={str(recency).lower()}"
    spec = RunSpec().with_overrides([f"encoder.name={name}", more, *OPTIONS[name]])
    info = StreamInfo(NODES, (0, NODES - 1), msg, time_scale=5.0)
    return Stream(build_stream_model(spec, info, SeedStreams(seed)), late)


def events(many: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 10, many), random.integers(10, NODES, many), np.sort(random.random(many)) * 100


@pytest.mark.parametrize("name", OPTIONS)
def test_a_stream_goes_on_from_its_file_as_if_it_had_never_stopped(name: str, tmp_path: Path) -> None:
    src, dst, t = events()
    whole, other = build(name), build(name, seed=1)
    whole.observe(src[:100], dst[:100], t[:100])
    whole.snapshot(tmp_path / "stream")
    other.restore(tmp_path / "stream")
    for start in range(100, 200, 25):
        part = slice(start, start + 25)
        asked = src[part], np.arange(10, NODES), t[part]
        before = whole.model.encoder.state.digest, whole.model.tables.digest
        scores = whole.score(*asked)
        assert (whole.model.encoder.state.digest, whole.model.tables.digest) == before
        assert np.array_equal(scores, other.score(*asked)) and scores.std() > 0
        best, values = whole.rank(*asked, k=3)
        assert np.array_equal(values, -np.sort(-scores, axis=1)[:, :3]) and best.shape == (25, 3)
        for stream in (whole, other):
            stream.observe(src[part], dst[part], t[part])
    assert whole.counts == other.counts and whole.counts.events == 200


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    build("nat").snapshot(tmp_path / "nat")
    with pytest.raises(CacheError, match="no stream of this model"):
        build("tgn").restore(tmp_path / "nat")
    (tmp_path / "text").write_text("not a stream")
    for name in ("text", "absent"):
        with pytest.raises(CacheError, match=name):
            build("tgn").restore(tmp_path / name)


def test_late_events_are_refused_dropped_or_taken_in_now() -> None:
    src, dst, t = np.array([0, 1, 2]), np.array([11, 12, 13]), np.array([5.0, 9.0, 7.0])
    strict = build()
    with pytest.raises(ShapeError, match=r"event 2 of the batch is at 7.0, after one at 9.0"):
        strict.observe(src, dst, t)
    assert strict.counts.events == 0 and strict.now == 0
    dropped, inserted = build(late="drop"), build(late="insert")
    for stream in (dropped, inserted):
        stream.observe(src, dst, t)
    assert (dropped.counts.events, dropped.counts.late, dropped.now) == (2, 1, 9.0)
    assert (inserted.counts.events, inserted.counts.late, inserted.now) == (3, 1, 9.0)
    with pytest.raises(UnknownNameError, match="insert"):
        build(late="inserts")


@pytest.mark.parametrize("name", OPTIONS)
def test_unknown_nodes_make_tables_grow_and_questions_do_not(name: str) -> None:
    src, dst, t = events(50)
    stream = build(name)
    stream.observe(src, dst, t)
    before = stream.model.encoder.state.digest, stream.model.tables.digest
    asked = stream.score([500, 3], [11, 600], [101.0, 101.0])
    assert np.isfinite(asked).all()
    assert (stream.model.encoder.state.digest, stream.model.tables.digest) == before and stream.num_nodes == NODES
    stream.observe([500], [11], [102.0])
    assert stream.num_nodes == 501 and stream.counts.new_nodes == 481
    assert np.isfinite(stream.score([500, 3], [11, 600], [103.0, 103.0])).all()


def test_bad_events_are_named() -> None:
    stream = build(msg=2)
    good = np.ones((1, 2))
    for arguments, message in (
        (([0], [1, 2], [1.0], good), "1 sources, 2 destinations"),
        (([-1], [1], [1.0], good), "a source is -1"),
        (([0.5], [1], [1.0], good), "whole numbers"),
        (([0], [1], [np.nan], good), "event 0 is NaN or negative"),
        (([0], [1], [1.0], None), "trained with 2 features"),
        (([0], [1], [1.0], np.ones((1, 3))), r"must be \[1, 2\]"),
    ):
        with pytest.raises(ShapeError, match=message):
            stream.observe(*arguments)
    assert stream.counts.events == 0


def test_a_million_events_in_flat_memory() -> None:
    stream = build("tgn", recency=False)
    random = np.random.default_rng(0)
    src, dst = random.integers(0, 10, 1_000_000), random.integers(10, NODES, 1_000_000)
    t = np.arange(1_000_000, dtype=np.float64)
    size = stream.model.encoder.state.nbytes
    for start in range(0, 1_000_000, 20_000):
        part = slice(start, start + 20_000)
        stream.observe(src[part], dst[part], t[part])
    assert stream.counts.events == 1_000_000 and stream.model.encoder.state.nbytes == size
