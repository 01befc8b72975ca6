"""The quantile of Student's t that intervals of a mean need, without scipy, whose import takes longer than a report."""

from __future__ import annotations

import functools
import math


@functools.lru_cache(maxsize=256)
def student_quantile(freedom: int, confidence: float) -> float:
    r"""Returns the t that |T| stays below with chance `confidence`; equals `scipy.special.stdtrit` to 1e-10.

    Abramowitz and Stegun: "Handbook of Mathematical Functions", 26.7.3 and 26.7.4: with t = sqrt(n) tan(a), the chance
    A(a) is a finite sum of positive terms, and A' = c cos(a)^(n-1). A is concave, so Newton's steps from 0 rise to the
    solution and never pass it.

    Args:
        freedom: n, degrees of freedom, at least 1; the cost grows as n.
        confidence: strictly between 0 and 1.

    Example:
        >>> round(student_quantile(9, 0.95), 6)
        2.262157
    """
    slope = 2.0 / math.sqrt(math.pi) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    angle = 0.0
    for _ in range(200):
        step = (confidence - _within(freedom, angle)) / (slope * math.cos(angle) ** (freedom - 1))
        angle += step
        if step <= 1e-15 * angle:
            break
    return math.sqrt(freedom) * math.tan(angle)


def _within(freedom: int, angle: float) -> float:
    """Returns the chance that |T| is below sqrt(n) tan(angle)."""
    cosine, total = math.cos(angle), 0.0
    odd = freedom % 2
    term = cosine if odd else 1.0
    for k in range(odd, freedom - 1, 2):
        total += term
        term *= cosine * cosine * (k + 1) / (k + 2)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
