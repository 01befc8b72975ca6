"""Named arrays in one file that is mapped into memory: an index in JSON, then arrays, each at a multiple of 64 bytes.

Nothing in such a file is ever executed. A file is written whole or not at all, and every array has its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
MAGIC = b"graphkit arrays\n"
_ALIGN = 64
_BLOCK = 1 << 20


def write_container(path: Path, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays in place of what is there; readers see the old file or the new one, never a part.

    Args:
        path: of the file; its folder exists.
        name: kept beside the arrays.
        arrays: of any plain dtype.

    Raises:
        OSError: the file cannot be written.
    """
    packed = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    entries: dict[str, dict[str, Any]] = {}
    end = 0
    for key, array in packed.items():
        start = -(-end // _ALIGN) * _ALIGN
        end = start + array.nbytes
        entries[key] = {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "start": start,
            "sha256": digest_of(array),
        }
    text = json.dumps({"name": name, "arrays": entries}).encode()
    head = MAGIC + len(text).to_bytes(8, "little") + text
    head += b" " * (-len(head) % _ALIGN)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(head)
            for key, array in packed.items():
                out.write(b"\0" * (len(head) + entries[key]["start"] - out.tell()))
                out.write(array.reshape(-1).view(np.uint8).data if array.size else b"")
        Path(partial).chmod(0o644)  # mkstemp makes files that colleagues on a shared cache could not read
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def read_container(path: Path) -> tuple[str, Arrays, dict[str, str]]:
    """Maps a file and returns its name, its arrays and their digests, which are checked.

    Arrays share memory with the file until somebody writes to them; the file never changes.

    Raises:
        OSError: there is no such file.
        ValueError: it is cut short or damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_container(Path(folder, "two"), "toy", {"x": np.arange(3), "y": np.ones((2, 2))})
        ...     name, arrays, _ = read_container(Path(folder, "two"))
        >>> name, arrays["x"].tolist(), arrays["y"].shape
        ('toy', [0, 1, 2], (2, 2))
    """
    with path.open("rb") as stream:
        head = stream.read(len(MAGIC) + 8)
        length = int.from_bytes(head[len(MAGIC) :], "little")
        size = os.fstat(stream.fileno()).st_size
        if head[: len(MAGIC)] != MAGIC or length > size - len(head):
            raise ValueError(f"{path} is no file of arrays")
        try:
            index = json.loads(stream.read(length))
            name, entries = str(index["name"]), dict(index["arrays"])
            body = -(-(len(head) + length) // _ALIGN) * _ALIGN
            content = np.memmap(path, dtype=np.uint8, mode="c")
            arrays, digests = {}, {}
            for key, entry in entries.items():
                dtype, start = np.dtype(entry["dtype"]), body + entry["start"]
                stop = start + dtype.itemsize * int(np.prod(entry["shape"], dtype=np.int64))
                if stop > size or dtype.hasobject:
                    raise ValueError(f"{path} is cut short: array {key} ends at byte {stop:,} of {size:,}")
                plain = np.asarray(content)[start:stop]
                arrays[key], digests[key] = plain.view(dtype).reshape(entry["shape"]), entry["sha256"]
                # read through a small buffer: hashing by the mapping would bring all of a large file into memory
                stream.seek(start)
                digest, left = _start(arrays[key]), stop - start
                while block := stream.read(min(_BLOCK, left)):
                    digest.update(block)
                    left -= len(block)
                if digest.hexdigest() != entry["sha256"]:
                    raise ValueError(f"{path} is damaged: array {key} is not what was written")
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    return name, arrays, digests


def digest_of(array: NDArray[Any]) -> str:
    """Returns a sha256 of dtype, shape and bytes."""
    digest = _start(array)
    if array.size:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _start(array: NDArray[Any]) -> Any:
    return hashlib.sha256(f"{array.dtype.str}{list(array.shape)}".encode())
