from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional

from graphkit.errors import ConfigError, ShapeError
from graphkit.heads.node import NodeHead


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_heads_map_states_to_scores(kind: Any) -> None:
    assert NodeHead(6, 3, kind=kind, hidden_channels=4, dropout=0.5)(torch.ones(5, 6)).shape == (5, 3)


def test_identity_changes_nothing() -> None:
    x = torch.randn(5, 3)
    assert torch.equal(NodeHead(3, 3)(x), x)


def test_losses_are_the_textbook_ones() -> None:
    scores, classes = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.testing.assert_close(NodeHead(3, 3).loss(scores, classes), functional.cross_entropy(scores, classes))
    binary, labels = torch.randn(6, 1), torch.tensor([0, 1, 1, 0, 1, 0])
    expected = functional.binary_cross_entropy_with_logits(binary[:, 0], labels.float())
    torch.testing.assert_close(NodeHead(1, 1, target="binary").loss(binary, labels), expected)


@pytest.mark.parametrize("target", ["multilabel", "regression"])
def test_unknown_labels_do_not_count(target: Any) -> None:
    head, scores = NodeHead(2, 2, target=target), torch.randn(3, 2, requires_grad=True)
    labels = torch.tensor([[1.0, math.nan], [math.nan, math.nan], [0.0, 1.0]])
    known = ~labels.isnan()
    plain = functional.l1_loss if target == "regression" else functional.binary_cross_entropy_with_logits
    loss = head.loss(scores, labels)
    torch.testing.assert_close(loss, plain(scores[known], labels[known]))
    loss.backward()
    assert torch.equal(scores.grad != 0, known) if target == "multilabel" else torch.isfinite(scores.grad).all()


def test_scores_have_the_shapes_of_the_evaluator() -> None:
    assert NodeHead(3, 3).scores(torch.ones(4, 3)).shape == (4, 3)
    assert NodeHead(1, 1, target="binary").scores(torch.ones(4, 1)).shape == (4,)
    assert NodeHead(2, 2, target="multilabel").scores(torch.ones(4, 2).bfloat16()).dtype == "float32"


@pytest.mark.parametrize(
    "options",
    [
        {"in_channels": 4, "num_outputs": 3},
        {"in_channels": 4, "num_outputs": 3, "kind": "cubic"},
        {"in_channels": 2, "num_outputs": 2, "target": "binary"},
        {"in_channels": 3, "num_outputs": 3, "target": "ordinal"},
        {"in_channels": 3, "num_outputs": 3, "dropout": 2.0},
    ],
)
def test_impossible_heads_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        NodeHead(**options)


@pytest.mark.parametrize(("shape", "labels"), [((4, 2), (4,)), ((4, 3), (5,)), ((4, 3), (4, 3))])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, int], labels: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        NodeHead(3, 3).loss(torch.ones(shape), torch.zeros(labels))
