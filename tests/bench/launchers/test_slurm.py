from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from graphkit.bench.launchers.files import from_plain, read_job, to_plain, write_jobs
from graphkit.bench.launchers.slurm import write_array
from graphkit.bench.matrix import plan
from graphkit.cli.main import main
from graphkit.errors import ConfigError, DataError

RUN = ["bench", "run", "-d", "karate", "-m", "gcn,sgc", "-n", "2", "--set", "train.epochs=3", "--launcher", "slurm"]


def test_jobs_come_back_from_their_file(tmp_path: Path) -> None:
    jobs = plan(["karate", "csbm"], ["gcn"], [0, 5], overrides=["train.lr=0.5"])
    write_jobs(jobs, tmp_path / "jobs.json")
    assert [read_job(tmp_path / "jobs.json", index) for index in range(2)] == jobs
    assert from_plain(json.loads(json.dumps(to_plain(jobs[0])))) == jobs[0]
    with pytest.raises(ConfigError, match="jobs 0 to 1, not 2"):
        read_job(tmp_path / "jobs.json", 2)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises((ConfigError, DataError)):
        read_job(tmp_path / "other.json", 0)
    with pytest.raises(DataError):
        read_job(tmp_path / "absent.json", 0)


def test_nothing_to_run_is_no_array(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to run"):
        write_array([], tmp_path)


def test_a_task_of_the_array_runs_its_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs of mine"
    assert main([*RUN, "-o", str(out), "--max-params", "1M"]) == 0
    script = Path(capsys.readouterr().out.removeprefix("sbatch ").strip())
    text = script.read_text()
    assert "#SBATCH --array=0-1%16" in text and "--max-params 1M" in text
    assert not list(out.rglob("result.json"))
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {json.loads(path.read_text())["model"] for path in out.rglob("result.json")} == {"sgc"}
    assert main([*RUN, "-o", str(out)]) == 0  # what is there is not asked for again
    assert re.search(r"--array=0-0%16", script.read_text())
