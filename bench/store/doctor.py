"""What a crash, a copy or an edit left in a results folder: found, explained, mended.

Mending moves what does not hold to `stale/` and removes what nobody owns; it deletes no record.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.base.files import abandoned, write_text
from bench.base.task import Task
from bench.store import leases
from bench.store.records import KEY, DamagedError, Store
from bench.store.schema import UnsoundError, parsed

CLOSE = 1e-9
"""Metrics that are recomputed may differ by so much, for another machine rounds otherwise."""
CHECKED = "checked.json"
REMOVED = "it is removed"


@dataclass(frozen=True)
class Finding:
    """What is wrong with a file, and what mends it: `mend()`, which says what it did."""

    path: Path
    reason: str
    mend: Callable[[], object] = field(compare=False, repr=False)
    will: str
    """What the mend does, in words: "it is set aside"."""

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.will}"


def examine(store: Store) -> Iterator[Finding]:
    """All that is wrong in a results folder."""
    yield from damaged(store)
    yield from orphans(store)
    yield from strays(store)
    for path in sorted([*store.root.glob("data/*.json"), *store.root.glob("failed/*.json")]):
        if not _is_json(path):
            yield _aside(store, path, "it is not JSON")
    for path in abandoned(store.root):
        yield Finding(path, "left by a process that is gone", partial(_remove, path), REMOVED)
    for path in sorted(store.root.glob("leases/*.json")):
        if not leases.alive(path):
            free = partial(leases.free, path)
            yield Finding(path, "the lease of a process that is gone", free, REMOVED)


def damaged(store: Store) -> Iterator[Finding]:
    """Records and predictions that do not hold, or do not agree; those checked before, and not
    changed since, are not read again.
    """
    known = _known(store)
    for key in store:
        stamps = _stamps(store, key)
        if stamps and known.get(key) == stamps:
            continue
        if found := _examine_run(store, key):
            yield found
        else:
            known[key] = stamps
    with suppress(OSError):
        write_text(store.root / CHECKED, json.dumps(known))


def disagreement(store: Store, key: str) -> str:
    """Which metric of a record is not that of its predictions, in words; "" where all are, as in
    a tuning run, which has none.

    Raises DamagedError where either does not hold.
    """
    record, (scores, targets) = store.read(key), store.predictions(key)
    if not record["metrics"]:
        return ""
    again = metrics.all_metrics(scores, targets, Task(record["cell"]["task"]))
    for name, value in again.items():
        held = record["metrics"].get(name, value)
        if (held is None) != (value is None) or not np.isclose(held or 0, value or 0, CLOSE, CLOSE):
            return f"{name} is {held}, its predictions give {value}"
    return ""


def orphans(store: Store) -> Iterator[Finding]:
    """Predictions, checkpoints and failures that a record, or its lack, makes meaningless."""
    for path in sorted(store.root.glob("preds/??/*.npz")):
        if not store.record_path(path.stem).exists() and not store.leased(path.stem):
            yield _aside(store, path, "predictions without a record")
    for path in (*store.root.glob("ckpt/*.pt"), *store.root.glob("failed/*.json")):
        if store.done(path.stem):
            yield Finding(path, "its run is done", partial(_remove, path), REMOVED)


def strays(store: Store) -> Iterator[Finding]:
    """What is no record, where only records are."""
    for folder in sorted(store.root.glob("runs/*")):
        for path in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
            named = KEY.fullmatch(path.stem) and store.record_path(path.stem) == path
            if not named and not path.name.startswith("."):
                yield _aside(store, path, "it is no record")


def _examine_run(store: Store, key: str) -> Finding | None:
    """What is wrong with a record or its predictions."""
    set_aside = partial(store.set_aside, key)
    will = "it is set aside with its record, then the run can be done again,"
    try:
        reason = disagreement(store, key)
    except DamagedError as damage:
        if not damage.path.exists():
            return Finding(damage.path, damage.reason, lambda: None, "nothing is done")
        return Finding(damage.path, damage.reason, set_aside, will)
    return Finding(store.record_path(key), reason, set_aside, will) if reason else None


def _aside(store: Store, path: Path, reason: str) -> Finding:
    return Finding(path, reason, partial(store.move_aside, path), "it is set aside")


def _is_json(path: Path) -> bool:
    try:
        parsed(path.read_bytes())
    except (UnsoundError, OSError):
        return False
    return True


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _known(store: Store) -> dict[str, Any]:
    """The stamps of what was found to hold, by key."""
    try:
        known = json.loads((store.root / CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _stamps(store: Store, key: str) -> list[int] | None:
    """Size and time of a record and its predictions; None where one is missing."""
    try:
        found = [path.stat() for path in (store.record_path(key), store.predictions_path(key))]
    except OSError:
        return None
    return [number for stat in found for number in (stat.st_size, stat.st_mtime_ns, stat.st_ino)]
