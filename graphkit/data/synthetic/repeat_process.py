"""Habits: a source turns to one of its favourites with a known probability, and to a stranger otherwise.

Every favourite was met in training and no negative ever is, so EdgeBank ranks a habit first and a stranger level with
all negatives: its MRR is p + (1 - p) / (1 + K / 2), p the share of habits among the events asked, and nothing that
cannot tell strangers apart does better.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(
    seed: int = 0,
    *,
    sources: int = 100,
    favourites: int = 5,
    destinations: int = 1000,
    events: int = 10_000,
    habit: float = 0.7,
    negatives: int = 20,
) -> RawEvents:
    """Draws a stream of habits.

    Args:
        seed: decides everything.
        sources: number of them, at least 1.
        favourites: of every source, at least 1.
        destinations: number of them, at least favourites + strangers + `negatives` of a source.
        events: at least 10 times sources x favourites.
        habit: probability of a favourite.
        negatives: K, never met by the source, at least 1.

    Returns:
        Sources 0..S-1, destinations after them; y is 1 for habits. The stream begins with every favourite once; 70 % of
        it train, 15 % validate. A stranger is met once by a source and never again.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(sources=2, favourites=1, destinations=60, events=40, negatives=3)
        >>> raw.y.shape, raw.negatives["test"][0].shape
        ((40,), (18,))
    """
    check_counts("repeat-process", sources=(sources, 1), favourites=(favourites, 1), negatives=(negatives, 1))
    check_counts("repeat-process", events=(events, 10 * sources * favourites))
    check_shares("repeat-process", habit=habit)
    rng = np.random.default_rng(seed)
    taste = np.argsort(rng.random((sources, destinations)), axis=1)  # favourites, then strangers in order, then never
    opening = np.stack([np.repeat(np.arange(sources), favourites), np.tile(np.arange(favourites), sources)])
    src = np.concatenate([opening[0], rng.integers(0, sources, events - opening.shape[1])])
    usual = rng.random(events) < habit
    usual[: opening.shape[1]] = True
    order = np.argsort(src, kind="stable")
    strange = np.where(usual[order], 0, 1)
    running = np.cumsum(strange)
    begins = np.searchsorted(src[order], np.arange(sources))
    before = np.concatenate([[0], running])[begins]
    number = np.empty(events, dtype=np.int64)
    number[order] = running - before[src[order]]  # of strangers so far, this one included
    most = int(number.max(initial=0))
    check_counts("repeat-process", destinations=(destinations, favourites + most + negatives))
    place = np.where(usual, rng.integers(0, favourites, events), favourites + number - 1)
    place[: opening.shape[1]] = opening[1]
    part = np.zeros(events, dtype=np.int8)
    part[int(0.7 * events) :], part[int(0.85 * events) :] = 1, 2
    never = rng.integers(0, destinations - favourites - most - negatives + 1, events)
    table = taste[src[:, None], favourites + most + never[:, None] + np.arange(negatives)] + sources
    return RawEvents(
        src=src,
        dst=taste[src, place] + sources,
        t=np.arange(events),
        y=usual.astype(np.int64),
        part=part,
        negatives={
            name: (table[part == at].reshape(-1), negatives * np.arange(int((part == at).sum()) + 1))
            for at, name in ((1, "valid"), (2, "test"))
        },
        nodes=np.arange(sources + destinations),
        name="repeat-process",
    )
