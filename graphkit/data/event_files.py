"""Stores of events on disk: a folder of plain .npy files that is opened by mapping, whatever its size."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from graphkit.data.container import digest_of
from graphkit.data.disk import cache_errors
from graphkit.data.events import EventStore, pack
from graphkit.errors import DataError

META = "meta.json"
_NEEDED = ("src", "dst", "t", "eid", "node_ids")


def save_events(events: EventStore, folder: Path | str) -> Path:
    """Writes a store as a folder of .npy files, whole or not at all, and returns the folder.

    Raises:
        CacheError: the disk is full or read-only.
    """
    target, arrays = Path(folder), pack(events)
    size = sum(array.nbytes for array in arrays.values())
    with cache_errors(target, size):
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    try:
        with cache_errors(target, size):
            for key, array in arrays.items():
                np.save(work / f"{key}.npy", array, allow_pickle=False)
            digests = {key: digest_of(array) for key, array in arrays.items()}
            (work / META).write_text(json.dumps({"name": events.name, "arrays": digests}, indent=1), encoding="utf-8")
            if target.exists():
                shutil.rmtree(target)
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def open_events(folder: Path | str) -> EventStore:
    """Opens a folder that `save_events` wrote, without reading the events: they stay on disk until they are asked for.

    Fifty million events open in milliseconds and a few pages of memory. Contents are trusted, lengths are checked.

    Raises:
        DataError: no such folder, a file is missing or cut short, or lengths differ.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = save_events(EventStore([0, 1], [1, 2], [5, 6], name="toy"), f"{folder}/toy")
        ...     open_events(f"{folder}/toy")
        EventStore('toy', events=2, nodes=3)
    """
    place = Path(folder)
    try:
        meta = json.loads((place / META).read_text(encoding="utf-8"))
        arrays = {key: np.load(place / f"{key}.npy", mmap_mode="r", allow_pickle=False) for key in meta["arrays"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place} is no folder of events ({error}); write one with save_events") from error
    if missing := [key for key in _NEEDED if key not in arrays]:
        raise DataError(f"{place} has no {missing[0]}.npy; write the folder with save_events")
    lengths = {key: len(arrays[key]) for key in ("src", "dst", "t", "eid", "msg", "y", "part") if key in arrays}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{place}: lengths differ ({lengths}); the folder is damaged, write it again")
    return EventStore.trusted(arrays, str(meta.get("name", "")))
