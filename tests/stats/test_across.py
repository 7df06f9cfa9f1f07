"""Statistics across datasets, against scipy, scikit-posthocs and numbers of the literature."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.base.errors import BenchError
from bench.stats import across
from bench.stats.across import Ranking, against, critical_difference, groups, rank
from bench.stats.paired import signed_rank_p

METHODS = ("none", "mixup", "cutmix", "bsda", "ails")


def drawn(methods=METHODS, datasets=9, seed=0, step=0.01):
    rng = np.random.default_rng(seed)
    return {
        method: {f"set{k}": 0.8 + step * i + float(rng.normal(0, 0.02)) for k in range(datasets)}
        for i, method in enumerate(methods)
    }


def table(means):
    return pd.DataFrame(means)


class TestRank:
    @pytest.mark.parametrize("seed", range(5))
    def test_on_many_datasets_friedman_is_that_of_scipy(self, seed):
        means = drawn(datasets=6, seed=seed)
        found = rank(means)
        test = stats.friedmanchisquare(*table(means).T.to_numpy())
        assert (found.statistic, found.p) == pytest.approx((test.statistic, test.pvalue))

    @pytest.mark.parametrize(("ranks", "p"), [([1, 2, 3], 1 / 36), ([1.5, 1.5, 3], 1 / 9)])
    def test_on_three_datasets_that_agree_p_is_exact(self, ranks, p):
        """By counting: of all orders on the second and the third, those that agree again."""
        means = {f"m{k}": dict.fromkeys("abc", -float(rank)) for k, rank in enumerate(ranks)}
        assert rank(means).p == pytest.approx(p)

    @pytest.mark.parametrize(("methods", "datasets"), [(5, 3), (9, 3), (9, 5)])
    def test_on_few_datasets_p_is_that_of_simulated_equal_methods(self, methods, datasets):
        rng = np.random.default_rng(1)
        ranks = 1 + rng.random((20_000, datasets, methods)).argsort(2).argsort(2)
        null = 12 * datasets / (methods * (methods + 1)) * ranks.mean(1).var(1) * methods
        for step in (0.0, 0.003, 0.006):
            means = drawn([f"m{k}" for k in range(methods)], datasets, seed=2, step=step)
            found = rank(means)
            expected = (null >= found.statistic - 1e-9).mean()
            assert found.p == pytest.approx(expected, abs=4 * math.sqrt(0.5 / 20_000))
            assert found.p == rank(means).p

    def test_on_few_datasets_one_in_twenty_of_equal_methods_is_found_to_differ(self, monkeypatch):
        """Of 9 methods on 3 datasets chi-square rejects 1.6 %."""
        monkeypatch.setattr(across, "ORDERS", 999)
        means = [drawn([f"m{k}" for k in range(9)], 3, seed, step=0) for seed in range(400)]
        assert 0.025 < np.mean([rank(one).p < 0.05 for one in means]) < 0.08

    def test_ranks_are_those_of_pandas_ties_included(self):
        means = {method: dict(row) for method, row in drawn().items()}
        means["mixup"]["set0"] = means["none"]["set0"] = means["ails"]["set0"]
        expected = table(means).rank(axis=1, ascending=False).mean().to_dict()
        assert rank(means).ranks == pytest.approx(expected)

    def test_an_error_of_rounding_is_a_tie(self):
        means = drawn(METHODS[:3], datasets=3)
        means["none"]["set0"], means["mixup"]["set0"] = 0.1 + 0.2, 0.3
        assert rank(means).ranks == rank(means | {"none": means["none"] | {"set0": 0.3}}).ranks

    def test_ranks_sum_to_what_they_must(self):
        assert sum(rank(drawn()).ranks.values()) == pytest.approx(5 * 6 / 2)

    def test_datasets_that_a_method_lacks_are_named_and_do_not_count(self):
        means = drawn()
        del means["bsda"]["set4"]
        found = rank(means)
        without = {m: {d: v for d, v in row.items() if d != "set4"} for m, row in means.items()}
        assert found.left_out == ("set4",)
        assert (found.ranks, found.p) == (rank(without).ranks, rank(without).p)

    @pytest.mark.parametrize(
        ("means", "reason"),
        [
            (drawn(METHODS[:2]), "at least 3 methods"),
            (drawn(datasets=2), "there are 5 and 2"),
            (drawn() | {"new": {}}, "there are 6 and 0"),
            ({m: {"a": 0.5, "b": 0.5, "c": 0.5} for m in METHODS}, "equal on every dataset"),
        ],
    )
    def test_too_little_is_a_reason(self, means, reason):
        assert reason in rank(means)


class TestCriticalDifference:
    @pytest.mark.parametrize(
        ("methods", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (8, 3.031), (10, 3.164)]
    )
    def test_demsars_table(self, methods, q):
        """Table 5 (a) of Demšar (2006)."""
        expected = q * math.sqrt(methods * (methods + 1) / (6 * 14))
        assert critical_difference(methods, 14) == pytest.approx(expected, abs=5e-3)

    def test_eight_methods_on_nine_datasets(self):
        assert critical_difference(8, 9) == pytest.approx(3.50, abs=0.005)

    @pytest.mark.parametrize("seed", range(4))
    def test_it_parts_what_scikit_posthocs_parts(self, seed):
        posthocs = pytest.importorskip("scikit_posthocs")
        means = drawn(seed=seed, step=0.015)
        found = rank(means)
        p = posthocs.posthoc_nemenyi_friedman(-table(means))
        for a in means:
            for b in means:
                if a != b:
                    apart = abs(found.ranks[a] - found.ranks[b]) >= found.critical_difference
                    assert apart == (p.loc[a, b] < 0.05)


class TestGroups:
    @staticmethod
    def ranking(ranks, difference):
        return Ranking((), (), 0.0, 0.0, dict(zip("abcdef", ranks, strict=False)), difference)

    def test_the_largest_sets_and_no_part_of_one(self):
        found = groups(self.ranking([1, 2, 3, 5, 5.2], 2.5))
        assert found == [("a", "b", "c"), ("c", "d", "e")]

    def test_exactly_the_critical_difference_apart_is_apart(self):
        assert groups(self.ranking([1, 3], 2.0)) == []

    def test_each_pair_is_in_a_group_if_and_only_if_it_does_not_differ(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            found = self.ranking(rng.uniform(1, 6, 6).tolist(), rng.uniform(0.3, 4))
            together = groups(found)
            for a in found.ranks:
                for b in found.ranks:
                    near = abs(found.ranks[a] - found.ranks[b]) < found.critical_difference
                    assert a == b or near == any({a, b} <= set(group) for group in together)


class TestAgainst:
    def test_p_is_exact_and_holm_is_that_of_statsmodels(self):
        means = drawn(seed=3)
        found = against(means, "none")
        data = table(means)
        p = {m: stats.wilcoxon(data[m], data["none"], method="exact").pvalue for m in METHODS[1:]}
        assert {m: r.p for m, r in found.methods.items()} == pytest.approx(p)
        holm = multipletests(list(p.values()), method="holm")[1]
        assert [r.p_holm for r in found.methods.values()] == pytest.approx(list(holm))

    def test_ties_and_zeros_are_counted(self):
        row = dict(zip("abcd", (0.6, 0.6, 0.5, 0.4), strict=True))
        means = {"none": dict.fromkeys("abcd", 0.5), "x": row}
        row = against(means, "none").methods["x"]
        assert (row.above, row.below) == (2, 1)
        assert row.difference == pytest.approx(0.025)
        assert row.p == signed_rank_p([0.1, 0.1, 0, -0.1])

    @pytest.mark.parametrize("datasets", [2, 5, 9])
    def test_nothing_can_be_below_the_smallest_p(self, datasets):
        means = drawn(datasets=datasets)
        means["best"] = {name: 2.0 + k for k, name in enumerate(means["none"])}
        found = against(means, "none")
        assert found.methods["best"].p == found.smallest_p
        assert min(row.p_holm for row in found.methods.values()) >= found.smallest_p_holm

    def test_nine_datasets_and_seven_comparisons_just_suffice(self):
        found = against(drawn([f"m{k}" for k in range(8)]), "m0")
        assert found.smallest_p == pytest.approx(0.0039, abs=5e-5)
        assert found.smallest_p_holm == pytest.approx(0.027, abs=5e-4)

    def test_too_little_is_a_reason_and_a_wrong_name_an_error(self):
        assert "there are 5 and 1" in against(drawn(datasets=1), "none")
        with pytest.raises(BenchError, match="did you mean 'mixup'"):
            against(drawn(), "mixupp")


@pytest.mark.parametrize("test", [rank, lambda means: against(means, "a")])
def test_a_mean_that_is_no_number_is_an_error(test):
    means = {name: {f"d{k}": 0.1 * k for k in range(3)} for name in "abc"}
    means["b"]["d1"] = math.nan
    with pytest.raises(BenchError, match="b on d1 is nan"):
        test(means)
