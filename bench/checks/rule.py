"""What seeds explain: how far two means over seeds may be apart."""

import numpy as np
from numpy.typing import NDArray

SIGMAS = 3.0


def tolerance(values: NDArray[np.float64]) -> float:
    """The largest difference of two means over n seeds that is no change: 3 SD √(2 / n).

    `values` (methods, n) are a metric of one dataset; SD is that between seeds, pooled over the
    methods, as that of n seeds alone would be too uncertain. Two means of independent seeds differ
    with standard deviation SD √(2 / n); those of the same seeds on two machines by no more.
    """
    spread = np.sqrt(values.var(axis=1, ddof=1).mean())
    return float(SIGMAS * spread * np.sqrt(2 / values.shape[1]))
