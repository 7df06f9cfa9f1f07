"""Looks: tests of a study whose seeds come in steps, at an error that is promised for all steps.

Alpha spending (Lan and DeMets 1983): by the share t of the most seeds, a look may have spent so
much of the error. `linear` spends α t, for differences; `obrien_fleming` hardly anything early, for
equivalence. The bounds come from numerical integration over the scores that went on (Armitage,
McPherson and Rowe 1969); as p values they are used with t-tests.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

Spending = Callable[[float, float], float]
"""From an error and a share of the seeds to the error that may be spent by then."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(150)
FAR = 8.0
"""Standard deviations beyond which there is nothing."""
LEAST = 1e-14
"""A p below this counts as this."""
ERRORS = np.concatenate([np.geomspace(1e-12, 0.3, 60), np.linspace(0.32, 0.999, 18)])
"""Errors at which bounds are computed; between them they are interpolated."""


def linear(alpha: float, t: float) -> float:
    return alpha * t


def obrien_fleming(alpha: float, t: float) -> float:
    """One-sided, as O'Brien and Fleming's bounds spend it."""
    return float(2 * special.ndtr(special.ndtri(alpha / 2) / math.sqrt(t)))


def pocock(alpha: float, t: float) -> float:
    """As Pocock's bounds spend it."""
    return alpha * math.log(1 + (math.e - 1) * t)


def nominal_levels(
    looks: Sequence[int], alpha: float, spending: Spending = linear, sides: int = 2
) -> list[float]:
    """The p below which each look rejects, at an error of `alpha` over all of them.

    `looks` are the numbers of seeds, rising; the last is the most. Of a two-sided error each side
    spends half.
    """
    times = [look / looks[-1] for look in looks]
    spent = [spending(alpha / sides, t) for t in times]
    bounds = [_score(spent[0])]
    where, weights = _going_on(bounds[0], times[0])
    mass = weights * np.exp(-(where**2) / (2 * times[0])) / math.sqrt(2 * math.pi * times[0])
    for before, now, step in zip(times, times[1:], np.diff(spent), strict=False):
        bounds.append(_bound(mass, where, (before, now), step))
        places, weights = _going_on(bounds[-1], now)
        apart = (places[:, None] - where) ** 2 / (2 * (now - before))
        mass = weights * (np.exp(-apart) @ mass) / math.sqrt(2 * math.pi * (now - before))
        where = places
    return [sides * float(special.ndtr(-bound)) for bound in bounds]


def sequential_p(
    p_values: Sequence[float],
    looks: Sequence[int],
    spending: Spending = linear,
    sides: int = 2,
) -> float:
    """The smallest error at which one of the looks so far has rejected; 1 before the first.

    `p_values` are those of the looks so far, one a look. With one look it is that p.
    """
    return min(sequential_errors(p_values, looks, spending, sides), default=1.0)


def sequential_errors(
    p_values: Sequence[float],
    looks: Sequence[int],
    spending: Spending = linear,
    sides: int = 2,
) -> list[float]:
    """For each look so far the smallest error at which it has rejected."""
    if len(looks) == 1:
        return [float(p) for p in p_values]
    return [_error(tuple(looks), look, spending, sides)(p) for look, p in enumerate(p_values)]


def reached(n: int, looks: Sequence[int]) -> tuple[int, ...]:
    """The looks that n seeds have reached."""
    return tuple(look for look in looks if look <= n)


def level_at(n: int, looks: Sequence[int], alpha: float) -> float:
    """The p below which the last look that n seeds have reached rejects."""
    return nominal_levels(looks, alpha)[len(reached(n, looks)) - 1]


@lru_cache(maxsize=64)
def _error(
    looks: tuple[int, ...], look: int, spending: Spending, sides: int
) -> Callable[[float], float]:
    """From the p of a look to the error at which it is the bound."""
    levels = _levels(looks, spending, sides)[:, look]
    tiny = levels < LEAST
    from scipy.interpolate import PchipInterpolator  # imported when asked: it takes long

    curve = PchipInterpolator(np.log(levels[~tiny]), np.log(ERRORS[~tiny]))
    first, last = levels[~tiny][[0, -1]]
    return lambda p: 1.0 if p >= last else math.exp(float(curve(math.log(max(p, first)))))


@lru_cache(maxsize=16)
def _levels(looks: tuple[int, ...], spending: Spending, sides: int) -> NDArray[np.float64]:
    """Errors × looks."""
    return np.array([nominal_levels(looks, error, spending, sides) for error in ERRORS])


def _score(level: float) -> float:
    """The standard normal score that is exceeded so often."""
    return min(FAR, float(-special.ndtri(level)))


def _going_on(bound: float, t: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights over the scores below a bound, of a Brownian motion at time t."""
    half = math.sqrt(t) * (bound + FAR) / 2
    return math.sqrt(t) * bound - half + half * NODES, half * WEIGHTS


def _bound(
    mass: NDArray[np.float64], where: NDArray[np.float64], times: tuple[float, float], step: float
) -> float:
    """The score at the second time that spends `step`, by those who went on at the first."""
    before, now = times

    def too_much(bound: float) -> float:
        above = special.ndtr((where - bound * math.sqrt(now)) / math.sqrt(now - before))
        return float(mass @ above) - step

    last = FAR + 1
    from scipy.optimize import brentq

    return last if too_much(last) > 0 else float(brentq(too_much, -FAR, last))
