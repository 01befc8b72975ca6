from __future__ import annotations

import pytest
import torch

from graphkit.seeds import SeedStreams


def test_streams_repeat_and_differ() -> None:
    assert SeedStreams(3).integer("init") == SeedStreams(3).integer("init")
    assert len({SeedStreams(seed).integer(name) for seed in range(5) for name in ("init", "split", "dropout")}) == 15


def test_using_one_stream_never_moves_another() -> None:
    streams = SeedStreams(0)
    expected = SeedStreams(0).numpy("negatives").integers(0, 1000, 10).tolist()
    streams.numpy("init").random(1000)
    torch.rand(10, generator=streams.torch("dropout"))
    assert streams.numpy("negatives").integers(0, 1000, 10).tolist() == expected


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        SeedStreams(-1)
