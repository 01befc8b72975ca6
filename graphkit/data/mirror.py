"""A mirror: a folder (or URL prefix) with a MANIFEST.tsv, looked up by checksum, for machines without internet."""

from __future__ import annotations

import csv
import functools
import io
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from graphkit.data.cards import CardFile, Source, load_card
from graphkit.data.disk import cache_errors, write_text
from graphkit.data.download import Progress, read_url
from graphkit.errors import DataError, DownloadError

MANIFEST = "MANIFEST.tsv"
COLUMNS = ("path", "bytes", "sha256")


@dataclass(frozen=True)
class Entry:
    """One file of a mirror."""

    path: str
    bytes: int
    sha256: str


class Mirror:
    """The files of one mirror.

    Args:
        location: a folder, or the URL of one, that holds MANIFEST.tsv.
        entries: the manifest's rows.

    Example:
        >>> Mirror("/mnt/graphs", []).url(Entry("cora/ind.cora.x", 1, ""))
        'file:///mnt/graphs/cora/ind.cora.x'
    """

    def __init__(self, location: str, entries: Iterable[Entry]) -> None:
        self.location = location
        self.entries = list(entries)
        self._by_sha256 = {entry.sha256: entry for entry in self.entries}

    @classmethod
    def open(cls, location: str) -> Mirror:
        """Reads the manifest of a mirror.

        Raises:
            DataError: there is no manifest, or it lacks the columns path, bytes and sha256.
        """
        if "://" in location:
            return _read_remote(location.rstrip("/"))
        path = Path(location).expanduser() / MANIFEST
        try:
            return cls(location, parse_manifest(path.read_text(encoding="utf-8"), str(path)))
        except OSError as error:
            raise DataError(
                f"GRAPHKIT_MIRROR: no {MANIFEST} in {location}; `graphkit data mirror` writes one"
            ) from error

    def find(self, file: CardFile, dataset: str) -> tuple[Source, Entry] | None:
        """Returns the first accepted source of `file` that the mirror holds, and where.

        Sources with a digest are found by it. One without is found by name: `DATASET/PATH` at the end of a path, or
        PATH at the end of the only path that names the dataset at all. The name alone would not do: many datasets call
        their files the same.
        """
        for source in file.sources:
            if source.sha256:
                if source.sha256 in self._by_sha256:
                    return source, self._by_sha256[source.sha256]
            elif entry := self._by_name(file.path, dataset):
                return source, entry
        return None

    def url(self, entry: Entry) -> str:
        """Returns the address of a file of the mirror."""
        if "://" in self.location:
            return f"{self.location}/{quote(entry.path)}"
        return (Path(self.location).expanduser().absolute() / entry.path).as_uri()

    def _by_name(self, path: str, dataset: str) -> Entry | None:
        ending = [entry for entry in self.entries if f"/{entry.path}".endswith(f"/{path}")]
        exact = [entry for entry in ending if f"/{entry.path}".endswith(f"/{dataset}/{path}")]
        named = [entry for entry in ending if _plain(dataset) in _plain(entry.path)]
        for found in (exact, named):
            if len(found) == 1:
                return found[0]
        return None


def current_mirror() -> Mirror | None:
    """Returns the mirror GRAPHKIT_MIRROR names, or None where it is unset."""
    location = os.environ.get("GRAPHKIT_MIRROR", "")
    return Mirror.open(location) if location else None


def parse_manifest(text: str, origin: str) -> list[Entry]:
    """Parses MANIFEST.tsv; columns besides path, bytes and sha256 are for people.

    Raises:
        DataError: a column is missing, or a row is malformed or leaves the mirror's folder.
    """
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(f"{origin} lacks the column {missing[0]!r}; its first line must name path, bytes and sha256")
    entries = []
    for number, row in enumerate(rows, start=2):
        path, size, sha256 = row["path"] or "", row["bytes"] or "", row["sha256"] or ""
        if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise DataError(f"{origin}, line {number}: path {path!r} leaves the mirror")
        if not size.isdigit() or len(sha256) != 64:
            raise DataError(f"{origin}, line {number}: {path} needs a size and a sha256")
        entries.append(Entry(path, int(size), sha256))
    return entries


def build_mirror(
    folder: Path | str,
    names: Iterable[str],
    *,
    offline: bool = False,
    progress: Progress | None = None,
    yes: bool = False,
) -> list[Entry]:
    """Copies the files of datasets into `folder` and writes its MANIFEST.tsv; files listed already are kept.

    Args:
        folder: the mirror, made where missing; name it in GRAPHKIT_MIRROR on the other machine.
        names: datasets to hold; the built-in ones need no file and add none.
        offline: use the cache only.
        progress: called as bytes arrive.
        yes: allows downloads of more than 1 GB.

    Returns:
        Every entry of the manifest.

    Raises:
        DataError: a file cannot be fetched, or the folder cannot be written.

    Example:
        >>> build_mirror("mirror", ["cora"])[0].path  # doctest: +SKIP
        'cora/ind.cora.y'
    """
    from graphkit.data.fetch import fetch

    folder = Path(folder).expanduser()
    manifest = folder / MANIFEST
    entries: dict[str, Entry] = {}
    if manifest.exists():
        entries = {entry.path: entry for entry in parse_manifest(manifest.read_text(encoding="utf-8"), str(manifest))}
    for name in names:
        for path, file in fetch(load_card(name), offline=offline, progress=progress, yes=yes).items():
            listed = f"{name}/{path}"
            target = folder / listed
            with cache_errors(target, file.path.stat().st_size):
                target.parent.mkdir(parents=True, exist_ok=True)
                partial = target.with_name(target.name + ".part")
                shutil.copyfile(file.path, partial)
                partial.replace(target)
            entries[listed] = Entry(listed, target.stat().st_size, file.sha256)
    rows = ["\t".join(COLUMNS)] + [f"{entry.path}\t{entry.bytes}\t{entry.sha256}" for entry in entries.values()]
    write_text(manifest, "\n".join(rows) + "\n")
    return list(entries.values())


@functools.lru_cache(maxsize=4)
def _read_remote(location: str) -> Mirror:
    url = f"{location}/{MANIFEST}"
    try:
        text = read_url(url).decode("utf-8")
    except DownloadError as error:
        raise DataError(f"the mirror {location} cannot be read: {error}; mend or unset GRAPHKIT_MIRROR") from error
    return Mirror(location, parse_manifest(text, url))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
