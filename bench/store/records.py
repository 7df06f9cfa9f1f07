"""The results folder: records, predictions, leases, failures and checkpoints on disk.

A record is one JSON file, written under a temporary name, synced, then renamed: it is there whole
or not at all. Predictions are written before it, so that a record's existence is the commit mark.
Every reader reads through `Store.read` and `Store.predictions`, which check what they read.
"""

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from pickle import PickleError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.base import plugins
from bench.base.errors import BenchError
from bench.base.files import abandoned, explained, write_arrays, write_bytes, write_text, writing
from bench.data.catalogue import Info
from bench.store import leases, schema
from bench.store.schema import UnsoundError

KEY = re.compile(r"[0-9a-f]{16}")
DIGEST = hashlib.sha256().digest_size


class DamagedError(BenchError):
    """A record, or the predictions of one, that does not hold: it is left out of every view."""

    def __init__(self, key: str, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}; `bench doctor --fix` sets it aside, then the run can be done again"
        )
        self.key, self.path, self.reason = key, path, reason


class Store:
    """A results folder.

    runs/ab/KEY.json, preds/ab/KEY.npz, features/KEY-SPLIT.npz, failed/KEY.json, leases/KEY.json,
    ckpt/KEY.pt, env/HASH.json, data/HASH.json and plugins/HASH/NAME.py. Raises BenchError where the
    folder cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def record_path(self, key: str) -> Path:
        return self.root / "runs" / key[:2] / f"{key}.json"

    def data_path(self, fingerprint: str) -> Path:
        return self.root / "data" / f"{fingerprint[:16]}.json"

    def predictions_path(self, key: str) -> Path:
        return self.root / "preds" / key[:2] / f"{key}.npz"

    def features_path(self, key: str, split: str) -> Path:
        return self.root / "features" / f"{key}-{split}.npz"

    def failure_path(self, key: str) -> Path:
        return self.root / "failed" / f"{key}.json"

    def lease_path(self, key: str) -> Path:
        return self.root / "leases" / f"{key}.json"

    def checkpoint_path(self, key: str) -> Path:
        return self.root / "ckpt" / f"{key}.pt"

    def plugin_path(self, stem: str, digest: str) -> Path:
        """Where the file of a user's own method or backbone is kept."""
        return self.root / "plugins" / digest / f"{stem}.py"

    def keep_plugin(self, file: Path) -> None:
        """Keep a copy of a file and of what it imports from its folder, so that the run can be made
        again when they have changed.
        """
        digest = plugins.digest(file)
        for sibling in reversed(plugins.siblings(file)):
            path = self.root / "plugins" / digest / sibling.relative_to(file.parent)
            if not path.exists():
                write_bytes(path, sibling.read_bytes())

    def check_writable(self) -> None:
        """Raises BenchError, before any run is started, where nothing can be written."""
        with explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe.{uuid.uuid4().hex[:8]}"
            probe.write_bytes(b"")
            probe.unlink()

    def done(self, key: str) -> bool:
        return self.record_path(key).exists()

    def state(self, key: str) -> str:
        """`done`, `failed`, `running` or `missing`."""
        if self.done(key):
            return "done"
        if self.failure_path(key).exists():
            return "failed"
        return "running" if self.leased(key) else "missing"

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """The `state` of each, by listing folders: less than a look at each."""
        done, failed, held = set(self), self.failed(), self._listed("leases")
        return {
            key: "done"
            if key in done
            else "failed"
            if key in failed
            else "running"
            if key in held and self.leased(key)
            else "missing"
            for key in keys
        }

    def failed(self) -> set[str]:
        """The keys of all failures."""
        return self._listed("failed")

    def _listed(self, folder: str) -> set[str]:
        return {path.stem for path in self.root.glob(f"{folder}/*.json")}

    def read(self, key: str) -> dict[str, Any]:
        """The record of that key. Raises DamagedError where it is not what was published."""
        path = self.record_path(key)
        try:
            return schema.opened(path.read_bytes(), key)
        except FileNotFoundError:
            raise BenchError(f"no record {key} in {self.root}") from None
        except (UnsoundError, OSError) as error:
            raise DamagedError(key, path, _reason(error)) from None

    def read_failure(self, key: str) -> dict[str, Any] | None:
        """Why the run failed; None where it did not."""
        path = self.failure_path(key)
        try:
            return {"reason": "its failure says no reason"} | schema.parsed(path.read_bytes())
        except FileNotFoundError:
            return None
        except (UnsoundError, OSError) as error:
            return {"reason": f"{path}: {_reason(error)}; --retry-failed does the run again"}

    def __iter__(self) -> Iterator[str]:
        """The keys of all records, sorted."""
        folders = sorted(path for path in (self.root / "runs").glob("??") if path.is_dir())
        names = [entry.name for folder in folders for entry in os.scandir(folder)]
        yield from sorted(n[:-5] for n in names if n.endswith(".json") and KEY.fullmatch(n[:-5]))

    def sound(self) -> Iterator[dict[str, Any]]:
        """All records that hold."""
        for key in self:
            with suppress(DamagedError):
                yield self.read(key)

    def find(self, prefix: str) -> str:
        """The one key, of a record or a failure, that begins so. Raises BenchError."""
        paths = [*self.root.glob("runs/??/*.json"), *self.root.glob("failed/*.json")]
        stems = {path.stem for path in paths if KEY.fullmatch(path.stem)}
        found = sorted(stem for stem in stems if stem.startswith(prefix))
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(found[:5])
            raise BenchError(
                f"{len(found)} keys begin with {prefix!r}: {some} …; write more digits"
            )
        raise BenchError(f"no run {prefix!r} in {self.root}; `bench status` shows what there is")

    def predictions(
        self, key: str, record: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.generic]]:
        """Test probabilities (N, C) and targets of a finished run; `record` saves reading it again.

        Raises DamagedError where they are not what the record was made of, BenchError without them.
        """
        path, record = self.predictions_path(key), record or self.read(key)
        try:
            scores, targets, reason = _arrays(path, record)
        except FileNotFoundError:
            raise DamagedError(
                key, path, "the predictions are missing; copy the folder preds too"
            ) from None
        except Exception as error:  # whatever NumPy and zipfile raise at a damaged file
            raise DamagedError(key, path, f"it cannot be read ({_reason(error)})") from None
        if reason:
            raise DamagedError(key, path, reason)
        return scores, targets

    def features(self, key: str, split: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Penultimate features (N, d) and targets of a split, where they were kept."""
        with np.load(self.features_path(key, split), allow_pickle=False) as arrays:
            return arrays["features"], arrays["targets"]

    def publish(
        self,
        key: str,
        record: dict[str, Any],
        scores: NDArray[np.float32],
        targets: NDArray[np.generic],
    ) -> None:
        """Predictions first, the record last; then failure and checkpoint of the key go.

        The record gets the checksum of the predictions, and its seal. Raises BenchError where it
        is none that could be read again.
        """
        record = record | {
            "schema": schema.SCHEMA,
            "predictions": schema.checksum(scores, targets),
        }
        try:
            schema.validated(record)
            raw = schema.sealed(record)
        except ValueError as error:
            raise BenchError(f"the record of {key} cannot be stored: {_reason(error)}") from None
        with explained(self.root):
            write_arrays(
                self.predictions_path(key), scores=scores, targets=targets, key=np.array(key)
            )
            write_bytes(self.record_path(key), raw)
            self.failure_path(key).unlink(missing_ok=True)
            self.drop_checkpoint(key)

    def fail(self, key: str, failure: dict[str, Any]) -> None:
        """A run that ended without a record: why, and what it left."""
        with explained(self.root):
            _write_json(self.failure_path(key), failure)
            self.drop_checkpoint(key)

    def forget_failure(self, key: str) -> None:
        self.failure_path(key).unlink(missing_ok=True)

    def write_data(self, info: Info) -> None:
        """What is known of a dataset, so that tables need no images."""
        path = self.data_path(info.fingerprint)
        if not path.exists():
            with explained(self.root):
                _write_json(path, asdict(info))

    def datasets(self, name: str, size: int) -> list[Info]:
        """The datasets of that name or npz file, and size, that something is known of."""
        found = []
        for path in sorted(self.root.glob("data/*.json")):
            with suppress(UnsoundError, OSError, KeyError, TypeError, ValueError):
                found.append(Info.restored(schema.parsed(path.read_bytes())))
        return [info for info in found if info.size == size and info.called(name)]

    def set_aside(self, key: str) -> None:
        """Move a record and its predictions to `stale/`: its run is missing then, and not lost."""
        for path in (self.record_path(key), self.predictions_path(key)):
            self.move_aside(path)

    def move_aside(self, path: Path) -> None:
        """Move a file or folder to `stale/`, under another name where there is one already."""
        target = self.root / "stale" / path.name
        with explained(self.root), suppress(FileNotFoundError):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target = target.with_name(f"{uuid.uuid4().hex[:8]}-{target.name}")
            path.replace(target)

    def write_environment(self, name: str, content: dict[str, Any]) -> None:
        path = self.root / "env" / f"{name}.json"
        if not path.exists():
            with explained(self.root):
                _write_json(path, content)

    def hardware(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Some of what each environment of the store says, by its hash."""
        found = {}
        for path in self.root.glob("env/*.json"):
            with suppress(UnsoundError, OSError):
                said = schema.parsed(path.read_bytes())
                found[path.stem] = {name: said.get(name) for name in names}
        return found

    def save_checkpoint(self, key: str, state: dict[str, Any]) -> None:
        """The state, behind the sha256 of its bytes."""
        import torch

        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getbuffer()
        with explained(self.root), writing(self.checkpoint_path(key)) as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    def load_checkpoint(self, key: str) -> dict[str, Any] | None:
        """The state that was saved last; None where there is none. A damaged one is set aside."""
        import torch

        path = self.checkpoint_path(key)
        try:
            raw = path.read_bytes()
            digest, content = raw[:DIGEST], raw[DIGEST:]
            if hashlib.sha256(content).digest() != digest:
                raise UnsoundError("its checksum does not hold")
            state: dict[str, Any] = torch.load(
                io.BytesIO(content), map_location="cpu", weights_only=True
            )
        except FileNotFoundError:
            return None
        except (UnsoundError, OSError, RuntimeError, ValueError, EOFError, KeyError, PickleError):
            self.move_aside(path)
            return None
        return state

    def drop_checkpoint(self, key: str) -> None:
        self.checkpoint_path(key).unlink(missing_ok=True)

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Whether the run is ours; the lease is renewed meanwhile and given back at the end."""
        return leases.claim(self.lease_path(key))

    def leased(self, key: str) -> bool:
        """Whether somebody holds the run who may yet do it."""
        return leases.alive(self.lease_path(key))

    def holder(self, key: str) -> leases.Holder | None:
        """Who holds the run, or held it."""
        return leases.holder(self.lease_path(key))

    def leases(self) -> dict[str, int]:
        """The leased keys, each with its holder's process number; dead ones too."""
        found = {path.stem: leases.holder(path) for path in self.root.glob("leases/*.json")}
        return {key: holder.pid for key, holder in found.items() if holder}

    def release(self, key: str) -> None:
        """Take away the lease of a run whose holder is gone."""
        path = self.lease_path(key)
        if path.exists() and not leases.alive(path):
            leases.free(path)

    def sweep(self) -> None:
        """Remove what dead processes left: temporaries, and leases."""
        with explained(self.root):
            for path in abandoned(self.root):
                path.unlink(missing_ok=True)
            for path in self.root.glob("leases/*.json"):
                self.release(path.stem)


def _arrays(path: Path, record: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any], str]:
    """Scores and targets in a file, and why they are not the predictions of a record, or ""."""
    with np.load(path, allow_pickle=False) as arrays:
        scores, targets = arrays["scores"], arrays["targets"]
        if schema.checksum(scores, targets) == record.get("predictions"):
            return scores, targets, ""
        of = str(arrays["key"]) if "key" in arrays else record["key"]  # an old file names none
    if of != record["key"]:
        return scores, targets, f"it holds the predictions of {of}"
    return scores, targets, _unfit(scores, targets, record)


def _unfit(scores: NDArray[Any], targets: NDArray[Any], record: dict[str, Any]) -> str:
    """Why predictions whose checksum does not hold are not those of a record, or ""."""
    if "predictions" in record:
        return "these are not the predictions that the record was made of"
    if scores.ndim != 2 or len(scores) != len(targets) or not np.isfinite(scores).all():
        return "it holds no probabilities for each image"
    if len(scores) != record["data"]["counts"].get("test", len(scores)):
        return "it has more or fewer images than the test split"
    return ""


def _reason(error: Exception) -> str:
    """An error in one line, without the path that stands before it."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
