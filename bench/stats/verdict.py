"""Verdicts: the rules by which a comparison decides, in one place.

| verdict | rule |
|---|---|
| better, worse | p over all looks (`sequential`), Holm over the family, at most 5 %: by sign |
| equivalent | both one-sided tests against the margin, 5 % a side, each comparison by itself |
| better, by less than the margin (or worse) | both |
| undecided | else, and wherever there are fewer than five seeds |

Two questions are asked. *These images*: would other seeds say the same on this test set? Seeds
vary; looks decide. *New images*: would other seeds and other images of this kind (`crossed`)? It is
judged once, when the last comparison of the family has its last seeds, as looks at it would take
its variance to shrink with seeds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from scipy import special

from bench.metrics import Metric
from bench.stats.crossed import Crossed
from bench.stats.equivalence import MARGIN, equivalence_p, pairs_for_equivalence
from bench.stats.paired import (
    ALPHA,
    DECIMALS,
    Comparison,
    compare,
    detectable_d_z,
    holm_p,
    interval,
    pooled_sd,
)
from bench.stats.power import pairs_needed
from bench.stats.sequential import (
    level_at,
    obrien_fleming,
    reached,
    sequential_errors,
    sequential_p,
)

FEWEST = 5
"""Seeds below which nothing is decided."""
FORETELLS = 10
"""Seeds from which on it is said how many would decide."""
MANY = 1000
"""Seeds beyond which nobody will go."""
STEPS = 20
"""Halvings of an interval in the search for the true difference that takes the most seeds."""
UNDECIDED, EQUIVALENT = "undecided", "equivalent"
BETTER, LOWER_IS_BETTER, NO_METRIC = ("better", "worse"), ("worse", "better"), ("higher", "lower")
"""The words for a difference above and below zero."""
Values = Mapping[int, float]
Images = Callable[[str, Sequence[int]], Crossed | None]
"""From a comparison's name and seeds to its interval over new images, where there is one."""


@dataclass(frozen=True)
class Rule:
    """What is decided beforehand: the margin (None: no equivalence), the looks (empty: one), and
    the words for a difference above and below zero.
    """

    margin: float | None = MARGIN
    looks: tuple[int, ...] = ()
    words: tuple[str, str] = BETTER

    @classmethod
    def of(cls, metric: Metric, margin: float, looks: tuple[int, ...]) -> "Rule":
        """That of a metric; the margin is of metrics in percent alone."""
        words = BETTER if metric.higher_is_better else LOWER_IS_BETTER
        return cls(margin if metric.scale == 100 else None, looks, words)

    def word(self, difference: float) -> str:
        """`better`, `worse`, or nothing where there is no difference."""
        return self.words[difference < 0] if difference else ""

    def looks_of(self, n: int) -> tuple[int, ...]:
        return self.looks or (n,)


@dataclass(frozen=True)
class Judged(Comparison):
    """A comparison of a family with its verdicts; `p_holm` is over the p of all looks.

    `low_family` to `high_family` is the interval at `level` (0.9917 for one of six): that of the
    last step of Holm's correction, so that it excludes zero exactly where a difference is shown.
    `p_equivalent`: `equivalence_p` over all looks. `low_new` to `high_new`, at `level_new`, found
    likewise, `p_new`, `p_new_holm` and `image_sd` are of `crossed`. `low_sets`, `high_sets` (95 %)
    and `p_sets`: of a mean over sets, `other_sets`. `seeds_low` to `seeds_high` seeds would decide
    these images, were the true difference in its interval; `images_limit`: no number of seeds would
    decide new images at the difference found. What does not exist is nan.
    """

    family: int
    level: float
    low_family: float
    high_family: float
    p_equivalent: float
    verdict: str
    seeds_low: float
    seeds_high: float
    level_new: float = math.nan
    low_new: float = math.nan
    high_new: float = math.nan
    p_new: float = math.nan
    p_new_holm: float = math.nan
    image_sd: float = math.nan
    verdict_new: str = UNDECIDED
    images_limit: bool = False
    low_sets: float = math.nan
    high_sets: float = math.nan
    p_sets: float = math.nan

    @property
    def differs(self) -> bool:
        """Whether a difference is shown on these images."""
        return self.verdict not in (UNDECIDED, EQUIVALENT)


