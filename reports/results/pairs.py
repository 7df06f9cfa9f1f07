"""Methods paired by seed: families of comparisons with a reference."""

from collections.abc import Mapping, Sequence

from bench.base.errors import unknown
from bench.grid.notation import method_name
from bench.stats.paired import Comparison, compare, compare_all, holm
from reports.results.results import Results, complete

Values = Mapping[int, float]
"""By seed."""
Family = dict[str, Comparison]
"""The comparisons of one family, by method label."""
OVERALL = "mean"
"""What stands for a dataset where the mean over all is meant."""


def differences(values: Values, others: Values) -> Values:
    """values - others at each seed that both have."""
    return {seed: values[seed] - others[seed] for seed in sorted(values.keys() & others.keys())}


def against_zero(pairs: Mapping[str, tuple[Values, Values]], seeds: Sequence[int]) -> Family:
    """Each complete pair of columns compared by seed; all of them one family."""
    return holm(
        {
            name: test
            for name, pair in pairs.items()
            if all(complete(values, seeds) for values in pair) and (test := compare(*pair))
        }
    )


def against(columns: Mapping[str, Values], reference: str, seeds: Sequence[int]) -> Family:
    """Each complete column compared by seed with that of the reference; all of them one family."""
    whole = {name: values for name, values in columns.items() if complete(values, seeds)}
    return compare_all(whole, reference) if reference in whole else {}


def chosen_reference(methods: Sequence[str], reference: str | None) -> str:
    """The reference asked for, else AILS, else the first. Raises BenchError where it is absent."""
    if reference is None:
        return next((m for m in methods if method_name(m) == "ails"), methods[0])
    if reference not in methods:
        raise unknown("reference method", reference, methods)
    return reference


def families(results: Results, reference: str) -> dict[str, Family]:
    """The tests against the reference: one family a dataset, and one of the means where several."""
    found = {
        dataset: against(
            {m: results.values[m, dataset] for m in results.methods}, reference, results.seeds
        )
        for dataset in results.datasets
    }
    if len(results.datasets) > 1:
        means = {m: results.means(m) for m in results.methods}
        found[OVERALL] = against(means, reference, results.seeds)
    return found


def overall(tests: Mapping[str, Family]) -> Family:
    """The tests of the means; of a single dataset, its own."""
    return tests[OVERALL] if OVERALL in tests else next(iter(tests.values()))
