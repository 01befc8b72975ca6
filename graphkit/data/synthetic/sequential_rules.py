"""A then B implies C, B then A implies C': streams that only the order of identities explains.

The motive of TGB-Seq, Yi et al., ICLR 2025 (arXiv 2502.02975). Chain c owns four items A, B, C, C'. In every round a
user goes through a chain it has not had: A and B in an order thrown by a fair coin, then C if A came first, C' if B
did. The question is C against C' for the last round, whose A and B are training events.

No pair of user and item occurs twice; A and B, and C and C', are exchangeable; times do not depend on the coin. So
every score that looks at times, counts of co-occurrence or the unordered set of a user's items only is right with
probability 1/2, and the best possible is `rule`.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawEvents
from graphkit.data.synthetic.stream_parts import check_counts, check_shares, one_each

VERSION = 1


def generate(
    seed: int = 0,
    *,
    users: int = 1200,
    chains: int = 20,
    rounds: int = 6,
    distractors: int = 0,
    noise_items: int = 50,
    rule: float = 1.0,
) -> RawEvents:
    """Draws a stream of users who follow chains.

    Args:
        seed: decides everything.
        users: U, at least 4.
        chains: C, at least `rounds`.
        rounds: chains of every user, at least 2; the last one is asked about.
        distractors: events with noise items between B and the answer: a memory of fewer events forgets the rule.
        noise_items: items that mean nothing, at least 1.
        rule: probability that the answer follows the rule; the best possible pair accuracy.

    Returns:
        Events of users 0..U-1 with items U..U+4C-1 (A, B, C, C' of chain 0, then of chain 1, ...) and noise items after
        them. Validation and test are the answers of the last round, earlier and later half; the negative of each is its
        twin.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> raw = generate(users=4, chains=3, rounds=3)
        >>> len(raw.t), int((raw.part > 0).sum()), raw.negatives["test"][0].shape
        (36, 4, (2,))
    """
    check_counts("sequential-rules", users=(users, 4), rounds=(rounds, 2), chains=(chains, rounds))
    check_counts("sequential-rules", distractors=(distractors, 0), noise_items=(noise_items, 1))
    check_shares("sequential-rules", rule=rule)
    rng = np.random.default_rng(seed)
    chain = np.argsort(rng.random((users, chains)), axis=1)[:, :rounds]
    coin = rng.random((users, rounds)) < 0.5
    broken = rng.random((users, rounds)) >= rule
    base = users + 4 * chain
    first, second = base + coin, base + 1 - coin
    answer = base + 2 + (coin ^ broken)
    noise = users + 4 * chains + rng.integers(0, noise_items, (users, rounds, distractors))
    items = np.concatenate([first[..., None], second[..., None], noise, answer[..., None]], axis=2)
    steps = items.shape[2]
    # every step of every round has its own second of time, shared by all users: gaps say nothing of the coin
    t = np.arange(rounds * steps).reshape(rounds, steps) + rng.random((users, rounds, steps))
    t[:, -1, -1] = rounds * steps - 1 + (rng.permutation(users) + rng.random(users)) / users
    asked = np.zeros(items.shape, dtype=np.int8)
    asked[:, -1, -1] = 1 + (t[:, -1, -1] >= rounds * steps - 0.5)
    source = np.broadcast_to(np.arange(users)[:, None, None], items.shape)
    order = np.argsort(t, axis=None, kind="stable")
    src, dst, part = (array.reshape(-1)[order] for array in (source, items, asked))
    twin = users + (dst - users) // 4 * 4 + 5 - (dst - users) % 4  # 2 <-> 3 within the chain
    return RawEvents(
        src=src,
        dst=dst,
        t=t.reshape(-1)[order],
        part=part,
        negatives={name: one_each(twin[part == number]) for number, name in ((1, "valid"), (2, "test"))},
        nodes=np.arange(users + 4 * chains),
        name="sequential-rules",
    )
