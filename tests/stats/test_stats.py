import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from bench.base.errors import BenchError
from bench.stats.paired import (
    ALPHA,
    compare,
    compare_all,
    detectable_d_z,
    outlying,
    pooled_sd,
    signed_rank_p,
    summarise,
)


def test_a_pooled_sd_does_not_hang_on_the_order_of_its_family():
    family = [compare(by_seed(x), by_seed(y)) for x, y in (draw(seed=seed) for seed in range(40))]
    assert len({pooled_sd(family[k:] + family[:k]) for k in range(40)}) == 1


def by_seed(values):
    return dict(enumerate(map(float, values)))


def draw(n=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0.85, 0.02, n).round(4), rng.normal(0.84, 0.02, n).round(4)


accuracies = st.lists(
    st.tuples(st.integers(0, 156), st.integers(0, 156)), min_size=3, max_size=12
).map(lambda pairs: tuple(np.array(column) / 156 for column in zip(*pairs, strict=True)))


class TestSummary:
    def test_sd_divides_by_n_minus_one(self):
        s = summarise([1.0, 2.0, 4.0])
        assert (s.n, s.mean) == (3, pytest.approx(7 / 3))
        assert s.sd == pytest.approx(math.sqrt(7 / 3))

    def test_too_few_values_have_no_sd(self):
        assert summarise([0.5]).mean == 0.5
        assert math.isnan(summarise([0.5]).sd)
        assert math.isnan(summarise([]).mean)

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_refuses_what_is_not_finite(self, bad):
        with pytest.raises(BenchError, match="finite"):
            summarise([0.5, bad])


class TestAgainstScipy:
    @pytest.mark.parametrize("n", [2, 3, 10, 30])
    def test_t_test_interval_and_effect(self, n):
        a, b = draw(n)
        c = compare(by_seed(a), by_seed(b))
        t, p = stats.ttest_rel(a, b)
        d = a - b
        low, high = stats.t.interval(0.95, n - 1, d.mean(), stats.sem(d))
        expected = (n, d.mean(), d.std(ddof=1), low, high, t, p, t / math.sqrt(n), p)
        found = (c.n, c.difference, c.sd, c.low, c.high, c.t, c.p, c.d_z, c.p_holm)
        assert found == pytest.approx(expected, rel=1e-8)

    def test_wilcoxon_without_ties(self):
        a, b = draw()
        expected = stats.wilcoxon(a, b, method="exact").pvalue
        assert compare(by_seed(a), by_seed(b)).wilcoxon_p == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize(
        "d", [[1, 1, 2, -1, 3, 4, 0], [0, 0, 0, 1, 2], [1, -1, 1, -1], [0, 5], [2, 2, 2, 2, 2, 2]]
    )
    def test_wilcoxon_with_ties_and_zeros(self, d):
        every_sign = stats.PermutationMethod(n_resamples=np.inf)
        expected = stats.wilcoxon(np.array(d, float), zero_method="pratt", method=every_sign).pvalue
        assert signed_rank_p(d) == pytest.approx(expected, rel=1e-12)

    def test_the_smallest_wilcoxon_p_of_ten_seeds(self):
        assert signed_rank_p(range(1, 11)) == 2 / 2**10


