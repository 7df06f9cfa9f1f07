"""What seeds explain: how far two means over seeds may be apart."""

import numpy as np
from numpy.typing import NDArray

SIGMAS = 3.0


def tolerance(values: NDArray[np.float64]) -> float:
    """The largest difference of two means over n seeds that is no change: 3 SD √(2 / n).

    `values` (methods, n) are a metric of one dataset. Two means of independent seeds differ with
    standard deviation SD √(2 / n); those of the same seeds on two machines by no more.
    """
    return float(SIGMAS * spread(values) * np.sqrt(2 / values.shape[1]))


def spread(values: NDArray[np.float64]) -> float:
    """SD between seeds, pooled over methods, as that of n seeds alone would be too uncertain."""
    return float(np.sqrt(values.var(axis=1, ddof=1).mean()))
