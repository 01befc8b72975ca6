from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from graphkit.config import RunSpec, TrainSpec
from graphkit.errors import ConfigError
from graphkit.training.optimise import Schedule, make_optimizer


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Linear(4, 3), nn.Linear(3, 2)])


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(2, 2)


def decayed(scope: str) -> set[str]:
    model = Model()
    optimizer = make_optimizer(model, TrainSpec(weight_decay=0.5, weight_decay_scope=scope))  # type: ignore[arg-type]
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(p)] for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}


def test_decay_scopes_name_the_right_parameters() -> None:
    assert len(decayed("all")) == 6
    assert decayed("first") == {"encoder.convs.0.weight", "encoder.convs.0.bias"}
    assert decayed("weights") == {"encoder.convs.0.weight", "encoder.convs.1.weight", "head.weight"}


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(ConfigError, match="no parameters"):
        make_optimizer(nn.Module(), TrainSpec())


def rates(spec: TrainSpec) -> list[float]:
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=spec.lr)
    schedule = Schedule(optimizer, spec)
    return [schedule.step(epoch) for epoch in range(spec.epochs)]


def test_warmup_is_linear_and_ends_at_the_full_rate() -> None:
    assert rates(TrainSpec(epochs=5, lr=1.0, warmup_epochs=4)) == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_steps_are_counted_from_the_end_of_the_warmup() -> None:
    spec = TrainSpec(epochs=7, lr=1.0, warmup_epochs=1, schedule="step", step_epochs=2, step_factor=0.1)
    assert rates(spec) == pytest.approx([1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    "setting", ["epochs=0", "eval_every=0", "step_epochs=-1", "lr=-1.0", "lr=nan", "clip_norm=-0.5"]
)
def test_a_setting_that_cannot_be_trained_with_is_named(setting: str) -> None:
    with pytest.raises(ConfigError, match=setting.split("=")[0]):
        RunSpec().with_overrides([f"train.{setting}"])


def test_cosine_starts_full_and_ends_near_zero() -> None:
    values = rates(TrainSpec(epochs=10, lr=1.0, schedule="cosine"))
    assert values[0] == 1.0 and values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.9)))


def test_plateau_lowers_the_rate_and_resumes() -> None:
    spec = TrainSpec(lr=1.0, schedule="plateau", plateau_patience=1, plateau_factor=0.1)
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = Schedule(optimizer, spec)
    for loss in (1.0, 1.0, 1.0):
        schedule.observe(loss)
    again = Schedule(optimizer, spec)
    again.restore(schedule.state())
    assert schedule.step(3) == again.step(3) == pytest.approx(0.1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_decay_rates_of_state_spaces_are_no_weights() -> None:
    from graphkit.encoders.mixers import MambaMixer

    mixer = MambaMixer(4)
    for scope, decay in (("weights", 0.0), ("all", 0.5)):
        spec = TrainSpec(weight_decay=0.5, weight_decay_scope=scope)  # type: ignore[arg-type]
        groups = make_optimizer(mixer, spec).param_groups
        (group,) = [group for group in groups if any(one is mixer.log_a for one in group["params"])]
        assert group["weight_decay"] == decay
