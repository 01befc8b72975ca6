"""Fashions: for a while most sources turn to one destination, then it is another's turn.

A fashion never comes back and no source turns to one thing twice, so memory of pairs is worth nothing; the destination
that was turned to last is the present fashion with the probability that is given.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(
    seed: int = 0, *, fashions: int = 100, length: int = 400, hot: float = 0.8, negatives: int = 20
) -> RawEvents:
    """Draws a stream of fashions.

    Args:
        seed: decides everything.
        fashions: number of them, at least 10; one destination each.
        length: events a fashion, at least 2; there are as many sources.
        hot: probability that an event follows the fashion; others turn to a fashion of the past or the future.
        negatives: K other fashions, at least 1 and fewer than there are.

    Returns:
        Sources 0..length-1, each once a fashion, destinations after them; y is 1 for events that follow the fashion.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(fashions=10, length=20, negatives=3)
        >>> len(raw.t), int(raw.part[-1])
        (200, 2)
    """
    check_counts("popularity-drift", fashions=(fashions, 10), length=(length, 2), negatives=(negatives, 1))
    check_counts("popularity-drift", fashions=(fashions, negatives + 1))
    check_shares("popularity-drift", hot=hot)
    rng = np.random.default_rng(seed)
    events = fashions * length
    now = np.repeat(np.arange(fashions), length)
    follows = rng.random(events) < hot
    other = (now + rng.integers(1, fashions, events)) % fashions
    thing = np.where(follows, now, other)
    src = np.argsort(rng.random((fashions, length)), axis=1).reshape(-1)
    part = np.zeros(events, dtype=np.int8)
    part[int(0.7 * fashions) * length :], part[int(0.85 * fashions) * length :] = 1, 2
    asked = np.flatnonzero(part)
    steps = np.argsort(rng.random((len(asked), fashions - 1)), axis=1)[:, :negatives] + 1
    table = (thing[asked, None] + steps) % fashions + length
    own = part[asked]
    return RawEvents(
        src=src,
        dst=thing + length,
        t=np.arange(events),
        y=follows.astype(np.int64),
        part=part,
        negatives={
            name: (table[own == at].reshape(-1), negatives * np.arange(int((own == at).sum()) + 1))
            for at, name in ((1, "valid"), (2, "test"))
        },
        nodes=np.arange(length + fashions),
        name="popularity-drift",
    )
