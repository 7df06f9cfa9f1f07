"""How many pairs a comparison needs."""

import math
from bisect import bisect_left

from bench.stats.paired import ALPHA, POWER, power

MOST = 100_000
"""Pairs beyond which nobody will go."""


def pairs_needed(
    difference: float, sd: float, level: float = ALPHA, most: int = MOST
) -> int | None:
    """The fewest pairs that detect a true mean difference with 80 % power.

    The test is the two-sided paired t-test at `level`, `sd` that of the differences; without any
    spread that of their signs. None where `most` pairs are too few, as for a difference of zero.
    """
    if difference == 0:
        return None
    if sd == 0:
        return math.floor(1 - math.log2(level)) + 1
    d_z = abs(difference) / sd

    def enough(pairs: int) -> bool:
        return not power(d_z, pairs, level) < POWER  # nan where it is 1 but for rounding

    pairs = bisect_left(range(most + 1), True, lo=2, key=enough)
    return pairs if pairs <= most else None
