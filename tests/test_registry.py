from __future__ import annotations

import sys

import pytest

from graphkit.errors import ConfigError, UnknownNameError
from graphkit.registry import Registry


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    registry: Registry[object] = Registry("thing", {"calendar": "this_module_is_absent:name", "json": "json:loads"})
    assert registry.names() == ["calendar", "json"]
    assert "this_module_is_absent" not in sys.modules
    assert registry.get("json") is __import__("json").loads


def test_an_unknown_name_suggests_the_nearest() -> None:
    registry: Registry[object] = Registry("encoder", {"gatv2": "json:loads", "dagnn": "json:loads"})
    with pytest.raises(UnknownNameError, match="unknown encoder 'gatv3'; did you mean 'gatv2'") as caught:
        registry.get("gatv3")
    assert caught.value.exit_code == 2


def test_a_duplicate_is_refused() -> None:
    registry: Registry[object] = Registry("encoder", {"gat": "json:loads"})
    with pytest.raises(ConfigError, match="'gat' is registered twice"):
        registry.register("gat", "json:dumps")


def test_users_can_register_objects() -> None:
    registry: Registry[object] = Registry("encoder", {})
    registry.register("mine", dict)
    assert registry.get("mine") is dict and "mine" in registry and list(registry) == ["mine"]


def test_users_name_what_is_registered_nowhere_by_its_address() -> None:
    registry: Registry[object] = Registry("encoder", {}, group="graphkit.test-group")
    assert registry.get("json:loads") is __import__("json").loads
    assert "json:loads" in registry and registry.target("json:loads") == "json:loads" and registry.names() == []
    with pytest.raises(ConfigError, match="'json:absent' cannot be imported"):
        registry.get("json:absent")
    with pytest.raises(UnknownNameError):
        Registry("reader", {}).get("json:loads")


def test_what_is_imported_can_be_adapted() -> None:
    registry: Registry[object] = Registry("thing", {"text": "json:__name__"}, adapt="builtins:len")
    assert registry.get("text") == 4
