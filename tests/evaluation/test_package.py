from __future__ import annotations

import pkgutil

from graphkit import evaluation

MODULES = sorted(module.name for module in pkgutil.iter_modules(evaluation.__path__))


def test_no_module_hides_an_exported_name() -> None:
    assert not set(MODULES) & set(evaluation.__all__)
