"""Processed datasets, kept by content: one file of arrays each, named after everything that went into it.

Nothing here is ever stale: the key covers the raw bytes, the reader's code, the options and the preparation. Nothing is
trusted either: every array is hashed on loading, and a damaged file is built again.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from scipy import sparse

from graphkit.config import stable_hash
from graphkit.data.cards import data_root
from graphkit.data.container import Arrays, digest_of, read_container, write_container
from graphkit.data.disk import cache_errors, locked
from graphkit.data.raw import RawGraph, Triple

FORMAT = 2


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


def processed_file(name: str, recipe: Mapping[str, Any]) -> Path:
    """Returns where the dataset `name` made by `recipe` is kept."""
    key = stable_hash({"format": FORMAT, **recipe})
    return data_root() / "processed" / name / f"{key[:32]}.arrays"


def load_or_build(
    path: Path,
    build: Callable[[], Raw],
    pack: Callable[[Raw], Arrays] | None = None,
    unpack: Callable[[Arrays, str], Raw] | None = None,
) -> tuple[Raw, str]:
    """Returns the dataset kept at `path` and its content digest; builds and keeps it where missing or damaged.

    Processes that want the same dataset at once wait for the first to build it.

    Args:
        path: from `processed_file`.
        build: makes the dataset.
        pack: lays it out as arrays; `to_arrays` of a graph unless told.
        unpack: the way back from arrays and name; `from_arrays` of a graph unless told.

    Raises:
        CacheError: the cache cannot be written, is full, or stays locked.
    """
    lay_out: Callable[[Any], Arrays] = pack or to_arrays
    restore: Callable[[Arrays, str], Any] = unpack or from_arrays
    found = _load(path, restore)
    if found is None:
        with locked(path.parent):
            found = _load(path, restore)
            if found is None:
                raw = build()
                arrays = lay_out(raw)
                with cache_errors(path, sum(array.nbytes for array in arrays.values())):
                    write_container(path, raw.name, arrays)
                found = _load(path, restore) or (raw, content_digest(arrays))
    return found


def content_digest(arrays: Arrays) -> str:
    """Returns a sha256 of arrays by name, dtype, shape and bytes."""
    return stable_hash({name: digest_of(array) for name, array in arrays.items()})


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


def _load(path: Path, unpack: Callable[[Arrays, str], Raw]) -> tuple[Raw, str] | None:
    """Reads and verifies a kept dataset; None where it is missing or damaged, which is the same: it is built again."""
    try:
        name, arrays, digests = read_container(path)
        return unpack(arrays, name), stable_hash(digests)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@functools.lru_cache(maxsize=256)
def _source_digest(path: Path, _mtime: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
