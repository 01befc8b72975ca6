"""Triton kernels without a GPU: run in its interpreter, compiled ahead of time, refused where they cannot run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.kernels import gpu
from graphkit.kernels.scan import choose_backend, selective_scan
from graphkit.kernels.sequences import Sequences

CHECKS = Path(__file__).with_name("triton_checks.py")
POINTERS = {"pieces": "*i64", "chunks": "*i64", "chunk_ptr": "*i64", "place": "*i64", "left": "*i64"}
SIZES = {"count": "i32", "tokens": "i32", "channels": "i32"}


def run_checks(**environment: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(CHECKS)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_in_the_interpreter() -> None:
    pytest.importorskip("triton", reason="its wheels are for Linux")
    run_checks(TRITON_INTERPRET="1", CUDA_VISIBLE_DEVICES="")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    run_checks(TRITON_INTERPRET="0")


def compiled(kernel: Any, warps: int = 1, **constants: Any) -> Any:
    """The kernel for compute capability 9.0, with float32 arrays as PyTorch aligns them."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = kernel.arg_names
    known = {**POINTERS, **SIZES, **dict.fromkeys(constants, "constexpr")}
    signature = {name: known.get(name, "*fp32") for name in names}
    aligned = {(at,): [["tt.divisibility", 16]] for at, name in enumerate(names) if signature[name].startswith("*")}
    values = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(kernel, signature=signature, constexprs=values, attrs=aligned)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})


def kernels(stretch: int, taps: int) -> list[Any]:
    from graphkit.kernels.gpu import convolution, scan_long, scan_short

    block = {"D": 96, "N": 16, "BD": 8, "BN": 16}
    made = [compiled(scan_short.forward, **block, EVERY=stretch, STRETCH=stretch)]
    made.append(compiled(scan_short.backward, **block, STRETCH=stretch))
    for back in (False, True):
        made.append(compiled(scan_long.summarise, **block, STRETCH=stretch, BACK=back))
        made.append(compiled(scan_long.carry, **block, EVERY=stretch, BACK=back))
    return made + [
        compiled(kernel, 4, TAPS=taps, BT=16, BD=64) for kernel in (convolution.convolve, convolution.convolve_back)
    ]


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="its wheels are for Linux")
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("TRITON_INTERPRET is set: kernels are functions of Python here")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
def test_kernels_compile_for_a_gpu_that_is_not_there() -> None:
    assert all(one.asm["cubin"] for one in kernels(1, 1))


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
def test_states_of_a_stretch_stay_in_registers(tmp_path: Path) -> None:
    import triton

    from graphkit.kernels.gpu.plan import STRETCH

    reader = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    for number, one in enumerate(kernels(STRETCH, 4)):
        (tmp_path / f"{number}.cubin").write_bytes(one.asm["cubin"])
        told = subprocess.run(
            [reader, "--dump-resource-usage", tmp_path / f"{number}.cubin"], capture_output=True, text=True, check=True
        )
        assert "STACK:0 " in told.stdout and "LOCAL:0 " in told.stdout, told.stdout


def test_what_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    one, sequences = torch.ones(1, 1), Sequences(torch.tensor([0, 1]))
    inputs = (one, one, -one, one, one, one[0])
    monkeypatch.setattr(gpu, "installed", lambda: True)
    with pytest.raises(ConfigError, match="runs on CUDA, but u is on cpu"):
        selective_scan(*inputs, sequences, "triton")
    assert gpu.runs_on(torch.device("cuda")) and choose_backend(one, sequences) == "numba"
    monkeypatch.setattr(gpu, "installed", lambda: False)
    with pytest.raises(ConfigError, match="needs triton 3.4"):
        selective_scan(*inputs, sequences, "triton")
    assert not gpu.runs_on(torch.device("cuda"))
