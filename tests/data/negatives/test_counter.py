from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graphkit.data.negatives.counter import STATE_WORDS, below, philox, start, stream_key, word


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # the known answers of Random123
        ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_known_answers(counter: list[int], key: list[int], words: list[int]) -> None:
    out = np.zeros(STATE_WORDS, dtype=np.uint64)
    philox(*(np.uint64(part) for part in (*counter, *key)), out)
    assert out[4:].tolist() == words


def stream(key: int, row: int) -> np.ndarray:
    state = np.empty(STATE_WORDS, dtype=np.uint64)
    start(state, np.uint64(key), row)
    return state


def test_streams_are_pinned_and_differ() -> None:
    first = [int(word(state)) for state in [stream(0, 0)] for _ in range(6)]
    assert first[:4] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8] and first[4:] != first[:2]
    assert len({int(word(stream(key, row))) for key in (0, 1, 1 << 40) for row in (0, 1, 1 << 40)}) == 9
    keys = {int(stream_key(*parts)) for parts in ((0, "a", "b"), (1, "a", "b"), (0, "b", "b"), (0, "a", "a"))}
    assert len(keys) == 4 and int(stream_key(0, "uniform", "test")) == 10170798049958814603


@pytest.mark.parametrize("limit", [1, 2, 7, 1000, 3 << 30, 1 << 32])
def test_below_is_uniform(limit: int) -> None:
    state = stream(3, 4)
    drawn = np.array([below(state, limit) for _ in range(4000)])
    assert drawn.min() >= 0 and drawn.max() < limit
    if limit > 1:
        bins = np.bincount(drawn * min(limit, 10) // limit)
        edges = np.ceil(np.arange(min(limit, 10) + 1) * limit / min(limit, 10))
        expected = np.diff(edges) / limit * len(drawn)
        assert stats.chisquare(bins, expected).pvalue > 1e-4
