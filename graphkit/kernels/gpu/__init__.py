"""Triton kernels for CUDA, imported when one is asked for; triton comes with torch for CUDA, nothing else needs it."""

from __future__ import annotations

import importlib.util
import os
from functools import cache

import torch

from graphkit.errors import ConfigError


@cache
def installed() -> bool:
    """Returns whether there is a triton that compiles these kernels: 3.4 or newer, which torch 2.8 brought first."""
    if importlib.util.find_spec("triton") is None:
        return False
    from triton import __version__

    return tuple(int(part) for part in __version__.split(".")[:2]) >= (3, 4)


def runs_on(device: torch.device) -> bool:
    """Returns whether `auto` takes Triton kernels for tensors on a device.

    Example:
        >>> import torch
        >>> runs_on(torch.device("cpu"))
        False
    """
    return device.type == "cuda" and installed()


def require(device: torch.device) -> None:
    """Checks that Triton kernels, asked for by name, can run on a device.

    On a processor they run in Triton's interpreter, which is far too slow for anything but tests.

    Raises:
        ConfigError: triton is missing or too old; or the tensors are on a processor and TRITON_INTERPRET is not 1.
    """
    if not installed():
        raise ConfigError(
            "scan backend 'triton' needs triton 3.4 or newer, which comes with torch for CUDA; use 'auto'"
        )
    if device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise ConfigError(f"scan backend 'triton' runs on CUDA, but u is on {device}; use 'auto'")
