"""Triads close: u meets w, w meets v, and soon u meets v.

In every round the nodes fall into disjoint triads that open and then close. The question is, for the last round,
whose openings are training events, v against the third node of another triad. Both were turned to once, at times one
cannot tell apart, so whatever looks at the two ends one by one is right with probability 1/2; who counts the common
neighbours of the last round is always right.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, one_each

VERSION = 1


def generate(seed: int = 0, *, triads: int = 600, rounds: int = 15) -> RawEvents:
    """Draws a stream of closing triads.

    Args:
        seed: decides everything.
        triads: a round, at least 4; there are 3 times as many nodes.
        rounds: at least 2; the closures of the last one are asked about.

    Returns:
        Events u -> w, then w -> v, then u -> v of all triads, round by round; y is 1 for closures. Validation and test
        are the closures of the last round, earlier and later half; the negative of each is the v of another triad.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(triads=4, rounds=2)
        >>> len(raw.t), raw.part.tolist()[-5:]
        (24, [0, 1, 1, 2, 2])
    """
    check_counts("triadic-closure", triads=(triads, 4), rounds=(rounds, 2))
    rng = np.random.default_rng(seed)
    nodes = np.argsort(rng.random((rounds, 3 * triads)), axis=1).reshape(rounds, 3, triads)
    u, w, v = nodes[:, 0], nodes[:, 1], nodes[:, 2]
    steps = rng.permuted(np.broadcast_to(np.arange(triads), (rounds, 3, triads)), axis=2)  # order within a step
    src = np.take_along_axis(np.stack([u, w, u], axis=1), steps, axis=2)
    dst = np.take_along_axis(np.stack([w, v, v], axis=1), steps, axis=2)
    part = np.zeros(dst.shape, dtype=np.int8)
    part[-1, -1] = 1 + (np.arange(triads) >= triads // 2)
    asked, flat = dst[-1, -1], part[-1, -1]
    other = np.roll(asked, 1)
    return RawEvents(
        src=src.reshape(-1),
        dst=dst.reshape(-1),
        t=np.arange(dst.size),
        y=np.broadcast_to(np.array([0, 0, 1])[None, :, None], dst.shape).reshape(-1).copy(),
        part=part.reshape(-1),
        negatives={name: one_each(other[flat == at]) for at, name in ((1, "valid"), (2, "test"))},
        nodes=np.arange(3 * triads),
        name="triadic-closure",
    )
