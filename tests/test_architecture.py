"""The import rules of docs/architecture.md, and the few house rules that keep the code readable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "graphkit").rglob("*.py"))


def test_imports_follow_the_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ["graphkit", "graphkit.config", "graphkit.evaluation", "graphkit.data.cards"])
def test_light_modules_import_no_torch(package: str) -> None:
    code = f"import sys, {package}; assert not {{'torch', 'torch_geometric', 'pandas'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
