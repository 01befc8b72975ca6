"""A restricted unpickler for published pickles: arrays, CSR matrices, numbers, lists and dictionaries, nothing else.

A pickle is a program. This one may name a handful of stand-ins that only record what they are given; any other global
stops it before anything is run. Arrays are then built from the recorded bytes, so that not even numpy's own unpickling,
which trusts its input, sees a byte of the file.
"""

from __future__ import annotations

import collections
import io
import pickle
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from scipy import sparse

from graphkit.errors import DataError, UnsafePickleError

MAX_BYTES = 1 << 30
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_PLAIN_DTYPE = re.compile(r"[<>|=]?[biuf?]\d{0,2}")


class Readable(Protocol):
    """A path or a `LocalFile`."""

    def read_bytes(self) -> bytes:
        """Returns the content."""


class _Dtype:
    def __init__(self, name: Any = "", *_flags: Any) -> None:
        self.name = name.decode("latin1") if isinstance(name, bytes) else name
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(entry is not None for entry in state[2:5]):
            raise UnsafePickleError("the pickle holds an array of records; only plain numbers are read")
        self.order = state[1]

    def finished(self) -> np.dtype[Any]:
        if (
            not isinstance(self.name, str)
            or not _PLAIN_DTYPE.fullmatch(self.name)
            or self.order not in ("<", ">", "|", "=")
        ):
            raise UnsafePickleError(f"the pickle holds an array of dtype {self.name!r}; only plain numbers are read")
        return np.dtype(self.name).newbyteorder(">" if self.order == ">" else "<")


class _Array:
    def __init__(self) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def finished(self) -> Any:
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise DataError("a pickled array has no content")
        _, shape, dtype, fortran, content = self.state
        if not isinstance(dtype, _Dtype):
            raise DataError("a pickled array has no dtype")
        kind = dtype.finished()
        if isinstance(content, str):  # Python 2 wrote byte strings
            content = content.encode("latin1")
        flat = np.frombuffer(content, dtype=kind).astype(kind.newbyteorder("="))
        return flat.reshape(shape, order="F" if fortran else "C")


class _Matrix:
    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def finished(self) -> sparse.csr_matrix:
        if not isinstance(self.state, dict):
            raise DataError("a pickled sparse matrix has no content")
        shape = self.state.get("_shape", self.state.get("shape"))
        parts = [self.state.get(key) for key in ("data", "indices", "indptr")]
        if not isinstance(shape, tuple) or not all(isinstance(part, _Array) for part in parts):
            raise DataError("a pickled sparse matrix lacks its arrays or shape")
        matrix = sparse.csr_matrix(tuple(part.finished() for part in parts if isinstance(part, _Array)), shape=shape)
        matrix.check_format(full_check=True)
        return matrix


class _ArrayClass:
    """Stands for `numpy.ndarray`, which only `_reconstruct` may be given."""


def _reconstruct(cls: Any, _shape: Any, _kind: Any) -> _Array:
    if cls is not _ArrayClass:
        raise UnsafePickleError(f"the pickle builds an array of class {cls!r}")
    return _Array()


def _from_buffer(
    content: Any, dtype: Any, shape: Any, order: Any, *more: Any
) -> _Array:  # how protocol 5 writes arrays
    if not isinstance(content, bytes | bytearray) or order not in ("C", "F") or any(more):
        raise UnsafePickleError("the pickle holds an array in a form that is not read")
    array = _Array()
    array.state = (1, shape, dtype, order == "F", bytes(content))
    return array


def _encode(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):  # how Python 3 writes bytes for Python 2
        raise UnsafePickleError(f"the pickle encodes text as {encoding!r}")
    return text.encode("latin1")


def _scalar(dtype: Any, content: Any) -> int | float | bool:
    if not isinstance(dtype, _Dtype):
        raise UnsafePickleError("the pickle builds a number without a dtype")
    if isinstance(content, str):
        content = content.encode("latin1")
    flat = np.frombuffer(content, dtype=dtype.finished())
    if len(flat) != 1:
        raise DataError("a pickled number has the wrong size")
    number: int | float | bool = flat[0].item()
    return number


def _no_bytes() -> bytes:  # how Python 3 writes empty bytes for Python 2
    return b""


