"""Image files read by several threads: fitted to each size, and what is known of the file."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.data.decoding import Fit, Unreadable, decoded, fitted
from bench.data.npz import Array

THREADS = 8
"""Pillow and hashlib let others work meanwhile; more would only take memory."""
Told = Callable[[int, int], None]
"""Is told how many files are read, and of how many."""


@dataclass(frozen=True)
class Read:
    """One image file."""

    images: tuple[Array, ...]
    """At each size, not yet windowed."""
    sha256: str
    side: int
    """The shorter one of the file, in pixels."""


def read(
    paths: Sequence[Path], sizes: Sequence[int], fit: Fit, own_window: bool, told: Told
) -> list[Read | Unreadable]:
    """Each file, or why it cannot be read, in the order of the paths."""
    one = partial(_one, sizes=sizes, fit=fit, own_window=own_window)
    found = []
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        warnings.simplefilter("ignore")  # of odd files, which are read or left out
        for each in pool.map(one, paths):
            found.append(each)
            told(len(found), len(paths))
    return found


def _one(path: Path, sizes: Sequence[int], fit: Fit, own_window: bool) -> Read | Unreadable:
    try:
        image = decoded(path, own_window)
    except Unreadable as reason:
        return reason
    shown = tuple(fitted(image, size, fit) for size in sizes)
    return Read(shown, hashlib.sha256(path.read_bytes()).hexdigest(), min(image.shape[:2]))
