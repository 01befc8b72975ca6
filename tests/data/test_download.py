from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from graphkit.data.download import Expected, check_url, download
from graphkit.errors import CacheError, ChecksumError, DownloadError

CONTENT = bytes(range(256)) * 1024


def expected(content: bytes = CONTENT) -> Expected:
    return Expected(hashlib.sha256(content).hexdigest(), len(content))


def test_whole_file_arrives_and_progress_is_told(server: Any, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    url = server.put("a", CONTENT)
    digest = download(url, tmp_path / "deep" / "a", expected(), progress=lambda *step: seen.append(step))
    assert digest == expected().sha256
    assert (tmp_path / "deep" / "a").read_bytes() == CONTENT
    assert seen[0] == ("a", 0, len(CONTENT)) and seen[-1] == ("a", len(CONTENT), len(CONTENT))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a"]


def test_cut_transfer_is_resumed_where_it_stopped(server: Any, tmp_path: Path, cache: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["a"] = ["cut"]
    download(url, tmp_path / "a", expected())
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == [("a", ""), ("a", f"bytes={len(CONTENT) // 2}-")]


def test_file_that_changed_meanwhile_starts_over(server: Any, tmp_path: Path, cache: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["a"] = ["cut", "404"]
    with pytest.raises(DownloadError):
        download(url, tmp_path / "a", Expected())
    assert (tmp_path / "a.part").stat().st_size == len(CONTENT) // 2
    other = CONTENT[::-1]
    server.put("a", other)
    assert download(url, tmp_path / "a", Expected()) == expected(other).sha256


def test_unpinned_partial_without_validator_is_not_continued(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"from who knows where")
    assert download(server.put("a", CONTENT), tmp_path / "a", Expected()) == expected().sha256


def test_bad_first_half_costs_one_more_download(server: Any, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.part").write_bytes(bytes(1000))
    assert download(server.put("a", CONTENT), tmp_path / "a", expected()) == expected().sha256
    assert [byte_range for _, byte_range in server.requests] == ["bytes=1000-", ""]


def test_wrong_checksum_keeps_nothing(server: Any, tmp_path: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["a"] = ["lie"]
    with pytest.raises(ChecksumError, match=f"expected {expected().sha256}") as caught:
        download(url, tmp_path / "a", expected())
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_longer_file_than_listed_is_refused(server: Any, tmp_path: Path) -> None:
    url = server.put("a", CONTENT + b"more")
    with pytest.raises(ChecksumError, match="longer than"):
        download(url, tmp_path / "a", expected())


def test_truncated_file_is_named_after_all_retries(server: Any, tmp_path: Path, cache: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["a"] = ["cut"] * 3
    with pytest.raises(DownloadError, match="cut short: .* of 262,144 bytes"):
        download(url, tmp_path / "a", expected())
    assert not (tmp_path / "a").exists()


def test_server_errors_are_retried_and_missing_files_are_not(server: Any, tmp_path: Path, cache: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["a"] = ["503", "500"]
    download(url, tmp_path / "a", expected())
    with pytest.raises(DownloadError, match="404"):
        download(f"{server.url}/b", tmp_path / "b", Expected())
    assert [path for path, _ in server.requests] == ["a", "a", "a", "b"]


def test_redirects_stay_on_safe_addresses(server: Any, tmp_path: Path) -> None:
    url = server.put("a", CONTENT)
    server.faults["moved"] = [f"redirect:{url}"]
    server.put("moved", b"")
    download(f"{server.url}/moved", tmp_path / "a", expected())
    for unsafe in ("http://example.org/a", "file:///etc/hostname"):
        server.faults["moved"] = [f"redirect:{unsafe}"]
        with pytest.raises(DownloadError, match="only https|not allowed"):
            download(f"{server.url}/moved", tmp_path / "b", Expected())


@pytest.mark.parametrize(
    "url", ["http://example.org/a", "ftp://example.org/a", "file://server/a", "http://localhost.evil.org/a"]
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    with pytest.raises(DownloadError, match="only https"):
        check_url(url)


def test_file_addresses_are_copied(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    download((tmp_path / "source").as_uri(), tmp_path / "a", expected())
    with pytest.raises(DownloadError):
        download((tmp_path / "nothing").as_uri(), tmp_path / "b", Expected())


def test_size_limit_without_consent(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="--yes"):
        download(server.put("a", CONTENT), tmp_path / "a", Expected(limit=1000))


def test_full_disk_is_seen_before_the_transfer(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(CacheError, match="needs 262,144 bytes, 1,000 are free.*GRAPHKIT_DATA"):
        download(server.put("a", CONTENT), tmp_path / "a", expected())


def test_full_disk_in_the_middle_keeps_the_partial_file(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullFile:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __enter__(self) -> FullFile:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

        def write(self, chunk: bytes) -> None:
            self.stream.write(chunk[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    whole = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", **k: FullFile(whole(path, mode)) if mode == "wb" else whole(path, mode, **k),
    )
    with pytest.raises(CacheError, match="no space left for .*a.part.*free some"):
        download(server.put("a", CONTENT), tmp_path / "a", expected())
    assert (tmp_path / "a.part").stat().st_size == 100


def test_no_network_names_the_address(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(DownloadError, match="http://127.0.0.1:9/a: no connection"):
        download("http://127.0.0.1:9/a", tmp_path / "a", Expected())


@pytest.mark.parametrize("chunk", [1000, len(CONTENT)])
def test_interrupt_leaves_only_the_partial_file(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("graphkit.data.download._CHUNK", chunk)

    def stop(name: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.put("a", CONTENT), tmp_path / "a", expected(), progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.part", "a.part.json"]
    download(f"{server.url}/a", tmp_path / "a", expected())
    assert [byte_range for _, byte_range in server.requests] == ["", "bytes=1000-"][: 2 if chunk == 1000 else 1]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_partial_file_longer_than_the_published_one_starts_over(server: Any, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.part").write_bytes(bytes(2 * len(CONTENT)))
    assert download(server.put("a", CONTENT), tmp_path / "a", expected()) == expected().sha256
