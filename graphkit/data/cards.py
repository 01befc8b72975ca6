"""Dataset cards: what a dataset is, where its files are published, and what must be true of it once read.

A card is a TOML file, data and not code. This module reads and checks cards with the standard library alone, so that
`graphkit ls datasets` is instant.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from graphkit.config import check_type, read_toml, stable_hash, type_hints
from graphkit.errors import ConfigError, UnknownNameError

GROUP = "graphkit.datasets"
Target = Literal["multiclass", "binary", "multilabel", "regression", "ranking"]
Encoding = Literal["plain", "gzip", "zip-member", "pickle-free"]
_OF_GRAPHS = ("nodes", "edges", "features", "classes", "graphs", "self_loops", "isolated")
_OF_LINKS = ("train_links", "valid_links", "test_links")
_OF_EVENTS = ("events", "sources", "destinations", "pairs", "timestamps")
STATISTICS = (*_OF_GRAPHS, *_OF_LINKS, *_OF_EVENTS)

_NAME = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Source:
    """One accepted encoding of a file."""

    sha256: str = ""
    """Digest of the published bytes; empty where none is known yet, then the first download is pinned."""
    bytes: int = 0
    """Size of the published bytes; 0 where unknown."""
    urls: tuple[str, ...] = ()
    """Homes of the file, tried in order."""
    encoding: Encoding = "plain"
    """`gzip` is unpacked on reading; `pickle-free` is a re-encoding that the reader knows; `zip-member` names one
    member of a zip archive."""
    member: str = ""
    """The member, for `zip-member`."""


@dataclass(frozen=True)
class CardFile:
    """One file a reader asks for by `path`."""

    path: str = ""
    """Relative name with forward slashes."""
    sources: tuple[Source, ...] = ()
    """Accepted encodings, the best first."""


@dataclass(frozen=True)
class Card:
    """Everything graphkit knows about a dataset before it holds a byte of it.

    Example:
        >>> Card(name="ring", title="A ring", generator="ring", target="binary", metric="roc-auc").needs_files
        False
    """

    name: str = ""
    """Lower case; what every command takes."""
    title: str = ""
    kind: str = ""
    """citation, web, co-purchase, co-author, synthetic, ..."""
    task: str = "node-classification"
    """One of those in `data.tasks`, which decide the kind of dataset."""
    target: Target = "multiclass"
    """What is scored: classes, labels or values of nodes, links against non-links (binary), or candidates (ranking)."""
    metric: str = "accuracy"
    protocols: tuple[str, ...] = ()
    """Ids of evaluation protocols; the first is the default."""
    reader: str = ""
    """Name in `data.readers.READERS`; empty for a generator."""
    reader_options: Mapping[str, Any] = field(default_factory=dict)
    generator: str = ""
    """Name in `data.synthetic.GENERATORS`; empty for a reader."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of the generator's arguments."""
    negatives: Mapping[str, Any] = field(default_factory=dict)
    """Negative destinations of a temporal dataset: `kind`, and the parameters of that kind."""
    event_split: Literal["", "event-quantile", "time-span", "provided"] = ""
    """How a temporal dataset is divided; empty takes the publisher's split, or else quantiles of time."""
    licence: str = ""
    citation: str = ""
    notes: str = ""
    files: tuple[CardFile, ...] = ()
    statistics: Mapping[str, int] = field(default_factory=dict)
    """Published counts, checked after reading."""

    @property
    def needs_files(self) -> bool:
        """Whether anything has to be fetched."""
        return bool(self.files)

    @property
    def download_bytes(self) -> int:
        """Size of the first source of every file, where stated."""
        return sum(entry.sources[0].bytes for entry in self.files if entry.sources)

    @property
    def hash(self) -> str:
        """A sha256 of what decides the graph: reader or generator, options, files, target and published statistics.

        Prose, addresses and further encodings of the same file are left out, so that mending a dead link does not make
        results incomparable.
        """
        return stable_hash(
            {
                **({"negatives": dict(self.negatives)} if self.negatives else {}),
                **({"event_split": self.event_split} if self.event_split else {}),
                "name": self.name,
                "task": self.task,
                "target": self.target,
                "metric": self.metric,
                "reader": self.reader,
                "reader_options": dict(self.reader_options),
                "generator": self.generator,
                "params": dict(self.params),
                "files": [[entry.path, entry.sources[0].sha256 if entry.sources else ""] for entry in self.files],
                "statistics": dict(self.statistics),
            }
        )


def load_card(name: str) -> Card:
    """Returns the card called `name`.

    Raises:
        UnknownNameError: no folder of cards has it; the nearest names are suggested.
        ConfigError: the card is malformed.

    Example:
        >>> load_card("cora").target
        'multiclass'
    """
    file = f"{name}.toml"
    for folder in card_folders():
        if file in os.listdir(folder):  # noqa: PTH208  (a file system may take "Cora" for "cora")
            path = folder / file
            return _read_card(path, path.stat().st_mtime_ns)
    raise UnknownNameError("dataset", name, list_cards())


def list_cards() -> list[str]:
    """Returns the names of every card, sorted."""
    return sorted({path.stem for folder in card_folders() for path in folder.glob("*.toml")})


def card_folders() -> list[Path]:
    """Returns the folders searched for cards: built-in, packages' and the user's imported ones; the first wins."""
    package = Path(__file__).resolve().parents[1]
    candidates = [package / "_datasets", package.parent / "datasets", *_entry_point_folders(), user_cards_folder()]
    return [folder for folder in candidates if folder.is_dir()]


