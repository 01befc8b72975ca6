from __future__ import annotations

import subprocess
import sys

import pytest

from graphkit.cli import main as entry
from graphkit.cli.main import main
from graphkit.errors import DataError

LIGHT = [
    ["--help"],
    ["--version"],
    ["ls"],
    ["ls", "datasets"],
    ["ls", "encoders"],
    ["ls", "metrics"],
    ["ls", "models"],
    ["ls", "protocols"],
    ["ls", "recipes"],
    ["ls", "suites"],
    ["data", "path"],
    ["bench", "report", "--help"],
    ["bench", "run", "-d", "cora", "-m", "gat", "--dry-run"],
]


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_small_commands_import_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from graphkit.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'torch_geometric', 'numba', 'pandas', 'matplotlib', 'triton'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "graphkit", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("graphkit ")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["bnch"], "bench"),
        (["bench", "rum"], "run"),
        (["ls", "datset"], "datasets"),
        (["bench", "run", "-d", "cora", "-m", "gatt"], "gat"),
        (["bench", "run", "-d", "corra", "-m", "gat"], "cora"),
        (["bench", "run", "-d", "cora", "-m", "gat", "--set", "train.lrr=1"], "train.lr"),
        (["bench", "run", "-d", "cora", "-m", "gat", "--limit", "2"], "fraction"),
        (["bench", "run", "-d", "cora", "-m", "gat", "--time-limit", "soon"], "30m"),
        (["bench", "run", "-d", ",", "-m", "gat"], "at least one"),
        (["bench", "suite", "quik"], "quick"),
        (["recipe", "show", "gat_coro"], "recipe"),
    ],
)
def test_mistakes_end_with_2_and_a_hint(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ") and hint in printed.err
    assert len(printed.err.strip().splitlines()) == 1


def fail(error: BaseException) -> object:
    class Verb:
        @staticmethod
        def add_parser(subparsers: object) -> None:
            parser = subparsers.add_parser("ls")  # type: ignore[attr-defined]
            parser.add_argument("-v", action="store_true")

            def run(args: object) -> int:
                raise error

            parser.set_defaults(run=run)

    return Verb


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("no file x"), 3, "error: no file x"),
        (KeyboardInterrupt(), 130, "again"),
        (ValueError("odd"), 1, "-v"),
    ],
)
def test_errors_become_one_line_and_a_code(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "_module", lambda verb: fail(error))
    assert main(["ls"]) == code
    assert message in capsys.readouterr().err


def test_verbose_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "_module", lambda verb: fail(ValueError("odd")))
    with pytest.raises(ValueError, match="odd"):
        main(["ls", "-v"])


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {code} " in printed for code in (0, 1, 2, 3, 4, 130))
