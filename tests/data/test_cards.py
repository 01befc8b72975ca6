from __future__ import annotations

import dataclasses
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from graphkit.data.cards import Card, list_cards, load_card, parse_card
from graphkit.errors import ConfigError, UnknownNameError

GOOD = """
name = "ring"
title = "A ring"
target = "binary"
metric = "roc-auc"
protocols = ["random-60-20-20"]
reader = "ring-text"
licence = "not stated"
citation = "nobody"
reader_options = { sep = "," }
[[files]]
path = "raw/edges.txt"
[[files.sources]]
urls = ["https://example.org/edges.txt"]
bytes = 12
[statistics]
nodes = 3
"""


def parse(text: str) -> Card:
    return parse_card(tomllib.loads(text), "ring.toml")


def test_a_card_is_read_whole() -> None:
    card = parse(GOOD)
    assert (card.name, card.target, card.reader_options["sep"], card.statistics["nodes"]) == ("ring", "binary", ",", 3)
    assert card.files[0].sources[0].urls == ("https://example.org/edges.txt",) and card.download_bytes == 12


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("licence", "license", "did you mean 'licence'"),
        ("bytes = 12", "byte = 12", "did you mean 'files.sources.bytes'"),
        ("nodes = 3", "node = 3", "did you mean 'statistics.nodes'"),
        ("nodes = 3", "nodes = 3.5", "takes a count"),
        ('"binary"', '"binari"', "did you mean 'binary'"),
        ('metric = "roc-auc"', "", "metric is missing"),
        ('["random-60-20-20"]', "[]", "protocols is empty"),
        ('reader = "ring-text"', "", "either reader or generator"),
        ('name = "ring"', 'name = "Ring"', "lower-case"),
        ('"raw/edges.txt"', '"../edges.txt"', "plain relative path"),
        ('"raw/edges.txt"', '"/etc/passwd"', "plain relative path"),
        ("https:", "http:", "only https"),
        ("bytes = 12", 'sha256 = "12"', "64 lower-case hex digits"),
        ("bytes = 12", 'encoding = "zip-member"', "member goes with"),
        ("bytes = 12", 'bytes = "12"', "takes int"),
        ("[[files]]", "[files]", "list of tables"),
    ],
)
def test_a_wrong_card_is_one_clear_error(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(GOOD.replace(old, new, 1))
    assert caught.value.exit_code == 2 and "ring.toml" in str(caught.value)


def test_hash_follows_content_and_not_prose() -> None:
    card = parse(GOOD)
    assert parse(GOOD.replace("nobody", "somebody").replace("example.org", "example.com")).hash == card.hash
    for other in (GOOD.replace("nodes = 3", "nodes = 4"), GOOD.replace('sep = ","', 'sep = ";"')):
        assert parse(other).hash != card.hash


def test_unknown_dataset_suggests_near_names() -> None:
    with pytest.raises(UnknownNameError, match="unknown dataset 'coraa'; did you mean 'cora'") as caught:
        load_card("coraa")
    assert caught.value.exit_code == 2


def test_users_cards_are_found_and_built_in_ones_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path))
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "ring.toml").write_text(GOOD)
    (tmp_path / "cards" / "cora.toml").write_text("nonsense")
    assert "ring" in list_cards() and load_card("ring").title == "A ring"
    assert load_card("cora").reader == "planetoid"
    (tmp_path / "cards" / "other.toml").write_text(GOOD)
    with pytest.raises(ConfigError, match="must have one name"):
        load_card("other")


def test_entry_points_add_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.data import cards

    class Point:
        name, load = "mine", staticmethod(lambda: tmp_path)

    (tmp_path / "ring.toml").write_text(GOOD)
    monkeypatch.setattr(cards.metadata, "entry_points", lambda **_: [Point()])
    cards._entry_point_folders.cache_clear()
    try:
        assert load_card("ring").title == "A ring"
        Point.load = staticmethod(lambda: tmp_path / "nothing")
        cards._entry_point_folders.cache_clear()
        with pytest.raises(ConfigError, match="is no folder of cards"):
            list_cards()
    finally:
        monkeypatch.undo()
        cards._entry_point_folders.cache_clear()


def test_cards_are_frozen() -> None:
    card: Any = parse(GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.name = "other"
    with pytest.raises(TypeError):
        card.statistics["nodes"] = 5


def test_listing_cards_imports_neither_numpy_nor_torch() -> None:
    code = "import sys, graphkit.data as d; d.list_cards(); assert not {'numpy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", list_cards())
def test_every_shipped_card_names_things_that_exist(name: str) -> None:
    from graphkit.data.readers import READERS
    from graphkit.data.synthetic import GENERATORS
    from graphkit.evaluation.metrics import metric_named
    from graphkit.evaluation.protocols import PROTOCOLS

    card = load_card(name)
    assert card.reader in READERS or card.generator in GENERATORS
    assert metric_named(card.metric).name == card.metric
    for protocol in card.protocols:
        assert protocol in PROTOCOLS
    known = card.generator or any(source.sha256 for file in card.files for source in file.sources)
    assert card.licence and card.citation and (card.statistics or not known)
