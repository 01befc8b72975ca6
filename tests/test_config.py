from __future__ import annotations

from pathlib import Path

import pytest

from graphkit.config import RunSpec, parse_assignment
from graphkit.errors import ConfigError, UnknownNameError


def test_hash_ignores_the_order_of_keys() -> None:
    one = RunSpec.from_dict({"train": {"lr": 0.1, "epochs": 3}, "encoder": {"options": {"a": 1, "b": 2}}})
    two = RunSpec.from_dict({"encoder": {"options": {"b": 2, "a": 1}}, "train": {"epochs": 3, "lr": 0.1}})
    assert one.hash() == two.hash() != RunSpec().hash()


def test_dict_round_trip() -> None:
    spec = RunSpec().with_overrides(["data.fanout=[5,5]", "encoder.options.heads=8", "data.split=3"])
    assert RunSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("assignment", "suggestion"),
    [("train.lrr=0.1", "train.lr"), ("trian.lr=0.1", "train"), ("data.fan_out=[1]", "data.fanout")],
)
def test_an_unknown_key_is_refused_with_a_suggestion(assignment: str, suggestion: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean .*'{suggestion}'"):
        RunSpec().with_overrides([assignment])


@pytest.mark.parametrize(
    "assignment",
    ["train.epochs=0.5", "train.lr=fast", "train.deterministic=1", "train=3", "data.fanout=5", "train.epochs=true"],
)
def test_a_wrong_type_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match=assignment.split("=")[0]):
        RunSpec().with_overrides([assignment])


def test_a_wrong_choice_lists_the_choices() -> None:
    with pytest.raises(ConfigError, match="adamw"):
        RunSpec().with_overrides(["train.optimizer=admw"])


@pytest.mark.parametrize("key", ["train.lr", "encoder.options.dropout"])
@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_what_is_not_finite_is_named(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} must be a finite number, got {value}"):
        RunSpec().with_overrides([f"{key}={value}"])


def test_an_integer_is_a_float_and_a_list_a_tuple() -> None:
    spec = RunSpec().with_overrides(["train.lr=1", "data.fanout=[10, -1]"])
    assert spec.train.lr == 1.0 and isinstance(spec.train.lr, float) and spec.data.fanout == (10, -1)


def test_values_are_typed_and_bare_words_are_text() -> None:
    assert parse_assignment("a.b=1e-3") == {"a": {"b": 1e-3}}
    assert parse_assignment("a=max") == {"a": "max"}
    assert parse_assignment('a="true"') == {"a": "true"}
    with pytest.raises(ConfigError, match="key=value"):
        parse_assignment("train.lr")


def test_toml_files_and_their_faults(tmp_path: Path) -> None:
    good, bad = tmp_path / "run.toml", tmp_path / "bad.toml"
    good.write_text("seed = 4\n[train]\nlr = 0.5\n")
    bad.write_text("seed = \n")
    assert RunSpec.from_toml(good).train.lr == 0.5
    with pytest.raises(ConfigError, match="bad.toml"):
        RunSpec.from_toml(bad)
    with pytest.raises(ConfigError, match="no configuration file"):
        RunSpec.from_toml(tmp_path / "absent.toml")
