"""Processed datasets, kept by content: a folder of plain .npy files named after everything that went into them.

Nothing here is ever stale: the key covers the raw bytes, the reader's code, the options and the preparation. Nothing is
trusted either: every array is hashed on loading, and a damaged folder is built again.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.config import stable_hash
from graphkit.data.cards import data_root
from graphkit.data.disk import cache_errors, locked
from graphkit.data.raw import RawGraph, Triple

FORMAT = 1
META = "meta.json"
_BLOCK = 1 << 20
Arrays = dict[str, NDArray[Any]]


class Named(Protocol):
    """What is kept: a graph, links or events, with the name of its dataset."""

    name: str


Raw = TypeVar("Raw", bound=Named)


def code_version(obj: Callable[..., Any]) -> str:
    """Returns a digest of the code behind a reader or generator: its VERSION, and the source of its package.

    Editing a reader, or a module next to it, therefore never meets graphs read by the old one.
    """
    module = sys.modules[obj.__module__]
    digest = hashlib.sha256(str(getattr(module, "VERSION", "")).encode())
    parts = ("prepare", "raw", "unpickle", "archive", "events", "molecules")
    shared = [importlib.import_module(f"graphkit.data.{name}") for name in parts]
    for home in (module, *shared):
        path = Path(str(getattr(home, "__file__", "")))
        if not path.is_file():  # frozen into an archive: the version above has to do
            continue
        inside = path.parent.name in ("readers", "synthetic") and home.__name__.startswith("graphkit.data.")
        for source in sorted(path.parent.glob("*.py")) if inside else [path]:
            digest.update(source.name.encode() + b"\0" + _source_digest(source, source.stat().st_mtime_ns))
    return digest.hexdigest()[:16]


def processed_folder(name: str, recipe: Mapping[str, Any]) -> Path:
    """Returns where the dataset `name` made by `recipe` is kept."""
    key = stable_hash({"format": FORMAT, **recipe})
    return data_root() / "processed" / name / key[:32]


def load_or_build(
    folder: Path,
    build: Callable[[], Raw],
    pack: Callable[[Raw], Arrays] | None = None,
    unpack: Callable[[Arrays, str], Raw] | None = None,
) -> tuple[Raw, str]:
    """Returns the dataset kept in `folder` and its content digest; builds and keeps it where missing or damaged.

    Processes that want the same dataset at once wait for the first to build it.

    Args:
        folder: from `processed_folder`.
        build: makes the dataset.
        pack: lays it out as arrays; `to_arrays` of a graph unless told.
        unpack: the way back from arrays and name; `from_arrays` of a graph unless told.

    Raises:
        CacheError: the cache cannot be written, is full, or stays locked.
    """
    lay_out: Callable[[Any], Arrays] = pack or to_arrays
    restore: Callable[[Arrays, str], Any] = unpack or from_arrays
    found = _load(folder, restore)
    if found is None:
        with locked(folder.parent):
            found = _load(folder, restore)
            if found is None:
                raw = build()
                write_arrays(folder, raw.name, lay_out(raw))
                found = _load(folder, restore) or (raw, content_digest(lay_out(raw)))
    return found


def content_digest(arrays: Arrays) -> str:
    """Returns a sha256 of arrays by name, dtype, shape and bytes."""
    return stable_hash({name: _array_digest(array) for name, array in arrays.items()})


def to_arrays(raw: RawGraph) -> Arrays:
    """Lays a graph out as named arrays."""
    arrays: Arrays = {"edge_index": raw.edge_index, "y": raw.y}
    if not isinstance(raw.x, np.ndarray):
        matrix = raw.x.copy()
        matrix.sum_duplicates()  # one canonical form, whatever order the reader built it in
        arrays |= {"x_data": matrix.data, "x_indices": matrix.indices.astype(np.int64)}
        arrays |= {"x_indptr": matrix.indptr.astype(np.int64), "x_shape": np.array(matrix.shape, dtype=np.int64)}
    else:
        arrays["x"] = raw.x
    for key in ("edge_attr", "ptr"):
        if getattr(raw, key) is not None:
            arrays[key] = getattr(raw, key)
    arrays |= splits_to_arrays(raw.splits)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def splits_to_arrays(splits: Mapping[str, list[Triple]]) -> Arrays:
    """Lays published splits out as named arrays."""
    arrays: Arrays = {}
    for protocol, triples in splits.items():
        flat = [np.asarray(part, dtype=np.int64) for triple in triples for part in triple]
        arrays[f"split.{protocol}"] = np.concatenate(flat) if flat else np.empty(0, dtype=np.int64)
        arrays[f"sizes.{protocol}"] = np.array([len(part) for part in flat], dtype=np.int64)
    return arrays


def splits_from_arrays(arrays: Arrays) -> dict[str, list[Triple]]:
    """Builds the splits that `splits_to_arrays` laid out."""
    splits = {}
    for key in arrays:
        if key.startswith("split."):
            protocol = key.removeprefix("split.")
            flat = np.split(arrays[key], np.cumsum(arrays[f"sizes.{protocol}"])[:-1])
            splits[protocol] = [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]
    return splits


def from_arrays(arrays: Arrays, name: str) -> RawGraph:
    """Builds the graph that `to_arrays` laid out."""
    x: Any = arrays.get("x")
    if x is None:
        parts = arrays["x_data"], arrays["x_indices"], arrays["x_indptr"]
        x = sparse.csr_matrix(parts, shape=tuple(arrays["x_shape"]))
    return RawGraph(
        x=x,
        edge_index=arrays["edge_index"],
        y=arrays["y"],
        splits=splits_from_arrays(arrays),
        edge_attr=arrays.get("edge_attr"),
        ptr=arrays.get("ptr"),
        name=name,
    )


def write_arrays(folder: Path, name: str, arrays: Arrays) -> None:
    """Writes named arrays as a folder of .npy files with their digests, in place of what is there; whole or not at all.

    Raises:
        CacheError: the disk is full or read-only.
    """
    size = sum(array.nbytes for array in arrays.values())
    with cache_errors(folder, size):
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        with cache_errors(folder, size):
            for key, array in arrays.items():
                np.save(work / f"{key}.npy", array, allow_pickle=False)
            digests = {key: _array_digest(array) for key, array in arrays.items()}
            (work / META).write_text(json.dumps({"name": name, "arrays": digests}, indent=1), encoding="utf-8")
            if folder.exists():  # damaged, or it would have been loaded
                shutil.rmtree(folder)
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _load(folder: Path, unpack: Callable[[Arrays, str], Raw]) -> tuple[Raw, str] | None:
    """Reads and verifies a kept dataset; None where it is missing or damaged, which is the same: it is built again."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        arrays: Arrays = {}
        for key, digest in meta["arrays"].items():
            # copy-on-write: memory is shared with the file until somebody writes, and the file never changes
            arrays[key] = np.load(folder / f"{key}.npy", mmap_mode="c", allow_pickle=False)
            if _array_digest(arrays[key]) != digest:
                return None
        plain = {key: np.asarray(array) for key, array in arrays.items()}
        return unpack(plain, meta["name"]), stable_hash(meta["arrays"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _array_digest(array: NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{list(array.shape)}".encode())
    if isinstance(array, np.memmap) and array.flags.c_contiguous and array.size:
        # read through a small buffer: hashing a large file by its mapping would bring all of it into memory
        with Path(str(array.filename)).open("rb") as stream:
            stream.seek(array.offset)
            while block := stream.read(_BLOCK):
                digest.update(block)
    elif array.size:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@functools.lru_cache(maxsize=256)
def _source_digest(path: Path, _mtime: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
