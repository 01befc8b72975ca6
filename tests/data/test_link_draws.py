"""Links of a graph divided at random: sizes, no leak, negatives as the protocols say, the same draws everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.cards import load_card
from graphkit.data.link_draws import DRAWS, Words, draw_non_links, draw_split, unordered_links
from graphkit.data.node_links import links_of
from graphkit.data.tasks import card_under
from graphkit.errors import GraphValidationError, ProtocolError

NODES = 200
EDGES = np.random.default_rng(0).integers(NODES, size=(2, 1500))


def as_set(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in pairs.T.tolist()}


@pytest.mark.parametrize("protocol", DRAWS)
@pytest.mark.parametrize("index", [0, 7])
def test_parts_are_disjoint_and_negatives_as_published(protocol: str, index: int) -> None:
    both = np.concatenate([EDGES, EDGES[::-1]], axis=1)  # directions and repetitions do not count
    links = as_set(unordered_links(EDGES, NODES))
    parts = {key: as_set(value) for key, value in draw_split(protocol, index, both, NODES).items()}
    assert parts["train"] | parts["valid"] | parts["test"] == links and parts["message"] == parts["train"]
    assert len(parts["train"]) + len(parts["valid"]) + len(parts["test"]) == len(links)
    negatives = [parts[key] for key in ("train_negatives", "valid_negatives", "test_negatives") if key in parts]
    assert len(set().union(*negatives)) == sum(map(len, negatives))
    assert all(a != b for negative in negatives for a, b in negative)
    assert not parts["test_negatives"] & links and len(parts["test_negatives"]) == len(parts["test"])
    total = len(links)
    if protocol == "ncn-70-10-20":
        fifth = int(0.2 * total)
        assert (len(parts["valid"]), len(parts["test"])) == (fifth // 2, fifth)
        assert len(parts["valid_negatives"]) == fifth and not parts["valid_negatives"] & links
    else:
        assert (len(parts["valid"]), len(parts["test"])) == (int(0.05 * total), int(0.1 * total))
        assert len(parts["valid_negatives"]) == len(parts["valid"])
        assert len(parts["train_negatives"]) == len(parts["train"])
        practical = parts["train_negatives"] | parts["valid_negatives"]
        assert not practical & parts["train"] and practical & links  # they know the training links only


def test_draws_never_change() -> None:
    first = draw_split("ncn-70-10-20", 0, EDGES, NODES)
    again = draw_split("ncn-70-10-20", 0, EDGES[:, ::-1], NODES)
    other = draw_split("ncn-70-10-20", 1, EDGES, NODES)
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["test"], other["test"])
    words = Words("a stream", 3)
    assert words.order(6).tolist() == ORDER and words.below(1000, 4).tolist() == BELOW


ORDER, BELOW = [0, 2, 5, 3, 1, 4], [811, 133, 124, 135]


def test_negatives_are_uniform() -> None:
    counts = np.zeros((6, 6))
    for index in range(1500):
        drawn = draw_non_links(Words("test", index), 6, np.array([[0], [1]]), 3)
        counts[drawn[0], drawn[1]] += 1
    rate = counts[np.triu_indices(6, 1)] / 1500
    assert rate[0] == 0 and np.allclose(rate[1:], 3 / 14, atol=0.04)


def test_what_cannot_be_drawn_is_refused() -> None:
    full = np.stack(np.triu_indices(6, 1))
    with pytest.raises(GraphValidationError, match="nearly every pair"):
        draw_non_links(Words("x", 0), 6, full, 1)
    with pytest.raises(ProtocolError, match="too few"):
        draw_split("random-85-5-10", 0, np.array([[0, 1], [1, 2]]), 3)
    with pytest.raises(ProtocolError, match="draws no links"):
        draw_split("ogb", 0, EDGES, NODES)


def test_a_protocol_makes_links_of_nodes() -> None:
    card = card_under(load_card("cora"), "random-85-5-10")
    assert (card.task, card.target, card.metric) == ("link-prediction", "binary", "roc-auc")
    assert card_under(load_card("cora"), "planetoid-public") is load_card("cora")
    assert card_under(load_card("usair"), "seal-10") is load_card("usair")
    karate = load_dataset("karate")
    dataset = links_of(karate, "ncn-70-10-20")
    assert dataset.num_features == 34 and dataset.num_splits() == 10
    assert repr(dataset.split(index=9)) == "LinkSplit('ncn-70-10-20', 9, message=112, train=56, valid=7, test=15)"
    with pytest.raises(ProtocolError, match="has no protocol"):
        load_dataset("karate", protocol="ncn-70-10-20")
    assert load_dataset("karate", protocol="random-85-5-10").split().train.shape[1] == 68


@pytest.mark.mirror
def test_cora_has_the_published_sizes(mirror: object) -> None:
    dataset = load_dataset("cora", protocol="ncn-70-10-20")
    split = dataset.split(index=3)
    assert repr(split) == "LinkSplit('ncn-70-10-20', 3, message=7392, train=3696, valid=527, test=1055)"
    assert split.valid_negatives.shape == split.test_negatives.shape == (2, 1055)
    with pytest.raises(ProtocolError, match="predicts links"):
        load_dataset("cora").split("ncn-70-10-20")
