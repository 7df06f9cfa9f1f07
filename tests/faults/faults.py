"""Faults, really done: kill -9, signals, full disks, several parents, damaged files.

    python tests/faults/faults.py            about a minute: what CI runs
    python tests/faults/faults.py --long     300 kills and more
    python tests/faults/faults.py --long --only Ray

A fault is done to a command; the same command is then given until it exits with 0. Counted are runs
that were finished and lost, runs that were trained twice without a reason, commands that got stuck,
tracebacks, and whether records and tables are bit for bit those of the undisturbed command.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import psutil
from steps import in_a_process, publish

from bench.data.phantom import PHANTOMS
from bench.store.records import Store

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
PATIENCE = 240.0
"""Seconds after which a command is stuck."""
SEEDS = 3
RAY = ("ray::", "raylet")
"""What its processes are named."""
COUNTED = """
from pathlib import Path
from methods.method import Method

class Counted(Method):
    summary = "tells a file that it is trained"
    reference = "a test"

    def prepare(self, train, workspace):
        with (workspace.folder.parent / "trained.log").open("a") as log:
            log.write(f"{self.setting.seed}\\n")
        return train
"""


@dataclass
class Tally:
    """What a kind of fault did."""

    kind: str
    faults: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    tracebacks: int = 0
    different: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.tracebacks or self.different)


class Trial:
    """Commands into one results folder."""

    dataset = "phantom-binary"

    def __init__(self, folder: Path, tally: Tally) -> None:
        self.folder, self.tally = folder, tally
        self.store = Store(folder / "results")
        self.whole: dict[Any, Any] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "counted.py").write_text(COUNTED, encoding="utf-8")

    def start(self, *more: str, **how: Any) -> subprocess.Popen[str]:
        words = ["run", "--datasets", self.dataset, "--methods", "./counted.py,mixup"]
        words += ["--seeds", str(SEEDS), "--backbones", "test_byobnet", "--set", "steps=6"]
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *words, "--workers", "2", "--retry-failed", *more],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **({"env": ENVIRONMENT} | how),
        )

    def ended(self, command: subprocess.Popen[str]) -> int:
        """Its exit code; a stuck one is counted and killed."""
        try:
            output, _ = command.communicate(timeout=PATIENCE)
            if "Traceback" in output:
                self.tally.tracebacks += 1
                print(output, flush=True)
        except subprocess.TimeoutExpired:
            self.tally.stuck += 1
            os.killpg(command.pid, signal.SIGKILL)
            command.communicate()
        return command.returncode

    def finish(self) -> None:
        """The same command until it exits with 0."""
        for _ in range(5):
            if self.ended(self.start()) == 0:
                return
        self.tally.stuck += 1

    def bits(self) -> dict[Any, Any]:
        """All that must not depend on faults."""
        found = {}
        for key in self.store:
            record, (scores, _) = self.store.read(key), self.store.predictions(key)
            place = record["label"], record["seed"]
            found[place] = record["metrics"], record["curves"], scores.tobytes()
        return found

    def trained(self) -> int:
        """How often `counted` was trained."""
        log = self.store.root / "trained.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def compare(self, whole: dict[Any, Any], excused: int) -> None:
        """Count what differs from the undisturbed; `excused` are runs that faults cut short."""
        found = self.bits()
        self.tally.lost += len(whole.keys() - found.keys())
        self.tally.different += sum(found[k] != whole[k] for k in whole.keys() & found.keys())
        self.tally.doubled += max(0, self.trained() - SEEDS - excused)


def at_work(command: subprocess.Popen[str], trial: Trial) -> Iterator[int]:
    """Processes that have runs at hand, as they come, until the command ends."""
    while command.poll() is None:
        yield from {pid for pid in trial.store.leases().values() if psutil.pid_exists(pid)}
        time.sleep(0.02)


def kill_workers(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """Signals to workers, at random moments of their runs; how many were sent."""
    command, sent = trial.start(), 0
    for pid in at_work(command, trial):
        if sent < kills and pid != command.pid:
            time.sleep(rng.uniform(0, 0.4))
            send(pid, number)
            sent += 1
    trial.ended(command)
    return sent


def send(pid: int, number: int) -> None:
    """A signal to a process that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def end_parent(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """A signal to the command itself; then it is given again."""
    for _ in range(kills):
        command = trial.start()
        next(at_work(command, trial), None)
        time.sleep(rng.uniform(0, 1))
        done = set(trial.store)
        send(command.pid, number)
        code = trial.ended(command)
        trial.tally.lost += len(done - set(trial.store))
        trial.tally.different += number != signal.SIGKILL and code not in (130, 0)
    return kills


def kill_fork_server(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    command, sent = trial.start(), 0
    for _ in at_work(command, trial):
        if sent == kills:
            continue
        time.sleep(rng.uniform(0, 0.4))
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            for child in psutil.Process(command.pid).children():
                if any("forkserver" in word for word in child.cmdline()):
                    send(child.pid, signal.SIGKILL)
                    sent += 1
    trial.ended(command)
    return sent


def kill_ray(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """kill -9 of a process of Ray while runs are at hand: of its workers, or of its raylet."""
    command, sent = trial.start("--engine", "ray"), 0
    for _ in at_work(command, trial):
        if sent == kills:
            continue
        time.sleep(rng.uniform(0, 1))
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(command.pid).children(recursive=True)
            named = [(one.pid, one.name()) for one in below]
            if found := [pid for pid, name in named if name.startswith(RAY[number])]:
                send(rng.choice(found), signal.SIGKILL)
                sent += 1
    trial.ended(command)
    return sent


def several_parents(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    commands = [trial.start() for _ in range(number)]
    trial.tally.different += sum(trial.ended(command) != 0 for command in commands)
    return 0


def stop_workers(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """A worker that is stopped is replaced after a minute."""
    command, stopped = trial.start(), []
    for pid in at_work(command, trial):
        if len(stopped) < kills and pid != command.pid:
            send(pid, signal.SIGSTOP)
            stopped.append(pid)
    trial.ended(command)
    return kills


def clock_off(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """Two commands, to one of which it is an hour later."""
    (trial.folder / "sitecustomize.py").write_text(
        f"import time\nnow = time.time\ntime.time = lambda: now() + {number}\n"
    )
    path = f"{trial.folder}{os.pathsep}{ROOT}"
    commands = [trial.start(), trial.start(env=ENVIRONMENT | {"PYTHONPATH": path})]
    trial.tally.different += sum(trial.ended(command) != 0 for command in commands)
    return 0


def data_replaced(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """The file of the images is another one for a while, with the labels exchanged."""
    arrays = PHANTOMS["phantom-binary"].arrays("phantom-binary", 28)
    other = arrays | {name: 1 - a for name, a in arrays.items() if name.endswith("labels")}
    for name, content in {"own": arrays, "kept": arrays, "other": other}.items():
        np.savez(trial.folder / f"{name}.npz", **content)
    undisturbed = Trial(trial.folder / "undisturbed", Tally("undisturbed"))
    trial.dataset = undisturbed.dataset = str(trial.folder / "own.npz")
    undisturbed.finish()
    trial.whole = undisturbed.bits()
    command = trial.start()
    next(at_work(command, trial), None)
    (trial.folder / "other.npz").replace(trial.dataset)
    trial.ended(command)
    (trial.folder / "kept.npz").replace(trial.dataset)
    return 1


def full_disk(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """No file may grow beyond some bytes; then a real file system that is full, or read-only."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))

    trial.tally.different += trial.ended(trial.start(preexec_fn=limit)) == 0
    for options in ("size=40k", "ro") if os.geteuid() == 0 else ():
        trial.store.root.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(trial.store.root)]
        if subprocess.run(mount, capture_output=True).returncode == 0:
            trial.tally.different += trial.ended(trial.start()) == 0
            subprocess.run(["umount", str(trial.store.root)], check=True)
    return 2 * SEEDS


def damaged(trial: Trial, kills: int, rng: random.Random, number: int) -> int:
    """Bits of finished records and predictions are flipped; doctor mends it."""
    trial.finish()
    keys = rng.sample(sorted(trial.store), kills)
    for key in keys:
        path = rng.choice([trial.store.record_path(key), trial.store.predictions_path(key)])
        raw = bytearray(path.read_bytes())
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
    command = [sys.executable, "-m", "bench", "doctor", "--fix"]
    subprocess.run(
        command, cwd=trial.folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True
    )
    return kills


KINDS: dict[str, tuple[Callable[[Trial, int, random.Random, int], int], int, int, int]] = {
    "kill -9 of workers": (kill_workers, signal.SIGKILL, 3, 8),
    "SIGTERM to workers": (kill_workers, signal.SIGTERM, 3, 8),
    "kill -9 of the command": (end_parent, signal.SIGKILL, 1, 3),
    "SIGTERM to the command": (end_parent, signal.SIGTERM, 0, 2),
    "SIGHUP to the command": (end_parent, signal.SIGHUP, 0, 2),
    "kill -9 of the fork server": (kill_fork_server, 0, 0, 3),
    "two commands": (several_parents, 2, 0, 1),
    "four commands": (several_parents, 4, 0, 1),
    "files cannot grow": (full_disk, 2000, 0, 1),
    "flipped bits": (damaged, 0, 2, 6),
    "stopped workers": (stop_workers, 0, 0, 1),
    "a clock an hour off": (clock_off, 3600, 0, 1),
    "data replaced mid-way": (data_replaced, 0, 0, 1),
}
if find_spec("ray"):
    KINDS |= {
        "kill -9 of Ray's workers": (kill_ray, 0, 1, 3),
        "kill -9 of Ray's raylet": (kill_ray, 1, 0, 1),
    }
"""How, with which number, how often in a short trial and in a long one; 0 is never."""


def file_system_steps(folder: Path, whole: Trial, tally: Tally) -> None:
    """kill -9 before and after each step of a worker on the file system, then one undisturbed."""
    key = next(iter(whole.store))
    record, arrays = whole.store.read(key), whole.store.predictions(key)
    for step, when in product(range(1, 1000), ("before", "after")):
        store = Store(folder / f"{step}-{when}")
        work = partial(publish, store, key, record, arrays)
        if in_a_process(work, step, when):
            return
        tally.faults += 1
        finished = store.done(key)
        began = time.monotonic()
        tally.tracebacks += not in_a_process(work)
        tally.stuck += not store.done(key) or time.monotonic() - began > 5
        tally.lost += finished and not store.done(key)
        tally.different += not np.array_equal(store.predictions(key)[0], arrays[0])
        store.sweep()
        tally.different += bool([*store.root.rglob(".*"), *store.root.glob("leases/*")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--rounds", type=int, default=1, help="of the long form")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="faults with this in their name")
    options = parser.parse_args()
    rng, tallies = random.Random(options.seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        undisturbed = Trial(folder / "whole", Tally("undisturbed"))
        undisturbed.finish()
        whole = undisturbed.bits()
        assert len(whole) == 2 * SEEDS, "the undisturbed command did not end"
        tally = Tally("kill -9 at each file-system step")
        if options.only in tally.kind:
            file_system_steps(folder / "steps", undisturbed, tally)
            tallies.append(tally)
            show(tally)
        for kind, (fault, number, short, long) in KINDS.items():
            if options.only not in kind:
                continue
            tally = Tally(kind)
            for _ in range(options.rounds if options.long else min(1, short)):
                trial = Trial(folder / "trial", tally)
                faults = fault(trial, long if options.long else short, rng, number)
                trial.finish()
                tally.faults += faults or 1
                trial.compare(trial.whole or whole, excused=2 * faults)
            if tally.faults:
                tallies.append(tally)
                show(tally)
    total = Tally("all")
    for name in [field.name for field in fields(Tally)][1:]:
        setattr(total, name, sum(getattr(tally, name) for tally in tallies))
    show(total)
    sys.exit(not total.good)


def show(tally: Tally) -> None:
    numbers = {f.name: getattr(tally, f.name) for f in fields(Tally)[1:]}
    print(f"{tally.kind:35}" + "  ".join(f"{n} {v}" for n, v in numbers.items()), flush=True)


if __name__ == "__main__":
    main()
