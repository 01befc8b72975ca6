"""Archives that cannot harm: members are checked before a byte is written, and sizes are bounded."""

from __future__ import annotations

import functools
import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from graphkit.errors import DataError, UnsafeArchiveError

MAX_BYTES = 64 << 30
MAX_RATIO = 1000
MAX_MEMBERS = 1_000_000
_SMALL = 16 << 20  # a high ratio is harmless below this size: constant columns do compress 1000-fold
_CHUNK = 1 << 20


class Member:
    """One regular file of an archive: its checked name, its stated size, and how to open it."""

    def __init__(self, name: str, size: int, opener: Callable[[], BinaryIO]) -> None:
        self.name, self.size, self.open = name, size, opener


def open_member(archive: Path | str, name: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Returns one member of a zip or tar archive as bytes.

    Args:
        archive: a .zip, .tar or .tar.gz file.
        name: the member's path inside the archive.
        max_bytes: the most it may unpack to.

    Raises:
        UnsafeArchiveError: a member leaves the target folder, is a link or device, or unpacks to too much.
        DataError: the archive is damaged or cut short, or has no such member.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with zipfile.ZipFile(f"{folder}/ring.zip", "w") as archive:
        ...         archive.writestr("raw/edges.csv", "0,1")
        ...     open_member(f"{folder}/ring.zip", "raw/edges.csv")
        b'0,1'
    """
    archive = Path(archive)
    with _members(archive, max_bytes) as members:
        if name not in members:
            near = [one for one in members if PurePosixPath(one).name == PurePosixPath(name).name]
            raise DataError(f"{archive} has no member {name!r}" + (f"; it has {near[0]!r}" if near else ""))
        return b"".join(_chunks(members[name], archive))


def list_members(archive: Path | str) -> list[str]:
    """Returns the names of an archive's regular files, in archive order, after checking every one."""
    with _members(Path(archive), MAX_BYTES) as members:
        return list(members)


def safe_extract(archive: Path | str, target: Path | str, *, max_bytes: int = MAX_BYTES) -> list[Path]:
    """Unpacks a zip or tar archive below `target`; nothing is written unless every member is safe.

    Args:
        archive: a .zip, .tar or .tar.gz file.
        target: folder to write to, made where missing; existing files are not overwritten.
        max_bytes: the most all members together may unpack to.

    Returns:
        The files written.

    Raises:
        UnsafeArchiveError: a member leaves the target folder, is a link or device, or unpacks to too much.
        DataError: the archive is damaged or cut short, or a file is in the way.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with zipfile.ZipFile(f"{folder}/ring.zip", "w") as archive:
        ...         archive.writestr("raw/edges.csv", "0,1")
        ...     [path.name for path in safe_extract(f"{folder}/ring.zip", f"{folder}/out")]
        ['edges.csv']
    """
    archive, target = Path(archive), Path(target)
    written = []
    with _members(archive, max_bytes) as members:
        for member in members.values():
            path = target / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("xb") as out:
                    for chunk in _chunks(member, archive):
                        out.write(chunk)
            except FileExistsError as error:
                raise DataError(f"{path} exists already; extract {archive.name} into an empty folder") from error
            except DataError:
                path.unlink()
                raise
            written.append(path)
    return written


@contextmanager
def _members(archive: Path, max_bytes: int) -> Iterator[dict[str, Member]]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield _checked(archive, _zip_members(opened, archive), max_bytes)
        elif archive.stat().st_size and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                yield _checked(archive, _tar_members(tar, archive), max_bytes)
        else:
            raise DataError(f"{archive} is no complete zip or tar archive; delete it and fetch it again")
    except FileNotFoundError as error:
        raise DataError(f"there is no archive at {archive}") from error
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, RuntimeError) as error:
        raise DataError(f"{archive} is damaged or cut short: {error}; delete it and fetch it again") from error


def _zip_members(opened: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    for info in opened.infolist():
        mode = info.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeArchiveError(
                f"{archive.name}: member {info.filename!r} is a link or device; nothing was unpacked"
            )
        if info.flag_bits & 0x1:
            raise DataError(f"{archive.name}: member {info.filename!r} is encrypted")
        _check_name(info.filename, archive)
        _check_size(info.filename, info.file_size, info.compress_size, archive)
        if not info.is_dir():
            yield Member(info.filename, info.file_size, functools.partial(_open_zip, opened, info))


def _tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    packed = archive.stat().st_size
    total = 0
    for info in tar:
        if not (info.isreg() or info.isdir()):
            raise UnsafeArchiveError(f"{archive.name}: member {info.name!r} is a link or device; nothing was unpacked")
        _check_name(info.name, archive)
        total += info.size
        _check_size(info.name, total, packed, archive)
        if info.isreg():
            yield Member(info.name.removeprefix("./"), info.size, functools.partial(_open_tar, tar, info))


def _open_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, opened.open(info))


def _open_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    return cast(BinaryIO, tar.extractfile(info))


def _checked(archive: Path, found: Iterator[Member], max_bytes: int) -> dict[str, Member]:
    members: dict[str, Member] = {}
    total = 0
    for member in found:
        total += member.size
        if total > max_bytes or len(members) >= MAX_MEMBERS:
            raise UnsafeArchiveError(
                f"{archive.name} would unpack to more than {max_bytes:,} bytes or {MAX_MEMBERS:,} files; "
                "nothing was unpacked"
            )
        if member.name in members:
            raise UnsafeArchiveError(f"{archive.name}: member {member.name!r} is stored twice; nothing was unpacked")
        members[member.name] = member
    return members


def _check_name(name: str, archive: Path) -> None:
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    if not name or "\0" in name or path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise UnsafeArchiveError(
            f"{archive.name}: member {name!r} would be written outside the target folder; nothing was unpacked"
        )


def _check_size(name: str, size: int, packed: int, archive: Path) -> None:
    if size > _SMALL and size > MAX_RATIO * max(packed, 1):
        raise UnsafeArchiveError(
            f"{archive.name}: member {name!r} unpacks {size // max(packed, 1):,}-fold to {size:,} bytes; "
            "nothing was unpacked"
        )


def _chunks(member: Member, archive: Path) -> Iterator[bytes]:
    """Yields the content and holds the member to its stated size: headers may lie."""
    done = 0
    with member.open() as stream:
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if done > member.size:
                raise UnsafeArchiveError(f"{archive.name}: member {member.name!r} is longer than its header says")
            yield chunk
    if done != member.size:
        raise DataError(f"{archive} is cut short inside member {member.name!r}; delete it and fetch it again")
