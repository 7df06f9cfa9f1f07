"""Leases: who does a run.

A lease saves work and is never needed for correctness: a run done twice gives the same bits. It is
written under another name and linked to its own, so that it is there whole or not at all. Its age
is told by the clock of its file system, which every machine that shares the folder sees alike.
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.base import process
from bench.base.files import create, explained, now

RENEWAL_SECONDS = 15.0
STOPPED_SECONDS = 60.0
"""A lease of a stopped process of this machine that was not renewed for so long is free."""
LEASE_SECONDS = 600.0
"""And one of another machine, whose processes cannot be seen."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, and since when by its own clock."""

    host: str
    machine: str
    pid: int
    began: float
    mark: str
    since: float

    @classmethod
    def here(cls) -> "Holder":
        """This process; the mark tells its leases apart."""
        mark = uuid.uuid4().hex[:16]
        pid = os.getpid()
        return cls(
            platform.node(), process.machine(), pid, process.began(), mark, round(time.time(), 1)
        )

    def __str__(self) -> str:
        since = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host}, since {since}"

    def state(self) -> str:
        """`alive`, `stopped`, `dead`, or `elsewhere` where its process cannot be seen."""
        if self.machine != process.machine():
            return "elsewhere"
        return process.state(self.pid, self.began)


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Whether the lease is ours; it is renewed meanwhile and given back at the end."""
    ours = Holder.here()
    with explained(path.parents[1]):
        taken = _take(path, ours)
    if not taken:
        yield False
        return
    stop = threading.Event()
    renewal = threading.Thread(target=_renew, args=(path, ours, stop), daemon=True)
    renewal.start()
    try:
        yield True
    finally:
        stop.set()
        renewal.join()
        if holder(path) == ours:
            path.unlink(missing_ok=True)


def holder(path: Path) -> Holder | None:
    """Who holds a lease; None where there is none, or one that says nothing."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def alive(path: Path) -> bool:
    """Whether somebody holds the lease who may yet do the run."""
    found = holder(path)
    if found is None:  # gone, or left by a version that wrote it in two steps
        return path.exists() and _age(path) < STOPPED_SECONDS
    match found.state():
        case "alive":
            return True
        case "dead":
            return False
        case "stopped":
            return _age(path) < STOPPED_SECONDS
        case _:
            return _age(path) < LEASE_SECONDS


def free(path: Path) -> None:
    """Take away a lease whose holder is gone; one that was taken meanwhile is put back."""
    judged = holder(path)
    aside = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.stale")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if holder(aside) != judged:
            with suppress(FileExistsError):
                create(path, aside.read_bytes())
        aside.unlink()


def _take(path: Path, ours: Holder) -> bool:
    content = json.dumps(asdict(ours)).encode()
    while True:
        try:
            create(path, content)
        except FileExistsError:
            if alive(path):
                return False
            free(path)
        else:
            return True


def _age(path: Path) -> float:
    """Seconds since it was renewed, by the clock of the file system; 0 where it is gone."""
    try:
        return now(path.parent) - path.stat().st_mtime
    except OSError:
        return 0.0


def _renew(path: Path, ours: Holder, stop: threading.Event) -> None:
    while not stop.wait(RENEWAL_SECONDS):
        with suppress(OSError):
            if holder(path) == ours:
                os.utime(path)
