"""Pages say what is there: commands parse, names exist, code runs, links lead somewhere, generated parts are fresh."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from graphkit.bench.matrix import plan
from graphkit.bench.suites import Suite, load_suite
from graphkit.cli.main import _parser
from graphkit.cli.recipe import recipe_path
from graphkit.data.cards import parse_card
from graphkit.embeddings import EMBEDDINGS
from graphkit.encoders import ENCODERS
from graphkit.heads import PAIR_HEADS
from graphkit.scorers import SCORERS

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


WRITTEN = sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "protocols")
PAGES = [DOCS.parent / "README.md", *WRITTEN]
MADE = {"cli.md", "speed.md", "../speed.md"}
"""Pages that exist while the site is built."""
RUN = [page for page in PAGES if page.is_file() and "```python" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target and target not in MADE]
    assert not [target for target in local if not (page.parent / target).exists()]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_is_fenced_so_that_it_is_run(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"^ {4}(from [\w.]+ import|import \w)", text, re.MULTILINE)
    languages = set(re.findall(r"^```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)) - {""}
    assert languages <= {"python", "toml", "text"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after another, as one program."""
    monkeypatch.chdir(tmp_path)
    if page.stem == "equivariant":
        pytest.importorskip("ase")
    names: dict[str, Any] = {"__name__": "page"}
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        exec(compile(code.replace("epochs=200", "epochs=20"), str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tables_of_a_page_are_cards_suites_and_entry_points(page: Path) -> None:
    for code in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        table = tomllib.loads(code)
        if "reader" in table:
            parse_card(table, page.name)
        elif "row" in table:
            suite = Suite(page.stem, table["title"], "", tuple(table["row"]))
            assert suite.jobs()
        else:
            groups = {registry.group for registry in (ENCODERS, SCORERS, PAIR_HEADS, EMBEDDINGS)}
            assert set(table["project"]["entry-points"]) <= {*groups, "graphkit.datasets"}


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = r"<(?:script|img|iframe|link)[^>]+(?:src|href)=.?(https?:[^\s>\"']+)"
    for page in tmp_path.rglob("*.html"):
        found = {url for url in re.findall(asked, page.read_text(encoding="utf-8")) if "mkdocs" not in url}
        assert not found, f"{page.name} asks {found}"
