from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from graphkit.data.cards import list_cards, load_card
from graphkit.data.importing import import_dataset
from graphkit.errors import ChecksumError, ConfigError, DataError, UnknownNameError

CONTENT = b"0 1\n1 2\n2 0\n"
CARD = f"""
name = "ring"
title = "A ring"
target = "multiclass"
metric = "accuracy"
protocols = ["random-60-20-20"]
reader = "heterophilous"
licence = "not stated"
citation = "nobody"
[[files]]
path = "raw/edges.txt"
[[files.sources]]
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
"""


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick" / "deep").mkdir(parents=True)
    (tmp_path / "stick" / "ring.toml").write_text(CARD)
    (tmp_path / "stick" / "deep" / "edges.txt").write_bytes(CONTENT)
    return tmp_path / "stick"


def test_an_own_dataset_comes_with_its_card(cache: Path, stick: Path) -> None:
    files = import_dataset("ring", str(stick))
    assert files["raw/edges.txt"].read_bytes() == CONTENT and files["raw/edges.txt"].path.is_relative_to(cache)
    assert "ring" in list_cards() and load_card("ring").title == "A ring"
    assert import_dataset("ring", str(stick)) == files


def test_import_over_http(cache: Path, server: Any) -> None:
    server.put("pub/ring.toml", CARD.encode())
    server.put("pub/raw/edges.txt", CONTENT)
    assert import_dataset("ring", f"{server.url}/pub/")["raw/edges.txt"].read_bytes() == CONTENT


def test_wrong_files_are_not_kept(cache: Path, stick: Path) -> None:
    (stick / "deep" / "edges.txt").write_bytes(CONTENT[::-1])
    with pytest.raises((ChecksumError, DataError), match="edges.txt"):
        import_dataset("ring", str(stick))
    assert "ring" not in list_cards()


def test_wrong_places_and_names(cache: Path, stick: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        import_dataset("ring", str(stick / "nowhere"))
    with pytest.raises(UnknownNameError, match="unknown dataset 'square'"):
        import_dataset("square", str(stick))
    (stick / "square.toml").write_text(CARD)
    with pytest.raises(ConfigError, match="must have one name"):
        import_dataset("square", str(stick))
