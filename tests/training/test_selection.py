from __future__ import annotations

import json

import pytest

from graphkit.config import TrainSpec
from graphkit.training.selection import Selection


def run(spec: TrainSpec, values: list[tuple[float, float]], higher: bool = True) -> tuple[int, int]:
    """Returns (best epoch, epochs run) of a sequence of (metric, loss)."""
    selection = Selection(spec, higher_is_better=higher)
    for epoch, (metric, loss) in enumerate(values):
        if selection.update(epoch, metric=metric, loss=loss).stop:
            return selection.best_epoch, epoch + 1
    return selection.best_epoch, len(values)


def test_valid_metric_keeps_the_highest_and_breaks_ties_by_loss() -> None:
    values = [(0.5, 1.0), (0.7, 0.9), (0.7, 0.8), (0.6, 0.1)]
    assert run(TrainSpec(select="valid-metric"), values)[0] == 2


def test_a_lower_is_better_metric_is_minimised() -> None:
    assert run(TrainSpec(select="valid-metric"), [(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], higher=False)[0] == 1


def test_valid_loss_ignores_the_metric() -> None:
    assert run(TrainSpec(select="valid-loss"), [(0.9, 1.0), (0.1, 0.5), (0.8, 0.7)])[0] == 1


def test_gat_rule_keeps_weights_only_when_both_are_level_or_better() -> None:
    spec = TrainSpec(select="valid-metric-or-loss", stop="patience", patience=2)
    values = [(0.5, 1.0), (0.6, 1.1), (0.6, 0.9), (0.5, 0.95), (0.5, 0.96), (0.9, 0.1)]
    assert run(spec, values) == (2, 5)  # epoch 1 is progress without being kept; epochs 3 and 4 are neither


def test_patience_waits_for_min_epochs() -> None:
    flat = [(0.5, 1.0)] * 10
    assert run(TrainSpec(stop="patience", patience=2), flat)[1] == 3
    assert run(TrainSpec(stop="patience", patience=2, min_epochs=6), flat)[1] == 6


def test_loss_above_mean_needs_a_full_window() -> None:
    spec = TrainSpec(select="valid-loss", stop="loss-above-mean", patience=3)
    assert run(spec, [(0, 5.0), (0, 6.0), (0, 4.0), (0, 4.9), (0, 5.5), (0, 1.0)]) == (2, 5)


def test_last_keeps_every_epoch() -> None:
    assert run(TrainSpec(select="last"), [(0.9, 0.1), (0.1, 2.0)])[0] == 1


@pytest.mark.parametrize("cut", range(6))
def test_state_survives_json_at_any_epoch(cut: int) -> None:
    spec = TrainSpec(select="valid-metric-or-loss", stop="loss-above-mean", patience=3)
    values = [(0.1, 3.0), (0.3, 2.0), (0.3, 2.5), (0.2, 1.0), (0.4, 0.9), (0.4, 4.0), (0.1, 0.5)]
    whole, first = Selection(spec, higher_is_better=True), Selection(spec, higher_is_better=True)
    for epoch, (metric, loss) in enumerate(values[:cut]):
        whole.update(epoch, metric=metric, loss=loss)
        first.update(epoch, metric=metric, loss=loss)
    second = Selection(spec, higher_is_better=True)
    second.restore(json.loads(json.dumps(first.state())))
    for epoch, (metric, loss) in enumerate(values[cut:], start=cut):
        assert whole.update(epoch, metric=metric, loss=loss) == second.update(epoch, metric=metric, loss=loss)
