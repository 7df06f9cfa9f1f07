"""The fork server, which imports what runs need while the command that asks for it does so too."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from types import ModuleType

PRELOADED = "bench.engines.preload"


def start() -> None:
    """Start it, unless it runs. Does nothing on Windows, which has none."""
    if sys.platform == "win32":
        return
    with without_main(), interrupts_blocked():
        forkserver.set_forkserver_preload([PRELOADED])
        forkserver.ensure_running()


@contextmanager
def without_main() -> Iterator[None]:
    """A process that is started here does not execute the user's script again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """A process that is started here does not hear Ctrl-C, which is for its parent."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
