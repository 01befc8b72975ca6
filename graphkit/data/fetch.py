"""The files of a card, on this machine and verified: from the cache, a mirror, or their published homes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from graphkit.data.cards import Card, CardFile, Source, data_root
from graphkit.data.disk import locked, sha256_of, write_text
from graphkit.data.download import Expected, Progress, download
from graphkit.data.mirror import Mirror, current_mirror
from graphkit.data.raw import LocalFile
from graphkit.errors import CacheError, ChecksumError, DownloadError

LARGE = 1_000_000_000
"""Bytes that may be downloaded without being asked for."""
INDEX = ".index.json"


def raw_folder(card: Card) -> Path:
    """Returns the folder of a card's published files in the cache; it may not exist yet."""
    return data_root() / "raw" / card.name


def fetch(
    card: Card,
    *,
    offline: bool = False,
    progress: Progress | None = None,
    yes: bool = False,
    mirror: Mirror | None = None,
    rehash: bool = False,
) -> dict[str, LocalFile]:
    """Makes every file of `card` present and verified, and returns them by the names the reader asks for.

    Order: cache, mirror (GRAPHKIT_MIRROR), then the published addresses in the card's order. Processes that fetch the
    same dataset at once wait for each other. A file whose card lists no sha256 is pinned to the one first seen.

    Args:
        card: the dataset.
        offline: no network: cache, and a mirror that is a folder, only.
        progress: called as bytes arrive.
        yes: allows more than 1 GB to be downloaded.
        mirror: used instead of GRAPHKIT_MIRROR.
        rehash: hashes cached files again even when size and time of change are as recorded.

    Raises:
        DownloadError: a file is in none of these places, or can only be had by a large download.
        ChecksumError: a file was found, but with other content than the card lists.
        CacheError: the cache cannot be written, is full, or stays locked.

    Example:
        >>> fetch(load_card("cora"))["ind.cora.x"].path.name  # doctest: +SKIP
        'ind.cora.x'
    """
    if not card.files:
        return {}
    store = _Store(raw_folder(card))
    present = store.cached(card, rehash)
    if len(present) == len(card.files):
        return present
    with locked(store.folder):
        store.reload()
        present = store.cached(card, rehash)  # another process may have fetched them while this one waited
        missing = [file for file in card.files if file.path not in present]
        mirror = mirror or current_mirror()
        if mirror and offline and mirror.location.startswith("http"):
            mirror = None
        _check_size(card, missing, mirror, yes)
        for file in missing:
            present[file.path] = _obtain(card, file, store, mirror, offline, progress, yes)
    return {file.path: present[file.path] for file in card.files}


def due_bytes(card: Card, *, mirror: Mirror | None = None) -> tuple[int, int]:
    """Returns how many bytes a fetch would download, and of how many files the size is unknown; nothing is fetched.

    Files of the cache and of a mirror that is a folder are no download.
    """
    present = _Store(raw_folder(card)).cached(card, rehash=False) if card.files else {}
    mirror = mirror or current_mirror()
    near = mirror if mirror and not mirror.location.startswith("http") else None
    sizes: dict[str, int] = {}
    for file in card.files:
        if file.path in present or (near and near.find(file, card.name)):
            continue
        source = file.sources[0] if file.sources else Source()
        sizes[source.urls[0] if source.urls else file.path] = source.bytes  # members of one archive come together
    return sum(sizes.values()), sum(not size for size in sizes.values())


def damage(card: Card) -> list[str]:
    """Hashes the cached files of `card` and says which are not what they were; nothing is fetched or changed."""
    store = _Store(raw_folder(card))
    store.cached(card, rehash=True)
    return [store.damaged[file.path] for file in card.files if file.path in store.damaged]


def _obtain(
    card: Card,
    file: CardFile,
    store: _Store,
    mirror: Mirror | None,
    offline: bool,
    progress: Progress | None,
    yes: bool,
) -> LocalFile:
    tried: list[str] = []
    wrong: ChecksumError | None = None
    for source, url, listed in _candidates(card, file, mirror, offline):
        if shared := store.same_content(source):  # several members of one archive
            return store.add(file.path, shared.path, source, shared.sha256, shared.origin)
        sha256 = source.sha256 or store.pin(file.path) or listed
        expected = Expected(sha256, source.bytes, 0 if yes or url.startswith("file:") else LARGE)
        target = store.folder / _local_name(file.path, source)
        try:
            digest = download(url, target, expected, name=f"{card.name}/{file.path}", progress=progress)
        except ChecksumError as error:
            wrong = wrong or error
        except DownloadError as error:
            tried.append(str(error))
        else:
            return store.add(file.path, target, source, digest, url)
    if wrong:
        raise wrong
    raise DownloadError(_missing_message(card, file, store, tried, mirror, offline))


def _candidates(card: Card, file: CardFile, mirror: Mirror | None, offline: bool) -> Iterator[tuple[Source, str, str]]:
    """Yields (source, address, sha256 a mirror lists for it), the nearest first."""
    if mirror and (found := mirror.find(file, card.name)):
        source, entry = found
        yield source, mirror.url(entry), entry.sha256
    for source in file.sources:
        for url in source.urls:
            if not offline or url.startswith("file:"):
                yield source, url, ""


