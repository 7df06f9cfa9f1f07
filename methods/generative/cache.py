"""Generated sets on disk, each made once for all runs that need the same one."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.base.files import locked, write_arrays, write_text
from bench.base.split import Split
from methods.method import NotYetError


class Entry:
    """One generated set, in a folder named by its key.

    `images.npz` holds `images` uint8 (N, H, W) or (N, H, W, 3) and `labels` uint8 (N, 1) or
    (N, L), as MedMNIST does; `record.json`, written last, what the set is and the checksum of both
    arrays. `stages` is the folder for what an interrupted maker leaves to go on from.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        """`identity` is all that decides the set, as JSON; the key is its sha256."""
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        self.identity = json.loads(text)
        self.key = hashlib.sha256(text.encode()).hexdigest()
        self.folder = folder / self.key
        self.stages = self.folder / "stages"

    def load(self) -> tuple[Split, dict[str, Any]] | None:
        """The set and its facts, or None where it is not there, not whole or another one."""
        try:
            record = json.loads((self.folder / "record.json").read_text(encoding="utf-8"))
            with np.load(self.folder / "images.npz", allow_pickle=False) as arrays:
                images, labels = arrays["images"], arrays["labels"]
            whole = record["identity"] == self.identity
            whole &= record["sha256"] == _checksum(images, labels)
            facts: dict[str, Any] = record["facts"]
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None
        return (Split(images, as_targets(labels)), facts) if whole else None

    def save(self, made: Split, facts: Mapping[str, Any]) -> None:
        """Keep a set; each file is there whole or not at all. Raises StoreError."""
        images, labels = made.pixels(np.arange(len(made))), as_labels(made.targets)
        record = {"identity": self.identity, "sha256": _checksum(images, labels), "facts": facts}
        write_arrays(self.folder / "images.npz", images=images, labels=labels)
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
        write_text(self.folder / "record.json", text + "\n")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the set alone; the lock dies with its process. Raises NotYetError where held."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder.with_suffix(".lock"), wait=False))
            except BlockingIOError:
                raise NotYetError(f"another worker makes {self.key}") from None
            yield


def as_labels(targets: Tensor) -> npt.NDArray[np.uint8]:
    """Targets of a split as MedMNIST keeps labels: uint8 (N, 1) or (N, L)."""
    return targets.reshape(len(targets), -1).numpy().astype(np.uint8)


def as_targets(labels: npt.NDArray[np.uint8]) -> Tensor:
    """The other way: class numbers int64 (N,), or float32 (N, L) of 0 and 1."""
    if labels.shape[1] == 1:
        return torch.from_numpy(labels[:, 0].astype(np.int64))
    return torch.from_numpy(labels.astype(np.float32))


def _checksum(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> str:
    shapes = f"{images.shape} {images.dtype} {labels.shape} {labels.dtype}"
    return hashlib.sha256(shapes.encode() + images.tobytes() + labels.tobytes()).hexdigest()
