"""Process-wide settings of the machine: how many threads the tensor library and the kernels use."""

from __future__ import annotations

import os
import sys

from graphkit.errors import ConfigError


def set_num_threads(threads: int) -> None:
    """Sets the threads of one operation, for PyTorch and for the kernels, which follow it.

    Args:
        threads: at least 1; more than there are cores only slows things down.

    Raises:
        ConfigError: `threads` is below 1.

    Example:
        >>> set_num_threads(available_cores())
    """
    import torch

    if threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    torch.set_num_threads(threads)


def available_cores() -> int:
    """Cores this process may run on, which a container or a batch system can make fewer than the machine has.

    Example:
        >>> available_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def num_threads() -> int:
    """Threads that compiled code without torch may use: torch's setting where torch is loaded, so that both agree.

    Otherwise `OMP_NUM_THREADS`, or every core this process may run on.

    Example:
        >>> num_threads() >= 1
        True
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else available_cores()
