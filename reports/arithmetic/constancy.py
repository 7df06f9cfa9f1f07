"""How probable it is that rounded numbers differ by the same amount in column after column.

The model is the one most favourable to the table: the true differences are constant and whole
multiples of the last digit. What is left is the noise of each number, which rounding may hide.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.integrate import trapezoid
from scipy.special import ndtr

POINTS = 1001
REACH = 8
"""Standard deviations of the least noisy number over which the integral runs."""


def same_rounding(noise: npt.ArrayLike, unit: float) -> float:
    """The probability that numbers which differ by multiples of `unit` still do so when rounded.

    Each has normal noise of its own, of the given SD. The common part, of which the remainder in
    units is taken as uniform, is integrated out; no other true difference gives a higher
    probability, as the integral is one of products of symmetric unimodal functions (Brascamp,
    Lieb and Luttinger, 1974).
    """
    sd = np.maximum(np.array(noise, dtype=float)[:, None], 1e-6 * unit)
    reach = unit / 2 + REACH * float(sd.min())
    common = np.linspace(-reach, reach, POINTS)
    inside = ndtr((unit / 2 - common) / sd) - ndtr((-unit / 2 - common) / sd)
    return min(1.0, float(trapezoid(inside.prod(axis=0), common)) / unit)


def at_least(count: int, probabilities: Sequence[float]) -> float:
    """The probability that at least `count` of independent events happen."""
    distribution: npt.NDArray[np.float64] = np.ones(1)
    for p in probabilities:
        distribution = np.convolve(distribution, [1 - p, p])
    return float(distribution[max(count, 0) :].sum())


def any_pattern(count: int, probabilities: Sequence[float]) -> float:
    """A bound on the probability that at least `count` columns show one and the same pattern.

    Which pattern is not said beforehand. One of the matching columns shows it, and the others then
    match it with at most their `probabilities`; `count` columns can play that part.
    """
    others = (
        [*probabilities[:column], *probabilities[column + 1 :]]
        for column in range(len(probabilities))
    )
    return min(1.0, sum(at_least(count - 1, rest) for rest in others) / count)
