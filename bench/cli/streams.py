"""What the command line writes to: whatever a terminal or a pipe is, no run is lost over it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import Any, TextIO


class Unbroken:
    """A stream that goes on, into nothing, when nobody reads it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def prepare() -> None:
    """Make stdout and stderr take every text: a closed one is nowhere, a letter that an encoding
    lacks becomes a question mark, and a closed pipe stops nothing.
    """
    _open_standard()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed: `>&-`
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        with suppress(AttributeError, UnsupportedOperation):
            stream.reconfigure(errors="replace")
        setattr(sys, name, Unbroken(stream))


def _open_standard() -> None:
    """Descriptors 0 to 2 that are closed lead nowhere, here and in processes that are started, so
    that no pipe takes their place.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
