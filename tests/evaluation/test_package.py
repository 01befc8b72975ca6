from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from graphkit import evaluation

MODULES = sorted(module.name for module in pkgutil.iter_modules(evaluation.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"graphkit.evaluation.{name}"))
    assert outcome.failed == 0


def test_no_module_hides_an_exported_name() -> None:
    assert not set(MODULES) & set(evaluation.__all__)