def _default_dict(factory: Any = list) -> collections.defaultdict[Any, list[Any]]:
    if factory is not list:
        raise UnsafePickleError(f"the pickle builds a defaultdict of {factory!r}")
    return collections.defaultdict(list)


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(module, "csr_matrix"): _Matrix for module in ("scipy.sparse.csr", "scipy.sparse._csr")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    ("collections", "defaultdict"): _default_dict,
    **{(module, "list"): list for module in ("__builtin__", "builtins")},
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise UnsafePickleError(
                f"the pickle names {module}.{name}, which is not on the allow-list; nothing of it was executed"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise UnsafePickleError("the pickle refers to an outside object; nothing of it was executed")


def safe_load(source: Readable | str | bytes | BinaryIO, max_bytes: int = MAX_BYTES) -> Any:
    """Reads a published pickle: numpy arrays and numbers, CSR matrices, lists and dictionaries of numbers.

    Args:
        source: a path or `LocalFile`, the pickled bytes, or an open binary file.
        max_bytes: larger pickles are refused.

    Raises:
        UnsafePickleError: the pickle names anything outside the allow-list; nothing was executed.
        DataError: the pickle is damaged or cut short, or larger than `max_bytes`.

    Example:
        >>> safe_load(pickle.dumps({0: [1, 2]}))
        {0: [1, 2]}
    """
    content, name = _content(source, max_bytes)
    if len(content) > max_bytes:
        raise DataError(f"{name} is a pickle of more than {max_bytes:,} bytes; it is refused")
    return _guarded(io.BytesIO(content), name)


def safe_load_saved(content: bytes, name: str = "pickle") -> Any:
    """Reads what `torch.save` made of numpy arrays in lists and dictionaries, in either of its formats, without torch.

    Args:
        content: the bytes of the file.
        name: what messages call it.

    Raises:
        UnsafePickleError: it names anything outside the allow-list, tensors included; nothing was executed.
        DataError: it is damaged or cut short.
    """
    if content[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                (member,) = (info for info in archive.infolist() if info.filename.endswith("/data.pkl"))
                if member.file_size > MAX_BYTES:
                    raise DataError(f"{name} is a pickle of more than {MAX_BYTES:,} bytes; it is refused")
                content = archive.read(member)
        except (zipfile.BadZipFile, ValueError, EOFError, zlib.error) as error:
            raise DataError(f"{name} is damaged or cut short: {error}; fetch it again") from error
        return _guarded(io.BytesIO(content), name)
    stream = io.BytesIO(content)
    if _guarded(stream, name) == TORCH_MAGIC:
        for _ in range(2):  # the version of the format, and facts about the machine
            _guarded(stream, name)
        return _guarded(stream, name)
    raise DataError(f"{name} was not written by torch.save; fetch it again")


def _guarded(stream: BinaryIO, name: str) -> Any:
    try:
        return finished(_RestrictedUnpickler(stream, encoding="latin1").load())
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle may raise anything; nothing outside the allow-list has run
        raise DataError(f"{name} is damaged or cut short: {type(error).__name__}: {error}; fetch it again") from error


def _content(source: Readable | str | bytes | BinaryIO, max_bytes: int) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, "pickle"
    if isinstance(source, str):
        source = Path(source)
    if hasattr(source, "read_bytes"):
        path = source if isinstance(source, Path) else getattr(source, "path", source)
        return source.read_bytes(), getattr(path, "name", "pickle")
    return source.read(max_bytes + 1), str(getattr(source, "name", "pickle"))


def finished(value: Any, done: dict[int, tuple[Any, Any]] | None = None) -> Any:
    """Builds what was recorded. Shared parts are built once: a few nested bytes could stand for no end of entries."""
    done = {} if done is None else done
    if id(value) in done:
        return done[id(value)][1]
    if isinstance(value, _Array | _Matrix):
        return value.finished()
    if isinstance(value, dict):
        done[id(value)] = value, value
        for key, entry in value.items():
            if not isinstance(entry, list):  # adjacency lists hold plain numbers only, and there are many
                value[key] = finished(entry, done)
    elif isinstance(value, list | tuple):
        done[id(value)] = (
            value,
            type(value)(finished(entry, done) for entry in value),
        )  # alive, so its id stays its own
        return done[id(value)][1]
    elif value is _ArrayClass or isinstance(value, _Dtype):
        raise UnsafePickleError("the pickle holds a bare class or dtype; only plain numbers are read")
    return value
