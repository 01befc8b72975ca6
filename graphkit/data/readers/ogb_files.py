"""The files of the Open Graph Benchmark, Hu et al., NeurIPS 2020: one zip archive, or the same members one by one."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.archive import list_members, open_member
from graphkit.data.raw import LocalFile
from graphkit.data.unpickle import safe_load_saved
from graphkit.errors import DataError


class OGBFiles:
    """The members of one archive, or the files of a card, by their names in OGB's layout."""

    def __init__(self, files: Mapping[str, LocalFile], folder: str, name: str) -> None:
        self.files, self.folder, self.name = files, folder, name
        only = next(iter(files.values())) if len(files) == 1 else None
        self.archive = only.path if only and zipfile.is_zipfile(only.path) else None
        self.members = set(list_members(self.archive)) if self.archive else set(files)
        self.parts: Mapping[str, Any] = {}

    def has(self, path: str) -> bool:
        """Whether there is such a member."""
        return (f"{self.folder}/{path}" if self.archive else path) in self.members

    def content(self, path: str) -> bytes:
        """Returns a member's bytes; raises DataError where there is none."""
        if not self.has(path):
            raise DataError(f"{self.name}: its files hold no {path}; fetch them again")
        if self.archive:
            return open_member(self.archive, f"{self.folder}/{path}")
        return self.files[path].read_bytes()

    def table(self, path: str, dtype: type[np.generic]) -> NDArray[Any]:
        """Returns the numbers of `PATH.csv.gz` as [rows, columns]; an empty field of a float table is NaN."""
        content = self.content(f"{path}.csv.gz")
        converter = _number if np.issubdtype(dtype, np.floating) else None
        try:
            text = gzip.decompress(content)
            if converter and not _has_gaps(text):
                converter = None
            return np.loadtxt(io.BytesIO(text), delimiter=",", dtype=dtype, ndmin=2, converters=converter)
        except (ValueError, EOFError, gzip.BadGzipFile) as error:
            raise DataError(f"{self.name}: {path}.csv.gz is damaged: {error}; delete it and fetch it again") from error

    def check_count(self, found: int, due: int) -> None:
        """Raises DataError where another number of edges was read than is due."""
        if found != due:
            raise DataError(f"{self.name}: {found} edges were read, but the archive promises {due}; fetch it again")

    def split(self, rule: str, part: str) -> Mapping[str, Any]:
        """Returns the arrays of one part of a split that is stored as pickles."""
        whole = f"split/{rule}/split_dict.pt"
        if not self.has(whole):
            return self.saved(f"split/{rule}/{part}.pt", part)
        if not self.parts:
            self.parts = self.saved(whole, "")
        if not isinstance(self.parts.get(part), Mapping):
            raise DataError(f"{self.name}: {whole} holds no {part} links; fetch it again")
        return self.parts[part]

    def saved(self, path: str, part: str) -> Mapping[str, Any]:
        """Returns the arrays of a saved dictionary, or of the pickle-free npz in its place."""
        content = self.content(path)
        if not self.archive and self.files[path].encoding == "pickle-free":
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return {key.removeprefix(f"{part}_"): arrays[key] for key in arrays if key.startswith(f"{part}_")}
        found = safe_load_saved(content, f"{self.name}/{path}")
        if not isinstance(found, Mapping):
            raise DataError(f"{self.name}: {path} holds {type(found).__name__}, not a dictionary of arrays")
        return found


def _has_gaps(text: bytes) -> bool:
    return text.startswith(b",") or b",," in text or b",\n" in text or b"\n," in text or b"\n\n" in text


def _number(text: str) -> float:
    return float(text) if text.strip() else float("nan")
