"""The engine slurm on a real SLURM of this machine, started here and ended at the end.

    python tests/engines/slurm.py       about five minutes; needs slurmctld, slurmd and munge

An array to its end; a task that is killed; a walltime that ends in the middle of a run. Each ends
in the bits of `--engine local`. Where SLURM is not installed, it says so and exits with 0.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.store.records import Store

ROOT = Path(__file__).parents[2]
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue")
CONF = """
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=600
SchedulerParameters=sched_interval=5,requeue_delay=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=small Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
SELECTION = ["--datasets", "phantom-binary", "--backbones", "test_byobnet"]
SHORT = [*SELECTION, "--methods", "none,mixup", "--seeds", "3", "--set", "steps=40"]
LONG = [*SELECTION, "--methods", "mixup", "--seeds", "1", "--set", "epochs={epochs}"]
PATIENCE = 600.0


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """A SLURM of one node."""
    host, user = platform.node().split(".")[0], psutil.Process().username()
    for name in ("spool", "state", "munge"):
        (folder / name).mkdir(mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    text = CONF.format(host=host, user=user, folder=folder, cores=psutil.cpu_count())
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    files = ("key", "pid", "log", "seed")
    places = [f"--{name}-file={folder / 'munge' / name}" for name in files]
    daemons = [
        ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *places],
        ["slurmctld", "-D"],
        ["slurmd", "-D", "-N", host],
    ]
    started = []
    try:
        for words in daemons:
            with (folder / f"{words[0]}.out").open("w") as out:
                started.append(subprocess.Popen(words, stdout=out, stderr=out))
            time.sleep(2)
            assert started[-1].poll() is None, (folder / f"{words[0]}.out").read_text()
        wait(lambda: "idle" in said("sinfo", "-h", "-o", "%t"), "a node that is idle")
        yield
    finally:
        for daemon in reversed(started):
            daemon.terminate()
            daemon.wait()


def said(*words: str) -> str:
    """What a command says; "" where it fails."""
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def wait(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited too long for {what}"
        time.sleep(0.2)


def bench(folder: Path, words: list[str], *more: str) -> str:
    """A command in a folder; what it says is shown."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", *words, *more],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def submit(folder: Path, words: list[str], *more: str) -> str:
    """Submit an array; returns its number."""
    output = bench(folder, words, "--engine", "slurm", *more)
    print(output, end="", flush=True)
    return output.split("submitted job ")[1].split(";")[0]


def queue_is_empty() -> bool:
    return not said("squeue", "-h").strip()


def bits(results: Path) -> dict[str, Any]:
    """All that must not depend on who did the runs."""
    store = Store(results)
    records = {key: store.read(key) for key in store}
    return {
        key: (record["metrics"], record["curves"], store.predictions(key)[0].tobytes())
        for key, record in records.items()
    }


def array(folder: Path) -> None:
    submit(folder, SHORT, "--workers", "2")
    wait(queue_is_empty, "the array")


def killed(folder: Path) -> None:
    """kill -9 of the only task, in the middle of its runs; the array is submitted again."""
    submit(folder, SHORT, "--workers", "1")
    store = Store(folder / "results")
    wait(lambda: list(store) and store.leases(), "a run at hand")
    worker = next(iter(store.leases().values()))
    work = psutil.Process(worker)
    while "work" not in work.cmdline():
        work = work.parent() or work
    print(f"kill -9 {work.pid}: {' '.join(work.cmdline()[1:4])}", flush=True)
    work.send_signal(signal.SIGKILL)
    wait(queue_is_empty, "what is left of the array")
    print(f"{len(list(store))} runs are done; the same command again", flush=True)
    submit(folder, SHORT, "--workers", "2")
    wait(queue_is_empty, "the array")


def walltime(folder: Path, words: list[str]) -> None:
    """SLURM tells 120 s before the end of 3 minutes: in the middle of the run."""
    number = submit(folder, words, "--workers", "1", "--sbatch", "time=00:03:00")
    wait(queue_is_empty, "the job and its second turn")
    log = (folder / "results" / "slurm" / f"{number}-1.log").read_text()
    print(log, flush=True)
    assert "is put back into the queue" in log
    assert "Restarts=0" not in said("scontrol", "show", "job", number)


def long_enough(folder: Path) -> list[str]:
    """A run of about 100 seconds: SLURM tells it to leave after 60."""
    bench(folder, [word.format(epochs=4) for word in LONG], "--workers", "1")
    store = Store(folder / "results")
    (record,) = store.sound()
    epochs = round(4 * 100 / record["cost"]["seconds"]["train"])
    return [word.format(epochs=epochs) for word in LONG]


def main() -> None:
    if lacking := [name for name in NEEDED if not shutil.which(name)]:
        print(f"not tried: {', '.join(lacking)} is not installed")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in ("whole", "long", "timed", "array", "killed", "walltime", "slurm"):
            (folder / place).mkdir()
        bench(folder / "whole", SHORT, "--workers", "2")
        whole = bits(folder / "whole" / "results")
        assert len(whole) == 6
        with cluster(folder / "slurm"):
            for trial in (array, killed):
                print(f"== {trial.__name__}", flush=True)
                trial(folder / trial.__name__)
                assert bits(folder / trial.__name__ / "results") == whole, trial.__name__
            print("== walltime", flush=True)
            words = long_enough(folder / "timed")
            walltime(folder / "walltime", words)
        bench(folder / "long", words, "--workers", "1")
        assert bits(folder / "walltime" / "results") == bits(folder / "long" / "results")
    print("the same bits as --engine local")


if __name__ == "__main__":
    main()