def data_root() -> Path:
    """Returns the cache folder: GRAPHKIT_DATA, or the platform's user cache; it is not created here."""
    chosen = os.environ.get("GRAPHKIT_DATA", "")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("graphkit", appauthor=False))


def user_cards_folder() -> Path:
    """Returns the folder that `graphkit data import` writes users' cards to."""
    return data_root() / "cards"


def parse_card(values: Mapping[str, Any], origin: str) -> Card:
    """Builds a card from a TOML table, strictly.

    Args:
        values: the parsed table.
        origin: the file's name, for messages.

    Raises:
        ConfigError: a key is unknown (the nearest is suggested), missing, of a wrong type, or parts do not fit.
    """
    values = dict(values)
    _check_keys(values, Card, origin, "")
    for key in ("name", "title", "target", "metric", "licence", "citation"):
        if not values.get(key):
            raise ConfigError(f'{origin}: {key} is missing; write {key} = "..." ("not stated" is a licence, too)')
    files = tuple(
        _parse_file(entry, i, origin) for i, entry in enumerate(_tables(values.pop("files", []), "files", origin))
    )
    statistics = values.pop("statistics", {})
    if not isinstance(statistics, Mapping):
        raise ConfigError(f"{origin}: statistics is a table, got {statistics!r}")
    for key, value in statistics.items():
        if key not in STATISTICS:
            raise UnknownNameError(
                f"key in {origin}:", f"statistics.{key}", [f"statistics.{one}" for one in STATISTICS]
            )
        if type(value) is not int or value < 0:
            raise ConfigError(f"{origin}: statistics.{key} takes a count, got {value!r}")
    card = Card(**_typed(values, Card, f"{origin}: "), files=files, statistics=MappingProxyType(dict(statistics)))
    _check_card(card, origin)
    return card


def _check_card(card: Card, origin: str) -> None:
    if not _NAME.fullmatch(card.name):
        raise ConfigError(f"{origin}: name {card.name!r} must be lower-case letters, digits and single - _ .")
    if not card.protocols:
        raise ConfigError(f"{origin}: protocols is empty; name at least one, the default first")
    if bool(card.reader) == bool(card.generator):
        raise ConfigError(f"{origin}: give either reader or generator")
    if card.generator and (card.files or card.reader_options):
        raise ConfigError(f"{origin}: a generator takes [params], not files or reader_options")
    if card.reader and (not card.files or card.params):
        raise ConfigError(f"{origin}: a reader takes [[files]] and reader_options, not [params]")
    paths = [entry.path for entry in card.files]
    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f"{origin}: file {path!r} is listed twice")


def _parse_file(values: Mapping[str, Any], index: int, origin: str) -> CardFile:
    where = f"files[{index}]."
    _check_keys(values, CardFile, origin, where)
    path = check_type(values.get("path", ""), str, f"{origin}: {where}path")
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path or parts.as_posix() != path:
        raise ConfigError(f"{origin}: {where}path must be a plain relative path, got {path!r}")
    tables = _tables(values.get("sources", []), f"{where}sources", origin)
    if not tables:
        raise ConfigError(f"{origin}: file {path!r} has no [[files.sources]]")
    return CardFile(path, tuple(_parse_source(table, path, origin) for table in tables))


def _parse_source(values: Mapping[str, Any], path: str, origin: str) -> Source:
    where = f"files.sources ({path})"
    _check_keys(values, Source, origin, "files.sources.")
    source = Source(**_typed(values, Source, f"{origin}: {where}."))
    if source.sha256 and not _SHA256.fullmatch(source.sha256):
        raise ConfigError(f"{origin}: {where}: sha256 takes 64 lower-case hex digits, got {source.sha256!r}")
    if source.bytes < 0:
        raise ConfigError(f"{origin}: {where}: bytes takes a size, got {source.bytes}")
    if (source.encoding == "zip-member") != bool(source.member):
        raise ConfigError(f'{origin}: {where}: member goes with encoding = "zip-member", and only with it')
    for url in source.urls:
        if not url.startswith(("https://", "file://", "http://localhost", "http://127.0.0.1")):
            raise ConfigError(f"{origin}: {where}: only https addresses are fetched, got {url!r}")
    return source


def _check_keys(values: Mapping[str, Any], cls: type[Any], origin: str, where: str) -> None:
    known = [where + key for key in cls.__dataclass_fields__]
    for key in values:
        if where + key not in known:
            raise UnknownNameError(f"key in {origin}:", where + key, known)


def _typed(values: Mapping[str, Any], cls: type[Any], where: str) -> dict[str, Any]:
    hints = type_hints(cls)
    return {key: check_type(value, hints[key], where + key) for key, value in values.items()}


def _tables(value: Any, key: str, origin: str) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
        return value
    raise ConfigError(f"{origin}: {key} is a list of tables; write [[{key}]]")


@functools.lru_cache(maxsize=256)
def _read_card(path: Path, _mtime: int) -> Card:
    card = parse_card(read_toml(path), path.name)
    if card.name != path.stem:
        raise ConfigError(f"{path}: the card is called {card.name!r}; file and card must have one name")
    return card


@functools.cache
def _entry_point_folders() -> tuple[Path, ...]:
    folders = []
    for point in metadata.entry_points(group=GROUP):
        folder = Path(os.fspath(point.load()))
        if not folder.is_dir():
            raise ConfigError(f"entry point {point.name!r} of {GROUP} names {folder}, which is no folder of cards")
        folders.append(folder)
    return tuple(folders)
