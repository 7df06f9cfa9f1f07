"""Processes: which one this is, told apart from any other on this and other machines."""

import functools
import hashlib
import os
import platform
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

TOLERANCE = 2.0
"""Seconds by which two readings of a process's start may differ."""


@functools.cache
def machine() -> str:
    """8 hexadecimal digits of where process numbers count: host, start of the system, container."""
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    text = "|".join((platform.node(), _boot() or str(uuid.getnode()), namespace))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def began(pid: int | None = None) -> float:
    """Seconds from the start of the system to that of a process, on whatever clock; -1 if none."""
    try:
        return psutil.Process(pid or os.getpid()).create_time() - psutil.boot_time()
    except psutil.Error:
        return -1.0


def state(pid: int, since: float) -> str:
    """`alive`, `stopped` or `dead`; a process that began at another time has its number anew."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - psutil.boot_time() - since) > TOLERANCE:
            return "dead"
        status = process.status()
    except psutil.NoSuchProcess:
        return "dead"
    except psutil.Error:
        return "alive"
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return "dead"
    return "stopped" if status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP) else "alive"


def gone(pid: int) -> bool:
    """Whether no process of this machine has that number."""
    return not psutil.pid_exists(pid)


def cores() -> int:
    """The cores that this process may use."""
    process = psutil.Process()
    allowed = process.cpu_affinity() if hasattr(process, "cpu_affinity") else None
    return len(allowed or ()) or psutil.cpu_count() or 1


def peak_memory() -> int:
    """Bytes of resident memory at the highest point of this process so far."""
    try:
        import resource
    except ImportError:  # Windows
        return int(psutil.Process().memory_info().peak_wset)  # type: ignore[attr-defined]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def _boot() -> str:
    """What tells this start of the system from others; "" where it does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
