from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphkit.data.cards import Card, CardFile, Source, load_card
from graphkit.data.fetch import fetch
from graphkit.data.mirror import Mirror, build_mirror, parse_manifest
from graphkit.errors import ChecksumError, DataError, DownloadError

CONTENT = b"0 1\n1 2\n2 0\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def make_mirror(folder: Path, files: dict[str, bytes], digests: dict[str, str] | None = None) -> Path:
    rows = ["path\tbytes\tsha256\tnote"]
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        digest = (digests or {}).get(path) or hashlib.sha256(content).hexdigest()
        rows.append(f"{path}\t{len(content)}\t{digest}\tas published")
    (folder / "MANIFEST.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_files_are_found_by_checksum_under_any_name(
    cache: Path, tmp_path: Path, make_card: Callable[..., Card]
) -> None:
    mirror = make_mirror(tmp_path / "mirror", {"odd/name.bin": CONTENT})
    card = make_card(["http://127.0.0.1:9/edges.txt"], CONTENT)
    file = fetch(card, offline=True, mirror=Mirror.open(str(mirror)))["edges.txt"]
    assert file.read_bytes() == CONTENT and file.origin.endswith("odd/name.bin") and not file.pinned
    (mirror / "odd/name.bin").unlink()
    assert fetch(card, offline=True)["edges.txt"].read_bytes() == CONTENT


def test_any_accepted_encoding_will_do(cache: Path, tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress(CONTENT)
    mirror = make_mirror(tmp_path / "mirror", {"edges.txt.gz": packed})
    sources = (Source(DIGEST), Source(hashlib.sha256(packed).hexdigest(), encoding="gzip"))
    file = fetch(Card(name="ring", files=(CardFile("edges.txt", sources),)), mirror=Mirror.open(str(mirror)))[
        "edges.txt"
    ]
    assert file.encoding == "gzip" and file.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["web/ring/edges.txt", "web/square/edges.txt"], "web/ring/edges.txt"),
        (["web/Ring/raw/edges.txt", "web/square/edges.txt"], "web/Ring/raw/edges.txt"),
        (["web/square/edges.txt"], ""),
        (["ring/other-edges.txt"], ""),
        (["ring/a/edges.txt", "ring/b/edges.txt"], ""),
    ],
)
def test_files_without_a_checksum_are_found_by_name(
    paths: list[str], found: str, make_card: Callable[..., Card]
) -> None:
    text = "path\tbytes\tsha256\n" + "".join(f"{path}\t1\t{DIGEST}\n" for path in paths)
    result = Mirror("/m", parse_manifest(text, "m")).find(make_card([]).files[0], "ring")
    assert (result[1].path if result else "") == found


def test_damaged_mirror_is_an_error_that_names_the_file(
    cache: Path, tmp_path: Path, make_card: Callable[..., Card]
) -> None:
    mirror = make_mirror(tmp_path / "mirror", {"edges.txt": CONTENT[::-1]}, {"edges.txt": DIGEST})
    with pytest.raises(ChecksumError, match="edges.txt has sha256"):
        fetch(make_card([], CONTENT), mirror=Mirror.open(str(mirror)))


def test_a_mirror_on_a_server(
    cache: Path, tmp_path: Path, server: Any, make_card: Callable[..., Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("pub/MANIFEST.tsv", f"path\tbytes\tsha256\na b.txt\t{len(CONTENT)}\t{DIGEST}\n".encode())
    server.put("pub/a%20b.txt", CONTENT)
    monkeypatch.setenv("GRAPHKIT_MIRROR", f"{server.url}/pub/")
    with pytest.raises(DownloadError, match="offline"):
        fetch(make_card([], CONTENT), offline=True)
    assert fetch(make_card([], CONTENT))["edges.txt"].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\tsha256\n", "lacks the column 'bytes'"),
        (f"path\tbytes\tsha256\n../x\t1\t{DIGEST}\n", "line 2: path '../x' leaves the mirror"),
        ("path\tbytes\tsha256\nx\tmany\tabc\n", "line 2: x needs a size and a sha256"),
    ],
)
def test_malformed_manifests(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_manifest(text, "MANIFEST.tsv")


def test_a_folder_without_manifest(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_card: Any
) -> None:
    monkeypatch.setenv("GRAPHKIT_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="no MANIFEST.tsv in .*nowhere"):
        fetch(make_card([], CONTENT))


@pytest.mark.mirror
def test_a_built_mirror_serves_another_machine(
    cache: Path, tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHKIT_MIRROR", str(mirror))
    built = tmp_path / "built"
    build_mirror(built, ["texas"])
    entries = build_mirror(built, ["chameleon", "texas"])
    assert len({entry.path for entry in entries}) == len(entries) and entries[0].path.startswith("texas/")
    monkeypatch.setenv("GRAPHKIT_MIRROR", str(built))
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "second"))
    for name in ("texas", "chameleon"):
        files = fetch(load_card(name), offline=True)
        assert len(files) == len(load_card(name).files)
        assert all(file.path.is_relative_to(tmp_path / "second") for file in files.values())
