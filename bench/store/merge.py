"""Several results folders into one: a union, in which nothing that holds is lost.

Of one key made twice with different bits, as two machines may, the first published is used and the
other is kept beside it, in `twins/KEY/`, with where it came from. A merge can be done again, in any
order: what is used is the same.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import stdev
from typing import Any

from bench.base.errors import BenchError
from bench.base.files import explained, write_bytes, write_text
from bench.store import schema
from bench.store.doctor import disagreement
from bench.store.records import DamagedError, Store

COPIED = ("data", "env", "plugins", "twins")
"""Folders of what reads records; a file's name says what is in it."""
COMPARED = ("acc", "auc")

Record = dict[str, Any]


@dataclass
class Merged:
    """What a merge did: keys that are new, that were here, whose bits differ; what is damaged."""

    taken: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    """Why each record that does not hold was left where it is."""


@dataclass(frozen=True)
class Difference:
    """A metric of one run made twice: of the record in use, and of one that is kept."""

    record: Record
    metric: str
    used: float
    kept: float
    origin: str
    seed_sd: float | None
    """The SD over the seeds of the cell; None below two."""

    @property
    def sds(self) -> float | None:
        """How many SDs of seeds they differ by."""
        return (self.kept - self.used) / self.seed_sd if self.seed_sd else None


def merge(store: Store, other: Store) -> Merged:
    """Take what holds in another folder; that folder stays as it is. Raises BenchError."""
    if not other.root.is_dir():
        raise BenchError(f"{other.root} is no results folder")
    if other.root.resolve() == store.root.resolve():
        raise BenchError(f"{other.root} is the folder that is merged into; name another")
    store.check_writable()
    done = Merged()
    for name in COPIED:
        _copy_missing(other.root / name, store.root / name)
    for key in other:
        try:
            if reason := disagreement(other, key):
                raise DamagedError(key, other.record_path(key), reason)
            _take(store, other, key, done)
        except DamagedError as damage:
            done.damaged.append(str(damage))
    return done


def _take(store: Store, other: Store, key: str, done: Merged) -> None:
    """One record that holds: new, the same, or a twin."""
    if store.done(key) and not _holds(store, key):
        store.set_aside(key)
    if not store.done(key):
        _copy(other, key, store)
        store.forget_failure(key)
        done.taken.append(key)
    elif bits(store, key) == bits(other, key):
        done.known.append(key)
    else:
        done.twins.append(key)
        for one in (store, other):
            _name_origin(store, one, key)
        if published(other.read(key)) < published(store.read(key)):
            _keep(store, store, key)
            _copy(other, key, store)
        else:
            _keep(store, other, key)


def _holds(store: Store, key: str) -> bool:
    try:
        return not disagreement(store, key)
    except DamagedError:
        return False


def bits(store: Store, key: str) -> str:
    """What two makings of a run have in common where they are the same: a checksum of predictions,
    and the curves.
    """
    record = store.read(key)
    curves = json.dumps(record["curves"], sort_keys=True)
    return f"{schema.checksum(*store.predictions(key))} {curves}"


def published(record: Record) -> tuple[float, str]:
    """When a record was; of two at once, the same comes first everywhere."""
    return record["ended"], record.get("seal", "")


def differences(store: Store) -> Iterator[Difference]:
    """Of every run that was made twice, by how much its metrics differ."""
    used = {path.name: store.read(path.name) for path in _twins(store) if store.done(path.name)}
    cells = {_cell(record) for record in used.values()}
    peers = [record for record in store.sound() if _cell(record) in cells] if cells else []
    for path in _twins(store):
        for kept in sorted(path.glob("*.json")) if path.name in used else ():
            with suppress(schema.UnsoundError, OSError):
                record = schema.opened(kept.read_bytes(), path.name)
                origin = kept.with_suffix(".txt").read_text(encoding="utf-8").strip()
                yield from _compared(used[path.name], record, origin, peers)


def _compared(used: Record, kept: Record, origin: str, peers: list[Record]) -> Iterator[Difference]:
    for metric in COMPARED:
        values = [one["metrics"].get(metric) for one in peers if _cell(one) == _cell(used)]
        seeds = [value for value in values if value is not None]
        sd = stdev(seeds) if len(seeds) > 1 else None
        pair = used["metrics"].get(metric), kept["metrics"].get(metric)
        if None not in pair:
            yield Difference(used, metric, *pair, origin, sd)


def _cell(record: Record) -> str:
    """What the seeds of a record share."""
    return json.dumps([record["cell"], record["protocol"], record["data"]["fingerprint"]])


def _twins(store: Store) -> list[Path]:
    return sorted(store.root.glob("twins/????????????????"))


def _copy(source: Store, key: str, target: Store) -> None:
    """Predictions first, the record last, byte for byte."""
    with explained(target.root):
        write_bytes(target.predictions_path(key), source.predictions_path(key).read_bytes())
        write_bytes(target.record_path(key), source.record_path(key).read_bytes())


def _keep(store: Store, source: Store, key: str) -> None:
    """Keep a record and its predictions as a twin, named by its bits."""
    place = _twin(store, source, key)
    with explained(store.root):
        write_bytes(place.with_suffix(".npz"), source.predictions_path(key).read_bytes())
        write_bytes(place.with_suffix(".json"), source.record_path(key).read_bytes())


def _name_origin(store: Store, source: Store, key: str) -> None:
    """Write down which folder a making was first met in, be it used or kept."""
    path = _twin(store, source, key).with_suffix(".txt")
    if not path.exists():
        with explained(store.root):
            write_text(path, f"{source.root.resolve()}\n")


def _twin(store: Store, source: Store, key: str) -> Path:
    """The place, without a suffix, of what another folder holds of a key."""
    digest = hashlib.sha256(source.record_path(key).read_bytes()).hexdigest()[:16]
    return store.root / "twins" / key / digest


def _copy_missing(source: Path, target: Path) -> None:
    """The files of a folder that another lacks."""
    for path in source.rglob("*"):
        goal = target / path.relative_to(source)
        if path.is_file() and not goal.exists() and not path.name.startswith("."):
            write_bytes(goal, path.read_bytes())
