"""The rules of a verdict: what is decided, from how many seeds, and what would decide."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from bench.stats.crossed import Crossed, Parts, crossed
from bench.stats.equivalence import pairs_for_equivalence
from bench.stats.paired import ALPHA, compare, detectable_d_z
from bench.stats.power import pairs_needed
from bench.stats.verdict import LOWER_IS_BETTER, UNDECIDED, Rule, decide, judge


def column(values: Sequence[float]) -> dict[int, float]:
    return dict(enumerate(map(float, values)))


def noise(n: int, mean: float = 0.0, sd: float = 0.02, seed: int = 0) -> dict[int, float]:
    """A column whose mean and SD are exactly these."""
    x = np.random.default_rng(seed).normal(size=n)
    return column(0.8 + mean + sd * (x - x.mean()) / x.std(ddof=1))


def zero(n: int) -> dict[int, float]:
    return dict.fromkeys(range(n), 0.8)


def one(mean: float, n: int = 10, sd: float = 0.01, **rule: object):
    return judge({"a": (noise(n, mean, sd), zero(n))}, Rule(**rule))["a"]


@pytest.mark.parametrize(
    ("word", "p", "p_equivalent", "n", "verdict"),
    [
        ("better", 0.05, 0.9, 10, "better"),
        ("worse", 0.01, 0.9, 5, "worse"),
        ("better", 0.2, 0.05, 10, "equivalent"),
        ("better", 0.01, 0.01, 10, "better, by less than the margin"),
        ("worse", 0.01, 0.01, 10, "worse, by less than the margin"),
        ("better", 0.051, 0.051, 10, UNDECIDED),
        ("better", 0.001, 0.001, 4, UNDECIDED),
        ("better", 0.2, math.nan, 10, UNDECIDED),
        ("", 0.01, 0.9, 10, UNDECIDED),
    ],
)
def test_the_table_of_rules(word, p, p_equivalent, n, verdict):
    assert decide(word, p, p_equivalent, n) == verdict


def test_verdicts_of_columns():
    assert one(0.02).verdict == "better"
    assert one(-0.02).verdict == "worse"
    assert one(-0.02, words=LOWER_IS_BETTER).verdict == "better"
    assert one(0.001, sd=0.005).verdict == "equivalent"
    assert one(0.004, sd=0.004).verdict == "better, by less than the margin"
    assert one(0.001, sd=0.005, margin=None).verdict == UNDECIDED
    assert one(0.02, n=4, sd=0.001).verdict == UNDECIDED


class TestFamily:
    pairs = {f"m{k}": (noise(10, 0.006 * k, 0.012, k), zero(10)) for k in range(5)}

    def test_holm_is_over_the_family(self):
        found = judge(self.pairs, Rule())
        p = [compare(*pair).p for pair in self.pairs.values()]
        expected = multipletests(p, method="holm")[1]
        assert [c.p_holm for c in found.values()] == pytest.approx(expected)
        assert {c.family for c in found.values()} == {5}

    def test_an_interval_excludes_zero_exactly_where_a_difference_is_shown(self):
        found = judge(self.pairs, Rule()).values()
        shown = [c.differs for c in found]
        assert shown.count(True) in range(1, 5)
        assert [c.low_family > 0 or c.high_family < 0 for c in found] == shown
        assert {round(c.level, 6) for c in found} == {round(1 - ALPHA / shown.count(False), 6)}

    def test_detectable_is_of_the_pooled_spread(self):
        pairs = {"a": (noise(10, sd=0.01), zero(10)), "b": (noise(10, sd=0.03), zero(10))}
        pairs["same"] = (zero(10), zero(10))
        found = judge(pairs, Rule())
        pooled = math.sqrt((0.01**2 + 0.03**2) / 2)
        for name in ("a", "b"):
            assert found[name].detectable == pytest.approx(detectable_d_z(10) * pooled)
        assert math.isnan(found["same"].detectable)
        assert found["same"].verdict == "equivalent"


class TestLooks:
    rule = Rule(looks=(10, 20, 30))

    def test_a_comparison_is_of_the_last_look_that_it_reached(self):
        found = judge({"a": (noise(17), zero(30))}, self.rule)["a"]
        assert found.n == 10
        assert judge({"a": (noise(9), zero(30))}, self.rule) == {}

    def test_an_early_look_has_a_stricter_bound(self):
        d = noise(10, 0.0065, 0.008)
        assert compare(d, zero(10)).p == pytest.approx(0.0303, abs=5e-4)
        assert (
            judge({"a": (d, zero(10))}, replace(self.rule, margin=None))["a"].verdict == UNDECIDED
        )
        assert judge({"a": (d, zero(10))}, Rule(margin=None))["a"].verdict == "better"

    def test_what_is_decided_stays_decided(self):
        early = noise(10, 0.02, 0.01)
        late = early | dict.fromkeys(range(10, 20), 0.79)
        assert judge({"a": (early, zero(10))}, self.rule)["a"].verdict.startswith("better")
        assert judge({"a": (late, zero(20))}, self.rule)["a"].p_holm <= 0.001

    def test_the_side_is_that_of_the_look_that_decided(self):
        """Later seeds may turn the mean; the small p is not theirs."""
        early = noise(10, 0.02, 0.01)
        late = early | dict.fromkeys(range(10, 20), 0.74)
        found = judge({"a": (late, zero(20))}, self.rule)["a"]
        assert found.difference < 0 < 0.05 - found.p_holm
        assert found.verdict.startswith("better")

    def test_new_images_are_judged_when_the_last_comparison_is_done(self):
        def images(name: str, seeds: Sequence[int]) -> Crossed:
            return crossed([Parts(np.full(len(seeds), 0.02) + 1e-3 * np.arange(len(seeds)), 0.0)])

        clear, open_ = noise(10, 0.03, 0.01), noise(30, 0.005, 0.02)
        pairs = {"clear": (clear, zero(30)), "open": (dict(list(open_.items())[:20]), zero(30))}
        assert math.isnan(judge(pairs, self.rule, images)["clear"].p_new)
        pairs["open"] = (open_, zero(30))
        found = judge(pairs, self.rule, images)
        assert (found["clear"].n, found["open"].n) == (10, 30)
        assert found["clear"].verdict_new == "better"


class TestWhatWouldDecide:
    def test_seeds_are_told_as_a_range_and_not_below_ten(self):
        assert math.isnan(one(0.006, n=9, sd=0.02).seeds_low)
        found = one(0.006, n=10, sd=0.02)
        assert 10 < found.seeds_low < 34 < found.seeds_high < 300

    def test_the_most_is_that_of_any_true_difference_in_the_interval(self):
        """Between those that are soon shown and those that are soon shown to be small."""
        found = one(0.006, n=10, sd=0.02)
        every = [
            min(
                pairs_needed(true, found.sd, most=10_000) or math.inf,
                pairs_for_equivalence(found.sd, true=true, most=10_000) or math.inf,
            )
            for true in np.linspace(found.low, found.high, 2001)
        ]
        assert found.seeds_high == pytest.approx(max(every), rel=0.01)
        assert found.seeds_low == max(11, min(every))

    def test_without_a_margin_no_difference_takes_more_than_anyone_has(self):
        found = judge({"a": (noise(10, 0.006, 0.02), zero(10))}, Rule(margin=None))["a"]
        assert found.low < 0 < found.high and found.seeds_high == math.inf

    def test_what_is_decided_needs_none(self):
        assert math.isnan(one(0.02).seeds_low)

    def test_images_may_be_the_limit(self):
        def images(shared: float):
            return lambda name, seeds: crossed([Parts(0.01 + 0.001 * np.arange(10), shared)])

        pairs = {"a": (noise(10, 0.0145, 0.03), zero(10))}
        limited = judge(pairs, Rule(), images(0.02**2))["a"]
        assert (limited.verdict_new, limited.images_limit) == (UNDECIDED, True)
        assert not judge(pairs, Rule(), images(0.001**2))["a"].images_limit
