"""Exact statistics of normalisations: those of all training examples, and what they change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from graphkit.bench.models import load_model
from graphkit.data.cards import load_card
from graphkit.encoders.bag_layers import BagNorm
from graphkit.training.norms import settle_norms
from graphkit.training.run import run_cell


def loss(model: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, int]:
    return model(x).sum(), len(x)


def test_statistics_are_the_weighted_means_of_those_of_batches() -> None:
    x = torch.randn(12, 3, dtype=torch.float64)
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3, momentum=0.3)).double()
    settle_norms(model, [x[:8], x[8:]], loss)
    norm = model[1]
    torch.testing.assert_close(norm.running_mean, x.mean(0))
    torch.testing.assert_close(norm.running_var, (8 * x[:8].var(0) + 4 * x[8:].var(0)) / 12)
    assert norm.momentum == 0.3 and not model.training
    assert not any(parameter.grad is not None for parameter in model.parameters())


def test_one_batch_makes_training_and_evaluation_the_same() -> None:
    torch.manual_seed(0)

    class Bags(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = BagNorm(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(x, torch.ones(len(x)))

    model = nn.Sequential(nn.Linear(4, 4), Bags(), nn.ReLU(), nn.Linear(4, 4), nn.BatchNorm1d(4)).double()
    x = torch.randn(500, 4, dtype=torch.float64)
    wanted = model.train()(x)
    settle_norms(model, [x], loss)
    torch.testing.assert_close(model(x), wanted, rtol=0.01, atol=0.01)  # evaluation divides by n - 1


def test_a_model_without_normalisation_is_not_run() -> None:
    settle_norms(nn.Linear(2, 2), iter([None]), loss)


def test_a_cell_trains_with_exact_statistics() -> None:
    spec = load_model("gin").spec(load_card("skip-links"), "generator")
    settings = {"train": {"epochs": 2, "norm_statistics": "exact"}, "head": {"options": {"norm": "batch"}}}
    result = run_cell(spec.merged(settings))
    assert result.status == "ok" and result.test is not None


@pytest.mark.slow
@pytest.mark.mirror
def test_pairs_of_marks_learn_to_tell_all_strongly_regular_graphs_of_sr25_apart(mirror: Path) -> None:
    spec = load_model("kl-gnn").spec(load_card("sr25"), "relabelled-copies")
    assert run_cell(spec).test == 1.0
