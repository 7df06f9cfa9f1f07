"""From values by seed to what tables hold: cells, gaps and what the star means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.grid import beforehand
from bench.stats.paired import ALPHA, Comparison, summarise
from reports.results.pairs import OVERALL, Family, Values
from reports.results.results import Results, complete
from reports.results.wording import ranges
from reports.tables.table import MISSING, Cell


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


def row(results: Results, method: str, tests: Mapping[str, Family] = {}) -> list[Cell]:
    """A method's cells of a metric: one a dataset, then the mean where there are several."""
    form = results.metric.form
    cells = [
        cell(
            results.values[method, dataset],
            results.seeds,
            tests.get(dataset, {}).get(method),
            **form,
        )
        for dataset in results.datasets
    ]
    if len(cells) == 1:
        return cells
    return [*cells, mean(results, method, tests.get(OVERALL, {}).get(method), **form)]


def mean(results: Results, method: str, test: Comparison | None = None, **form: Any) -> Cell:
    """The mean over datasets at each seed, over seeds; a dash where one of them has a gap."""
    return cell(results.means(method), results.seeds, test, **form)


def columns(results: Results) -> tuple[str, ...]:
    """The headers that go with `row`."""
    return (*results.datasets, *([OVERALL] if len(results.datasets) > 1 else []))


def embolden(rows: list[list[Cell]], higher_is_better: bool = True) -> list[list[Cell]]:
    """The best mean of each column is bold."""
    columns = [best_of(column, higher_is_better) for column in zip(*rows, strict=True)]
    return [list(line) for line in zip(*columns, strict=True)]


def best_of(column: Sequence[Cell], higher_is_better: bool = True) -> list[Cell]:
    """The column, its best mean bold."""
    best = max if higher_is_better else min
    top = best((c.mean for c in column if c.mean is not None), default=None)
    return [replace(c, best=c.mean is not None and c.mean == top) for c in column]


def undefined(results: Results) -> list[str]:
    """A footnote on each dataset whose task or labels cannot have the metric."""
    split = "val" if results.quantity.startswith("validation.") else "test"
    return [
        f"{info.name}: {results.metric.missing(info.task)}{beforehand.lacking(info, split)}."
        for info in results.infos
        if not beforehand.defined(results.metric, info, split)
    ]


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
    sizes = sorted({len(family) for family in families if family} or {0})
    compared = " to ".join(map(str, dict.fromkeys([sizes[0], sizes[-1]])))
    family = f"Holm over the {compared} comparisons of a column" if sizes[-1] > 1 else "two-sided"
    return f"* differs from {reference}: paired t-test over seeds, {family}, p < {ALPHA:g}."
