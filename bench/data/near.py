"""Near duplicates: images that look the same, though not all their bytes are.

Candidates are had by a perceptual hash (imagehash, the extra `audit`), and kept where their pixels
are near too: at 28 px many medical images of different patients have near hashes.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from bench.base.split import Split
from bench.data.npz import Array

BITS = 12
"""Of the hash, along each axis: 144 bits."""
APART = 8
"""Bits in which the hashes of near duplicates differ at most."""
LEVELS = 8.0
"""Grey levels by which their pixels differ at most, as root mean square."""
MISSING = "near duplicates were not looked for: pip install 'medaug-bench[audit]'"


def available() -> bool:
    """Whether imagehash is installed."""
    return importlib.util.find_spec("imagehash") is not None


def near(splits: Mapping[str, Split]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Of each two splits, as (earlier, later), pairs of indices of images that look the same, the
    nearest one of the earlier split for each of the later. Equal images are none.
    """
    hashes = {name: _hashes(split) for name, split in splits.items()}
    return {
        (a, b): list(_pairs(splits[a], hashes[a], splits[b], hashes[b]))
        for a, b in combinations(splits, 2)
    }


def _pairs(earlier: Split, known: Array, later: Split, asked: Array) -> Iterator[tuple[int, int]]:
    for index, row in enumerate(asked):
        candidates = np.flatnonzero(np.bitwise_count(known ^ row).sum(1) <= APART)
        if not len(candidates):
            continue
        image = later.pixels(np.array([index])).astype(np.float32)
        others = earlier.pixels(candidates).astype(np.float32)
        apart = np.sqrt(((others - image) ** 2).reshape(len(others), -1).mean(1))
        if 0 < apart.min() <= LEVELS:
            yield int(candidates[apart.argmin()]), index


def _hashes(split: Split) -> Array:
    """A perceptual hash an image, as words of 64 bits (N, 3)."""
    import imagehash
    from PIL import Image

    bits = np.zeros((len(split), 192), bool)
    for index, pixels in enumerate(split.each()):
        found = imagehash.phash(Image.fromarray(pixels), hash_size=BITS)
        bits[index, : BITS**2] = found.hash.ravel()
    return np.packbits(bits, axis=1).view(np.uint64)
