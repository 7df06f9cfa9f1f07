"""The engine of a SLURM site: a job array whose tasks are `bench work`."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.base.errors import BenchError
from bench.base.files import write_text
from bench.base.version import ROOT
from bench.engines.engine import OnPoll, Tell
from bench.engines.shard import Shard
from bench.engines.worker import Job

USUAL = {
    "job-name": "bench",
    "signal": "B:USR1@120",
    "requeue": None,
    "open-mode": "append",
}
"""USR1 comes 120 s before the end of the time, to the script, which is `bench work` itself."""
OURS = ("array", "output", "signal", "requeue", "open-mode")
"""Options that the array cannot do without."""


@dataclass(frozen=True)
class Slurm:
    """Submits an array for each study of a job, and returns: the store tells how it goes.

    `sbatch` are options of `sbatch` by name, the value None where there is none. So many workers a
    task share a GPU, or its cores. `device` is what tasks are told; None leaves it to them.
    """

    sbatch: Mapping[str, str | None] = field(default_factory=dict)
    workers_per_gpu: int = 1
    device: str | None = None
    here = waits = False

    def __call__(self, job: Job, workers: int, on_poll: OnPoll, tell: Tell) -> None:
        logs = job.results / "slurm"
        for script in self.scripts(job, workers):
            write_text(logs / ".gitignore", "*\n")
            said = _command(["sbatch", "--parsable"], script)
            tell(f"submitted job {said.partition(';')[0]}; its log is in {logs}")

    def scripts(self, job: Job, workers: int) -> list[str]:
        """What is submitted, a script a study. Raises BenchError where no options ask for a job."""
        if not job.asked:
            raise BenchError(
                "the engine slurm does whole selections; leave --until-decided out, and tune "
                "with another engine"
            )
        return [self._script(job, options, workers) for options in job.asked]

    def _script(self, job: Job, options: str, workers: int) -> str:
        tasks = -(-workers // self.workers_per_gpu)
        lines = USUAL | {"cpus-per-task": str(self.workers_per_gpu)} | dict(self.sbatch)
        lines |= {
            "array": f"1-{tasks}",
            "output": str((job.results / "slurm" / "%A-%a.log").resolve()),
        }
        work = f"{shlex.quote(sys.executable)} -m bench work{options}"
        work += f" --workers {self.workers_per_gpu} --requeue"
        if self.device:
            work += f" --device {shlex.quote(self.device)}"
        if job.run_timeout:
            work += f" --run-timeout {job.run_timeout:g}"
        path = f"export PYTHONPATH={shlex.quote(str(ROOT))}${{PYTHONPATH:+:$PYTHONPATH}}"
        written = [f"#SBATCH --{n}{'' if v is None else f'={v}'}" for n, v in lines.items()]
        return "\n".join(
            [
                "#!/bin/bash",
                *written,
                f"cd {shlex.quote(str(Path.cwd()))}",
                path,
                f"exec {work}",
                "",
            ]
        )


def read_options(text: str) -> dict[str, str | None]:
    """`partition=gpu,time=04:00:00` as options of `sbatch`. Raises BenchError."""
    found: dict[str, str | None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.removeprefix("--").partition("=")
        if name in OURS:
            raise BenchError(f"sbatch option {name!r} is set by the engine; leave it out")
        if not name.replace("-", "").isalnum() or not value.isprintable():
            raise BenchError(
                f"sbatch {part!r}: write name=value, as in partition=gpu,time=04:00:00"
            )
        found[name] = value if equals else None
    return found


def own_shard() -> Shard | None:
    """Which task of how many of an array this process is; None outside of one."""
    try:
        number, of = (int(os.environ[f"SLURM_ARRAY_TASK_{n}"]) for n in ("ID", "COUNT"))
    except (KeyError, ValueError):
        return None
    return Shard((number - 1) % of + 1, of)


def requeue() -> str:
    """Put the job of this process back into the queue; returns its number, "" outside of one."""
    job = os.environ.get("SLURM_JOB_ID", "")
    if job:
        _command(["scontrol", "requeue", job])
    return job


def _command(words: list[str], given: str = "") -> str:
    """What a command of SLURM says. Raises BenchError where it is not there, or fails."""
    try:
        done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BenchError(
            f"{words[0]} is not found: start this on a machine of a SLURM site, or print the "
            "script with --dry-run"
        ) from None
    if done.returncode:
        raise BenchError(f"{words[0]}: {done.stderr.strip() or 'it failed'}")
    return done.stdout.strip()
