"""Bringing files in by hand: from a folder, a stick or another server, for a known dataset or a user's own card."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

from graphkit.data.cards import Card, CardFile, list_cards, load_card, parse_card, user_cards_folder
from graphkit.data.disk import sha256_of, write_text
from graphkit.data.download import Progress, read_url
from graphkit.data.fetch import fetch
from graphkit.data.mirror import MANIFEST, Entry, Mirror
from graphkit.data.raw import LocalFile
from graphkit.errors import ConfigError, DataError, UnknownNameError


def import_dataset(
    name: str, source: str, *, progress: Progress | None = None, yes: bool = False
) -> dict[str, LocalFile]:
    """Copies a dataset's files from a folder or URL into the cache, verified like any download.

    A name no card has yet is a user's own dataset: `source` then holds `NAME.toml` too, which is checked and kept.

    Args:
        name: a dataset.
        source: a folder, or the URL of one; files lie in it under the names of the card, or a MANIFEST.tsv lists them.
        progress: called as bytes arrive.
        yes: allows more than 1 GB to be downloaded.

    Raises:
        UnknownNameError: no card of that name is known, and `source` has none.
        DataError: a file is missing or has another checksum than its card lists.

    Example:
        >>> len(import_dataset("cora", "/media/stick"))  # doctest: +SKIP
        18
    """
    remote = "://" in source
    if not remote and not Path(source).expanduser().is_dir():
        raise DataError(f"there is no folder {source} to import {name} from")
    known = name in list_cards()
    text = "" if known else _own_card(name, source)
    card = load_card(name) if known else parse_card(tomllib.loads(text), f"{name}.toml")
    if card.name != name:
        raise ConfigError(f"{name}.toml holds a card called {card.name!r}; file and card must have one name")
    if remote:
        files = _from_url(card, source.rstrip("/"), progress, yes)
    else:
        files = fetch(
            card, progress=progress, yes=yes, mirror=_folder_mirror(card, Path(source).expanduser()), offline=True
        )
    if text:
        write_text(user_cards_folder() / f"{name}.toml", text)
    return files


def _own_card(name: str, source: str) -> str:
    try:
        if "://" in source:
            return read_url(f"{source.rstrip('/')}/{name}.toml").decode("utf-8")
        return (Path(source).expanduser() / f"{name}.toml").read_text(encoding="utf-8")
    except (OSError, DataError) as error:
        raise UnknownNameError("dataset", name, list_cards()) from error


def _from_url(card: Card, url: str, progress: Progress | None, yes: bool) -> dict[str, LocalFile]:
    try:
        read_url(f"{url}/{MANIFEST}")
    except DataError:
        moved = tuple(
            CardFile(
                file.path,
                tuple(dataclasses.replace(one, urls=(f"{url}/{file.path}", *one.urls)) for one in file.sources),
            )
            for file in card.files
        )
        return fetch(dataclasses.replace(card, files=moved), progress=progress, yes=yes)
    return fetch(card, progress=progress, yes=yes, mirror=Mirror.open(url))


def _folder_mirror(card: Card, folder: Path) -> Mirror:
    """Lists the files of a folder that may be the card's: by its manifest, else by name or size, hashed."""
    if (folder / MANIFEST).exists():
        return Mirror.open(str(folder))
    sizes = {source.bytes for file in card.files for source in file.sources if source.bytes}
    names = {Path(file.path).name for file in card.files}
    entries = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (
            path.name.removesuffix(".gz") in names or path.name in names or path.stat().st_size in sizes
        ):
            entries.append(Entry(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)))
    return Mirror(str(folder), entries)
