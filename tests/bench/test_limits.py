from __future__ import annotations

import time

import pytest

from graphkit.bench import limits
from graphkit.bench.limits import Limits, count_of
from graphkit.errors import ConfigError, RunFailed


def test_counts_are_read_with_their_suffix() -> None:
    assert [count_of(text) for text in ("", "12000", "500k", "1.5M")] == [0, 12_000, 500_000, 1_500_000]
    for text in ("many", "-3", "0.5"):
        with pytest.raises(ConfigError, match="number of parameters"):
            count_of(text)


def test_no_bound_bounds_nothing() -> None:
    Limits().check({"event": "start", "parameters": 10**9})
    with Limits().clock():
        pass


def test_the_clock_ends_what_runs_and_stops_ticking() -> None:
    with pytest.raises(RunFailed, match="timed out"), Limits(seconds=0.05).clock():
        time.sleep(5)
    with Limits(seconds=0.05).clock():
        pass
    time.sleep(0.1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_clock_strikes_again_where_a_finaliser_has_lost_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finalised:
        def __del__(self) -> None:
            time.sleep(0.2)

    monkeypatch.setattr(limits, "AGAIN_SECONDS", 0.3)
    with pytest.raises(RunFailed, match="timed out"), Limits(seconds=0.05).clock():
        Finalised()
        time.sleep(5)
