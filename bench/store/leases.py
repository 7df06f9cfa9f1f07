"""Leases: who does a run.

A lease saves work and is never needed for correctness: a run done twice gives the same bits.
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.base.files import explained

LEASE_SECONDS = 600.0
"""A lease of another machine that was not renewed for so long is taken to be dead."""


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Whether the lease is ours; it is renewed meanwhile and given back at the end."""
    with explained(path.parents[1]):
        ours = _take(path)
    if not ours:
        yield False
        return
    stop = threading.Event()
    renewal = threading.Thread(target=_renew, args=(path, stop), daemon=True)
    renewal.start()
    try:
        yield True
    finally:
        stop.set()
        renewal.join()
        path.unlink(missing_ok=True)


def holders(folder: Path) -> dict[str, int]:
    """The process number of each lease's holder, by key; dead ones too."""
    found = {}
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            found[path.stem] = int(json.loads(path.read_text(encoding="utf-8"))["pid"])
    return found


def _take(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            if alive(path):
                return False
            with suppress(FileNotFoundError):
                stale = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.stale")
                path.rename(stale)
                stale.unlink()
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(_owner(), file)
        except OSError:
            path.unlink()
            raise
        return True


def _owner(pid: int | None = None) -> dict[str, Any]:
    """A process, told apart from any other on this and other machines."""
    pid = pid or os.getpid()
    return {"host": platform.node(), "boot": _boot(), "pid": pid, "began": _began(pid)}


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When the process started, so that a reused number is not taken for it; "" where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def alive(lease: Path) -> bool:
    """Whether the holder lives: by its process on this machine, else by the lease's age."""
    try:
        age = time.time() - lease.stat().st_mtime
        holder = json.loads(lease.read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        return lease.exists() and time.time() - lease.stat().st_mtime < LEASE_SECONDS
    if holder.get("boot") and holder["boot"] == _boot() and holder["host"] == platform.node():
        return bool(holder == _owner(holder["pid"]))
    return age < LEASE_SECONDS


def _renew(lease: Path, stop: threading.Event) -> None:
    while not stop.wait(LEASE_SECONDS / 4):
        with suppress(OSError):
            os.utime(lease)
