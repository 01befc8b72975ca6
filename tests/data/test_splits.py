from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.data.splits import Split
from graphkit.errors import ProtocolError


def test_lists_and_masks_are_the_same_split() -> None:
    listed = Split("p", 0, [3, 0], [1], [2])
    masked = Split("p", 0, *np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]], dtype=bool))
    assert listed == masked and hash(listed) == hash(masked) and listed.train.dtype == np.int64
    np.testing.assert_array_equal(listed.train, [0, 3])
    assert repr(listed) == "Split('p', 0, train=2, valid=1, test=1)"


def test_digest_follows_content() -> None:
    split = Split("p", 0, [0], [1], [2])
    assert Split("q", 5, [0], [1], [2]).sha256 == split.sha256
    assert len({split.sha256, Split("p", 0, [0], [2], [1]).sha256, Split("p", 0, [0, 1], [], [2]).sha256}) == 3
    assert split != Split("q", 0, [0], [1], [2]) and split != "p"


def test_parts_cannot_be_changed() -> None:
    split = Split("p", 0, [0], [1], [2])
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 7


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([0, 1], [1], [2]), "1 nodes are in both train and valid, node 1 first"),
        (([0], [1], [1]), "both valid and test"),
        (([], [1], [2]), "no training nodes"),
        (([0, 0], [1], [2]), "train lists node 0 twice"),
        (([-1], [1], [2]), "names node -1"),
        (([0.5], [1], [2]), "takes a list of node numbers or a mask"),
        (([[0]], [1], [2]), "takes a list of node numbers or a mask"),
    ],
)
def test_wrong_splits_are_refused(parts: Any, message: str) -> None:
    with pytest.raises(ProtocolError, match=f"split 3 of p.*{message}"):
        Split("p", 3, *parts)
