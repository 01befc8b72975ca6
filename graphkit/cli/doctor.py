"""`graphkit doctor`: what is installed, what is missing, and whether the folders can be used."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from graphkit.bench.environment import hardware, package_versions
from graphkit.data.cards import data_root

Level = Literal["ok", "note", "fail"]
Finding = tuple[Level, str, str]
OPTIONAL = {
    "torch_scatter": "used by nothing here; PyG uses it where it is installed",
    "pyg_lib": "PyG's own samplers need it; graphkit's do not",
    "triton": "compiled kernels on an accelerator",
    "ogb": "parity tests only",
    "rdkit": "molecules from SMILES (extra `mol`)",
    "matplotlib": "plots (extra `plot`)",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `doctor` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor", help="check the installation, the caches and the accelerators"
    )
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints every finding; returns 1 when something is broken."""
    broken = False
    for level, subject, message in findings():
        print(f"{level:<5} {subject:<18} {message}")
        broken |= level == "fail"
    return 1 if broken else 0


def findings() -> Iterator[Finding]:
    """Yields (level, subject, message) for every check."""
    for name, version in package_versions().items():
        yield ("fail" if version == "not installed" else "ok"), name, version
    machine = hardware()
    yield "ok", "processor", f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mb']} MB"
    for module, purpose in OPTIONAL.items():
        found = importlib.util.find_spec(module) is not None
        yield ("ok" if found else "note"), module, "installed" if found else f"not installed: {purpose}"
    yield _accelerator()
    yield _folder("cache", data_root())
    yield _mirror()
    yield _kernels()


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        return "ok", "accelerator", torch.cuda.get_device_name(0)
    return "note", "accelerator", "none; training runs on the processor"


def _folder(subject: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        return "fail", subject, f"{folder} cannot be written ({error.strerror}); set GRAPHKIT_DATA to another folder"
    free = shutil.disk_usage(folder).free / 1e9
    return ("ok" if free > 1 else "note"), subject, f"{folder}, {free:.0f} GB free"


def _mirror() -> Finding:
    location = os.environ.get("GRAPHKIT_MIRROR", "")
    if not location:
        return "note", "mirror", "none; GRAPHKIT_MIRROR may name a folder or URL with a MANIFEST.tsv"
    if "://" not in location and not (Path(location) / "MANIFEST.tsv").exists():
        return "fail", "mirror", f"{location} has no MANIFEST.tsv; unset GRAPHKIT_MIRROR or mend it"
    return "ok", "mirror", location


def _kernels() -> Finding:
    import torch

    from graphkit.kernels import CSRGraph, spmm

    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
    try:
        right = torch.equal(spmm(graph, torch.tensor([[1.0], [2.0]])), torch.tensor([[2.0], [1.0]]))
    except Exception as error:
        return "fail", "kernels", f"{type(error).__name__}: {error}; reinstall numba"
    return ("ok", "kernels", "compile and run") if right else ("fail", "kernels", "wrong result; reinstall numba")
