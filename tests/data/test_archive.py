from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from graphkit.data.archive import list_members, open_member, safe_extract
from graphkit.errors import DataError, UnsafeArchiveError

FILES = {"arxiv/raw/edge.csv": b"0,1\n" * 1000, "arxiv/RELEASE.txt": b"v1"}


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def make(path: Path, files: dict[str, bytes]) -> Path:
    return make_zip(path, files) if path.suffix == ".zip" else make_tar(path, files)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_members_come_out_as_they_went_in(name: str, tmp_path: Path) -> None:
    archive = make(tmp_path / name, FILES)
    assert list_members(archive) == list(FILES)
    assert open_member(archive, "arxiv/raw/edge.csv") == FILES["arxiv/raw/edge.csv"]
    written = safe_extract(archive, tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in written} == FILES
    with pytest.raises(DataError, match="exists already"):
        safe_extract(archive, tmp_path / "out")
    with pytest.raises(DataError, match="no member 'edge.csv'; it has 'arxiv/raw/edge.csv'"):
        open_member(archive, "edge.csv")


@pytest.mark.parametrize("archive", ["a.zip", "a.tar"])
@pytest.mark.parametrize("evil", ["../evil", "raw/../../evil", "/tmp/evil", "C:\\evil", "..\\evil"])
def test_members_outside_the_folder_are_refused(archive: str, evil: str, tmp_path: Path) -> None:
    path = make(tmp_path / archive, {"good": b"x", evil: b"x"})
    with pytest.raises(UnsafeArchiveError, match="outside the target folder; nothing was unpacked") as caught:
        safe_extract(path, tmp_path / "deep" / "out")
    assert caught.value.exit_code == 3 and not (tmp_path / "deep").exists() and not (tmp_path / "evil").exists()
    with pytest.raises(UnsafeArchiveError):
        open_member(path, "good")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UnsafeArchiveError, match="link or device"):
        safe_extract(tmp_path / "a.tar", tmp_path / "out")


def test_symlinks_in_zips_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="link or device"):
        safe_extract(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_bombs_are_refused(name: str, tmp_path: Path) -> None:
    archive = make(tmp_path / name, {"zeros": bytes(40 << 20)})
    with pytest.raises(UnsafeArchiveError, match="-fold to 41,943,040 bytes"):
        open_member(archive, "zeros")
    with pytest.raises(UnsafeArchiveError, match="more than 10 bytes"):
        open_member(make(tmp_path / f"small-{name}", {"a": b"0123456789ab"}), "a", max_bytes=10)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_truncated_archives_are_named(name: str, tmp_path: Path) -> None:
    archive = make(tmp_path / name, {"a": bytes(range(256)) * 400})
    archive.write_bytes(archive.read_bytes()[:-1200] if name == "a.zip" else archive.read_bytes()[:600])
    with pytest.raises(DataError, match=f"{name}.*fetch it again"):
        open_member(archive, "a")


def test_no_archive_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("<html>moved</html>")
    with pytest.raises(DataError, match="no complete zip or tar archive"):
        list_members(tmp_path / "a.zip")
    with pytest.raises(DataError, match="there is no archive"):
        list_members(tmp_path / "b.zip")
