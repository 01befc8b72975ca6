"""A restricted unpickler for the Planetoid ``ind.*`` files: arrays, CSR matrices, lists and dictionaries, nothing else.

A pickle is a program. This one may name seven harmless constructors; any other global stops it before anything is run.
"""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from scipy import sparse

from graphkit.errors import DataError, UnsafePickleError

MAX_BYTES = 1 << 30


class _NewScipyMatrix:
    """Receives the state of a pickled matrix; the real one is built from the three arrays afterwards."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise UnsafePickleError("a pickled sparse matrix holds an unexpected state")
        self.state = state

    def to_csr(self) -> sparse.csr_matrix:
        """Builds and checks the matrix."""
        shape = self.state.get("_shape", self.state.get("shape"))
        parts = [self.state.get(key) for key in ("data", "indices", "indptr")]
        if not isinstance(shape, tuple) or not all(isinstance(part, np.ndarray) for part in parts):
            raise DataError("a pickled sparse matrix lacks its arrays or shape")
        matrix = sparse.csr_matrix(tuple(parts), shape=shape)
        matrix.check_format(full_check=True)
        return matrix


def _reconstruct_array(cls: Any, shape: Any, dtype: Any) -> Any:
    if cls is not np.ndarray:
        raise UnsafePickleError(f"the pickle builds an array of class {cls!r}")
    return np.ndarray.__new__(np.ndarray, shape, _checked_dtype(dtype))


def _checked_dtype(*arguments: Any) -> Any:
    # the state of an array may carry Python objects only when its dtype says so, hence no object dtypes
    if not arguments or not isinstance(arguments[0], str | bytes | np.dtype):
        raise UnsafePickleError(f"the pickle asks for dtype {arguments!r}")
    dtype = np.dtype(arguments[0].decode("latin1") if isinstance(arguments[0], bytes) else arguments[0])
    if dtype.hasobject:
        raise UnsafePickleError(f"the pickle holds an array of dtype {dtype}; arrays of Python objects are refused")
    return dtype


def _bytes_from_text(text: str, encoding: str) -> bytes:
    # how Python 3 writes bytes into a protocol-2 pickle
    if encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError(f"the pickle encodes bytes as {encoding!r}")
    return text.encode("latin1")


def _default_dict(factory: Any = list) -> collections.defaultdict[Any, list[Any]]:
    if factory is not list:
        raise UnsafePickleError(f"the pickle builds a defaultdict of {factory!r}")
    return collections.defaultdict(list)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _checked_dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct_array for core in ("core", "_core")},
    **{(module, "csr_matrix"): _NewScipyMatrix for module in ("scipy.sparse.csr", "scipy.sparse._csr")},
    ("collections", "defaultdict"): _default_dict,
    **{(module, "list"): list for module in ("__builtin__", "builtins")},
    ("_codecs", "encode"): _bytes_from_text,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafePickleError(
                f"the pickle names {module}.{name}, which is not on the allow-list; nothing of it was executed"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise UnsafePickleError("the pickle refers to an outside object; nothing of it was executed")


def safe_load(source: Path | str | bytes | BinaryIO) -> Any:
    """Reads a Planetoid pickle: numpy arrays, CSR matrices, lists and dictionaries of numbers.

    Args:
        source: a path, the pickled bytes, or an open binary file.

    Raises:
        UnsafePickleError: the pickle names anything outside the allow-list; nothing was executed.
        DataError: the pickle is damaged or cut short, or larger than 1 GiB.

    Example:
        >>> safe_load(pickle.dumps({0: [1, 2]}))
        {0: [1, 2]}
    """
    content, name = _content(source)
    if len(content) > MAX_BYTES:
        raise DataError(f"{name} is a pickle of {len(content):,} bytes; more than {MAX_BYTES:,} are refused")
    try:
        value = _RestrictedUnpickler(io.BytesIO(content), encoding="latin1").load()
        return _finished(value)
    except (UnsafePickleError, DataError) as error:
        raise type(error)(f"{name}: {error}") from error.__cause__
    except RecursionError as error:
        raise DataError(f"{name} is nested too deeply to be a data file") from error
    except Exception as error:  # a damaged pickle may raise anything; nothing but the allow-list has run
        raise DataError(f"{name} is damaged or cut short: {type(error).__name__}: {error}; fetch it again") from error


def _content(source: Path | str | bytes | BinaryIO) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, "pickle"
    if isinstance(source, str | Path):
        path = Path(source)
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is a pickle of more than {MAX_BYTES:,} bytes; it is refused")
        return path.read_bytes(), path.name
    return source.read(MAX_BYTES + 1), str(getattr(source, "name", "pickle"))


def _finished(value: Any) -> Any:
    if isinstance(value, _NewScipyMatrix):
        return value.to_csr()
    if isinstance(value, dict):
        for key, entry in value.items():
            value[key] = _finished(entry)
    if isinstance(value, list):
        return [_finished(entry) for entry in value]
    return value
