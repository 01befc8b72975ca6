from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.cli import data as cli
from graphkit.data import load_dataset
from graphkit.data.dataset import NodeDataset
from graphkit.data.event_dataset import EventDataset
from graphkit.data.events import EventStore
from graphkit.data.leaks import check_dataset, summarise
from graphkit.data.links import LinkDataset
from graphkit.data.raw import RawGraph, RawLinks
from graphkit.evaluation.probes import Finding

PAIRS = np.array([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
NEGATIVES = {"valid_negatives": np.array([[0], [2]]), "test_negatives": np.array([[1], [4]])}


def karate(**changes: Any) -> NodeDataset:
    known = load_dataset("karate")
    raw: RawGraph = dataclasses.replace(known.raw, **changes)
    return NodeDataset(known.card, raw, "", {})


def links(**parts: np.ndarray) -> LinkDataset:
    card = dataclasses.replace(load_dataset("karate").card, name="ring", task="link-prediction", protocols=("seal-10",))
    split = {"message": PAIRS[:, :4], "train": PAIRS[:, :4], "valid": PAIRS[:, 4:5], "test": PAIRS[:, 5:], **NEGATIVES}
    return LinkDataset(card, RawLinks(6, PAIRS[:, :4], {"seal-10": [{**split, **parts}]}), "", {})


def events(**changes: Any) -> EventDataset:
    card = dataclasses.replace(
        load_dataset("karate").card, name="stream", task="temporal-link-prediction", protocols=("tgb-link",)
    )
    t = np.arange(40)
    store = {"src": t % 3, "dst": 3 + t % 4, "t": t, **changes}
    return EventDataset(card, EventStore(**store), "", {})


def found(dataset: Any) -> dict[str, Finding]:
    (split,) = check_dataset(dataset)
    return {finding.guard: finding for finding in split.findings}


def leaks(dataset: Any) -> list[str]:
    return [guard for guard, finding in found(dataset).items() if finding.leaks]


def test_clean_datasets_pass() -> None:
    assert leaks(karate()) == leaks(links()) == leaks(events()) == []


def test_a_label_among_the_features_is_caught() -> None:
    known = load_dataset("karate").raw
    x = np.hstack([np.asarray(known.x), (known.y == 1)[:, None] * 0.3]).astype(np.float32)
    assert leaks(karate(x=x)) == ["label-features"]


def test_parts_that_share_nodes_are_caught() -> None:
    known = load_dataset("karate").raw
    train, valid, _ = known.splits["generator"][0]
    assert leaks(karate(splits={"generator": [(train, valid, valid)]})) == ["split-overlap"]


def test_a_reversed_link_in_another_part_is_caught() -> None:
    assert leaks(links(test=PAIRS[::-1, :1])) == ["link-overlap", "message-overlap"]
    assert leaks(links(valid=PAIRS[::-1, 5:])) == ["link-overlap"]
    assert leaks(links(message=PAIRS[:, 1:])) == ["message-overlap"]


def test_a_test_link_among_the_negatives_is_noted() -> None:
    finding = found(links(test_negatives=PAIRS[::-1, 5:]))["false-negatives"]
    assert not finding.leaks and finding.text == "test and negatives share 1 link, for example (0, 5)"


def test_repeating_links_are_noted_where_the_card_says_so() -> None:
    dataset = links(test=PAIRS[:, :1])
    options = {"repeated_links": True}
    dataset.card = dataclasses.replace(dataset.card, reader_options=options)
    assert leaks(dataset) == []
    assert "links of this dataset repeat in time" in found(dataset)["link-overlap"].text


def test_event_features_scaled_over_the_whole_stream_are_noted() -> None:
    raw = np.random.default_rng(0).gamma(2.0, size=(40, 2))
    everyone = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    finding = found(events(msg=everyone.astype(np.float32)))["features-scaled-on-test"]
    assert not finding.leaks and finding.text.startswith("2 feature columns, column 0 first")
    assert found(events(msg=raw.astype(np.float32)))["features-scaled-on-test"].text.startswith("no column")


def test_leaks_come_first_and_differing_splits_are_said() -> None:
    train, valid, test = load_dataset("karate").raw.splits["generator"][0]
    splits = [(train, valid, test), (train, valid, valid)]
    lines = summarise(list(check_dataset(karate(splits={"generator": splits}))))
    assert lines[0].startswith("generator (2 splits): split-overlap: LEAK: ")
    assert lines[0].endswith("(split 1; other splits differ)")


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="graphkit")
    cli.add_parser(parser.add_subparsers(dest="verb", required=True))
    args = parser.parse_args(["data", *arguments])
    return cli.run(args)


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("check", "karate", "--offline", "-q") == 0
    assert "karate: generator (1 split): split-overlap: the parts share no node" in capsys.readouterr().out
    known = load_dataset("karate").raw
    leaky = karate(x=(known.y == 1)[:, None].astype(np.float32))
    monkeypatch.setattr("graphkit.data.load.load_dataset", lambda name, offline: leaky)
    assert call("check", "karate", "--json", "-q") == 1
    out = capsys.readouterr()
    findings = json.loads(out.out)["karate"][0]["findings"]
    assert [finding["guard"] for finding in findings if finding["leaks"]] == ["label-features"]
    assert "label-features: LEAK: feature column 0 is the indicator of a class" in out.err


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["cora", "usair", "tgbl-wiki"])
def test_published_splits_are_clean(mirror: Path, name: str) -> None:
    for split in check_dataset(load_dataset(name, offline=True)):
        assert [finding.text for finding in split.findings if finding.leaks] == []
