from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.data import LinkDataset, LinkSplit, RawLinks
from graphkit.data.cards import Card
from graphkit.data.links import check, pack, unpack
from graphkit.errors import GraphValidationError, ProtocolError

CARD = Card(name="toy", task="link-prediction", target="ranking", metric="hits@1", protocols=("ogb",))


def links(*pairs: tuple[int, int]) -> Any:
    return np.array(pairs, dtype=np.int64).T


def raw(**parts: Any) -> RawLinks:
    split = {
        "valid": links((0, 3)),
        "valid_negatives": links((0, 4), (1, 3)),
        "test": links((1, 4)),
        "test_negatives": links((2, 4)),
    }
    return RawLinks(5, links((0, 1), (1, 2)), {"ogb": [{**split, **parts}]}, name="toy")


def test_a_split_gives_both_directions_to_messages_and_one_to_training() -> None:
    split = LinkDataset(CARD, raw(), "content", {}).split()
    assert split.message.tolist() == [[0, 1, 1, 2], [1, 2, 0, 1]] and split.train.tolist() == [[0, 1], [1, 2]]
    assert split.shared("test") and repr(split) == "LinkSplit('ogb', 0, message=4, train=2, valid=1, test=1)"
    assert split.sha256 != LinkDataset(CARD, raw(test=links((2, 3))), "", {}).split().sha256


def test_candidates_are_a_list_a_link() -> None:
    parts = {"valid": links((0, 3)), "test": links((1, 4))}
    parts |= {"valid_candidates": np.array([[2, 4]]), "test_candidates": np.array([[3, 0]])}
    directed = RawLinks(5, links((0, 1)), {"ogb": [parts]}, undirected=False)
    check(directed, CARD)
    split = LinkDataset(CARD, directed, "content", {}).split()
    assert not split.shared("valid") and split.message.shape == (2, 1) and split.test_negatives.tolist() == [[3, 0]]


def test_packing_is_exact() -> None:
    before = raw(message=links((0, 1)))
    after = unpack(pack(before), "toy")
    assert pack(before).keys() == pack(after).keys() and after.undirected and after.num_nodes == 5
    for key, array in pack(before).items():
        np.testing.assert_array_equal(array, pack(after)[key])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"test": links((2, 1))}, "1 test links are in the graph a model sees, 2 - 1 first"),
        ({"test": links((2, 5))}, "numbered 0..4"),
        ({"valid_candidates": np.array([[7]])}, "outside 0..4"),
        ({"tests": links((2, 3))}, "part 'tests'"),
    ],
)
def test_broken_splits_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphValidationError, match=message):
        check(raw(**parts), CARD)


def test_missing_negatives_and_wrong_counts_are_refused() -> None:
    broken = raw()
    del broken.splits["ogb"][0]["test_negatives"]  # type: ignore[attr-defined]
    with pytest.raises(GraphValidationError, match="lacks test links or their negatives"):
        check(broken, CARD)
    with pytest.raises(GraphValidationError, match=r"edges 2 \(published 3\)"):
        check(raw(), Card(name="toy", protocols=("ogb",), statistics={"edges": 3}))
    with pytest.raises(GraphValidationError, match="events"):
        check(raw(), Card(name="toy", protocols=("ogb",), statistics={"events": 3}))


def test_more_messages_at_test_time() -> None:
    plain = LinkDataset(CARD, raw(), "content", {}).split()
    more = LinkDataset(CARD, raw(test_message=links((0, 1), (1, 2), (3, 4))), "content", {}).split()
    assert plain.message_of("test") is plain.message and more.message_of("valid") is more.message
    assert more.message_of("test").shape == (2, 6) and more.sha256 != plain.sha256
    with pytest.raises(GraphValidationError, match="test links are in the graph"):
        check(raw(test_message=plain.test), CARD)


def test_splits_that_are_not_there() -> None:
    dataset = LinkDataset(CARD, raw(), "content", {})
    for arguments in ({"index": 1}, {"protocol": "seal-10"}):
        with pytest.raises(ProtocolError):
            dataset.split(**arguments)  # type: ignore[arg-type]


def test_negatives_of_another_shape_are_refused() -> None:
    some = links((0, 1), (1, 2), (2, 3))
    with pytest.raises(ProtocolError, match=r"\[3, K\] targets"):
        LinkSplit("ogb", 0, some, some, some, some, some, some, shared=False)
    with pytest.raises(ProtocolError, match=r"\[2, M\] pairs"):
        LinkSplit("ogb", 0, some, some, some, some.T, some, some)
