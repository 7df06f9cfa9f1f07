"""From values by seed to what tables hold: cells, tidy rows and paired tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from bench.base.errors import unknown
from bench.grid.notation import method_name
from bench.stats.paired import ALPHA, Comparison, compare, compare_all, holm, summarise
from reports.results.records import PHANTOM, Results, complete
from reports.results.study import ranges
from reports.tables.output import Rows
from reports.tables.table import MISSING, Cell

Values = Mapping[int, float]
"""By seed."""
Family = dict[str, Comparison]
"""The comparisons of one family, by method label."""
OVERALL = "mean"
"""What stands for a dataset where the mean over all is meant."""


def cell(values: Values, seeds: Sequence[int], test: Comparison | None = None, **form: Any) -> Cell:
    """Mean and SD; a dash where a seed that was asked for has no value.

    Marked where the test says p < 5 % after Holm. `form` is `scale` and `decimals` of the cell.
    """
    if not complete(values, seeds):
        return MISSING
    summary = summarise(values.values())
    printed = Cell(
        summary.mean, summary.sd, mark="*" if test and test.p_holm < ALPHA else "", **form
    )
    return replace(printed, detail=_detail(printed, summary.low, summary.high, seeds, test))


def _detail(
    printed: Cell, low: float, high: float, seeds: Sequence[int], test: Comparison | None
) -> str:
    def number(value: float) -> str:
        decimals = 2 if printed.decimals is None else printed.decimals + 1
        return f"{printed.scale * value:z.{decimals}f}"

    parts = [f"n = {len(seeds)} (seeds {ranges(seeds)})"]
    if len(seeds) > 1:
        parts.append(f"95 % interval of the mean {number(low)} to {number(high)}")
    if test:
        interval = f" ({number(test.low)} to {number(test.high)})" if test.has_interval else ""
        parts.append(
            f"difference {number(test.difference)}{interval}, "
            f"p = {test.p:.3g}, Holm {test.p_holm:.3g}"
        )
    return "; ".join(parts)


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


def row(results: Results, method: str, tests: Mapping[str, Family] = {}) -> list[Cell]:
    """A method's cells: one a dataset, then the mean where there are several."""
    cells = [
        cell(results.values[method, dataset], results.seeds, tests.get(dataset, {}).get(method))
        for dataset in results.datasets
    ]
    if len(cells) == 1:
        return cells
    return [*cells, mean(results, method, tests.get(OVERALL, {}).get(method))]


def mean(results: Results, method: str, test: Comparison | None = None, **form: Any) -> Cell:
    """The mean over datasets at each seed, over seeds; a dash where one of them has a gap."""
    return cell(results.means(method), results.seeds, test, **form)


def columns(results: Results) -> tuple[str, ...]:
    """The headers that go with `row`."""
    return (*results.datasets, *([OVERALL] if len(results.datasets) > 1 else []))


def embolden(rows: list[list[Cell]]) -> list[list[Cell]]:
    """The highest mean of each column is best."""
    columns = [best_of(column) for column in zip(*rows, strict=True)]
    return [list(line) for line in zip(*columns, strict=True)]


def best_of(column: Sequence[Cell]) -> list[Cell]:
    """The column, its highest mean best."""
    top = max((c.mean for c in column if c.mean is not None), default=None)
    return [replace(c, best=c.mean is not None and c.mean == top) for c in column]


def gaps(results: Results, where: str = "") -> list[str]:
    """A footnote on the dashes, where there are some; `where` begins it."""
    found = [
        f"{method} on {dataset} {len(results.values[method, dataset])} of {len(results.seeds)}"
        for method in results.methods
        for dataset in results.datasets
        if not results.complete(method, dataset)
    ]
    said = f"{where}runs with a value where a dash stands: {', '.join(found)}."
    return [said[0].upper() + said[1:]] if found else []


def star_note(reference: str, families: Iterable[Family]) -> str:
    """What the star means, in columns of these families."""
    sizes = sorted({len(family) for family in families})
    compared = " to ".join(map(str, dict.fromkeys([sizes[0], sizes[-1]])))
    family = f"Holm over the {compared} comparisons of a column" if sizes[-1] > 1 else "two-sided"
    return f"* differs from {reference}: paired t-test over seeds, {family}, p < {ALPHA:g}."


def origin(results: Results, method: str, dataset: str) -> dict[str, Any]:
    """What a tidy row is about."""
    about = {
        "dataset": dataset,
        "method": method,
        "backbone": results.backbone,
        "ratio": results.ratio,
        "metric": results.name,
    }
    return about | ({"data": PHANTOM} if results.phantom else {})


def tidy(results: Results) -> Rows:
    """A row a method and dataset, and one a method for the mean over datasets."""
    several = len(results.datasets) > 1
    return [
        origin(results, method, dataset) | numbers(values, results.seeds)
        for method in results.methods
        for dataset, values in [
            *((dataset, results.values[method, dataset]) for dataset in results.datasets),
            *([(OVERALL, results.means(method))] if several else []),
        ]
    ]


def numbers(values: Values, seeds: Sequence[int]) -> dict[str, Any]:
    """Values by seed and their summary; None is what does not exist."""
    summary = summarise(values.values())
    several = summary.n > 1
    return {
        "n": summary.n,
        "seeds_asked": len(seeds),
        "mean": summary.mean if summary.n else None,
        "sd": summary.sd if several else None,
        "low": summary.low if several else None,
        "high": summary.high if several else None,
        "seeds": " ".join(map(str, sorted(values))),
        "values": " ".join(repr(values[seed]) for seed in sorted(values)),
    }


def comparisons(results: Results, reference: str, tests: Mapping[str, Family]) -> Rows:
    return [
        origin(results, method, dataset) | {"reference": reference} | asdict(comparison)
        for dataset, family in tests.items()
        for method, comparison in family.items()
    ]
