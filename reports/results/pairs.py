"""Methods paired by seed: families of comparisons with a reference, judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from bench.stats.crossed import Crossed, Parts, crossed, other_sets, parts
from bench.stats.paired import ALPHA
from bench.stats.verdict import FEWEST, Images, Judged, Rule, judge
from reports.results.results import Results, complete

Values = Mapping[int, float]
"""By seed."""
Family = dict[str, Judged]
"""The comparisons of one family, by method label."""
OVERALL = "mean"
"""What stands for a dataset where the mean over all is meant."""


def differences(values: Values, others: Values) -> Values:
    """values - others at each seed that both have."""
    return {seed: values[seed] - others[seed] for seed in sorted(values.keys() & others.keys())}


def against_zero(
    pairs: Mapping[str, tuple[Values, Values]],
    seeds: Sequence[int],
    rule: Rule = Rule(),  # noqa: B008
    images: Images = lambda *_: None,
) -> Family:
    """Each complete pair of columns compared by seed; all of them one family."""
    whole = {n: pair for n, pair in pairs.items() if all(complete(v, seeds) for v in pair)}
    return judge(whole, rule, images)


def against(
    columns: Mapping[str, Values],
    reference: str,
    seeds: Sequence[int],
    rule: Rule = Rule(),  # noqa: B008
    images: Images = lambda *_: None,
) -> Family:
    """Each complete column compared by seed with that of the reference; all of them one family."""
    others = {n: v for n, v in columns.items() if n != reference}
    pairs = {n: (v, columns[reference]) for n, v in others.items()} if reference in columns else {}
    return against_zero(pairs, seeds, rule, images)


def families(results: Results, reference: str) -> dict[str, Family]:
    """The tests against the reference: one family a dataset, and one of the means where several."""
    found = {
        dataset: against(
            {m: results.values[m, dataset] for m in results.methods},
            reference,
            results.seeds,
            results.rule,
            over_images(results, reference, (dataset,)),
        )
        for dataset in results.datasets
    }
    if len(results.datasets) > 1:
        found[OVERALL] = of_means(results, reference)
    return found


def of_means(results: Results, reference: str) -> Family:
    """The family of the means over datasets, with what other sets of this kind would say."""
    means = {m: results.means(m) for m in results.methods}
    images = over_images(results, reference, results.datasets)
    family = against(means, reference, results.seeds, results.rule, images)
    return {m: _over_sets(one, results, m, reference) for m, one in family.items()}


def _over_sets(one: Judged, results: Results, method: str, reference: str) -> Judged:
    columns = [(results.values[method, d], results.values[reference, d]) for d in results.datasets]
    sets = other_sets([fmean(differences(*pair).values()) for pair in columns])
    return replace(one, low_sets=sets.low, high_sets=sets.high, p_sets=sets.p)


def over_images(results: Results, reference: str, datasets: Sequence[str]) -> Images:
    """What new images would say of a method minus the reference, on some datasets together."""

    def find(method: str, seeds: Sequence[int]) -> Crossed | None:
        each = [_parts(results, method, reference, dataset, seeds) for dataset in datasets]
        whole = [one for one in each if one]
        return crossed(whole) if len(whole) == len(each) else None

    return find


def _parts(
    results: Results, method: str, reference: str, dataset: str, seeds: Sequence[int]
) -> Parts | None:
    if results.images is None:
        return None
    one, other = ([results.images(m, dataset, s) for s in seeds] for m in (method, reference))
    pairs = [(x, y) for x, y in zip(one, other, strict=True) if x is not None and y is not None]
    if len(pairs) < len(seeds) or len({len(x) for pair in pairs for x in pair}) != 1:
        return None
    by_seed = differences(results.values[method, dataset], results.values[reference, dataset])
    return parts([by_seed[seed] for seed in seeds], np.array([x - y for x, y in pairs]))


def overall(tests: Mapping[str, Family]) -> Family:
    """The tests of the means; of a single dataset, its own."""
    return tests[OVERALL] if OVERALL in tests else next(iter(tests.values()))


def leaders(columns: Mapping[str, Values], seeds: Sequence[int], rule: Rule) -> set[str]:
    """The columns that are not shown to be below the best mean, nor below its equals: in bold.

    Below five seeds the best mean alone.
    """
    means = {name: fmean(v.values()) for name, v in columns.items() if complete(v, seeds) and v}
    if not means:
        return set()
    top = (max if rule.words[0] == "better" else min)(means.values())
    best = {name for name, mean in means.items() if mean == top}
    if len(seeds) < FEWEST:
        return best
    families = [against(columns, name, seeds, rule) for name in best]
    below = {
        m
        for family in families
        for m, one in family.items()
        if one.p_holm <= ALPHA and rule.word(one.difference) == "worse"
    }
    return means.keys() - below
