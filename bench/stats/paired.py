"""Paired comparisons: does a method differ from the reference by more than training noise?

The pairs are the seeds: at one seed two methods share subset, initial weights and batch order. The
test split is fixed, so these tests say whether the noise of training explains a difference, not
whether new images would show it again. The paired t-test leads; Wilcoxon is a check, for with ten
pairs its p cannot fall below 0.00195, and after Holm over many methods it can never reject.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.base.errors import BenchError, unknown

ALPHA = 0.05
POWER = 0.8
OUTLYING = 5
"""Robust SDs from the median beyond which a run is marked."""
DECIMALS = 10
"""Differences are rounded to this: 0.3 - 0.2 and 0.2 - 0.1 are one value, and a tie."""


@dataclass(frozen=True)
class Summary:
    """Number, mean and standard deviation (n - 1) of some values; nan where there are too few.

    `low` to `high` is the 95 % t interval of the mean.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A method minus the reference, paired by seed, in the unit of the input.

    `sd` (n - 1) is that of the differences, `low` to `high` the 95 % t interval of their mean,
    `t` and `p` the two-sided paired t-test, `d_z` = difference / sd, and `p_holm` is p after Holm
    over the family (a comparison of its own is a family of one). `wilcoxon_p`: `signed_rank_p`.
    `detectable` is the smallest true |difference| that a test with this n and sd detects with 80 %
    power at 5 %; in a family `sd` is pooled over it, for a single one varies too much.
    Where all differences are one value there is no t-test, and `detectable` is nan. If it is zero,
    t and d_z are 0, p is 1 and the interval is a point. If not, as few runs on few test images can
    have by chance, p is that of the signs alone, 2^(1 - n), t and d_z are infinite, and the
    interval is nan.
    """

    n: int
    difference: float
    sd: float
    low: float
    high: float
    t: float
    p: float
    d_z: float
    wilcoxon_p: float
    detectable: float
    p_holm: float

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low)


def summarise(values: Iterable[float]) -> Summary:
    """The summary of values over seeds. BenchError if one of them is not finite."""
    x = np.array(list(values), dtype=float)
    if not np.isfinite(x).all():
        raise BenchError("cannot summarise a value that is not finite; leave that run out")
    n = len(x)
    mean = float(x.mean()) if n else math.nan
    sd = float(x.std(ddof=1)) if n > 1 else math.nan
    half = _half_width(n, sd) if n > 1 else math.nan
    return Summary(n, mean, sd, mean - half, mean + half)


def outlying(values: Mapping[int, float]) -> dict[int, float]:
    """The values that are more than five robust SDs (of the median deviation) from the median.

    Of five values or more; nothing where more than half are one value.
    """
    x = np.array(list(values.values()), dtype=float)
    if len(x) < 5:
        return {}
    middle = float(np.median(x))
    spread = 1.4826 * float(np.median(np.abs(x - middle)))
    return {seed: v for seed, v in values.items() if spread and abs(v - middle) > OUTLYING * spread}


def compare(values: Mapping[int, float], reference: Mapping[int, float]) -> Comparison | None:
    """Compare by seed, over the seeds that both have; None if these are fewer than two.

    BenchError if a value is not finite.
    """
    d = _differences(values, reference)
    if len(d) < 2:
        return None
    if np.ptp(d) == 0:
        return _constant(len(d), float(d[0]))
    n, mean, sd = len(d), float(d.mean()), float(d.std(ddof=1))
    t = mean * math.sqrt(n) / sd
    p = 2 * float(special.stdtr(n - 1, -abs(t)))
    half = _half_width(n, sd)
    return Comparison(
        n=n,
        difference=mean,
        sd=sd,
        low=mean - half,
        high=mean + half,
        t=t,
        p=p,
        d_z=mean / sd,
        wilcoxon_p=signed_rank_p(d),
        detectable=detectable_d_z(n) * sd,
        p_holm=p,
    )


def compare_all(
    methods: Mapping[str, Mapping[int, float]], reference: str
) -> dict[str, Comparison]:
    """Compare every method of one dataset with the reference: one family, Holm over its p values.

    `methods` maps names, the reference among them, to values by seed. A method that shares fewer
    than two seeds with the reference is left out, of the family too.
    """
    if reference not in methods:
        raise unknown("reference method", reference, methods)
    return holm(
        {
            name: comparison
            for name, values in methods.items()
            if name != reference and (comparison := compare(values, methods[reference]))
        }
    )


def pooled_sd(family: Iterable[Comparison]) -> float:
    """The SD of differences over a family, by degrees of freedom; those without spread left out."""
    spread = [comparison for comparison in family if comparison.sd > 0]
    free = sum(comparison.n - 1 for comparison in spread)
    squares = math.fsum((comparison.n - 1) * comparison.sd**2 for comparison in spread)
    return math.sqrt(squares / free) if free else math.nan


def holm(family: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """The comparisons of a family with `p_holm` over all of them."""
    corrected = holm_p([comparison.p for comparison in family.values()])
    return {
        name: replace(comparison, p_holm=p)
        for (name, comparison), p in zip(family.items(), corrected, strict=True)
    }


def interval(one: Comparison, alpha: float) -> tuple[float, float]:
    """The t interval of the mean difference at 1 - alpha; that of no spread is as it stands."""
    if one.sd == 0:
        return one.low, one.high
    half = float(special.stdtrit(one.n - 1, 1 - alpha / 2)) * one.sd / math.sqrt(one.n)
    return one.difference - half, one.difference + half


def holm_p(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): of m, the i-th smallest counts m - i + 1 times."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def signed_rank_p(differences: npt.ArrayLike) -> float:
    """Exact two-sided p of Wilcoxon's signed-rank test, for any number of ties and zeros.

    Zeros are ranked and then dropped (Pratt, 1959), ties share their middle rank, and the null
    distribution is that of the ranks found, each with a sign of its own. 1 if all are zero.
    """
    d = np.asarray(differences, dtype=float)
    ranks = _doubled_ranks(np.abs(d))
    null = _rank_sums(tuple(sorted(ranks[d != 0].tolist())))
    w = ranks[d > 0].sum()
    return min(1.0, 2 * float(min(null[: w + 1].sum(), null[w:].sum())))


def _doubled_ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Twice the rank of each value, those of ties shared: whole numbers."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray(2 * last - counts + 1, dtype=np.int64)[place]


@lru_cache
def _rank_sums(ranks: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """At place w, the probability that ranks with random signs have positive ones that sum to w."""
    null = np.zeros(sum(ranks) + 1)
    null[0] = 1
    for rank in ranks:
        null[rank:] += null[:-rank]
        null /= 2
    return null


@lru_cache
def detectable_d_z(n: int) -> float:
    """The |d_z| that a two-sided paired t-test of n pairs detects with 80 % power at 5 %."""
    highest = 1.0
    while power(highest, n) < POWER:
        highest *= 2
    from scipy.optimize import brentq  # takes a quarter of a second to import

    return float(brentq(lambda d_z: power(d_z, n) - POWER, 0, highest))


def power(d_z: float, n: int, level: float = ALPHA) -> float:
    """That of a two-sided paired t-test of n pairs: t² is a noncentral F with n d_z²."""
    critical = special.stdtrit(n - 1, 1 - level / 2)
    return float(1 - special.ncfdtr(1, n - 1, n * d_z**2, critical**2))


def _half_width(n: int, sd: float) -> float:
    """Half of the 95 % t interval of a mean."""
    return float(special.stdtrit(n - 1, 1 - ALPHA / 2)) * sd / math.sqrt(n)


def _differences(
    values: Mapping[int, float], reference: Mapping[int, float]
) -> npt.NDArray[np.float64]:
    """values - reference over shared seeds, in the order of the seeds."""
    for seed, value in (*values.items(), *reference.items()):
        if not math.isfinite(value):
            raise BenchError(f"cannot compare the value {value} of seed {seed}; leave that run out")
    seeds = sorted(values.keys() & reference.keys())
    d = np.array([values[seed] - reference[seed] for seed in seeds], dtype=float)
    return d.round(DECIMALS) + 0.0  # a rounded -1e-17 is -0.0; the sum makes it 0.0


def _constant(n: int, difference: float) -> Comparison:
    """The comparison of n pairs that all differ by the same amount."""
    t = math.copysign(math.inf, difference) if difference else 0.0
    p = signed_rank_p(np.full(n, difference))
    width = math.nan if difference else 0.0
    return Comparison(
        n=n,
        difference=difference,
        sd=0.0,
        low=difference - width,
        high=difference + width,
        t=t,
        p=p,
        d_z=t,
        wilcoxon_p=p,
        detectable=math.nan,
        p_holm=p,
    )
