import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from bench.stats.equivalence import equivalence_p, equivalence_power, pairs_for_equivalence


@pytest.mark.parametrize("shift", [0.0, 0.005, 0.012, -0.008])
def test_p_is_that_of_statsmodels(shift):
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8 + shift, 0.01, 10), rng.normal(0.8, 0.01, 10)
    expected, *_ = ttost_paired(a, b, -0.01, 0.01)
    assert equivalence_p(a - b) == pytest.approx(expected, rel=1e-6)


def test_without_spread_it_is_that_of_the_signs():
    assert equivalence_p([0.0] * 5) == 2**-5
    assert equivalence_p([0.004] * 3) == 2**-3
    assert equivalence_p([0.02] * 5) == equivalence_p([0.01] * 5) == 1
    assert math.isnan(equivalence_p([0.0]))


@pytest.mark.parametrize(("n", "true"), [(5, 0.0), (10, 0.0), (20, 0.004), (30, 0.01)])
def test_power_is_what_simulation_gives(n, true):
    d = np.random.default_rng(1).normal(true, 0.015, (20_000, n))
    share = np.mean([equivalence_p(row) <= 0.05 for row in d])
    assert equivalence_power(0.015, n, 0.01, true) == pytest.approx(share, abs=0.012)


def test_seeds_for_equivalence_are_those_of_the_design():
    """Statistics of the design, section 4."""
    sds = (0.015, 0.02, 0.025, 0.03)
    assert [pairs_for_equivalence(sd, 0.01) for sd in sds] == [21, 36, 55, 79]
    assert [pairs_for_equivalence(sd, 0.005) for sd in sds] == [79, 139, 216, 310]
    assert pairs_for_equivalence(0.02, 0.01, true=0.01) is None
    assert pairs_for_equivalence(0.02, 0.01, true=0.005, most=50) is None
