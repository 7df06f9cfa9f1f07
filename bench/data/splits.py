"""Splits of one's own images: stratified by class, and no group in two of them."""

import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from bench.base.errors import BenchError
from bench.data.npz import Array

FINEST = 20
"""Parts that a set is cut into: fractions are met to a twentieth, and smaller ones as they are."""
NAMED = 5
"""Classes that an error names."""


class TooFew(BenchError):  # noqa: N818
    """Classes of fewer groups than there are splits, and which these are."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """`counts` of groups by class."""
        self.classes = tuple(counts)
        listed = ", ".join(f"{name} ({counts[name]})" for name in self.classes[:NAMED])
        more = f" and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
        super().__init__(
            f"too few to be in train, val and test: {listed}{more}; a class needs images of three "
            "groups (patients) or more"
        )


def fractions(text: str) -> tuple[float, float, float]:
    """`"0.7,0.1,0.2"` of train, val and test. Raises BenchError."""
    try:
        train, val, test = (float(part) for part in text.split(","))
    except ValueError:
        raise BenchError(f"split {text!r}: write three fractions, such as 0.7,0.1,0.2") from None
    if min(train, val, test) <= 0 or abs(train + val + test - 1) > 1e-6:
        raise BenchError(f"split {text!r}: expected three fractions above 0 that add up to 1")
    return train, val, test


def drawn(
    labels: Array, groups: Array, parts: tuple[float, float, float], seed: int, names: Sequence[str]
) -> Array:
    """The split of each image, "train", "val" or "test" (N,).

    `labels` are 0 and 1 (N, C), a column a class or label with its name; `groups` (N,) stay whole.
    By scikit-learn's StratifiedGroupKFold; of its folds those are taken that hold every class and
    are nearest to the whole. Raises BenchError where a class has too few groups.
    """
    _check_groups(labels, groups, 3, names)
    train, val, test = parts
    splits = np.full(len(labels), "train")
    splits[_part(labels, groups, test, 2, seed, names)] = "test"
    rest = np.flatnonzero(splits == "train")
    held = _part(labels[rest], groups[rest], val / (train + val), 1, seed, names)
    splits[rest[held]] = "val"
    return splits


def held_out(labels: Array, groups: Array, part: float, seed: int, names: Sequence[str]) -> Array:
    """Which images (N,) of true and false are a validation split of `part`; else as `drawn`."""
    _check_groups(labels, groups, 2, names)
    chosen = np.zeros(len(labels), bool)
    chosen[_part(labels, groups, part, 1, seed, names)] = True
    return chosen


def shared(groups: Mapping[str, Array]) -> dict[tuple[str, str], Array]:
    """Of each two splits, as (earlier, later), the places of images in the later one whose group is
    in the earlier one too; of those alone where there are any.
    """
    names = list(groups)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    found = {(a, b): np.flatnonzero(np.isin(groups[b], groups[a])) for a, b in pairs}
    return {pair: places for pair, places in found.items() if len(places)}


def _part(
    labels: Array, groups: Array, part: float, left: int, seed: int, names: Sequence[str]
) -> Array:
    """The places of `part` of the images; each class keeps groups for the `left` other splits."""
    ratio = _ratio(part)
    taken, folds = ratio.numerator, ratio.denominator
    folds = min(folds, len(np.unique(groups)))
    fold = _folds(labels, groups, folds, seed)
    whole, best = labels.mean(0), (np.inf, np.empty(0, np.int64))
    for first in range(folds):
        inside = (fold - first) % folds < taken
        if _covers(labels, groups, inside, left):
            far = float(np.abs(labels[inside].mean(0) - whole).sum() + abs(inside.mean() - part))
            best = min(best, (far, np.flatnonzero(inside)), key=lambda pair: pair[0])
    if not len(best[1]):
        raise _too_small(labels, groups, names)
    return best[1]


def _ratio(part: float) -> Fraction:
    """Near to `part`: to a twentieth; of a smaller one, or of its rest, one in a whole number."""
    near = Fraction(part).limit_denominator(FINEST)
    if near >= 1:
        return 1 - _ratio(1 - part)
    return near or Fraction(1, round(1 / part))


def _folds(labels: Array, groups: Array, folds: int, seed: int) -> Array:
    """The number of each image's fold; strata are the classes, or what labels occur together,
    unless all of these are smaller than the folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    strata = np.unique(labels, axis=0, return_inverse=True)[1].ravel()
    if np.bincount(strata).max() < folds:
        strata = np.zeros_like(strata)
    kind = StratifiedGroupKFold if len(np.unique(groups)) < len(groups) else StratifiedKFold
    fold = np.empty(len(labels), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes smaller than the folds
        cut = kind(folds, shuffle=True, random_state=seed)
        for number, (_, inside) in enumerate(cut.split(labels, strata, groups)):
            fold[inside] = number
    return fold


def _covers(labels: Array, groups: Array, inside: Array, left: int) -> bool:
    """Whether each class is inside, and outside in as many groups as there are splits `left`."""
    return all(
        (has & inside).any() and len(np.unique(groups[has & ~inside])) >= left
        for has in labels.T.astype(bool)
    )


def _check_groups(labels: Array, groups: Array, wanted: int, names: Sequence[str]) -> None:
    if any(len(np.unique(groups[has])) < wanted for has in labels.T.astype(bool)):
        raise _too_small(labels, groups, names)


def _too_small(labels: Array, groups: Array, names: Sequence[str]) -> BenchError:
    counts = {
        name: len(np.unique(groups[has]))
        for name, has in zip(names, labels.T.astype(bool), strict=True)
    }
    small = sorted(counts, key=lambda name: counts[name])
    if counts[small[0]] >= 3:
        return BenchError(
            f"class {small[0]} has too few groups (patients, images) to be in all of these parts; "
            "give the smallest part a larger share with --split, or more images"
        )
    return TooFew({name: counts[name] for name in small if counts[name] < 3})
