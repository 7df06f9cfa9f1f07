"""Do methods differ across datasets? Each dataset counts once, by its mean over seeds.

After Demšar (JMLR 2006) and Benavoli et al. (JMLR 2016): Friedman's test over all methods with
Nemenyi's critical difference, and Wilcoxon's signed-rank test of each method against a reference
with Holm, which, unlike Nemenyi's, does not depend on which other methods are in the comparison.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.base.errors import BenchError, unknown
from bench.stats.paired import ALPHA, DECIMALS, holm_p, signed_rank_p

Means = Mapping[str, Mapping[str, float]]
"""Of each method on each dataset; higher is better."""
MANY = 6
"""Datasets from which on the chi-square approximation of Friedman's test is used."""
ORDERS = 19_999
"""Orders of the ranks that are drawn for its p where there are fewer datasets."""


@dataclass(frozen=True)
class Ranking:
    """Friedman's test, and average ranks, 1 being the best, with ties sharing their middle rank.

    Two methods differ (Nemenyi, 5 %) where their ranks are `critical_difference` or more apart.
    `left_out` are the datasets on which a method has no value. `p` is by chi-square from six
    datasets on; with fewer, where that is wrong, it is a permutation p (`friedman_p`).
    """

    datasets: tuple[str, ...]
    left_out: tuple[str, ...]
    statistic: float
    p: float
    ranks: dict[str, float]
    critical_difference: float


@dataclass(frozen=True)
class SignedRank:
    """A method minus the reference: the mean over datasets, on how many it is above and below, and
    Wilcoxon's exact two-sided p, alone and after Holm over all methods."""

    difference: float
    above: int
    below: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class SignedRanks:
    """Each method against the reference.

    `smallest_p` is the p of a method that is above the reference on every dataset, and
    `smallest_p_holm` what Holm makes of it: no result on so few datasets can be below.
    """

    reference: str
    datasets: tuple[str, ...]
    left_out: tuple[str, ...]
    methods: dict[str, SignedRank]
    smallest_p: float
    smallest_p_holm: float


def rank(means: Means) -> Ranking | str:
    """Compare all methods; a reason in words where there is too little to compare."""
    datasets, left_out, values = _complete(means)
    if len(means) < 3 or len(datasets) < 3:
        return _too_few("Friedman's test", means, datasets, methods=3, least=3)
    from scipy import stats

    ranks = stats.rankdata(-values, axis=0)
    if not np.ptp(ranks, axis=0).any():
        return "Friedman's test: all methods are equal on every dataset"
    test = stats.friedmanchisquare(*values)
    return Ranking(
        datasets=datasets,
        left_out=left_out,
        statistic=float(test.statistic),
        p=float(test.pvalue) if len(datasets) >= MANY else friedman_p(ranks),
        ranks=dict(zip(means, ranks.mean(1).tolist(), strict=True)),
        critical_difference=critical_difference(len(means), len(datasets)),
    )


def friedman_p(ranks: NDArray[np.float64]) -> float:
    """The share of orders of the ranks (method, dataset) within datasets that give Friedman's
    statistic its value or a greater one.

    Exact where there are fewer than 20,000 orders; else 19,999 are drawn, the same every time, and
    the order that was found counts as one more.
    """
    from scipy import stats

    def squares(*columns: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """It rises with Friedman's statistic and, of ranks, is free of rounding."""
        return np.asarray((np.sum(columns, axis=0) ** 2).sum(axis))

    test = stats.permutation_test(
        ranks.T,
        squares,
        permutation_type="pairings",
        alternative="greater",
        vectorized=True,
        n_resamples=ORDERS,
        random_state=np.random.default_rng(0),
    )
    return float(test.pvalue)


def critical_difference(methods: int, datasets: int) -> float:
    """Nemenyi's, of average ranks at 5 %."""
    from scipy import stats

    q = stats.studentized_range.ppf(1 - ALPHA, methods, math.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * datasets)))


def groups(ranking: Ranking) -> list[tuple[str, ...]]:
    """The largest sets of two methods or more in which no two differ, the best first."""
    names = sorted(ranking.ranks, key=ranking.ranks.__getitem__)
    found: list[tuple[str, ...]] = []
    for start, first in enumerate(names):
        limit = ranking.ranks[first] + ranking.critical_difference
        group = tuple(name for name in names[start:] if ranking.ranks[name] < limit)
        if len(group) > 1 and not (found and set(group) <= set(found[-1])):
            found.append(group)
    return found


def against(means: Means, reference: str) -> SignedRanks | str:
    """Compare each method with the reference; a reason where there is too little to compare.

    BenchError if the reference is no method.
    """
    if reference not in means:
        raise unknown("reference method", reference, means)
    datasets, left_out, values = _complete(means)
    if len(means) < 2 or len(datasets) < 2:
        return _too_few("Wilcoxon's test", means, datasets, methods=2, least=2)
    differences = (values - values[list(means).index(reference)]).round(DECIMALS) + 0.0
    family = {n: d for n, d in zip(means, differences, strict=True) if n != reference}
    p = [signed_rank_p(d) for d in family.values()]
    corrected = holm_p(p)
    smallest = 2.0 ** (1 - len(datasets))
    return SignedRanks(
        reference=reference,
        datasets=datasets,
        left_out=left_out,
        methods={
            name: SignedRank(float(d.mean()), int((d > 0).sum()), int((d < 0).sum()), alone, holm)
            for (name, d), alone, holm in zip(family.items(), p, corrected, strict=True)
        },
        smallest_p=smallest,
        smallest_p_holm=min(1.0, len(family) * smallest),
    )


def _complete(means: Means) -> tuple[tuple[str, ...], tuple[str, ...], NDArray[np.float64]]:
    """The datasets on which every method has a value, the others, and values (method, dataset)."""
    names = tuple(dict.fromkeys(dataset for values in means.values() for dataset in values))
    shared = tuple(name for name in names if all(name in values for values in means.values()))
    values = np.array([[row[name] for name in shared] for row in means.values()], dtype=float)
    if not np.isfinite(values).all():
        method, place = np.argwhere(~np.isfinite(values))[0]
        raise BenchError(
            f"the mean of {list(means)[method]} on {shared[place]} is {values[method, place]}; "
            "leave that dataset or method out"
        )
    return shared, tuple(name for name in names if name not in shared), values.round(DECIMALS)


def _too_few(test: str, means: Means, datasets: tuple[str, ...], methods: int, least: int) -> str:
    return (
        f"{test} needs at least {methods} methods and {least} datasets on which all of them have a "
        f"value; there are {len(means)} and {len(datasets)}"
    )
