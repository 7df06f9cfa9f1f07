import numpy as np
import pytest
from scipy import optimize, special, stats

from bench.stats.sequential import (
    linear,
    nominal_levels,
    obrien_fleming,
    pocock,
    reached,
    sequential_p,
)

LOOKS = (10, 20, 30)


@pytest.mark.parametrize(
    ("spending", "sides", "printed"),
    [
        (obrien_fleming, 2, (0.00021, 0.01202, 0.04627)),
        (pocock, 2, (0.02264, 0.02173, 0.02167)),
        (obrien_fleming, 1, (0.00069, 0.01614, 0.04505)),
    ],
)
def test_bounds_are_the_published_ones(spending, sides, printed):
    """Of Lan and DeMets's functions at 5 % and three looks."""
    assert nominal_levels(LOOKS, 0.05, spending, sides) == pytest.approx(printed, abs=1.5e-5)


@pytest.mark.parametrize(
    ("family", "designed"),
    [
        (1, (0.01667, 0.02177, 0.02777)),
        (5, (0.00333, 0.00402, 0.00489)),
        (9, (0.00185, 0.00218, 0.00262)),
    ],
)
def test_bounds_are_those_of_the_design(family, designed):
    """To 4e-5: the design's integration was the coarser one (next test)."""
    assert nominal_levels(LOOKS, 0.05 / family) == pytest.approx(designed, abs=5e-5)


def test_the_second_bound_is_that_of_the_bivariate_normal():
    both = stats.multivariate_normal([0, 0], [[1, np.sqrt(0.5)], [np.sqrt(0.5), 1]])
    first = -special.ndtri(0.025 / 3)
    spent = 2 * 0.025 / 3
    second = optimize.brentq(lambda z: both.cdf([first, z]) - (1 - spent), 1, 4)
    assert nominal_levels(LOOKS, 0.05)[1] == pytest.approx(2 * special.ndtr(-second), abs=1e-7)


def test_uneven_looks_keep_the_error():
    """By simulation of a Brownian motion."""
    looks, steps = (5, 8, 20, 30), np.diff([0, 5, 8, 20, 30])
    rng = np.random.default_rng(0)
    walk = (rng.normal(size=(400_000, 4)) * np.sqrt(steps)).cumsum(1) / np.sqrt(looks)
    p = 2 * special.ndtr(-np.abs(walk))
    assert (p <= nominal_levels(looks, 0.05)).any(1).mean() == pytest.approx(0.05, abs=0.0015)


class TestSequentialP:
    def test_of_one_look_it_is_the_p(self):
        assert sequential_p([0.037], (10,)) == 0.037
        assert sequential_p([], (10,)) == 1

    @pytest.mark.parametrize("alpha", [1e-6, 0.003, 0.05, 0.4])
    @pytest.mark.parametrize(("spending", "sides"), [(linear, 2), (obrien_fleming, 1)])
    @pytest.mark.parametrize("look", [1, 2])
    def test_at_a_bound_it_is_the_error_that_has_it(self, look, spending, sides, alpha):
        level = nominal_levels(LOOKS, alpha, spending, sides)[look]
        found = sequential_p([1.0] * look + [level], LOOKS, spending, sides)
        assert found == pytest.approx(alpha, rel=1e-4)

    def test_what_is_decided_stays_decided(self):
        first = sequential_p([0.001], LOOKS)
        assert first == pytest.approx(0.003)
        assert sequential_p([0.001, 0.9], LOOKS) == first
        assert sequential_p([0.001, 0.9, 0.9], LOOKS) == first

    def test_far_tails_are_numbers(self):
        assert 0 < sequential_p([0.0], LOOKS) < 1e-11
        assert sequential_p([1.0], LOOKS, obrien_fleming, 1) == 1
        assert 0 < sequential_p([1e-300], (5, 10, 20), obrien_fleming, 1) < 1e-3


def test_looks_that_so_many_seeds_have_reached():
    assert [reached(n, LOOKS) for n in (9, 10, 29, 40)] == [(), (10,), (10, 20), LOOKS]
