"""Pages say what is there: commands parse, names exist, code runs, links lead somewhere, generated parts are fresh."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from graphkit.bench.matrix import plan
from graphkit.bench.suites import load_suite
from graphkit.cli.main import _parser
from graphkit.cli.recipe import recipe_path

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


PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_commands(page: Path) -> None:
    """Every indented `graphkit ...` line parses, and the datasets, models, suites and recipes it names exist."""
    for line in re.findall(r"^    (graphkit .*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        arguments = shlex.split(line, comments=True)[1:]
        try:
            given = _parser(arguments).parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{page.name}: `{line}` is not understood")
        if given.verb == "bench" and given.bench_verb == "run":
            plan(given.dataset.split(","), given.model.split(","), [0], protocol=given.protocol, overrides=given.set)
        elif given.verb == "bench" and given.bench_verb == "suite" and given.name.islower():
            assert given.name.endswith(".toml") or load_suite(given.name).jobs()
        elif given.verb == "recipe" and given.recipe_verb in ("run", "show") and given.name.islower():
            assert recipe_path(given.name)


@pytest.mark.parametrize("page", PAGES[:1], ids=lambda page: page.stem)
def test_the_python_of_the_readme_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    exec(code.replace("epochs=200", "epochs=20"), {})
    assert 0 <= float(capsys.readouterr().out) <= 1
