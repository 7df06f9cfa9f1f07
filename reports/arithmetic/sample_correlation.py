"""How far the correlation of a few runs may lie from the true one."""

import math

from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1


def exceeds(correlation: float, true: float, n: int) -> float:
    """The probability that n pairs of normal values with a true correlation show at least this one.

    Hotelling's density (1953), integrated over the angle of which the correlation is the cosine;
    that of two pairs is 1 or -1.
    """
    if not -1 < correlation <= 1:
        return float(correlation <= -1)
    if n == 2:
        return 0.5 + math.asin(true) / math.pi
    scale = (
        math.log(n - 2)
        + float(gammaln(n - 1) - gammaln(n - 0.5))
        + ((n - 1) * math.log(1 - true**2) - math.log(2 * math.pi)) / 2
    )

    def density(angle: float) -> float:
        shared = true * math.cos(angle)
        powers = (n - 3) * math.log(math.sin(angle)) - (n - 1.5) * math.log(1 - shared)
        return math.exp(scale + powers) * float(hyp2f1(0.5, 0.5, n - 0.5, (1 + shared) / 2))

    area, _ = quad(density, 0, math.acos(correlation))
    return min(1.0, float(area))