class TestPairing:
    def test_only_shared_seeds_count_in_any_order(self):
        c = compare({7: 3.0, 1: 5.0, 2: 9.0, 4: 0.0}, {4: 1.0, 3: 8.0, 2: 7.0, 1: 4.0})
        assert c.n == 3
        assert c.difference == pytest.approx((1 + 2 - 1) / 3)

    def test_fewer_than_two_shared_seeds_are_no_comparison(self):
        assert compare({0: 1.0, 1: 2.0}, {1: 1.0, 2: 2.0}) is None
        assert compare({}, {}) is None

    @given(accuracies)
    def test_swapping_the_two_turns_the_sign(self, pair):
        a, b = map(by_seed, pair)
        c = compare(a, b)
        turned = replace(c, difference=-c.difference, low=-c.high, high=-c.low, t=-c.t, d_z=-c.d_z)
        assert vars(compare(b, a)) == pytest.approx(vars(turned), nan_ok=True)

    @given(accuracies, st.lists(st.floats(-1, 1), min_size=12, max_size=12))
    def test_an_effect_common_to_both_changes_nothing(self, pair, effects):
        a, b = pair
        shift = np.array(effects[: len(a)])
        c, shifted = (compare(by_seed(x), by_seed(y)) for x, y in ((a, b), (a + shift, b + shift)))
        assert vars(shifted) == pytest.approx(vars(c), rel=1e-6, abs=1e-9, nan_ok=True)

    @given(accuracies)
    def test_percent_scales_the_unit_and_nothing_else(self, pair):
        a, b = pair
        c, hundred = compare(by_seed(a), by_seed(b)), compare(by_seed(100 * a), by_seed(100 * b))
        units = {"difference", "sd", "low", "high", "detectable"}
        expected = {k: 100 * v if k in units else v for k, v in vars(c).items()}
        assert vars(hundred) == pytest.approx(expected, rel=1e-6, abs=1e-7, nan_ok=True)

    @pytest.mark.parametrize("bad", [math.nan, -math.inf])
    def test_refuses_what_is_not_finite(self, bad):
        with pytest.raises(BenchError, match="seed 1"):
            compare({0: 1.0, 1: bad}, {0: 1.0, 1: 1.0})
        with pytest.raises(BenchError, match="seed 1"):
            compare({0: 1.0, 1: 1.0}, {0: 1.0, 1: bad})


