"""Tastes that stay or change: every period users turn to classes by their taste, and are asked about the next period.

With `stay` 1 and enough events, the last label of a user is the next one: repeating it has NDCG near 1. With `stay` 0
nothing known helps. In between, an average over periods blurs, so the last label is the better forecast the more tastes
drift, and the average the better one the fewer events a period has.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.node_labels import NodeLabels, RawLabelledEvents
from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(
    seed: int = 0, *, users: int = 100, classes: int = 20, periods: int = 30, events: int = 30, stay: float = 0.9
) -> RawLabelledEvents:
    """Draws users with drifting tastes.

    Args:
        seed: decides everything.
        users: at least 1.
        classes: C, at least 2.
        periods: at least 10.
        events: of every user in every period, at least 1.
        stay: probability that a user keeps its taste from one period to the next.

    Returns:
        Events of users C.. with classes 0..C-1 at times within a period; labels at the end of period p (time p + 1) are
        the shares of a user's events of period p + 1.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(users=2, classes=3, periods=10, events=4)
        >>> len(raw.events.t), len(raw.labels)
        (80, 18)
    """
    check_counts(
        "drifting-affinities", users=(users, 1), classes=(classes, 2), periods=(periods, 10), events=(events, 1)
    )
    check_shares("drifting-affinities", stay=stay)
    rng = np.random.default_rng(seed)
    # a taste orders the classes; the probability of the k-th falls with 1 / (k + 1)^2
    fresh = np.argsort(rng.random((periods, users, classes)), axis=2)
    kept = rng.random((periods, users)) < stay
    kept[0] = False
    source = np.maximum.accumulate(np.where(kept, 0, np.arange(periods)[:, None]), axis=0)
    taste = fresh[source, np.arange(users)]
    share = 1.0 / (1.0 + np.arange(classes)) ** 2
    rank = rng.choice(classes, size=(periods, users, events), p=share / share.sum())
    thing = np.take_along_axis(taste, rank, axis=2)
    t = np.arange(periods)[:, None, None] + rng.random(thing.shape)
    who = np.broadcast_to(np.arange(users)[:, None], thing.shape[1:])
    who = np.broadcast_to(who, thing.shape)
    order = np.argsort(t, axis=None, kind="stable")
    src, dst = (array.reshape(-1)[order] for array in (who + classes, thing))
    period = np.floor(t.reshape(-1)[order]).astype(np.int64)
    cells, many = np.unique((period * users + src - classes) * classes + dst, return_counts=True)
    when, node = cells // classes // users, cells // classes % users + classes
    later = when > 0
    labels = NodeLabels.of_weights(
        when[later].astype(np.float64), node[later], (cells % classes)[later], many[later] / events, classes
    )
    raw = RawEvents(src=src, dst=dst, t=t.reshape(-1)[order], nodes=np.arange(users + classes))
    return RawLabelledEvents(raw, labels, "drifting-affinities")
