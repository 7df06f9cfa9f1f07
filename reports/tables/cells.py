"""From values by seed to what tables hold: cells, gaps and what the star means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from bench.data.catalogue import Info
from bench.grid import beforehand
from bench.stats.paired import ALPHA, summarise
from bench.stats.verdict import FEWEST, Judged
from reports.results.oddities import Oddities
from reports.results.pairs import OVERALL, Family, Values, leaders
from reports.results.results import Results, complete
from reports.results.wording import ranges
from reports.tables.table import MISSING, Cell


def cell(values: Values, seeds: Sequence[int], test: Judged | None = None, **form: Any) -> Cell:
    """Mean and SD; a dash where a seed that was asked for has no value.

    Marked where the test shows a difference. `form` is `scale`, `decimals` and `n` of the cell.
    """
    if not complete(values, seeds):
        return MISSING
    summary = summarise(values.values())
    mark = "*" if test and test.differs else ""
    printed = Cell(summary.mean, summary.sd, mark=mark, **form)
    return replace(printed, detail=_detail(printed, values, test))


def _detail(printed: Cell, values: Values, test: Judged | None) -> str:
    def number(value: float) -> str:
        decimals = 2 if printed.decimals is None else printed.decimals + 1
        return f"{printed.scale * value:z.{decimals}f}"

    def interval(low: float, high: float, level: float) -> str:
        return f"{number(low)} to {number(high)} at {level:.4g}" if isfinite(low) else "none"

    summary = summarise(values.values())
    parts = [f"n = {len(values)} (seeds {ranges(list(values))})"]
    if len(values) > 1:
        bounds = f"{number(summary.low)} to {number(summary.high)}"
        parts.append(f"95 % interval of the mean {bounds}")
    if test:
        parts.append(
            f"difference {number(test.difference)}, interval "
            f"{interval(test.low_family, test.high_family, test.level)}, p = {test.p:.3g}, "
            f"Holm over {test.family} {test.p_holm:.3g}: {test.verdict} on these images"
        )
    if test and isfinite(test.p_new):
        parts.append(
            f"new images: interval {interval(test.low_new, test.high_new, test.level_new)}, "
            f"Holm {test.p_new_holm:.3g}: {test.verdict_new}"
        )
    return "; ".join(parts)


def column(
    results: Results,
    dataset: str,
    family: Family,
    odd: Oddities,
    labels: Sequence[str] = (),
    **form: Any,
) -> list[Cell]:
    """The cells of all methods on a dataset, or of their means over all.

    Bold are those not shown to be below the best; where seeds differ, each tells its number; those
    that hold an odd run are marked.
    """
    labels = labels or results.methods
    found = {m: _values(results, m, dataset) for m in labels}
    bold = leaders(found, results.seeds, results.rule)
    uneven = len({len(v) for v in found.values() if complete(v, results.seeds)}) > 1
    cells = {
        m: cell(v, results.seeds, family.get(m), n=len(v) if uneven else None, **form)
        for m, v in found.items()
    }
    places = results.datasets if dataset == OVERALL else (dataset,)
    return [
        replace(marked(one, odd.mark(m, places, found[m])), best=m in bold)
        for m, one in cells.items()
    ]


def _values(results: Results, method: str, dataset: str) -> Values:
    """Of a method on a dataset, or its means over all."""
    return results.means(method) if dataset == OVERALL else results.values[method, dataset]


def marked(cell: Cell, mark: str) -> Cell:
    """The cell with one more mark; a dash has none."""
    return cell if cell == MISSING else replace(cell, mark=cell.mark + mark)


def over_all(results: Results) -> str:
    """What `column` calls the mean over all datasets: of a single one, its name."""
    return OVERALL if len(results.datasets) > 1 else results.datasets[0]


def mean(results: Results, method: str, test: Judged | None = None, **form: Any) -> Cell:
    """The mean over datasets at each seed, over seeds; a dash where one of them has a gap."""
    return cell(results.means(method), results.seeds, test, **form)


def columns(results: Results) -> tuple[str, ...]:
    """The headers of the datasets, and of the mean where there are several."""
    return (*results.datasets, *([OVERALL] if len(results.datasets) > 1 else []))


def undefined(results: Results) -> list[str]:
    """A footnote on each dataset whose task or labels cannot have the metric."""
    split = "val" if results.of_validation else "test"
    return [
        f"{info.name}: {results.metric.missing(info.task)}{beforehand.lacking(info, split)}."
        for info in _undefined(results)
    ]


def _undefined(results: Results) -> list[Info]:
    split = "val" if results.of_validation else "test"
    return [i for i in results.infos if not beforehand.defined(results.metric, i, split)]


def gaps(results: Results, where: str = "") -> list[str]:
    """A footnote on the dashes, where there are some; `where` begins it."""
    cannot = {info.name for info in _undefined(results)}
    there = [dataset for dataset in results.datasets if dataset not in cannot]
    found = [said for dataset in there if (said := _lacking(results, dataset))]
    return [f"{where}A dash: runs are missing ({'; '.join(found)})."] if found else []


def _lacking(results: Results, dataset: str) -> str:
    """`pneumonia: mixup 8 of 10 done`, or `retina: no run done`; empty where all is there."""
    asked = len(results.seeds)
    values = {m: results.values[m, dataset].keys() for m in results.methods}
    done = {m: len(found & set(results.seeds)) for m, found in values.items()}
    short = {m: n for m, n in done.items() if not results.complete(m, dataset)}
    if not short:
        return ""
    if not any(done.values()):
        return f"{dataset}: no run done"
    return f"{dataset}: " + ", ".join(f"{m} {n} of {asked}" for m, n in short.items()) + " done"


def seeds_of_columns(results: Results) -> list[str]:
    """A footnote on the seeds of each column, where columns have different numbers of them."""
    of = {name: [_values(results, m, name) for m in results.methods] for name in columns(results)}
    return numbers_of_seeds(of, results.seeds)


def numbers_of_seeds(columns: Mapping[str, Iterable[Values]], seeds: Sequence[int]) -> list[str]:
    """The same of any columns."""
    found: dict[str, list[str]] = {}
    for name, each in columns.items():
        counts = sorted({len(values) for values in each if complete(values, seeds)})
        if counts:
            found.setdefault(" to ".join(map(str, counts)), []).append(name)
    said = "; ".join(f"{n} for {', '.join(names)}" for n, names in found.items())
    return [f"Seeds: {said}."] if len(found) > 1 else []


def star_note(
    reference: str,
    families: Mapping[str, Family],
    results: Results,
    bold: bool = True,
) -> str:
    """What the star and, where there is some, bold mean in these columns."""
    sizes = {name: len(family) for name, family in families.items() if family}
    if not sizes:
        return "No paired test: fewer than two methods with two seeds in common."
    most = max(one.n for family in families.values() for one in family.values())
    if most < FEWEST:
        best = " Bold: the best mean of a column." * bold
        return f"No star: {most} seeds, and nothing is decided below {FEWEST}.{best}"
    counts = sorted(set(sizes.values()))
    counted = (
        f"{counts[0]} comparisons"
        if len(counts) == 1
        else "comparisons (" + ", ".join(f"{name} {size}" for name, size in sizes.items()) + ")"
    )
    family = "" if counts == [1] else f", Holm over the {counted} of each column"
    looks = f", looks at {', '.join(map(str, results.looks))} seeds" if results.looks else ""
    images = "validation" if results.of_validation else "test"
    best = " Bold: the best of a column, and all that are not shown to be below it." * bold
    return (
        f"* shown to differ from {reference} on these {images} images: paired t-test over seeds"
        f"{family}{looks}, p ≤ {ALPHA:g}.{best}"
    )