class TestEqualDifferences:
    @pytest.fixture(autouse=True)
    def _no_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield

    @pytest.mark.parametrize("n", [2, 10])
    def test_identical_results(self, n):
        a, _ = draw(n)
        c = compare(by_seed(a), by_seed(a))
        assert (c.difference, c.sd, c.low, c.high, c.t, c.d_z) == (0,) * 6
        assert math.isnan(c.detectable)
        assert (c.p, c.wilcoxon_p, c.p_holm) == (1, 1, 1)
        assert math.copysign(1, c.difference) == 1

    @pytest.mark.parametrize("sign", [1, -1])
    def test_one_constant_step(self, sign):
        a = np.array([0.1, 0.2, 0.3, 0.7])
        assert len(set((a + sign * 0.1) - a)) > 1  # not equal in binary, yet one difference
        c = compare(by_seed(a + sign * 0.1), by_seed(a))
        assert (c.difference, c.sd, c.p, c.wilcoxon_p) == (sign * 0.1, 0, 2 / 2**4, 2 / 2**4)
        assert all(math.isnan(x) for x in (c.low, c.high, c.detectable))
        assert c.t == c.d_z == sign * math.inf

    def test_few_runs_on_few_images_that_agree_by_chance_are_no_finding(self):
        """78 images and three seeds: equal differences are common, and must not be significant."""
        rng = np.random.default_rng(5)
        rejected = 0
        for _ in range(1000):
            a, b = rng.binomial(78, 0.8, (2, 3)) // 4 / 78
            c = compare(by_seed(a), by_seed(b))
            rejected += c.p < ALPHA
            assert c.sd or c.p >= 2 / 2**3
        assert rejected <= 1000 * ALPHA

    @pytest.mark.parametrize("unit", [1, 100])
    @pytest.mark.parametrize("images", [78, 156, 400])
    def test_the_same_number_of_images_is_the_same_difference(self, images, unit):
        share = unit * np.arange(images + 1) / images
        for more in (1, 7, images // 2):
            assert compare(by_seed(share[more:]), by_seed(share[:-more])).sd == 0

    def test_rounding_alone_is_no_difference(self):
        c = compare({0: 0.3, 1: 0.3}, {0: 0.1 + 0.2, 1: 0.1 + 0.2})
        assert (c.p, str(c.difference)) == (1, "0.0")


class TestHolm:
    def test_by_hand(self):
        p = holm_family([0.01, 0.04, 0.03])
        assert p == pytest.approx([0.03, 0.06, 0.06], rel=1e-6)

    def test_against_statsmodels(self):
        rng = np.random.default_rng(3)
        reference = rng.normal(0.8, 0.02, 10)
        methods = {str(k): by_seed(reference + rng.normal(0.005 * k, 0.01, 10)) for k in range(7)}
        found = compare_all({"ails": by_seed(reference), **methods}, "ails")
        assert list(found) == list(methods)
        p = [c.p for c in found.values()]
        expected = multipletests(p, method="holm")[1]
        assert [c.p_holm for c in found.values()] == pytest.approx(list(expected))
        alone = {name: compare(values, by_seed(reference)) for name, values in methods.items()}
        assert {name: replace(c, p_holm=alone[name].p) for name, c in found.items()} == alone

    def test_a_method_without_pairs_is_not_in_the_family(self):
        a, b = map(by_seed, draw())
        found = compare_all({"ails": b, "none": a, "late": {99: 0.5}}, "ails")
        assert list(found) == ["none"]
        assert found["none"].p_holm == found["none"].p

    def test_no_method_beside_the_reference(self):
        assert compare_all({"ails": {0: 1.0, 1: 2.0}}, "ails") == {}

    def test_an_unknown_reference_is_named(self):
        with pytest.raises(BenchError, match="did you mean 'ails'"):
            compare_all({"ails": {}, "none": {}}, "aisl")


def holm_family(p_values):
    """p_holm of methods constructed to have these p values."""
    base = np.array([-1.0, 0.0, 0.5, 0.5])
    base /= base.std(ddof=1)
    shift = [stats.t.isf(p / 2, 3) / 2 for p in p_values]  # t = mean / (sd / sqrt 4)
    methods = {str(k): by_seed(base + s) for k, s in enumerate(shift)}
    found = compare_all({"ref": by_seed(np.zeros(4)), **methods}, "ref")
    assert [c.p for c in found.values()] == pytest.approx(p_values, rel=1e-6)
    return [c.p_holm for c in found.values()]


class TestPower:
    @pytest.mark.parametrize("n", [2, 3, 4, 5, 10, 30, 100])
    def test_the_detectable_difference_has_power_80(self, n):
        a, b = draw(n)
        c = compare(by_seed(a), by_seed(b))
        d_z = c.detectable / c.sd
        assert TTestPower().power(d_z, n, 0.05) == pytest.approx(0.8, abs=1e-3)
        t, centre = stats.t.isf(0.025, n - 1), d_z * math.sqrt(n)
        power = stats.nct.sf(t, n - 1, centre) + stats.nct.cdf(-t, n - 1, centre)
        assert power == pytest.approx(0.8, abs=1e-3)

    def test_ten_seeds_detect_one_sd(self):
        assert detectable_d_z(10) == pytest.approx(1.0, abs=0.01)  # peers.md: "1.0 SD"

    def test_more_seeds_detect_less(self):
        found = [detectable_d_z(n) for n in range(2, 60)]
        assert found == sorted(found, reverse=True)


class TestBySimulation:
    """Rates over fixed draws, within four standard errors of what the test promises."""

    @staticmethod
    def rejected(effect, trials, n=10):
        rng = np.random.default_rng(11)
        sd = 0.02
        hits = 0
        for _ in range(trials):
            seeds = rng.normal(0.8, 0.05, n)  # common to both: what pairing removes
            b = seeds + rng.normal(0, sd, n)
            a = seeds + rng.normal(0, sd, n) + effect * sd * math.sqrt(2)
            hits += compare(by_seed(a), by_seed(b)).p < 0.05
        return hits / trials

    @staticmethod
    def margin(rate, trials):
        return 4 * math.sqrt(rate * (1 - rate) / trials)

    def test_false_positives_under_the_null(self):
        assert self.rejected(0, 600) == pytest.approx(0.05, abs=self.margin(0.05, 600))

    def test_power_at_the_detectable_difference(self):
        found = self.rejected(detectable_d_z(10), 600)
        assert found == pytest.approx(0.8, abs=self.margin(0.8, 600))


class TestOutlying:
    def test_a_collapsed_run_is_marked(self):
        """A run of mixup on Breast at 73.7 beside 81 to 86."""
        values = by_seed([83.1, 84.0, 82.7, 85.9, 81.4, 83.3, 84.6, 82.1, 73.7, 84.0])
        assert outlying(values) == {8: 73.7}

    def test_ten_normal_values_hardly_ever_have_one(self):
        draws = np.random.default_rng(0).normal(size=(2000, 10))
        assert np.mean([bool(outlying(by_seed(row))) for row in draws]) < 0.06

    def test_few_or_equal_values_have_none(self):
        assert outlying(by_seed([1, 1, 1, 9])) == outlying(by_seed([1, 1, 1, 1, 1, 9])) == {}
