"""Process-wide settings of the machine: how many threads the tensor library and the kernels use."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Mapping
from types import MappingProxyType

from graphkit.errors import ConfigError

ALLOCATOR: Mapping[str, str] = MappingProxyType(
    {
        "MALLOC_MMAP_THRESHOLD_": str(8 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
        "MALLOC_TOP_PAD_": str(256 << 20),
    }
)
"""What benchmark workers start with: large buffers are kept for the next step instead of going back to the system."""
_MALLOPT = {-3: 2**31 - 1, -1: 2**31 - 1, -2: 256 << 20}  # the same three, as glibc's mallopt numbers them, in 32 bits


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


def tune_allocator() -> bool:
    """Has the C library keep large buffers instead of returning them after every step, from now on, in this process.

    Training allocates the same large tensors again and again; with default settings each costs page faults, up to
    several times the arithmetic. Memory that was once used stays with the process. Nothing calls this for you.

    Returns:
        Whether it took effect; False where the C library is not glibc.

    Example:
        >>> tune_allocator() in (True, False)
        True
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(number, value) == 1 for number, value in _MALLOPT.items()])


def allocator_settings() -> dict[str, str]:
    """Returns the allocator's settings that this process was started with, for the record.

    Example:
        >>> set(allocator_settings()) <= set(ALLOCATOR)
        True
    """
    return {name: os.environ[name] for name in ALLOCATOR if name in os.environ}


def leave_with_parent(seconds: float = 0.5) -> None:
    """Ends this process soon after its parent has ended, however that was: nobody is left to read what it finds.

    Args:
        seconds: how often to look.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(seconds)
        os._exit(130)

    threading.Thread(target=watch, daemon=True, name="leave-with-parent").start()
