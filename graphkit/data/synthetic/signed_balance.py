"""Friends of friends: signs that structural balance explains.

Cartwright and Harary, "Structural balance: a generalization of Heider's theory", Psychological Review 63(5), 1956: a
signed graph is balanced when the product of signs around every cycle is positive, which is when its nodes fall into
two camps. Here sign(u, v) = camp(u) camp(v), turned over with probability 1 - balance: sign(u, v) = sign(u, w)
sign(w, v) holds with probability balance^3 + 3 balance (1 - balance)^2, and the best possible accuracy is `balance`.
Camps have equal size, so a sign alone, and whom a node meets, say nothing.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares

VERSION = 1


def generate(seed: int = 0, *, nodes: int = 200, events: int = 10_000, balance: float = 1.0) -> RawEvents:
    """Draws a stream of signed meetings.

    Args:
        seed: decides everything.
        nodes: N, at least 4.
        events: number of meetings of two different nodes, at least 10.
        balance: probability that a sign is that of the camps.

    Returns:
        Events with y and msg [T, 1] the sign, -1 or 1.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> sorted(set(generate(nodes=10, events=50).y.tolist()))
        [-1, 1]
    """
    check_counts("signed-balance", nodes=(nodes, 4), events=(events, 10))
    check_shares("signed-balance", balance=balance)
    rng = np.random.default_rng(seed)
    camp = rng.permutation(np.arange(nodes) % 2) * 2 - 1
    src = rng.integers(0, nodes, events)
    dst = (src + rng.integers(1, nodes, events)) % nodes
    sign = camp[src] * camp[dst] * np.where(rng.random(events) < balance, 1, -1)
    return RawEvents(
        src=src,
        dst=dst,
        t=np.arange(events),
        y=sign,
        msg=sign[:, None].astype(np.float32),
        nodes=np.arange(nodes),
        name="signed-balance",
    )
