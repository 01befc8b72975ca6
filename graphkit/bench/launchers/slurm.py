"""A benchmark as an array of SLURM: one task a (dataset, model), written as a script that a user can read and edit."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from graphkit.bench.launchers.files import write_jobs
from graphkit.bench.matrix import Job
from graphkit.bench.store import write_whole
from graphkit.errors import ConfigError

_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=graphkit
#SBATCH --array=0-{last}%{parallel}
#SBATCH --cpus-per-task={cpus}
#SBATCH --time={minutes}
#SBATCH --output={folder}/%A_%a.log
#SBATCH --requeue
# {count} tasks, one a (dataset, model); a task that is run again goes on from its last epoch. Partition, memory and
# accelerators are yours to add. Afterwards: graphkit bench report {out}
set -eu
export OMP_NUM_THREADS="${{SLURM_CPUS_PER_TASK:-1}}"
exec {python} -m graphkit bench job {jobs} "$SLURM_ARRAY_TASK_ID" -o {out}{options}
"""


def write_array(
    jobs: Sequence[Job],
    out: Path | str,
    *,
    parallel: int = 16,
    cpus: int = 4,
    minutes: int = 1440,
    options: Sequence[str] = (),
) -> Path:
    """Writes `OUT/slurm/run.sbatch` and the jobs it runs; nothing is submitted.

    Args:
        jobs: what to run.
        out: the results folder, on a file system that all machines see.
        parallel: tasks at a time.
        cpus: cores a task.
        minutes: longest time of a task; one that was ended is submitted again and goes on.
        options: more words for `graphkit bench job`.

    Returns:
        The script, for `sbatch`.

    Raises:
        ConfigError: there is nothing to run.

    Example:
        >>> write_array(plan(["cora"], ["gat"], range(20)), "runs")  # doctest: +SKIP
        PosixPath('/home/me/runs/slurm/run.sbatch')
    """
    if not jobs:
        raise ConfigError("there is nothing to run: every cell is there already")
    root = Path(out).resolve()
    folder, listed = root / "slurm", root / "slurm" / "jobs.json"
    write_jobs(jobs, listed)
    script = folder / "run.sbatch"
    text = _SCRIPT.format(
        last=len(jobs) - 1,
        parallel=parallel,
        cpus=cpus,
        minutes=minutes,
        folder=folder,
        count=len(jobs),
        out=shlex.quote(str(root)),
        python=shlex.quote(sys.executable),
        jobs=shlex.quote(str(listed)),
        options="".join(f" {shlex.quote(option)}" for option in options),
    )
    write_whole(script, text)
    return script
