"""Every shipped card names things that exist, pins what it can, and is honest about the rest."""

from __future__ import annotations

import inspect

import pytest

from graphkit.data.cards import list_cards, load_card
from graphkit.data.readers import READERS
from graphkit.data.synthetic import GENERATORS
from graphkit.data.tasks import card_under, kind_of
from graphkit.evaluation.metrics import METRICS, metric_named
from graphkit.evaluation.protocols import PROTOCOLS

PUBLISHED = [
    "cora",
    "citeseer",
    "pubmed",
    "cornell",
    "texas",
    "wisconsin",
    "actor",
    "chameleon",
    "squirrel",
    "chameleon-filtered",
    "squirrel-filtered",
    "minesweeper",
    "tolokers",
    "roman-empire",
    "amazon-ratings",
    "questions",
    "amazon-photo",
    "amazon-computers",
    "coauthor-cs",
    "coauthor-physics",
    "ogbn-arxiv",
    "ogbn-products",
    "blogcatalog",
    "ppi",
]
PUBLISHED += ["pascalvoc-sp", "pcqm-contact"]
LINKS = ["usair", "ns", "pb", "celegans", "power", "ecoli", "router", "yeast"]
LINKS += ["ogbl-ddi", "ogbl-collab", "ogbl-ppa", "ogbl-citation2"]
EVENTS = ["tgbl-wiki", "collegemsg", "uci", "mathoverflow", "bitcoin-otc", "bitcoin-alpha"]
PUBLISHED += LINKS + EVENTS
BUILT_IN = [
    "karate",
    "les-miserables",
    "davis-southern-women",
    "csbm",
    "pattern",
    "cluster",
    "ring-transfer",
    "tree-neighbours-match",
    "connectivity",
    "colour-counting",
    "shortest-path",
    "far-links",
    "root-neighbours",
    "dictionary-lookup-10",
    "dictionary-lookup-20",
    "dictionary-lookup-30",
    "dictionary-lookup-40",
    "dictionary-lookup-50",
]


def test_all_cards_are_there() -> None:
    assert {*PUBLISHED, *BUILT_IN} <= set(list_cards())


@pytest.mark.parametrize("name", PUBLISHED + BUILT_IN)
def test_card_refers_to_existing_things(name: str) -> None:
    card = load_card(name)
    assert card.reader in READERS if card.reader else card.generator in GENERATORS
    if card.target == "ranking":
        assert metric_named(card.metric).higher_is_better
    else:
        assert card.target in METRICS[card.metric].targets
    assert all(kind_of(card_under(card, one)).name in PROTOCOLS[one].tasks for one in card.protocols)
    assert card.statistics
    assert (name in BUILT_IN) == (not card.needs_files)


@pytest.mark.parametrize("name", PUBLISHED)
def test_addresses_are_pinned(name: str) -> None:
    for entry in load_card(name).files:
        assert any(source.urls for source in entry.sources), f"{entry.path} can be downloaded from nowhere"
        for source in entry.sources:
            assert bool(source.sha256) == bool(source.bytes)
            assert source.sha256 or source.urls


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_splits_have_their_files(name: str) -> None:
    card = load_card(name)
    splits = [entry for entry in card.files if "_split_" in entry.path]
    assert len(splits) == (10 if {"geom-gcn-10", "seal-10"} & set(card.protocols) else 0)


@pytest.mark.parametrize("name", BUILT_IN)
def test_generator_takes_the_card_s_params(name: str) -> None:
    card = load_card(name)
    signature = inspect.signature(GENERATORS.get(card.generator))
    assert set(card.params) <= set(signature.parameters) - {"seed"}
