"""One run seed, many named and independent random streams.

Changing how a model draws its weights must never change the split or the negatives, so every consumer asks for its own
stream by name. Streams come from ``numpy.random.SeedSequence``, keyed by the run seed and a hash of the name.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

StreamName = Literal["init", "split", "negatives", "sampler", "dropout", "data", "eval"]


class SeedStreams:
    """Named random streams of one run.

    Args:
        seed: the run's seed, a non-negative integer.

    Example:
        >>> streams = SeedStreams(0)
        >>> int(streams.numpy("split").integers(100)) == int(SeedStreams(0).numpy("split").integers(100))
        True
        >>> streams.integer("split") == streams.integer("init")
        False
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must be non-negative, got {seed}")
        self.seed = int(seed)

    def integer(self, name: StreamName) -> int:
        """Returns a 63-bit seed for `name`, for consumers that take a single number."""
        return int(self._sequence(name).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def numpy(self, name: StreamName) -> np.random.Generator:
        """Returns a fresh numpy generator at the start of stream `name`."""
        return np.random.Generator(np.random.PCG64(self._sequence(name)))

    def torch(self, name: StreamName, device: str = "cpu") -> torch.Generator:
        """Returns a fresh torch generator at the start of stream `name`."""
        import torch

        return torch.Generator(device=device).manual_seed(self.integer(name))

    def _sequence(self, name: StreamName) -> np.random.SeedSequence:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        return np.random.SeedSequence(entropy=self.seed, spawn_key=(key,))
