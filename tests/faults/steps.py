"""A worker that kills itself before or after its n-th step on the file system."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.store.records import Store

WATCHED = (
    *((os, name) for name in ("fsync", "link", "open", "close", "utime")),
    *((Path, name) for name in ("replace", "rename", "unlink", "write_bytes", "mkdir", "open")),
)


def publish(store: Store, key: str, record: dict[str, Any], arrays: Any) -> None:
    """What a worker does to the store for one run."""
    with store.claim(key) as ours:
        if ours and not store.done(key):
            store.publish(key, record, *arrays)


def in_a_process(work: Callable[[], None], step: int = 0, when: str = "") -> bool:
    """Whether a process that does the work got to its end."""
    pid = os.fork()
    if pid == 0:
        _die_at(step, when)
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _die_at(step: int, when: str) -> None:
    taken = 0

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            taken += 1
            mine = taken == step
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            found = call(*args, **kwargs)
            if mine and when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return deadly

    for place, name in WATCHED:
        setattr(place, name, watched(getattr(place, name)))
