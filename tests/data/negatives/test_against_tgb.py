"""Equality with py-tgb's own sampler and generator, where py-tgb is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.data.negatives import Events, hist_rnd, read_tgb, tgb_all, write_tgb

sampling = pytest.importorskip("tgb.linkproppred.negative_sampler", reason="py-tgb is not installed")
generating = pytest.importorskip("tgb.linkproppred.negative_generator", reason="py-tgb is not installed")


def events(seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    return Events(rng.integers(0, 6, 300), rng.integers(6, 40, 300), np.sort(rng.integers(0, 120, 300)))


def data(stream: Events, part: slice) -> Any:
    import torch
    from torch_geometric.data import TemporalData

    return TemporalData(**{name: torch.tensor(getattr(stream, name)[part]) for name in ("src", "dst", "t")})


def test_their_sampler_reads_what_we_write(tmp_path: Path) -> None:
    made = hist_rnd(events(), slice(200, 300), slice(0, 200), 12, pool=(6, 40), split="test")
    assert made.positives is not None and made.positives.t is not None
    sampler = sampling.NegativeEdgeSampler("tgbl-wiki")
    sampler.load_eval_set(str(write_tgb(made, tmp_path / "ns.pkl")), "test")
    answer = sampler.query_batch(made.positives.src, made.positives.dst, made.positives.t, split_mode="test")
    assert answer == [made.rows([row])[0].tolist() for row in range(len(made))]


@pytest.mark.parametrize("count", [8, 1000])
def test_we_read_what_they_generate_and_agree_on_the_rule(tmp_path: Path, count: int) -> None:
    stream, train, test = events(1), slice(0, 150), slice(150, 300)
    generator = generating.NegativeEdgeGenerator(
        "tgbl-wiki", 6, 39, num_neg_e=count, strategy="hist_rnd", historical_data=data(stream, train)
    )
    generator.generate_negative_samples(data(stream, test), "test", str(tmp_path))
    positives = stream.positives(np.arange(150, 300))
    theirs = read_tgb(tmp_path / "tgbl-wiki_test_ns.pkl", positives, split="test")
    ours = hist_rnd(stream, test, train, count, pool=(6, 40), split="test")
    np.testing.assert_array_equal(theirs.counts, ours.counts)
    everything = tgb_all(stream, test, pool=(6, 40), split="test")
    known = {(s, d) for s, d in zip(stream.src[train], stream.dst[train], strict=True)}
    for row, source in enumerate(positives.src):
        rows = [made.rows([row])[0].tolist() for made in (theirs, ours)]
        historical = [sum((source, one) in known for one in ids) for ids in rows]
        assert historical[0] == historical[1]
        if count == 1000:
            assert sorted(rows[0]) == sorted(rows[1]) == everything.rows([row])[0].tolist()
