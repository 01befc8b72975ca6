"""The pages that are written from data say what the data says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not DOCS.is_dir(), reason="needs the source tree")
def test_protocol_pages_agree_with_the_protocols() -> None:
    due = load("protocol_pages").pages()
    stale = [path.name for path, text in due.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run `make docs`"
    extra = {path.stem for path in (DOCS / "protocols").glob("*.md")} - {path.stem for path in due}
    assert not extra
