"""The results folder: records, predictions, leases, failures and checkpoints on disk.

A record is one JSON file, written under a temporary name, synced, then renamed: it is there whole
or not at all. Predictions are written before it, so that a record's existence is the commit mark.
"""

import json
import os
import pickle
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.base import plugins
from bench.base.errors import BenchError
from bench.base.files import explained, write_arrays, write_bytes, write_text, writing
from bench.data.catalogue import Info
from bench.store import leases


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

    def read(self, key: str) -> dict[str, Any]:
        """The record of that key. Raises BenchError where it is damaged."""
        return _read_json(self.record_path(key))

    def read_failure(self, key: str) -> dict[str, Any] | None:
        path = self.failure_path(key)
        return _read_json(path) if path.exists() else None

    def __iter__(self) -> Iterator[str]:
        """The keys of all records, sorted."""
        folders = sorted((self.root / "runs").glob("??"))
        names = [entry.name for folder in folders for entry in os.scandir(folder)]
        yield from sorted(name[:-5] for name in names if name[0] != "." and name.endswith(".json"))

    def find(self, prefix: str) -> str:
        """The one key, of a record or a failure, that begins so. Raises BenchError."""
        paths = [*self.root.glob("runs/??/*.json"), *self.root.glob("failed/*.json")]
        found = sorted({path.stem for path in paths if path.stem.startswith(prefix)})
        if len(found) == 1:
            return found[0]
        if found:
            raise BenchError(f"{len(found)} keys begin with {prefix!r}: {', '.join(found[:5])} …")
        raise BenchError(f"no run {prefix!r} in {self.root}; `bench status` shows what there is")

    def predictions(self, key: str) -> tuple[NDArray[np.float32], NDArray[np.generic]]:
        """Test probabilities (N, C) and targets of a finished run. Raises BenchError."""
        path = self.predictions_path(key)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return arrays["scores"], arrays["targets"]
        except FileNotFoundError:
            raise BenchError(
                f"the predictions of run {key} are missing, {path}; copy the folder preds too, or "
                "delete the record and run it again"
            ) from None
        except (ValueError, KeyError, EOFError, BadZipFile):
            raise BenchError(
                f"{path} is damaged; delete the record {self.record_path(key)} and run it again"
            ) from None

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
        """Predictions first, the record last; then failure and checkpoint of the key go."""
        with explained(self.root):
            write_arrays(self.predictions_path(key), scores=scores, targets=targets)
            _write_json(self.record_path(key), record)
            self.failure_path(key).unlink(missing_ok=True)
            self.checkpoint_path(key).unlink(missing_ok=True)

    def fail(self, key: str, failure: dict[str, Any]) -> None:
        """A run that ended without a record: why, and what it left."""
        with explained(self.root):
            _write_json(self.failure_path(key), failure)
            self.checkpoint_path(key).unlink(missing_ok=True)

    def forget_failure(self, key: str) -> None:
        self.failure_path(key).unlink(missing_ok=True)

    def write_data(self, info: Info) -> None:
        """What is known of a dataset, so that tables need no images."""
        path = self.root / "data" / f"{info.fingerprint[:16]}.json"
        if not path.exists():
            with explained(self.root):
                _write_json(path, asdict(info))

    def datasets(self, name: str, size: int) -> list[Info]:
        """The datasets of that name and size that records are of."""
        found = [Info.restored(_read_json(path)) for path in self.root.glob("data/*.json")]
        return [info for info in found if (info.name, info.size) == (name, size)]

    def set_aside(self, key: str) -> None:
        """Move a record and its predictions to `stale/`: its run is missing then, and not lost."""
        with explained(self.root):
            for path in (self.record_path(key), self.predictions_path(key)):
                if path.exists():
                    target = self.root / "stale" / path.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)

    def write_environment(self, name: str, content: dict[str, Any]) -> None:
        path = self.root / "env" / f"{name}.json"
        if not path.exists():
            with explained(self.root):
                _write_json(path, content)

    def save_checkpoint(self, key: str, state: dict[str, Any]) -> None:
        import torch

        with explained(self.root), writing(self.checkpoint_path(key)) as file:
            torch.save(state, file)

    def load_checkpoint(self, key: str) -> dict[str, Any] | None:
        """The state that was saved last, or None where there is none or it cannot be read."""
        import torch

        path = self.checkpoint_path(key)
        if not path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.PickleError):
            path.unlink(missing_ok=True)
            return None
        return state

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Whether the run is ours; the lease is renewed meanwhile and given back at the end."""
        return leases.claim(self.lease_path(key))

    def leased(self, key: str) -> bool:
        """Whether a live worker holds the run."""
        return leases.alive(self.lease_path(key))

    def leases(self) -> dict[str, int]:
        """The leased keys, each with its holder's process number; dead ones too."""
        return leases.holders(self.root / "leases")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BenchError(f"no record {path.stem} in {path.parents[2]}") from None
    except ValueError:
        raise BenchError(
            f"{path} is damaged (not JSON); delete it and give the same command again"
        ) from None
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
