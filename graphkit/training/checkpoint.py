"""Checkpoints cheap enough to take after every epoch, and safe against being killed while one is written.

A checkpoint file holds two slots that are overwritten in turn, each with a header of sequence number, length and CRC. A
process killed in the middle of a write leaves the other slot whole, so at most one epoch is ever repeated. Writing in
place avoids the block allocation and flush that a fresh file and a rename cost at every epoch.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from graphkit.errors import CacheError

_MAGIC = b"GKCKPT01"
_HEADER = struct.Struct("<8sQQI")  # magic, sequence number, payload bytes, CRC-32 of the payload
_GRAIN = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """A training state: named tensors, and a JSON-ready `meta` for everything else."""

    tensors: dict[str, torch.Tensor]
    meta: dict[str, Any]


class CheckpointFile:
    """A file that always holds the last complete checkpoint.

    Args:
        path: the file; it is created by the first `save`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     CheckpointFile(Path(folder, "last.ckpt")).save(Checkpoint({"w": torch.ones(2)}, {"epoch": 3}))
        ...     CheckpointFile(Path(folder, "last.ckpt")).load().meta["epoch"]
        3
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capacity = 0
        self._sequence = 0

    def save(self, checkpoint: Checkpoint) -> None:
        """Overwrites the older of the two slots; raises CacheError when the disk is full or read-only."""
        metadata = {"meta": json.dumps(checkpoint.meta)}
        contiguous = {name: tensor.detach().contiguous() for name, tensor in checkpoint.tensors.items()}
        payload = safetensors.torch.save(contiguous, metadata)
        try:
            self._write(payload)
        except OSError as error:
            raise CacheError(
                f"cannot write the checkpoint {self.path}: {error.strerror}; free some space or choose another --out"
            ) from error

    def load(self) -> Checkpoint | None:
        """Returns the newest complete checkpoint, or None when there is none."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        newest: bytes | None = None
        for start in (0, len(data) // 2):
            sequence, payload = _read_slot(data, start)
            if payload is not None and sequence > self._sequence:
                self._sequence, newest = sequence, payload
        if newest is None:
            return None
        header_length = int.from_bytes(newest[:8], "little")
        meta = json.loads(json.loads(newest[8 : 8 + header_length])["__metadata__"]["meta"])
        return Checkpoint(safetensors.torch.load(newest), meta)

    def remove(self) -> None:
        """Deletes the file; a finished run needs no resume point."""
        self.path.unlink(missing_ok=True)

    def _write(self, payload: bytes) -> None:
        needed = _HEADER.size + len(payload)
        if needed > self._capacity:
            self._grow(needed)
        self._sequence += 1
        header = _HEADER.pack(_MAGIC, self._sequence, len(payload), zlib.crc32(payload))
        offset = (self._sequence % 2) * self._capacity
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, header + payload, offset)
        finally:
            os.close(descriptor)

    def _grow(self, needed: int) -> None:
        """Starts a file with larger slots, keeping the old file in place until the new one holds its checkpoint."""
        old = self.path.read_bytes() if self.path.exists() else b""
        slots = [_read_slot(old, start) for start in (0, len(old) // 2)]
        capacity = -(-max(needed, *(_HEADER.size + len(payload or b"") for _, payload in slots)) // _GRAIN) * _GRAIN
        fresh = self.path.with_suffix(".growing")
        with fresh.open("wb") as file:
            file.truncate(2 * capacity)
            for sequence, payload in slots:
                if payload is not None:
                    file.seek((sequence % 2) * capacity)
                    file.write(_HEADER.pack(_MAGIC, sequence, len(payload), zlib.crc32(payload)) + payload)
                    self._sequence = max(self._sequence, sequence)
        fresh.replace(self.path)
        self._capacity = capacity


def _read_slot(data: bytes, start: int) -> tuple[int, bytes | None]:
    if len(data) < start + _HEADER.size:
        return 0, None
    magic, sequence, length, crc = _HEADER.unpack_from(data, start)
    payload = data[start + _HEADER.size : start + _HEADER.size + length]
    if magic != _MAGIC or len(payload) != length or zlib.crc32(payload) != crc:
        return 0, None
    return sequence, payload


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Returns the optimiser's state as flat named tensors `optimizer/INDEX/KEY`."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer/{index}/{key}": value for index, entry in state.items() for key, value in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Puts `optimizer_tensors` back into an optimiser over the same parameters."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            _, index, key = name.split("/")
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