def decide(word: str, p: float, p_equivalent: float, n: int) -> str:
    """The table above; `word` says on which side of zero the difference is, empty where on none."""
    if n < FEWEST:
        return UNDECIDED
    differs, equivalent = bool(word) and p <= ALPHA, p_equivalent <= ALPHA
    if differs and equivalent:
        return f"{word}, by less than the margin"
    return word if differs else EQUIVALENT if equivalent else UNDECIDED


def judge(
    pairs: Mapping[str, tuple[Values, Values]], rule: Rule, images: Images = lambda *_: None
) -> dict[str, Judged]:
    """Judge a family: each pair of columns by seed, the first minus the second.

    A comparison is of the last look that its shared seeds have reached. A pair that has not reached
    the first, or shares fewer than two seeds, is left out, of the family too.
    """
    by_seed = {name: _differences(pair, rule) for name, pair in pairs.items()}
    found = {name: c for name, d in by_seed.items() if (c := compare(d, dict.fromkeys(d, 0.0)))}
    shared = {name: list(by_seed[name].values()) for name in found}
    clear = {name: clearest(d, rule.looks_of(len(d))) for name, d in shared.items()}
    p_holm = holm_p([p for p, _ in clear.values()])
    sd = pooled_sd(found.values())
    judged = {
        name: _these_images(
            replace(one, p_holm=p), shared[name], rule.word(clear[name][1]), rule, len(found), sd
        )
        for (name, one), p in zip(found.items(), p_holm, strict=True)
    }
    left = len(judged) - sum(one.differs for one in judged.values())
    judged = {n: _with_interval(one, ALPHA / max(1, left), rule) for n, one in judged.items()}
    if any(
        one.verdict == UNDECIDED and one.n < rule.looks_of(one.n)[-1] for one in judged.values()
    ):
        return judged
    return _new_images(judged, rule, {name: images(name, tuple(by_seed[name])) for name in judged})


def _differences(pair: tuple[Values, Values], rule: Rule) -> dict[int, float]:
    """By seed, up to the last look that they reach."""
    values, others = pair
    seeds = sorted(values.keys() & others.keys())
    looks = reached(len(seeds), rule.looks_of(len(seeds)))
    kept = seeds[: looks[-1]] if looks else []
    return {seed: round(values[seed] - others[seed], DECIMALS) + 0.0 for seed in kept}


def clearest(d: Sequence[float], looks: tuple[int, ...]) -> tuple[float, float]:
    """The p of differences over all looks so far, and their mean at the look that it comes from:
    what is decided stays so.
    """
    ns = reached(len(d), looks)
    steps = [compare(dict(enumerate(d[:n])), dict.fromkeys(range(n), 0.0)) for n in ns]
    errors = sequential_errors([one.p for one in steps if one], looks)
    p, n = min(zip(errors, ns, strict=True), default=(1.0, len(d)))
    return p, fmean(d[:n])


def _these_images(
    one: Comparison, d: Sequence[float], word: str, rule: Rule, family: int, sd: float
) -> Judged:
    looks = rule.looks_of(one.n)
    p_equivalent = math.nan
    if rule.margin is not None:
        steps = [equivalence_p(d[:n], rule.margin) for n in reached(one.n, looks)]
        p_equivalent = sequential_p(steps, looks, obrien_fleming, sides=1)
    verdict = decide(word, one.p_holm, p_equivalent, one.n)
    seeds = _seeds_that_decide(one, sd, rule, family) if verdict == UNDECIDED else None
    low, high = seeds or (math.nan, math.nan)
    pooled = math.nan if one.sd == 0 else detectable_d_z(one.n) * sd
    of_comparison = vars(one) | {"detectable": pooled}
    return Judged(
        **of_comparison,
        family=family,
        level=math.nan,
        low_family=math.nan,
        high_family=math.nan,
        p_equivalent=p_equivalent,
        verdict=verdict,
        seeds_low=low,
        seeds_high=high,
    )


