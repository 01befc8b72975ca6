"""The examples in the docstrings of encoders, heads and samplers run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import graphkit.encoders
import graphkit.heads
import graphkit.sampling

MODULES = [
    module.name
    for package in (graphkit.encoders, graphkit.heads, graphkit.sampling)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0
