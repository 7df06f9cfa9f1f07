"""Are two methods as good as equal? Two one-sided t-tests (Schuirmann 1987), paired by seed."""

import math
from bisect import bisect_left

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.stats.paired import ALPHA, DECIMALS, POWER
from bench.stats.power import MOST

MARGIN = 0.01
"""The smallest difference of ACC or AUC that is worth a word, unless a study declares another."""
FAR = 8
"""Standard deviations beyond which there is nothing."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)


def equivalence_p(differences: npt.ArrayLike, margin: float = MARGIN) -> float:
    """The p of "the mean difference is `margin` or more away from zero"; nan for one pair.

    Where all differences are one value, it is that of their signs around the nearer margin: 2^-n
    inside it, 1 outside.
    """
    d = np.asarray(differences, dtype=float).round(DECIMALS)
    n = len(d)
    if n < 2:
        return math.nan
    room = margin - abs(float(d.mean()))
    if np.ptp(d) == 0:
        return 2.0**-n if room > 0 else 1.0
    return float(special.stdtr(n - 1, -room * math.sqrt(n) / d.std(ddof=1)))


def equivalence_power(sd: float, n: int, margin: float = MARGIN, true: float = 0.0) -> float:
    """The power of both tests of n pairs, 5 % a side, at that true difference.

    Exact: the chance of the mean, over the SDs that a sample may have, which do not depend on it.
    """
    reach = margin * math.sqrt(n) / sd
    critical = float(special.stdtrit(n - 1, 1 - ALPHA))
    spread = FAR / math.sqrt(2 * (n - 1))
    low, high = max(0.0, 1 - spread), min(1 + spread, reach / critical)
    if low >= high:
        return 0.0
    s = low + (high - low) * (NODES + 1) / 2
    half, shift = (n - 1) / 2, true * math.sqrt(n) / sd
    log_density = half * np.log(half) - special.gammaln(half) + (n - 2) * np.log(s) - half * s**2
    room = reach - critical * s
    inside = np.maximum(special.ndtr(room - shift) - special.ndtr(-room - shift), 0)
    return float(WEIGHTS @ (2 * np.exp(log_density) * inside) * (high - low) / 2)


def pairs_for_equivalence(
    sd: float, margin: float = MARGIN, true: float = 0.0, most: int = MOST
) -> int | None:
    """The fewest pairs that show equivalence with 80 % power; None where `most` are too few."""
    if abs(true) >= margin:
        return None
    if sd == 0:
        return math.ceil(-math.log2(ALPHA))

    def enough(pairs: int) -> bool:
        return equivalence_power(sd, pairs, margin, true) >= POWER

    pairs = bisect_left(range(most + 1), True, lo=2, key=enough)
    return pairs if pairs <= most else None
