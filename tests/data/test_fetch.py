from __future__ import annotations

import gzip
import hashlib
import io
import json
import multiprocessing
import os
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphkit.data.cards import Card, CardFile, Source
from graphkit.data.fetch import fetch, raw_folder
from graphkit.errors import CacheError, ChecksumError, DownloadError

CONTENT = b"0 1\n1 2\n2 0\n" * 20_000
Maker = Callable[..., Card]


def _fetch_in_process(card: Card) -> str:
    return fetch(card)["edges.txt"].sha256


def test_second_fetch_asks_nobody(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    first, second = fetch(card), fetch(card, offline=True)
    assert first == second and second["edges.txt"].read_bytes() == CONTENT
    assert not second["edges.txt"].pinned and len(server.requests) == 1


def test_addresses_are_tried_in_order(server: Any, cache: Path, make_card: Maker) -> None:
    bad = server.put("bad", CONTENT[::-1])
    good = server.put("good", CONTENT)
    file = fetch(make_card([f"{server.url}/gone", bad, good], CONTENT))["edges.txt"]
    assert file.origin == good and [path for path, _ in server.requests] == ["gone", "bad", "good"]


def test_wrong_checksum_everywhere(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([f"{server.url}/gone", server.put("bad", CONTENT[::-1])], CONTENT)
    with pytest.raises(ChecksumError, match="ring/edges.txt from .*/bad has sha256"):
        fetch(card)
    assert not (raw_folder(card) / "edges.txt").exists()


def test_no_network_lists_every_address_and_the_mend(cache: Path, make_card: Maker) -> None:
    urls = ["http://127.0.0.1:9/one", "http://127.0.0.1:9/two"]
    with pytest.raises(DownloadError, match=r"(?s)edges.txt.*/one.*/two.*GRAPHKIT_MIRROR.*data import ring") as caught:
        fetch(make_card(urls, CONTENT))
    assert caught.value.exit_code == 3


def test_offline_uses_no_network(server: Any, cache: Path, make_card: Maker) -> None:
    with pytest.raises(DownloadError, match="offline mode forbids the network"):
        fetch(make_card([server.put("edges.txt", CONTENT)], CONTENT), offline=True)
    assert server.requests == []


def test_damaged_cache_file_is_fetched_again(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    path = fetch(card)["edges.txt"].path
    path.write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="edges.txt is damaged"):
        fetch(card, offline=True)
    assert fetch(card)["edges.txt"].read_bytes() == CONTENT and len(server.requests) == 2


def test_rehash_sees_damage_that_keeps_size_and_time(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    path = fetch(card)["edges.txt"].path
    times = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(DownloadError, match="damaged"):
        fetch(card, offline=True, rehash=True)


def test_file_put_there_by_hand_is_accepted(cache: Path, make_card: Maker) -> None:
    card = make_card([], CONTENT)
    raw_folder(card).mkdir(parents=True)
    (raw_folder(card) / "edges.txt").write_bytes(CONTENT)
    assert fetch(card, offline=True)["edges.txt"].read_bytes() == CONTENT


def test_unlisted_checksum_is_pinned_on_first_use(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)])
    file = fetch(card)["edges.txt"]
    assert file.pinned and file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    file.path.unlink()
    server.put("edges.txt", CONTENT[::-1])
    with pytest.raises(ChecksumError, match=f"expected {file.sha256}"):
        fetch(card)
    server.put("edges.txt", CONTENT)
    assert fetch(card)["edges.txt"].pinned


def test_new_checksum_on_the_card_replaces_the_file(server: Any, cache: Path, make_card: Maker) -> None:
    url = server.put("edges.txt", CONTENT)
    fetch(make_card([url], CONTENT))
    other = CONTENT[:-12]
    server.put("edges.txt", other)
    assert fetch(make_card([url], other))["edges.txt"].read_bytes() == other


def test_gzip_is_unpacked_on_reading(server: Any, cache: Path, make_card: Maker) -> None:
    packed = gzip.compress(CONTENT)
    file = fetch(make_card([server.put("edges.txt.gz", packed)], packed, encoding="gzip"))["edges.txt"]
    assert file.path.name == "edges.txt.gz" and file.read_bytes() == CONTENT


def test_members_of_one_archive_are_fetched_once(server: Any, cache: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("raw/a.txt", "A")
        archive.writestr("raw/b.txt", "B")
    packed = buffer.getvalue()
    url, sha256 = server.put("all.zip", packed), hashlib.sha256(packed).hexdigest()
    files = tuple(
        CardFile(f"{one}.txt", (Source(sha256, len(packed), (url,), "zip-member", f"raw/{one}.txt"),)) for one in "ab"
    )
    found = fetch(Card(name="pair", reader="pair", files=files))
    assert [found[f"{one}.txt"].read_text() for one in "ab"] == ["A", "B"] and len(server.requests) == 1


def test_large_downloads_need_consent(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], bytes=2_500_000_000)
    with pytest.raises(DownloadError, match=r"2.5 GB; run `graphkit data download ring --yes`"):
        fetch(card)
    assert server.requests == []


def test_processes_at_once_download_once(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    server.chunk_delay = 0.05
    with multiprocessing.get_context("fork").Pool(3) as pool:
        digests = pool.map(_fetch_in_process, [card] * 3)
    assert set(digests) == {hashlib.sha256(CONTENT).hexdigest()} and len(server.requests) == 1


def test_killed_process_is_resumed(server: Any, cache: Path, make_card: Maker) -> None:
    content = CONTENT * 16
    card = make_card([server.put("edges.txt", content)], content)
    server.chunk_delay = 0.1
    child = multiprocessing.get_context("fork").Process(target=_fetch_in_process, args=(card,))
    child.start()
    part = raw_folder(card) / "edges.txt.part"
    deadline = time.monotonic() + 20
    while (not part.exists() or not part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert 0 < part.stat().st_size < len(content)
    server.chunk_delay = 0.0
    held = part.stat().st_size
    assert fetch(card)["edges.txt"].read_bytes() == content
    assert server.requests[-1] == ("edges.txt", f"bytes={held}-") and not part.exists()


def test_read_only_cache_says_what_to_set(server: Any, cache: Path, make_card: Maker) -> None:
    cache.parent.joinpath("cache").write_text("a file where the folder should be")
    with pytest.raises(CacheError, match="cannot write .*set GRAPHKIT_DATA to a folder you can write to") as caught:
        fetch(make_card([server.put("edges.txt", CONTENT)], CONTENT))
    assert caught.value.exit_code == 3


def test_permission_denied_is_a_cache_error(
    server: Any, cache: Path, make_card: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(CacheError, match="cannot write .*Permission denied"):
        fetch(make_card([server.put("edges.txt", CONTENT)], CONTENT))


def test_complete_cache_that_is_read_only_works(
    server: Any, cache: Path, make_card: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    fetch(card)["edges.txt"].path.touch()

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", denied)
    assert fetch(card, offline=True)["edges.txt"].read_bytes() == CONTENT


def test_index_records_where_bytes_came_from(server: Any, cache: Path, make_card: Maker) -> None:
    card = make_card([server.put("edges.txt", CONTENT)], CONTENT)
    fetch(card)
    record = json.loads((raw_folder(card) / ".index.json").read_text())["edges.txt"]
    assert record["origin"] == f"{server.url}/edges.txt" and record["bytes"] == len(CONTENT)
