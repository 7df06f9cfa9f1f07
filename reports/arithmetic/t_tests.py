"""The p of two-sided t-tests, from printed means and SDs of n runs each.

An unpaired test follows from mean, SD and n. A paired one depends on the correlation of the runs
too, which no table prints: its t is d√n / √(s₁² + s₂² - 2 r s₁ s₂) for an r between -1 and 1.
"""

import math

from scipy.special import stdtr, stdtrit

from reports.published.numbers import EPSILON, Entry, Range


def welch(a: Entry, b: Entry, n: int) -> float:
    """Of Welch's test, from the printed digits."""
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    return _welch(m1 - m2, s1, s2, n)


def favourable_welch(a: Entry, b: Entry, n: int) -> float:
    """Of Welch's test, at the rounding with the largest difference and the smallest SDs."""
    return _welch(_differences(a, b)[1], _sd(a).low, _sd(b).low, n)


def paired(a: Entry, b: Entry, n: int, correlation: float) -> float:
    """Of the paired test, from the printed digits, at this correlation."""
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    variance = s1**2 + s2**2 - 2 * correlation * s1 * s2
    return _p(m1 - m2, math.sqrt(max(0.0, variance)), n, n - 1)


def unpaired(a: Entry, b: Entry, n: int) -> Range:
    """Every p of an unpaired test over every rounding of the digits.

    Student's test and Welch's have one t and between n - 1 and 2n - 2 degrees of freedom.
    """
    nearest, furthest = _differences(a, b)
    s1, s2 = _sd(a), _sd(b)
    return Range(
        _p(furthest, math.hypot(s1.low, s2.low), n, 2 * n - 2),
        _p(nearest, math.hypot(s1.high, s2.high), n, n - 1),
    )


def attainable(a: Entry, b: Entry, n: int) -> Range:
    """Every p of a test, paired with any correlation or not, over every rounding of the digits.

    Paired: the SD of the differences lies between |s₁ - s₂| and s₁ + s₂.
    """
    nearest, furthest = _differences(a, b)
    s1, s2 = _sd(a), _sd(b)
    apart = s1 - s2
    smallest = _p(furthest, max(0.0, apart.low, -apart.high), n, n - 1)
    return Range(min(smallest, unpaired(a, b, n).low), _p(nearest, s1.high + s2.high, n, n - 1))


def needed_correlation(a: Entry, b: Entry, n: int, p: float) -> float:
    """The correlation of the runs from which a paired test of the printed digits gives at most p.

    Above 1 if none does.
    """
    (m1, s1), (m2, s2) = _digits(a), _digits(b)
    return _correlation(s1, s2, _difference_sd(abs(m1 - m2), n, p))


def least_correlation(a: Entry, b: Entry, n: int, p: float) -> float:
    """The smallest `needed_correlation` over every rounding of the digits, -1 if any will do.

    With either SD fixed, it falls and then rises in the other one, so it is smallest on an edge.
    """
    _, furthest = _differences(a, b)
    sd = _difference_sd(furthest, n, p)
    edges = [
        (end, min(max(math.sqrt(max(0.0, end**2 - sd**2)), other.low), other.high))
        for one, other in ((_sd(a), _sd(b)), (_sd(b), _sd(a)))
        for end in (one.low, one.high)
    ]
    return max(-1.0, min(_correlation(s1, s2, sd) for s1, s2 in edges))


def _welch(difference: float, s1: float, s2: float, n: int) -> float:
    sd = math.hypot(s1, s2)
    return _p(difference, sd, n, (n - 1) * sd**4 / (s1**4 + s2**4) if sd else n - 1)


def _difference_sd(difference: float, n: int, p: float) -> float:
    """The SD of n differences with this mean of which a paired test gives p, below 1."""
    return -difference * math.sqrt(n) / float(stdtrit(n - 1, p / 2))


def _correlation(s1: float, s2: float, difference_sd: float) -> float:
    s1, s2 = max(s1, EPSILON), max(s2, EPSILON)
    return (s1**2 + s2**2 - difference_sd**2) / (2 * s1 * s2)


def _differences(a: Entry, b: Entry) -> tuple[float, float]:
    """The smallest and the largest absolute difference of the means."""
    difference = a.mean.unrounded - b.mean.unrounded
    nearest = max(0.0, difference.low, -difference.high)
    return nearest, max(abs(difference.low), abs(difference.high))


def _digits(entry: Entry) -> tuple[float, float]:
    return entry.mean.value, entry.sd.value if entry.sd else math.nan


def _sd(entry: Entry) -> Range:
    low, high = (entry.sd.unrounded.low, entry.sd.unrounded.high) if entry.sd else (0.0, math.inf)
    return Range(max(0.0, low), high)


def _p(difference: float, sd: float, n: int, freedom: float) -> float:
    """Of t = difference · √n / sd."""
    if sd == 0:
        return 0.0 if difference else 1.0
    return 2 * float(stdtr(freedom, -abs(difference) * math.sqrt(n) / sd))
