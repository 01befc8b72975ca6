"""How much memory a process has used at most."""

from __future__ import annotations

import resource
import sys


def peak_memory_mb() -> float:
    """Returns the largest resident memory of this process so far, in 10^6 bytes.

    Example:
        >>> peak_memory_mb() > 1
        True
    """
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * (1 if sys.platform == "darwin" else 1024) / 1e6
