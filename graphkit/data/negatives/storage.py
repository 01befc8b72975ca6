"""Named arrays in one file that can be mapped into memory: the safetensors layout, so that other tools read it too.

Eight bytes give the length of a JSON header, the header names dtype, shape and place of every array, then come the
arrays. Nothing in such a file is ever executed. Written with sorted keys, equal content gives equal bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import DataError

_NAMES = {"I64": "<i8", "I32": "<i4", "F64": "<f8"}
_CODES = {np.dtype(dtype): code for code, dtype in _NAMES.items()}
_MAX_HEADER = 1 << 20
_ALIGN = 8


def write_arrays(path: Path, metadata: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays and text so that readers see the old file or the new one, never a part.

    Raises:
        DataError: the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))  # keeps all of them aligned
    start = 0
    for name, array in ordered:
        end = start + array.nbytes
        code = _CODES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % _ALIGN)
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        partial = Path(name)
        with os.fdopen(handle, "wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for _, array in ordered:
                out.write(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose a folder you can write to") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def read_arrays(path: Path, mmap: bool) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Returns the text and the read-only arrays of a file, mapped into memory or read.

    Raises:
        DataError: there is no such file, or it is cut short or not of this layout.
    """
    try:
        content: NDArray[np.uint8] = (
            np.memmap(path, dtype=np.uint8, mode="r") if mmap else np.fromfile(path, dtype=np.uint8)
        )
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    content.flags.writeable = False
    metadata, entries, body = _header(path, np.asarray(content))
    arrays = {}
    for name, (dtype, shape, start, end) in entries.items():
        arrays[name] = body[start:end].view(dtype).reshape(shape)
    return metadata, arrays


def _header(
    path: Path, content: NDArray[np.uint8]
) -> tuple[dict[str, str], dict[str, tuple[str, list[int], int, int]], NDArray[np.uint8]]:
    length = int.from_bytes(content[:8].tobytes(), "little")
    if len(content) < 8 or not 2 <= length <= min(_MAX_HEADER, len(content) - 8) or length % _ALIGN:
        raise DataError(f"{path} is no negative set: it does not begin with a header")
    try:
        header = json.loads(content[8 : 8 + length].tobytes())
        metadata = header.pop("__metadata__", {})
        if not all(isinstance(key, str) and isinstance(text, str) for key, text in metadata.items()):
            raise TypeError("its metadata is no text")
        entries = {name: _entry(entry) for name, entry in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is damaged: its header cannot be read ({error})") from error
    place = 0
    for start, end in sorted((start, end) for _, _, start, end in entries.values()):
        if start != place:
            raise DataError(f"{path} is damaged: its arrays overlap or leave a gap at byte {place}")
        place = end
    body = content[8 + length :]
    if place != len(body):
        raise DataError(f"{path} is cut short or too long: {place:,} bytes of arrays are promised, {len(body):,} there")
    return metadata, entries, body


def _entry(entry: dict[str, Any]) -> tuple[str, list[int], int, int]:
    dtype, shape, (start, end) = _NAMES[entry["dtype"]], entry["shape"], entry["data_offsets"]
    numbers = [*shape, start, end]
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers):
        raise ValueError("a shape or place is no whole number")
    count = 1
    for number in shape:
        count *= number
    if end - start != count * np.dtype(dtype).itemsize or start % np.dtype(dtype).itemsize:
        raise ValueError("a shape does not fit its bytes")
    return dtype, shape, start, end