def _with_interval(one: Judged, alpha: float, rule: Rule) -> Judged:
    looks = rule.looks_of(one.n)
    level = level_at(one.n, looks, alpha)
    low, high = interval(one, level)
    return replace(one, level=1 - level, low_family=low, high_family=high)


def _new_images(
    judged: Mapping[str, Judged], rule: Rule, found: Mapping[str, Crossed | None]
) -> dict[str, Judged]:
    known = {name: one for name, one in found.items() if one and not math.isnan(one.p)}
    p_holm = dict(zip(known, holm_p([one.p for one in known.values()]), strict=True))
    enough = [name for name in known if judged[name].n >= FEWEST and p_holm[name] <= ALPHA]
    alpha = ALPHA / max(1, len(known) - len(enough))
    return {
        name: _of_new_images(one, known[name], p_holm[name], rule, alpha) if name in known else one
        for name, one in judged.items()
    }


def _of_new_images(one: Judged, over: Crossed, p_holm: float, rule: Rule, alpha: float) -> Judged:
    room = math.nan if rule.margin is None else rule.margin - abs(over.difference)
    p_equivalent = float(special.stdtr(over.df, -room / over.se)) if over.se else math.nan
    verdict = decide(rule.word(over.difference), p_holm, p_equivalent, one.n)
    far = float(-special.ndtri(alpha / 2)) * over.image_sd
    near = float(-special.ndtri(ALPHA)) * over.image_sd
    half = float(special.stdtrit(over.df, 1 - alpha / 2)) * over.se
    return replace(
        one,
        level_new=1 - alpha,
        low_new=over.difference - half,
        high_new=over.difference + half,
        p_new=over.p,
        p_new_holm=p_holm,
        image_sd=over.image_sd,
        verdict_new=verdict,
        images_limit=verdict == UNDECIDED and abs(over.difference) < far and not room > near,
    )


def _seeds_that_decide(
    one: Comparison, sd: float, rule: Rule, family: int
) -> tuple[float, float] | None:
    """The least and the most seeds that a true difference within the 95 % interval takes.

    Either it is shown, at 80 % power and Holm's first step, or it is shown to be below the margin.
    None below ten seeds, where the spread is hardly known; infinity is more than `MANY`.
    """
    if one.n < FORETELLS or not one.sd > 0:
        return None
    level, (near, far) = ALPHA / family, sorted((abs(one.low), abs(one.high)))
    near = 0.0 if one.low < 0 < one.high else near
    hardest = [true for true in _hardest(sd, level, rule.margin) if near < true < far]
    counts = [min(_seeds(true, sd, level, rule.margin)) for true in (near, *hardest, far)]
    return max(min(counts), one.n + 1), max(*counts, one.n + 1)


def _seeds(true: float, sd: float, level: float, margin: float | None) -> tuple[float, float]:
    """How many show a true difference, and how many that it is below the margin."""
    small = pairs_for_equivalence(sd, margin, true, MANY) if margin else None
    return pairs_needed(true, sd, level, MANY) or math.inf, small or math.inf


@lru_cache(maxsize=256)
def _hardest(sd: float, level: float, margin: float | None) -> tuple[float, float]:
    """The true difference that takes the most seeds, between two points: below it fewer show that
    it is small, above it fewer that it is there.
    """
    low, high = 0.0, margin or 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        shown, small = _seeds(middle, sd, level, margin)
        low, high = (low, middle) if shown < small else (middle, high)
    return low, high
