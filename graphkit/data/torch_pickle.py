"""Published pickles of lists of torch tensors, read into numpy arrays without torch and without running them.

A pickled tensor is a call of torch, given a storage: the bytes of `torch.save` in its first format, themselves a
handful of pickles and then raw numbers. As in `data.unpickle`, stand-ins record what those calls are given; any other
global stops the reader before anything is run.
"""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.unpickle import ALLOWED, TORCH_MAGIC, finished
from graphkit.errors import DataError, UnsafePickleError

_DTYPES = {
    **{"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4"},
    **{"ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?"},
}
_Storage = NDArray[Any]


class _StorageClass:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


def load_tensors(content: bytes, name: str = "pickle") -> Any:
    """Reads a pickle of tensors, arrays and numbers in lists, tuples and dictionaries; tensors become arrays.

    Args:
        content: the bytes of the file.
        name: what messages call it.

    Raises:
        UnsafePickleError: it names anything outside the allow-list; nothing was executed.
        DataError: it is damaged or cut short.

    Example:
        >>> load_tensors(pickle.dumps([1, (2, 3)]))
        [1, (2, 3)]
    """
    try:
        return finished(_Unpickler(io.BytesIO(content), encoding="latin1").load())
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle may raise anything; nothing outside the allow-list has run
        raise DataError(f"{name} is damaged or cut short: {type(error).__name__}: {error}; fetch it again") from error


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _StorageClass(_DTYPES[name])
        if (module, name) in _TORCH:
            return _TORCH[module, name]
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        raise UnsafePickleError(
            f"the pickle names {module}.{name}, which is not on the allow-list; nothing of it was executed"
        )

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], _StorageClass):
            raise UnsafePickleError("the pickle refers to an outside object; nothing of it was executed")
        return pid[1], pid[2], pid[4]


def _storage(content: Any) -> _Storage:
    """What `torch.save` made of one storage: magic number, version, facts about the machine, storage, keys, numbers."""
    stream = io.BytesIO(content)
    parts = [_Unpickler(stream, encoding="latin1").load() for _ in range(5)]
    if parts[0] != TORCH_MAGIC or not isinstance(parts[3], tuple):
        raise DataError("a tensor's storage was not written by torch.save")
    kind, key, count = parts[3]
    if parts[4] != [key] or int.from_bytes(stream.read(8), "little") != count:
        raise DataError("a tensor's storage is not of the size it claims")
    numbers = np.frombuffer(stream.read(), dtype=kind.dtype, count=count)
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_more: Any) -> NDArray[Any]:
    """A tensor [size] inside a storage, copied out; what lies outside the storage is refused."""
    if not isinstance(storage, np.ndarray) or len(size) != len(stride) or min((offset, *size, *stride), default=0) < 0:
        raise UnsafePickleError("the pickle builds a tensor of something that is no storage")
    if 0 in size:
        return np.empty(size, dtype=storage.dtype)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if last >= len(storage):
        raise DataError("a tensor reaches beyond its storage")
    places = np.array(offset)
    for length, step in zip(size, stride, strict=True):
        places = places[..., None] + np.arange(length) * step
    return storage[places]


_TORCH: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("collections", "OrderedDict"): collections.OrderedDict,
}