def _missing_message(
    card: Card, file: CardFile, store: _Store, tried: list[str], mirror: Mirror | None, offline: bool
) -> str:
    lines = [f"{card.name}: could not get {file.path}"]
    if file.path in store.damaged:
        lines.append(f"  {store.damaged[file.path]}")
    if mirror:
        held = mirror.find(file, card.name) is not None
        lines.append(f"  mirror {mirror.location} {'lists it, but could not give it' if held else 'does not hold it'}")
    if offline:
        lines.append("  offline mode forbids the network")
    lines += [f"  {problem}" for problem in tried]
    if not tried and not offline and not any(source.urls for source in file.sources):
        lines.append("  its card lists no address")
    lines.append(
        f"mend: set GRAPHKIT_MIRROR to a mirror (`graphkit data mirror DIR {card.name}` on a machine with internet), "
        f"or run `graphkit data import {card.name} --from DIR` with the files in DIR"
    )
    return "\n".join(lines)


def _check_size(card: Card, missing: list[CardFile], mirror: Mirror | None, yes: bool) -> None:
    remote = [file for file in missing if not (mirror and mirror.find(file, card.name))]
    size = sum(file.sources[0].bytes for file in remote)
    if size > LARGE and not yes:
        raise DownloadError(
            f"{card.name} is a download of {size / 1e9:.1f} GB; run `graphkit data download {card.name} --yes` first"
        )


def _local_name(path: str, source: Source) -> str:
    if source.encoding == "gzip" and not path.endswith(".gz"):
        return path + ".gz"
    if source.encoding == "zip-member":
        name = PurePosixPath(urlsplit(source.urls[0]).path).name if source.urls else ""
        return name or f"{source.sha256[:16] or path}.zip"
    return path


class _Store:
    """The published files of one dataset in the cache, and the index that says what each is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Reads the index again."""
        try:
            index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            index = {}
        self.index: dict[str, dict[str, Any]] = index if isinstance(index, dict) else {}

    def cached(self, card: Card, rehash: bool) -> dict[str, LocalFile]:
        """Returns the files that are here and whole; what is wrong with the others goes to `damaged`."""
        found = {}
        for file in card.files:
            for source in file.sources:
                if local := self._cached(file.path, source, rehash):
                    found[file.path] = local
                    break
        return found

    def pin(self, path: str) -> str:
        """Returns the sha256 the file had when it was first seen, or nothing."""
        return str(self.index.get(path, {}).get("sha256", "")) if self.index.get(path, {}).get("pinned") else ""

    def same_content(self, source: Source) -> LocalFile | None:
        """Returns another file of the dataset with the wanted published bytes, or of unknown ones from one address."""
        if source.encoding != "zip-member":
            return None
        for path, record in self.index.items():
            same = record.get("sha256") == source.sha256 if source.sha256 else record.get("origin") in source.urls
            if same and self._is_unchanged(self.folder / record["file"], record):
                return self._local(path)
        return None

    def add(self, path: str, target: Path, source: Source, sha256: str, origin: str) -> LocalFile:
        """Writes a verified file into the index."""
        status = target.stat()
        self.index[path] = {
            "file": target.relative_to(self.folder).as_posix(),
            "sha256": sha256,
            "bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "encoding": source.encoding,
            "member": source.member,
            "pinned": not source.sha256,
            "origin": origin,
        }
        write_text(self.folder / INDEX, json.dumps(self.index, indent=1, sort_keys=True))
        return self._local(path)

    def _cached(self, path: str, source: Source, rehash: bool) -> LocalFile | None:
        record = self.index.get(path, {})
        wanted = source.sha256 or self.pin(path)
        target = self.folder / _local_name(path, source)
        if not wanted or not target.is_file():
            return None
        if record.get("sha256") == wanted and not rehash and self._is_unchanged(target, record):
            return self._local(path)
        digest = sha256_of(target)
        if digest != wanted:
            self.damaged[path] = f"{target} is damaged: its sha256 is {digest}, expected {wanted}"
            return None
        local = LocalFile(
            target, source.encoding, digest, source.member, not source.sha256, str(record.get("origin", ""))
        )
        with suppress(CacheError):  # a shared cache may be read-only: hashing again next time costs only time
            return self.add(path, target, source, digest, local.origin)
        return local

    @staticmethod
    def _is_unchanged(target: Path, record: Mapping[str, Any]) -> bool:
        status = target.stat() if target.is_file() else None
        return bool(status and status.st_size == record.get("bytes") and status.st_mtime_ns == record.get("mtime_ns"))

    def _local(self, path: str) -> LocalFile:
        record = self.index[path]
        return LocalFile(
            self.folder / record["file"],
            record["encoding"],
            record["sha256"],
            record["member"],
            record["pinned"],
            record["origin"],
        )
