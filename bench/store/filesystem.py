"""Whether a folder's file system keeps what the store needs of it."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bench.base.files import locked, now

SKEW_SECONDS = 60.0
CONTENDERS = 4
_LOCK = """
import sys
from pathlib import Path
from bench.base.files import locked
try:
    with locked(Path(sys.argv[1]), wait=False):
        print("mine")
except BlockingIOError:
    print("held")
"""
_CREATE = """
import sys
from pathlib import Path
from bench.base.files import create
mine = 0
for number in range(50):
    try:
        create(Path(sys.argv[1]) / str(number), sys.argv[2].encode())
        mine += 1
    except FileExistsError:
        pass
print(mine)
"""


def tests(folder: Path) -> Iterator[tuple[str, str]]:
    """What is needed, and "" where the folder has it, else what that means. Leaves nothing."""
    place = folder / f".doctor.{uuid.uuid4().hex[:8]}"
    place.mkdir(parents=True)
    try:
        for wanted, test in TESTS.items():
            try:
                yield wanted, test(place)
            except OSError as error:
                yield wanted, f"it fails: {error.strerror or error}"
    finally:
        _clear(place)


def _rename(place: Path) -> str:
    (place / "new").write_bytes(b"new")
    (place / "old").write_bytes(b"old")
    (place / "new").replace(place / "old")
    whole = (place / "old").read_bytes() == b"new" and not (place / "new").exists()
    return "" if whole else "records could be read half written: use another folder"


def _exclusive(place: Path) -> str:
    (place / "created").mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _CREATE, str(place / "created"), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(CONTENDERS)
    ]
    won = sum(int(process.communicate()[0] or 0) for process in started)
    return "" if won == 50 else "two workers could do one run, at twice the work"


def _links(place: Path) -> str:
    (place / "file").write_bytes(b"x")
    try:
        os.link(place / "file", place / "link")
    except OSError:
        return "leases are made without hard links: a crash may leave an empty one, for a minute"
    return ""


def _locks(place: Path) -> str:
    with locked(place / "lock"):
        command = [sys.executable, "-c", _LOCK, str(place / "lock")]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return "" if said == "held" else "two workers could train the same generator, or wait for ever"


def _clock(place: Path) -> str:
    skew = abs(now(place) - time.time())
    if skew < SKEW_SECONDS:
        return ""
    return f"it differs by {skew:.0f} s; leases go by the folder's own clock, so no harm"


def _sync(place: Path) -> str:
    with (place / "synced").open("wb") as file:
        file.write(b"x")
        os.fsync(file.fileno())
    return ""


TESTS: dict[str, Callable[[Path], str]] = {
    "a file is replaced whole, by rename": _rename,
    "of several that create a file one does": _exclusive,
    "hard links": _links,
    "a lock keeps other processes out": _locks,
    "what is synced is on the disk": _sync,
    "its clock is this machine's": _clock,
}
"""Object stores have neither rename nor exclusive creation, whatever mounts them."""


def _clear(place: Path) -> None:
    for path in sorted(place.rglob("*"), reverse=True):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
    with suppress(OSError):
        place.rmdir()
